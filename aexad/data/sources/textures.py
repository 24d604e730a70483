"""The embedded data set ``textures``: photographs that scikit-image ships, with drawn defects.

Three categories (brick, grass, gravel; 512x512, greyscale, CC0) in MVTec AD layout. All
training crops come from the left part of a photograph and all test crops from the right one, so no
pixel is seen in both; the material of a foreign body is a *test* crop too, of another photograph.
The pixels are the same on every machine (:data:`PIXELS_SHA256`).
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
    """The category whose material lies on it."""
    scratch_widths: tuple[int, int]
    """Half widths in 1/16 pixel: on a rough surface only a wire is seen."""
    bright_scratches: int
    """Of four: on the smooth brick most are bright, among blades and stones most are dark."""


SURFACES = {
    "brick": Surface("grass", (10, 26), 3),
    "grass": Surface("brick", (22, 38), 1),
    "gravel": Surface("brick", (20, 36), 1),
}

PIXELS_SHA256 = "eafc7687d1f2fec4886b0bbc7f717c4bdf01b8366e1000acfcaa5edc26f1aea6"
"""Digest of all names, images and masks of the data set, as :func:`draw_textures` returns it."""


class Drawing(NamedTuple):
    """One file of the data set."""

    name: str
    """POSIX path below the data set's folder."""
    pixels: np.ndarray
    """uint8 [SIZE, SIZE]; of a mask: 0 or 255."""


def draw_textures(folder: str | os.PathLike[str]) -> str:
    """Write the data set below ``folder`` in MVTec AD layout.

    Returns
    -------
    str
        sha256 over the names and pixels of all files: :data:`PIXELS_SHA256`, unless the installed
        scikit-image or NumPy differ from those that this project is tested with.
    """
    digest = hashlib.sha256()
    for drawing in drawings():
        path = Path(folder, drawing.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawing.pixels).save(path)
        digest.update(drawing.name.encode())
        digest.update(drawing.pixels.tobytes())
    return digest.hexdigest()


def drawings() -> Iterator[Drawing]:
    """All images and masks of the data set, in a fixed order."""
    photographs = {category: _photograph(category) for category in SURFACES}
    for category in SURFACES:
        photograph = photographs[category]
        train, test = photograph[:, :BORDER], photograph[:, BORDER:]
        for split, region, count in (("train", train, TRAIN_GOOD), ("test", test, TEST_GOOD)):
            for index in range(count):
                name = f"{category}/{split}/good/{index:03}.png"
                rng = generator(SEED, name)
                yield Drawing(name, _exposed(rng, _crop(rng, region)))
        material = photographs[SURFACES[category].foreign][:, BORDER:]
        for defect in DEFECTS:
            for index in range(PER_DEFECT):
                yield from _defective(category, defect, index, test, material)


def _defective(
    category: str, defect: str, index: int, region: np.ndarray, material: np.ndarray
) -> Iterator[Drawing]:
    surface = SURFACES[category]
    name = f"{category}/test/{defect}/{index:03}.png"
    rng = generator(SEED, name)
    clean = _crop(rng, region)
    contrast = 3 * index % PER_DEFECT  # each degree once, the hard ones among the plain ones
    if defect == "scratch":
        change = scratch(rng, clean, contrast, surface.scratch_widths, surface.bright_scratches)
    elif defect == "stain":
        change = stain(rng, clean, contrast)
    else:
        change = foreign_body(rng, clean, contrast, _crop(rng, material))
    pixels, mask = applied(clean, change)
    yield Drawing(name, _exposed(rng, pixels))
    yield Drawing(
        f"{category}/ground_truth/{defect}/{index:03}_mask.png", mask.astype(np.uint8) * 255
    )


def _photograph(category: str) -> np.ndarray:
    """Grey levels of a photograph: int64 [512, 512]."""
    from skimage import data  # slow to import, and needed here alone

    return getattr(data, category)().astype(np.int64)


def _crop(rng: np.random.Generator, region: np.ndarray) -> np.ndarray:
    """A random square of a region, mirrored in half of the cases: int64 [SIZE, SIZE]."""
    top = rng.integers(0, region.shape[0] - SIZE + 1)
    left = rng.integers(0, region.shape[1] - SIZE + 1)
    square = region[top : top + SIZE, left : left + SIZE]
    return square[:, ::-1] if rng.integers(0, 2) else square


def _exposed(rng: np.random.Generator, pixels: np.ndarray) -> np.ndarray:
    """The same picture a little brighter or darker, as no two exposures are equal: uint8."""
    gain = rng.integers(240, 273)
    return np.clip((pixels * gain + FULL // 2) // FULL, 0, 255).astype(np.uint8)
