"""What the pictures show: the choice of test images, and their heat maps on one scale.

Raw heat maps of different recipes are not comparable (one is a share in [0, 1], another in standard
deviations). So each map is shown in units of its own spread over the image, z = (h - mean) / std:
the threshold of the binary map, mean + std, is z = 1 and has the same colour for every method.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import pandas as pd

from aexad.data.images import Levels, load_image
from aexad.data.masks import load_mask
from aexad.data.tables import GOOD
from aexad.evaluation.run_files import read_per_image
from aexad.explain.run_maps import MAPS, REMEDY, read_maps
from aexad.runtime.errors import DataError

Z_LOW, Z_HIGH = -1.0, 5.0
"""The ends of the shared scale; values beyond an end have the colour of the end."""

ARRAYS = ("image", "heat_map", "binary", "score", "k")
"""The arrays of ``maps.npz`` that a picture needs; ``reconstruction`` may be there too."""

SCALE = (
    "Heat maps are in standard deviations from their own mean over the image, from "
    f"{Z_LOW:g} to {Z_HIGH:g} for every method, because raw values of different recipes are not "
    "comparable. The binary map's threshold, mean + std, is at 1. A good image therefore shows its "
    "largest deviations, however small they are."
)
RULE = (
    "Images are chosen without a look at the scores: defect types take turns in alphabetical order "
    "with good images last; where there are too few places for all, the last one is for a good "
    "image. Within a type, images are evenly spaced in the order of the file names."
)


class Photograph(NamedTuple):
    """A test image with its truth."""

    image: str
    pixels: np.ndarray  # uint8 [S, S, 3]
    mask: np.ndarray | None  # bool [S, S]; None: anomalous, without a mask
    defect: str


class Picture(NamedTuple):
    """One test image under one method; X-AUC and IoU are NaN where they are undefined."""

    image: str
    heat_map: np.ndarray  # [S, S], standard deviations
    binary: np.ndarray  # bool [S, S]
    reconstruction: np.ndarray | None  # uint8 [S, S, 3]; None: the method rebuilds no images
    score: float
    k: int
    xauc: float
    iou: float

    @property
    def rebuilds(self) -> bool:
        """Whether the method rebuilds images."""
        return self.reconstruction is not None

    @property
    def rebuilt(self) -> np.ndarray:
        """The reconstruction of a method that has one."""
        if self.reconstruction is None:
            raise ValueError(f"{self.image}: its method rebuilds no images")
        return self.reconstruction

    @property
    def defined(self) -> bool:
        """Whether the image has X-AUC or IoU."""
        return not (math.isnan(self.xauc) and math.isnan(self.iou))

    @property
    def metrics(self) -> str:
        """The line below a heat map: X-AUC and IoU, or the score where both are undefined."""
        if self.defined:
            return f"X-AUC {self.xauc:.2f} · IoU {self.iou:.2f}"
        return f"score {self.score:.3g}"

    def values(self, photograph: Photograph) -> list[str]:
        """All numbers of the picture, for the heading of a panel."""
        parts = [f"k = {self.k}", f"score {self.score:.3g}"]
        if photograph.mask is None:
            return [*parts, f"anomalous ({photograph.defect}), without a mask"]
        if not self.defined:
            return [*parts, "no defect pixels: X-AUC and IoU undefined"]
        return [*parts, f"X-AUC {self.xauc:.3f}", f"IoU {self.iou:.3f}"]


def joined(parts: Sequence[str]) -> str:
    """The parts of a heading with dots in between; it may be broken at the dots alone."""
    return "  ·  ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)


def choose_images(split: pd.DataFrame, count: int) -> pd.DataFrame:
    """Choose ``count`` test images by :data:`RULE`.

    Parameters
    ----------
    split : DataFrame
        Rows of ``split.csv``: role, defect, image, mask.
    count : int
        Number of images; all test images if there are fewer.

    Returns
    -------
    DataFrame
        The chosen rows, by defect type (good last) and image.
    """
    test = split[split["role"] == "test"].sort_values(["defect", "image"])
    types = {str(name): part for name, part in test.groupby("defect") if name != GOOD}
    if (test["defect"] == GOOD).any():
        types = dict(list(types.items())[: max(1, count - 1)])
        types[GOOD] = test[test["defect"] == GOOD]
    share = dict.fromkeys(types, 0)
    while sum(share.values()) < min(count, len(test)):
        for name, part in types.items():
            if sum(share.values()) < count and share[name] < len(part):
                share[name] += 1
    chosen = [_evenly_spaced(part, share[name]) for name, part in types.items()]
    return pd.concat(chosen) if chosen else test


def read_photographs(
    rows: pd.DataFrame, root: Path, size: int, levels: Levels | None = None
) -> list[Photograph]:
    """Read the images and masks of ``rows`` (of a split; paths below ``root``) at ``size``."""
    return [
        Photograph(
            image,
            load_image(root / image, size, levels),
            load_mask(root / mask if mask else None, size, marks=marks)
            if mask or defect == GOOD
            else None,
            defect,
        )
        for image, mask, marks, defect in zip(
            *(rows[name] for name in ("image", "mask", "marks", "defect")), strict=True
        )
    ]


def read_pictures(run_folder: Path, images: Sequence[str]) -> list[Picture]:
    """Read the maps and the per-image metrics of ``images`` from the folder of a run.

    Raises
    ------
    DataError
        If ``maps.npz`` or ``per_image.csv`` is missing, damaged, or lacks one of the images.
    """
    path = run_folder / MAPS
    rows = read_per_image(run_folder / "per_image.csv")
    maps = read_maps(path, ARRAYS, ["reconstruction"])
    rebuilt = maps.get("reconstruction")
    pictures = []
    try:
        index = {str(image): i for i, image in enumerate(maps["image"])}
        for image in images:
            i, row = index[image], rows.loc[[image]].iloc[0]
            pictures.append(
                Picture(
                    image=image,
                    heat_map=in_deviations(maps["heat_map"][i]),
                    binary=maps["binary"][i].copy(),  # a view would keep the maps of all images
                    reconstruction=None if rebuilt is None else rebuilt[i].copy(),
                    score=float(maps["score"][i]),
                    k=int(maps["k"][i]),
                    xauc=float(row["xauc"]),
                    iou=float(row["iou"]),
                )
            )
    except (ValueError, KeyError) as error:
        raise DataError(
            f"{path}: cannot be used with per_image.csv and split.csv of this run ({error}); "
            f"{REMEDY}"
        ) from None
    return pictures


def in_deviations(heat_map: np.ndarray) -> np.ndarray:
    """(h - mean) / std of a raw heat map [S, S]; a constant map is 0 everywhere."""
    values = heat_map.astype(np.float64)
    if values.min() == values.max():  # rounding would leave a spread that is not quite 0
        return np.zeros_like(values)
    return (values - values.mean()) / values.std()


def image_label(image: str) -> str:
    """``bottle/test/crack/003.png`` as ``crack/003``."""
    path = PurePosixPath(image)
    return f"{path.parent.name}/{path.stem}" if path.parent.name else path.stem


def _evenly_spaced(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """The middle row of each of ``count`` equal stretches."""
    return rows.iloc[[(2 * i + 1) * len(rows) // (2 * count) for i in range(count)]]
