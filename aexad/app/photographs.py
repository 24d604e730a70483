"""Convert files and arrays to RGB photographs and to the input of a model."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from PIL import Image

from aexad.data.images import Levels, at_eight_bits, at_size, load_image
from aexad.data.resize import resized

Picture = str | os.PathLike[str] | np.ndarray
"""A file, or an array that :func:`as_photograph` accepts."""


def is_one(pictures: Picture | Sequence[Picture]) -> bool:
    """Whether the input is a single picture and not a batch."""
    if isinstance(pictures, np.ndarray):
        return pictures.ndim < 4
    return not isinstance(pictures, Sequence) or isinstance(pictures, str)


def as_photograph(picture: Picture, levels: Levels | None = None) -> np.ndarray:
    """Convert a picture to uint8 [H, W, 3].

    Parameters
    ----------
    picture
        A file that :func:`aexad.data.images.load_image` can read; or an array, grey [H, W] or RGB
        [H, W, 3]: uint8, uint16 (65535 becomes 255) or real numbers in [0, 1].
    levels
        The levels of 16 bits that become black and white. Real numbers are multiplied by 65535
        before the levels are applied; uint8 arrays, such as ``explanation.image``, are used as
        they are.

    Raises
    ------
    aexad.runtime.errors.DataError
        The file cannot be read.
    ValueError
        The array has another shape, type or range.
    TypeError
        It is neither a file nor an array.
    """
    if isinstance(picture, (str, os.PathLike)):
        return load_image(picture, levels=levels)
    if not isinstance(picture, np.ndarray):
        kind = type(picture).__name__
        raise TypeError(f"an image is a file or an array, got {kind}; give np.asarray(image)")
    values = picture
    if values.ndim not in (2, 3) or values.shape[2:] not in ((), (3,)) or not values.size:
        raise ValueError(
            f"an image is an array [H, W] or [H, W, 3], and a batch [B, H, W, 3], got "
            f"{list(values.shape)}"
        )
    if values.dtype == np.uint16:
        values = at_eight_bits(values, levels)
    elif values.dtype.kind == "f":
        if not (values.min() >= 0 and values.max() <= 1):  # false for NaN too
            raise ValueError(
                f"real numbers of an image lie in [0, 1], got {values.min()} to {values.max()}"
            )
        if levels is None:
            values = np.rint(values * 255).astype(np.uint8)
        else:
            sixteen = np.rint(values.astype(np.float64) * 65535).astype(np.uint16)
            values = at_eight_bits(sixteen, levels)
    elif values.dtype != np.uint8:
        raise ValueError(f"an image is uint8, uint16 or real numbers in [0, 1], got {values.dtype}")
    # A copy: the caller may fill the array with the next picture.
    return np.repeat(values[..., None], 3, axis=2) if values.ndim == 2 else values.copy()


def as_input(photographs: Sequence[np.ndarray], size: int, stored: int) -> np.ndarray:
    """Convert photographs uint8 [H, W, 3] of any sizes to float32 [B, 3, S, S] in [0, 1].

    As in training: an antialiased bilinear resize to ``stored`` pixels, then enlarging to
    ``size``.
    """
    small = np.stack(
        [
            np.asarray(at_size(Image.fromarray(np.ascontiguousarray(photograph)), stored))
            for photograph in photographs
        ]
    )
    # [B, R, R, 3] -> [B, 3, R, R]
    images = small.transpose(0, 3, 1, 2).astype(np.float32, order="C") / np.float32(255)
    if stored == size:
        return images
    return np.stack([[resized(channel, (size, size)) for channel in image] for image in images])
