"""Panels: the steps of a run on one test image, side by side (AE-XAD, figure 1)."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from matplotlib.colors import Normalize

from aexad.data.images import Levels
from aexad.data.tables import read_split
from aexad.report.images.grid import DEVIATIONS, Cell, Row, Scale, picture_grid
from aexad.report.images.pictures import (
    Photograph,
    choose_images,
    image_label,
    joined,
    read_photographs,
    read_pictures,
)
from aexad.report.style import save_figure, styled
from aexad.runtime.atomic_folder import replaced_folder

SIDE = 1.4  # inches: of a picture
DOTS = 160  # per inch: a picture has the 224 pixels of the usual working size


def draw_panels(
    run_folder: Path,
    split: Path,
    root: Path,
    size: int,
    count: int,
    out_folder: Path,
    levels: Levels | None = None,
) -> list[Path]:
    """Draw one panel for each of ``count`` test images of a run.

    A panel shows input, reconstruction, error (squared difference summed over the channels), heat
    map, binary map and truth; the second and third only of a method that rebuilds images. Images
    are chosen by :data:`aexad.report.images.pictures.RULE`.

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
        Number of test images.
    out_folder : Path
        Folder of the panels, ``<defect>_<number>.png`` each; all else in it is removed.

    levels : tuple of int, optional
        The levels of 16 bits that become black and white.

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
    photographs = read_photographs(chosen, root, size, levels)
    errors = [
        _error(a.pixels, b.rebuilt) if b.rebuilds else None
        for a, b in zip(photographs, pictures, strict=True)
    ]
    # One scale for the run: the errors of its images can be compared.
    largest = max((float(error.max()) for error in errors if error is not None), default=1) or 1
    scale = Scale(Normalize(0, largest), "error, squared difference")
    names = panel_names(images)
    kinds = sorted({PurePosixPath(image).parent.name for image in table["image"]})
    patterns = [f"{glob.escape(kind)}_*.png" for kind in kinds]
    with replaced_folder(out_folder, *patterns) as new, styled():
        for name, photo, picture, error in zip(names, photographs, pictures, errors, strict=True):
            cells = [Cell(photo.pixels, title="input")]
            if error is not None:
                cells += [
                    Cell(picture.rebuilt, title="reconstruction"),
                    Cell(error, scale, "error"),
                ]
            cells += [
                Cell(picture.heat_map, DEVIATIONS, "heat map"),
                Cell(picture.binary, title="binary: > mean + std"),
                truth_cell(photo),
            ]
            heading = joined([run_folder.name, picture.image, *picture.values(photo)])
            save_figure(picture_grid([Row(cells)], {0: heading}, SIDE), new / name, DOTS)
    return [out_folder / name for name in names]


def truth_cell(photograph: Photograph) -> Cell:
    """The mask of the true region, or words where an anomalous image has none."""
    if photograph.mask is None:
        return Cell(f"anomalous ({photograph.defect}),\nno mask", title="truth")
    return Cell(photograph.mask, title="truth")


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


def _error(pixels: np.ndarray, reconstruction: np.ndarray) -> np.ndarray:
    """(x - x~)^2 summed over the channels, of values in [0, 1]; [S, S, 3] twice -> [S, S]."""
    difference = (pixels.astype(np.float64) - reconstruction) / 255
    return (difference**2).sum(axis=2)
