"""The embedded data set ``textures``: photographs that scikit-image ships, with drawn defects.

Three categories (brick, grass, gravel; 512x512, greyscale, CC0) in the layout of MVTec AD. All
training crops come from the left part of a photograph and all test crops from the right one, so no
pixel is in both; the material of a foreign body is a *test* crop too, of another photograph. The
pixels are the same on every machine (:data:`PIXELS_SHA256`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from aexad.data.rng import generator
from aexad.data.sources.texture_defects import FULL, applied, foreign_body, scratch, stain

DEFECTS = ("foreign_body", "scratch", "stain")
SIZE = 224  # of the crops, in pixels
BORDER = 272  # the first column of the photographs that belongs to the test set
TRAIN_GOOD, TEST_GOOD, PER_DEFECT = 40, 12, 8
SEED = 0


class Surface(NamedTuple):
    """How defects look on a surface, so that a person finds most of them."""

    foreign: str
    """The category of the material of foreign bodies."""
    scratch_widths: tuple[int, int]
    """Half widths in 1/16 pixel: on a rough surface only a wide scratch is visible."""
    bright_scratches: int
    """Of four: on the smooth brick most are bright, on grass and gravel most are dark."""


SURFACES = {
    "brick": Surface("grass", (10, 26), 3),
    "grass": Surface("brick", (22, 38), 1),
    "gravel": Surface("brick", (20, 36), 1),
}

PIXELS_SHA256 = "eafc7687d1f2fec4886b0bbc7f717c4bdf01b8366e1000acfcaa5edc26f1aea6"
"""Digest of all names, images and masks of the data set, as :func:`draw_textures` returns it."""


def draw_textures(folder: str | os.PathLike[str]) -> str:
    """Write the data set below ``folder`` in the layout of MVTec AD.

    Returns
    -------
    str
        sha256 of the names and pixels of all files: :data:`PIXELS_SHA256`, unless the installed
        scikit-image or NumPy differ from the versions in ``requirements.lock``.
    """
    digest = hashlib.sha256()
    for name, pixels in drawings():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        digest.update(name.encode())
        digest.update(pixels.tobytes())
    return digest.hexdigest()


def drawings() -> Iterator[tuple[str, np.ndarray]]:
    """Draw all images and masks of the data set, in a fixed order.

    Yields
    ------
    tuple of str and numpy.ndarray
        POSIX path below the data set's folder, and pixels uint8 [SIZE, SIZE] (masks: 0 or 255).
    """
    photographs = {category: _photograph(category) for category in SURFACES}
    for category, surface in SURFACES.items():
        train, test = photographs[category][:, :BORDER], photographs[category][:, BORDER:]
        for split, region, count in (("train", train, TRAIN_GOOD), ("test", test, TEST_GOOD)):
            for index in range(count):
                name = f"{category}/{split}/good/{index:03}.png"
                rng = generator(SEED, name)
                yield name, _exposed(rng, _crop(rng, region))
        material = photographs[surface.foreign][:, BORDER:]
        for defect in DEFECTS:
            for index in range(PER_DEFECT):
                name = f"{category}/test/{defect}/{index:03}.png"
                rng = generator(SEED, name)
                clean = _crop(rng, test)
                contrast = 3 * index % PER_DEFECT  # each degree once, in mixed order
                if defect == "scratch":
                    widths, bright = surface.scratch_widths, surface.bright_scratches
                    change = scratch(rng, clean, contrast, widths, bright)
                elif defect == "stain":
                    change = stain(rng, clean, contrast)
                else:
                    change = foreign_body(rng, clean, contrast, _crop(rng, material))
                pixels, mask = applied(clean, change)
                yield name, _exposed(rng, pixels)
                name = f"{category}/ground_truth/{defect}/{index:03}_mask.png"
                yield name, mask.astype(np.uint8) * 255


def _photograph(category: str) -> np.ndarray:
    """Grey levels of a photograph: int64 [512, 512]."""
    from skimage import data  # slow to import

    return getattr(data, category)().astype(np.int64)


def _crop(rng: np.random.Generator, region: np.ndarray) -> np.ndarray:
    """A random square of a region, mirrored in half of the cases: int64 [SIZE, SIZE]."""
    top = rng.integers(0, region.shape[0] - SIZE + 1)
    left = rng.integers(0, region.shape[1] - SIZE + 1)
    square = region[top : top + SIZE, left : left + SIZE]
    return square[:, ::-1] if rng.integers(0, 2) else square


def _exposed(rng: np.random.Generator, pixels: np.ndarray) -> np.ndarray:
    """The same picture, randomly a little brighter or darker: uint8."""
    gain = rng.integers(240, 273)
    return np.clip((pixels * gain + FULL // 2) // FULL, 0, 255).astype(np.uint8)
