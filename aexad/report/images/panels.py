"""Panels: what one run made of one test image, step by step (AE-XAD, figure 1)."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from aexad.data.split import read_split
from aexad.report.images.grid import COLOUR_MAP
from aexad.report.images.pictures import (
    Photograph,
    Picture,
    choose_images,
    image_label,
    read_photographs,
    read_pictures,
)
from aexad.report.images.steps import (
    Step,
    joined,
    map_step,
    mask_step,
    photo_step,
    picture_values,
    strip_figure,
    truth_step,
)
from aexad.report.style import save_png, styled
from aexad.runtime.atomic_folder import replaced_folder

CELL = 1.4  # inches
DOTS = 160  # an inch: a cell has the 224 pixels of the usual working size


def draw_panels(
    run_folder: Path, split: Path, root: Path, size: int, count: int, out_folder: Path
) -> list[Path]:
    """Draw a panel for each of ``count`` test images of a run.

    Input, reconstruction, error (squared difference summed over the channels), heat map, binary map
    and truth. The images are chosen by :data:`aexad.report.images.pictures.RULE`.

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
    steps = [
        photo_step("input", photograph.pixels),
        photo_step("reconstruction", picture.reconstruction),
        Step("error", error, COLOUR_MAP, scale, "squared difference"),
        map_step("heat map", picture.heat_map),
        mask_step("binary: > mean + std", picture.binary),
        truth_step(photograph),
    ]
    return strip_figure([heading], steps, CELL)


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
    return joined([method, picture.image, *picture_values(picture, photograph)])


def _error(pixels: np.ndarray, reconstruction: np.ndarray) -> np.ndarray:
    """(x - x~)^2 summed over the channels, of values in [0, 1]; [S, S, 3] twice -> [S, S]."""
    difference = (pixels.astype(np.float64) - reconstruction) / 255
    return (difference**2).sum(axis=2)
