"""Panels: what one run made of one test image, step by step (AE-XAD, figure 1)."""

from __future__ import annotations

import glob
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from aexad.data.split import read_split
from aexad.reporting.folder import replaced_folder
from aexad.reporting.gallery import COLOUR_MAP, NORMALISE, bare
from aexad.reporting.pictures import (
    Photograph,
    Picture,
    choose_images,
    image_label,
    read_photographs,
    read_pictures,
)
from aexad.reporting.style import literal, save_png, styled

CELL = 1.4  # inches
DOTS = 160  # an inch: a cell has the 224 pixels of the usual working size


def draw_panels(
    run_folder: Path, split: Path, root: Path, size: int, count: int, out_folder: Path
) -> list[Path]:
    """Draw a panel for each of ``count`` test images of a run.

    Input, reconstruction, error (squared difference summed over the channels), heat map, binary map
    and truth. The images are chosen by :data:`aexad.reporting.pictures.RULE`.

    Parameters
    ----------
    run_folder : Path
        Folder of the run: ``maps.npz`` and ``per_image.csv``.
    split : Path
        The run's ``split.csv``.
    root : Path
        Folder of the data set, to which the paths in ``split`` are relative.
    size : int
        Working size in pixels.
    count : int
        Test images to draw.
    out_folder : Path
        Where the panels go, ``<defect>_<number>.png`` each; it holds nothing else then.

    Returns
    -------
    list of Path
        The panels, in the order of the images.

    Raises
    ------
    DataError
        If a file is missing or damaged, or the maps are of other images than the split.
    ConfigError
        If ``out_folder`` holds anything but panels of this data set.
    """
    table = read_split(split)
    chosen = choose_images(table, count)
    images = list(chosen["image"])
    pictures = read_pictures(run_folder, images)
    photographs = read_photographs(chosen, root, size)
    errors = [
        _error(a.pixels, b.reconstruction) for a, b in zip(photographs, pictures, strict=True)
    ]
    # One scale for the run, so that a panel's error can be compared with its neighbour's.
    scale = Normalize(0, max((float(error.max()) for error in errors), default=1) or 1)
    names = panel_names(images)
    with replaced_folder(out_folder, *_panels_of(table)) as new, styled():
        for name, photo, picture, error in zip(names, photographs, pictures, errors, strict=True):
            heading = _heading(picture, photo, run_folder.name)
            figure = panel_figure(heading, photo, picture, error, scale)
            save_png(figure, new / name, DOTS)
    return [out_folder / name for name in names]


def panel_figure(
    heading: str, photograph: Photograph, picture: Picture, error: np.ndarray, scale: Normalize
) -> Figure:
    """Draw the six steps of one image in a row; ``error`` [S, S] has the colours of ``scale``.

    Where the truth is not known, its place says so.
    """
    gap, top, bottom = 0.06, 0.42, 0.4
    width, height = 6 * (CELL + gap) + gap, top + CELL + bottom
    figure = Figure(figsize=(width, height))
    figure.text(gap / width, 1 - 0.05 / height, heading, va="top", fontsize=8)
    whole = Normalize(0, 1)
    steps: list[tuple[str, np.ndarray, str | None, Normalize | None]] = [
        ("input", photograph.pixels, None, None),
        ("reconstruction", picture.reconstruction, None, None),
        ("error", error, COLOUR_MAP, scale),
        ("heat map", picture.heat_map, COLOUR_MAP, NORMALISE),
        ("binary: > mean + std", picture.binary, "gray", whole),
    ]
    if photograph.mask is not None:
        steps.append(("truth", photograph.mask, "gray", whole))
    units = {"error": "squared difference", "heat map": "std from its mean"}
    for i, (title, values, colours, norm) in enumerate(steps):
        x = gap + i * (CELL + gap)
        axes = figure.add_axes((x / width, bottom / height, CELL / width, CELL / height))
        bare(axes).imshow(values, cmap=colours, norm=norm)
        axes.set_title(title, fontsize=7.5, fontweight="normal", pad=3)
        if title in units:
            place = ((x + 0.1) / width, 0.29 / height, (CELL - 0.2) / width, 0.06 / height)
            _colour_bar(figure, place, norm, units[title])
    if photograph.mask is None:
        x = (gap + 5 * (CELL + gap) + CELL / 2) / width
        y = (bottom + CELL / 2) / height
        text = f"anomalous ({literal(photograph.defect)}),\nno mask"
        figure.text(x, y, text, ha="center", va="center", fontsize=7.5)
    return figure


def panel_names(images: Sequence[str]) -> list[str]:
    """File names of panels: ``bottle/test/crack/003.png`` is ``crack_003.png``.

    Two images whose names differ in the ending alone keep it (``crack_003.jpg.png``).
    """
    short = [image_label(image).replace("/", "_") for image in images]
    count = Counter(short)
    return [
        f"{name}.png" if count[name] == 1 else f"{name}{PurePosixPath(image).suffix}.png"
        for name, image in zip(short, images, strict=True)
    ]


def _panels_of(split: pd.DataFrame) -> list[str]:
    """Patterns of the names of all panels that these images can have."""
    kinds = sorted({PurePosixPath(image).parent.name for image in split["image"]})
    return [f"{glob.escape(kind)}_*.png" for kind in kinds]


def _heading(picture: Picture, photograph: Photograph, method: str) -> str:
    parts = [method, picture.image, f"k = {picture.k}", f"score {picture.score:.3g}"]
    if photograph.mask is None:
        parts.append(f"anomalous ({photograph.defect}), without a mask")
    elif math.isnan(picture.xauc) and math.isnan(picture.iou):
        parts.append("no defect pixels: X-AUC and IoU undefined")
    else:
        parts += [f"X-AUC {picture.xauc:.3f}", f"IoU {picture.iou:.3f}"]
    return literal("  ·  ".join(parts))


def _error(pixels: np.ndarray, reconstruction: np.ndarray) -> np.ndarray:
    """(x - x~)^2 summed over the channels, of values in [0, 1]; [S, S, 3] twice -> [S, S]."""
    difference = (pixels.astype(np.float64) - reconstruction) / 255
    return (difference**2).sum(axis=2)


def _colour_bar(
    figure: Figure,
    place: tuple[float, float, float, float],
    norm: Normalize | None,
    unit: str,
) -> None:
    colours = ScalarMappable(norm, COLOUR_MAP)
    bar = figure.colorbar(colours, cax=figure.add_axes(place), orientation="horizontal")
    bar.ax.locator_params(nbins=4)
    bar.ax.tick_params(labelsize=6, length=2, pad=1)
    bar.set_label(unit, fontsize=6, labelpad=1)
