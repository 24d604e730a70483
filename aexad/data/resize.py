"""Resize images from their stored size to the working size of a model, and maps to any size.

Small images (MNIST: 28 x 28 pixels) are stored at their own size and enlarged batch by batch on the
device. Their maps are stored at that size too: 10,000 maps at 224 x 224 would take 2 GB and hold no
more information. Maps are resized as arrays, without torch.

Every map that becomes smaller becomes the mean over the area of each new pixel: a small peak is
never missed, and the mean of the map does not change.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

_ROWS = 256  # rows of a large map that are resized at a time, to save memory


def as_float(images: Tensor) -> Tensor:
    """Convert images uint8 [B, 3, S, S] to float32 in [0, 1], in channels-last format."""
    import torch  # here and below: arrays are resized without it

    return images.to(torch.float32, memory_format=torch.channels_last).div_(255)


def enlarged(images: Tensor, size: int) -> Tensor:
    """Enlarge images to the working size on their device.

    Bilinear, with pixel centres at half-integers. Pillow's bilinear resize gives the same values,
    rounded to 8 bits (its antialias has no effect on enlarging).

    Parameters
    ----------
    images
        float [B, C, R, R].
    size
        Working size S >= R in pixels.

    Returns
    -------
    Tensor
        float [B, C, S, S]; ``images`` themselves where S = R.

    Raises
    ------
    ValueError
        If S < R: reducing images needs an antialias.
    """
    stored = images.shape[-1]
    if stored > size:
        raise ValueError(f"images of {stored} pixels are larger than the working size {size}")
    if stored == size:
        return images
    from torch.nn import functional

    return functional.interpolate(images, (size, size), mode="bilinear", align_corners=False)


def resized(heat_map: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resize a map to the size of an image; height and width are resized separately.

    Where the map becomes larger: bilinear, with pixel centres at half-integers and the border
    repeated. Where it becomes smaller: the mean over the area of each new pixel.

    Parameters
    ----------
    heat_map : float [H, W]
    shape : height and width of the result

    Returns
    -------
    float [height, width]
        In the type of ``heat_map``, computed in float64; ``heat_map`` itself where the sizes are
        equal. A constant map stays the same to the last bit.
    """
    if heat_map.shape == tuple(shape):
        return heat_map
    result = np.empty(shape, heat_map.dtype)
    rows = _with_length(heat_map.astype(np.float64), shape[0])
    for top in range(0, shape[0], _ROWS):
        part = slice(top, top + _ROWS)
        result[part] = _with_length(rows[part].T, shape[1]).T
    return result


def _with_length(values: np.ndarray, length: int) -> np.ndarray:
    """Resize the first axis to ``length``."""
    if length < len(values):
        # Differences from the first value keep a constant map the same to the last bit.
        return values[:1] + _area_weights(len(values), length) @ (values - values[:1])
    position = (np.arange(length) + 0.5) * (len(values) / length) - 0.5
    position = position.clip(0, len(values) - 1)
    before = position.astype(np.intp)
    after = np.minimum(before + 1, len(values) - 1)
    # In this form a constant map stays the same to the last bit.
    return values[before] + (position - before)[:, None] * (values[after] - values[before])


@lru_cache(maxsize=8)
def _area_weights(length: int, smaller: int) -> np.ndarray:
    """The share of each old pixel in the mean of each new one: float64 [smaller, length]."""
    new, old = np.arange(smaller)[:, None], np.arange(length)
    # In units in which an old pixel is ``smaller`` wide and a new one ``length``: exact integers.
    end = np.minimum((new + 1) * length, (old + 1) * smaller)
    overlap = end - np.maximum(new * length, old * smaller)
    return overlap.clip(min=0) / length
