"""The embedded data set ``textures``: photographs that scikit-image ships, with drawn defects.

Three categories (brick, grass, gravel; 512x512, greyscale, CC0) in the layout of MVTec AD. Each
photograph is cut into three regions (:data:`REGIONS`): one for the normal training images, one for
the labelled anomalies, one for the test images. So no pixel that is trained on is tested. The
material of a foreign body comes from the same region of another photograph. The pixels are the same
on every machine (:data:`PIXELS_SHA256`).
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
SIZE = 192  # of the crops, in pixels
TRAIN_GOOD, TEST_GOOD = 40, 12
LABELLED, TESTED = 6, 8
"""Anomalies of each defect type: those that the labelled ones are drawn from, and those tested."""
SEED = 0

REGIONS = {
    "train": (slice(0, 304), slice(0, 304)),
    "labelled": (slice(304, 512), slice(0, 304)),
    "test": (slice(0, 512), slice(304, 512)),
}
"""Rows and columns of a photograph that the crops are taken from; no two regions overlap."""


class Surface(NamedTuple):
    """How defects look on a surface, so that a person finds most of them."""

    foreign: str
    """The category of the material of foreign bodies."""
    scratch_widths: tuple[int, int]
    """Half widths in 1/16 pixel: on a rough surface only a wide scratch is visible."""
    bright_scratches: int
    """Of four: on the smooth brick most are bright, on grass and gravel most are dark."""


SURFACES = {
    "brick": Surface("grass", (40, 64), 3),
    "grass": Surface("brick", (48, 72), 3),
    "gravel": Surface("brick", (48, 72), 3),
}

PIXELS_SHA256 = "79184ead33af0ff5fe78d7860d3b681b34077be19aa74d3ecd51141809246a01"
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
        POSIX path below the data set's folder, and pixels uint8: photographs [SIZE, SIZE, 3],
        masks [SIZE, SIZE] of 0 or 255.
    """
    photographs = {category: _photograph(category) for category in SURFACES}
    for category, surface in SURFACES.items():
        own, foreign = photographs[category], photographs[surface.foreign]
        for split, count in (("train", TRAIN_GOOD), ("test", TEST_GOOD)):
            for index in range(count):
                name = f"{category}/{split}/good/{index:03}.png"
                rng = generator(SEED, name)
                clean = _crop(rng, own[REGIONS[split]])[..., None].repeat(3, axis=2)
                yield name, _exposed(rng, clean)
        numbers = [("test", "test", index) for index in range(TESTED)]
        numbers += [("train", "labelled", TESTED + index) for index in range(LABELLED)]
        for defect in DEFECTS:
            for split, region, index in numbers:
                name = f"{category}/{split}/{defect}/{index:03}.png"
                rng = generator(SEED, name)
                material = foreign[REGIONS[region]]
                pixels, mask = _damaged(
                    rng, _crop(rng, own[REGIONS[region]]), material, surface, defect, index
                )
                yield name, _exposed(rng, pixels)
                name = f"{category}/ground_truth/{defect}/{index:03}_mask.png"
                yield name, mask.astype(np.uint8) * 255


def _damaged(
    rng: np.random.Generator,
    clean: np.ndarray,
    material: np.ndarray,
    surface: Surface,
    defect: str,
    index: int,
) -> tuple[np.ndarray, np.ndarray]:
    """A crop with a drawn defect: pixels int64 [SIZE, SIZE, 3], mask bool [SIZE, SIZE]."""
    contrast = 3 * index % 8  # all eight degrees, in mixed order
    if defect == "scratch":
        widths, bright = surface.scratch_widths, surface.bright_scratches
        change = scratch(rng, clean, contrast, widths, bright)
    elif defect == "stain":
        change = stain(rng, clean, contrast)
    else:
        change = foreign_body(rng, clean, contrast, _crop(rng, material))
    return applied(clean, change)


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
