"""Read photographs as RGB with 8 bits per channel, and scale 16 bits to 8."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps

from aexad.config.catalogue import WHOLE, Tile
from aexad.data.image_files import (
    check_depth,
    has_16_bits,
    is_grey_of_16_bits,
    on_background,
    opened,
    sixteen_bit,
)
from aexad.runtime.errors import DataError

Levels = tuple[int, int]
"""The 16-bit levels that become black and white."""


def load_image(
    path: str | os.PathLike[str], size: int | None = None, levels: Levels | None = None
) -> np.ndarray:
    """Read a photograph as RGB.

    Greyscale becomes three equal channels; 16 bits are scaled to 8 by the range of the type (65535
    becomes 255; of colours, the upper byte is taken) or by ``levels``, so that the brightness of an
    image never depends on its own extremes. Transparent pixels show a white background, as they do
    in a viewer. The orientation of EXIF or XMP is applied.

    Parameters
    ----------
    path
        A file of one of :data:`~aexad.data.image_files.FORMATS`, with one page.
    size
        Working size S in pixels; the image is resized to S x S (bilinear, antialiased), whatever
        its proportions (default: the size of the file).
    levels
        The levels of 16 bits that become 0 and 255, the same for all images of a data set; what
        lies outside is clipped.

    Returns
    -------
    numpy.ndarray
        uint8 [S, S, 3], or [H, W, 3] without ``size``.

    Raises
    ------
    aexad.runtime.errors.DataError
        The file does not exist, is no image, damaged or too large, or has 32 bits per channel; or
        ``levels`` are given and it has 8 bits.
    """
    with opened(path) as image:
        upright = _eight_bit(image, path, levels)
    rgb = on_background(upright, background=255)
    return np.array(rgb if size is None else at_size(rgb, size))


def at_size(image: Image.Image, size: int) -> Image.Image:
    """Resize an image to S x S as models see it (bilinear, antialiased)."""
    if image.size == (size, size):
        return image
    return image.resize((size, size), Image.Resampling.BILINEAR)


def shape_at_scale(shape: tuple[int, int], tile: Tile, size: int) -> tuple[int, int]:
    """Height and width of an image [H, W] when ``tile`` of its pixels are ``size`` pixels.

    Neither is less than ``size``. With ``whole``, the longer one is ``size``.
    """
    side, least = (max(shape), 1) if tile == WHOLE else (int(tile), size)
    height, width = (max(least, round(length * size / side)) for length in shape)
    return height, width


def lost_levels(
    path: str | os.PathLike[str], levels: Levels | None = None
) -> tuple[int, int] | None:
    """Levels in a 16-bit file, and how many of them 8 bits keep; None for other files."""
    with opened(path) as image:
        if not has_16_bits(image):
            return None
        found = np.unique(sixteen_bit(image, path)[..., :3])
    return len(found), len(np.unique(at_eight_bits(found, levels)))


def level_range(paths: Sequence[str | os.PathLike[str]]) -> Levels | None:
    """The lowest and the highest level of 16-bit files; None if a file has 8 bits."""
    low, high = 65535, 0
    for path in paths:
        with opened(path) as image:
            if not has_16_bits(image):
                return None
            values = sixteen_bit(image, path)[..., :3]
        low, high = min(low, int(values.min())), max(high, int(values.max()))
    return (low, high) if low <= high else None


def at_eight_bits(values: np.ndarray, levels: Levels | None = None) -> np.ndarray:
    """Scale uint16 values to uint8, by the range of the type or by ``levels``."""
    if levels is None:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    low, high = levels
    scaled = np.rint((np.arange(65536).clip(low, high) - low) * 255 / (high - low))
    return scaled.astype(np.uint8)[values]


def _eight_bit(
    image: Image.Image, path: str | os.PathLike[str], levels: Levels | None
) -> Image.Image:
    """Decode an opened image, upright; 16 bits are scaled to 8, and 32 bits have no range."""
    check_depth(image, path)
    if levels is not None and not has_16_bits(image):
        raise DataError(
            f"{path}: is read with 8 bits, and the levels {levels[0]} to {levels[1]} are of 16 "
            "bits; give all images as grey or RGB of 16 bits"
        )
    if levels is None and not is_grey_of_16_bits(image):
        return ImageOps.exif_transpose(image)
    values = sixteen_bit(image, path)
    pixels = at_eight_bits(values, levels)
    pixels[..., 3:] = values[..., 3:] >> 8  # transparency has no levels
    return Image.fromarray(pixels if pixels.shape[2] > 1 else pixels[..., 0])
