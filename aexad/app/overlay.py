"""What may be explained, files or arrays, as RGB photographs and as a model's input."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from PIL import Image

from aexad.data.images import at_size, load_image
from aexad.evaluation.evaluate import upsampled

Picture = str | os.PathLike[str] | np.ndarray
"""A file, or an array as :func:`as_photograph` takes it."""


def is_one(pictures: Picture | Sequence[Picture]) -> bool:
    """Whether this is a single picture, not a batch of them."""
    if isinstance(pictures, np.ndarray):
        return pictures.ndim < 4
    return isinstance(pictures, (str, os.PathLike))


def as_photograph(picture: Picture) -> np.ndarray:
    """A picture as uint8 [H, W, 3].

    Parameters
    ----------
    picture
        A file that :func:`aexad.data.images.load_image` reads; or an array, grey [H, W] or RGB
        [H, W, 3]: uint8, uint16 (65535 becomes 255) or real numbers in [0, 1].

    Raises
    ------
    aexad.runtime.errors.DataError
        A file that cannot be read.
    ValueError
        An array of another form.
    """
    if not isinstance(picture, np.ndarray):
        return load_image(picture)
    values = picture
    if values.ndim not in (2, 3) or values.shape[2:] not in ((), (3,)) or not values.size:
        raise ValueError(
            f"an image is an array [H, W] or [H, W, 3], and a batch [B, H, W, 3], got "
            f"{list(values.shape)}"
        )
    if values.dtype == np.uint16:
        values = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    elif values.dtype.kind == "f":
        if not (values.min() >= 0 and values.max() <= 1):  # NaN is neither
            raise ValueError(
                f"real numbers of an image lie in [0, 1], got {values.min()} to {values.max()}"
            )
        values = np.rint(values * 255).astype(np.uint8)
    elif values.dtype != np.uint8:
        raise ValueError(f"an image is uint8, uint16 or real numbers in [0, 1], got {values.dtype}")
    return np.repeat(values[..., None], 3, axis=2) if values.ndim == 2 else values


def as_input(photographs: Sequence[np.ndarray], size: int, stored: int) -> np.ndarray:
    """Photographs uint8 [H, W, 3] of any sizes as float32 [B, 3, S, S] in [0, 1].

    As in training: to ``stored`` pixels by an antialiased bilinear resize, from there to ``size``.
    """
    small = np.stack(
        [
            np.asarray(at_size(Image.fromarray(np.ascontiguousarray(photograph)), stored))
            for photograph in photographs
        ]
    )
    images = small.transpose(0, 3, 1, 2).astype(np.float32, order="C") / np.float32(255)
    if stored == size:
        return images
    return np.stack([[upsampled(c, (size, size)) for c in image] for image in images])
