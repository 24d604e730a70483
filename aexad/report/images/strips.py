"""Strips: small pictures of all steps of an image, several cells in a row in one WebP file.

The explorer loads one strip for an image under a method, and shows one of its cells at a time. The
photograph and its truth, which all methods share, are a separate strip.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from PIL import Image

from aexad.data.images import Levels, load_image
from aexad.data.masks import load_mask
from aexad.data.tables import read_split
from aexad.explain.run_maps import MAPS, REMEDY, read_maps
from aexad.report.images.grid import COLOUR_MAP, DEVIATIONS
from aexad.report.images.pictures import choose_images, image_label, in_deviations
from aexad.runtime.atomic_folder import replaced_folder
from aexad.runtime.errors import DataError
from aexad.runtime.files import written_whole

CELL = 144  # pixels, the largest side of a cell: an image under two methods has 15 to 22 kB
QUALITY, EFFORT = 60, 2  # of WebP
MAP_STEPS = ("heat map", "binary")
REBUILT_STEPS = ("reconstruction", "error")

LARGEST_ERROR = 0.5
ERRORS = (
    "The error is the root of the squared difference between input and reconstruction, averaged "
    f"over the channels. Its colours range from 0 to {LARGEST_ERROR:g} of the range of a "
    "photograph, for every method."
)


def draw_strips(
    run_folder: Path,
    split: Path,
    root: Path,
    size: int,
    count: int,
    out_folder: Path,
    levels: Levels | None = None,
) -> list[Path]:
    """Draw the strip of each test image of a run, see :func:`steps_of`.

    Parameters
    ----------
    run_folder : Path
        Folder of the run: ``maps.npz``.
    split : Path
        The run's ``split.csv``.
    root : Path
        Folder of the data set, to which the paths in ``split`` are relative.
    size : int
        Size S in pixels of the maps.
    count : int
        Largest number of test images; :func:`shown_images` chooses among more.
    out_folder : Path
        Folder of the strips, named by :func:`strip_names`; all else in it is removed.

    levels : tuple of int, optional
        The levels of 16 bits that become black and white.

    Returns
    -------
    list of Path
        The strips, in the order of the images.

    Raises
    ------
    DataError
        If a file is missing or damaged, or the maps are of other images than the split.
    ConfigError
        If ``out_folder`` holds anything but strips.
    """
    images = list(shown_images(read_split(split), count)["image"])
    names = strip_names(images)
    path = run_folder / MAPS
    maps = read_maps(path, ("image", "heat_map", "binary"), ["reconstruction"])
    rows = {str(image): i for i, image in enumerate(maps["image"])}
    lost = [image for image in images if image not in rows]
    shapes = {maps[name].shape[1:3] for name in ("heat_map", "reconstruction") if name in maps}
    if lost or shapes != {(size, size)}:
        problem = f"no map of {lost[0]}" if lost else f"its maps are not {size}x{size}"
        raise DataError(f"{path}: {problem}, which the split needs; {REMEDY}")
    with replaced_folder(out_folder, "*.webp") as new:
        for image, name in zip(images, names, strict=True):
            i = rows[image]
            cells = []
            if "reconstruction" in maps:
                rebuilt = maps["reconstruction"][i]
                error = coloured_error(load_image(root / image, size, levels), rebuilt)
                cells = [small(rebuilt), error]
            cells += [
                coloured(DEVIATIONS.range(small(in_deviations(maps["heat_map"][i])))),
                grey(maps["binary"][i]),
            ]
            save_strip(cells, new / name)
    return [out_folder / name for name in names]


def steps_of(rebuilds: bool) -> tuple[str, ...]:
    """The cells of a method's strip, from left to right, by whether it rebuilds images."""
    return (*REBUILT_STEPS, *MAP_STEPS) if rebuilds else MAP_STEPS


def draw_photograph(
    image: Path,
    mask: Path | None,
    marks: str,
    size: int,
    path: Path,
    levels: Levels | None = None,
) -> None:
    """Draw the strip that all methods share: the photograph and its mask, read at ``size`` pixels.

    Without a mask, the photograph stands alone.
    """
    cells = [small(load_image(image, size, levels))]
    if mask is not None:
        cells.append(grey(load_mask(mask, size, marks=marks)))
    save_strip(cells, path)


def shown_images(split: pd.DataFrame, count: int) -> pd.DataFrame:
    """Choose up to ``count`` test rows of a split by RULE, sorted by defect type and image."""
    return choose_images(split, count).sort_values(["defect", "image"], ignore_index=True)


def strip_names(images: Sequence[str]) -> list[str]:
    """File names of strips: the number of the image among the shown images, and its label.

    >>> strip_names(["bottle/test/crack/003.png"])
    ['0000_crack_003.webp']
    """
    labels = [image_label(image).replace("/", "_") for image in images]
    return [f"{i:04}_{label}.webp" for i, label in enumerate(labels)]


def small(values: np.ndarray) -> np.ndarray:
    """Reduce a photograph, uint8 [S, S, 3], or real values [S, S] to the size of a cell."""
    size = min(len(values), CELL)
    picture = Image.fromarray(values if values.dtype == np.uint8 else values.astype(np.float32))
    return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR))


def grey(mask: np.ndarray) -> np.ndarray:
    """A mask, bool [S, S], as a cell: white is anomalous."""
    return np.repeat(small(np.where(mask, np.uint8(255), np.uint8(0)))[..., None], 3, axis=2)


def coloured(shares: np.ndarray) -> np.ndarray:
    """Values in [0, 1], [C, C], in the colours of all heat maps: uint8 [C, C, 3]."""
    colours: np.ndarray = mpl.colormaps[COLOUR_MAP](shares, bytes=True)
    return colours[..., :3]


def coloured_error(pixels: np.ndarray, rebuilt: np.ndarray) -> np.ndarray:
    """The error of a reconstruction as :data:`ERRORS` says; both uint8 [S, S, 3]."""
    difference = (pixels.astype(np.float32) - rebuilt) / 255
    error = np.sqrt((difference**2).mean(axis=2))
    return coloured(np.clip(small(error) / LARGEST_ERROR, 0, 1))


def save_strip(cells: Sequence[np.ndarray], path: Path) -> None:
    """Write cells, uint8 [C, C, 3] each, side by side as WebP."""
    with written_whole(path) as temporary:
        Image.fromarray(np.hstack(cells)).save(temporary, "WEBP", quality=QUALITY, method=EFFORT)
