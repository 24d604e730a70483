"""Between images as they are stored and as models take them.

Small images (MNIST's 28 x 28 pixels) are stored as they are and enlarged a batch at a time, on the
device; maps of them are stored as small. 10,000 maps at 224 x 224 would be 2 GB, and say nothing
more.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def as_float(images: Tensor) -> Tensor:
    """Images uint8 [B, 3, S, S] as float32 in [0, 1], channels last."""
    return images.to(torch.float32, memory_format=torch.channels_last).div_(255)


def enlarged(images: Tensor, size: int) -> Tensor:
    """Enlarge images to the working size, where they are.

    Bilinear, pixel centres at half-integers: what Pillow's bilinear resize computes too (its
    antialias has no effect when enlarging), but for Pillow's rounding to 8 bits.

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
        S < R: to make images smaller, an antialias is needed.
    """
    stored = images.shape[-1]
    if stored > size:
        raise ValueError(f"images of {stored} pixels are larger than the working size {size}")
    if stored == size:
        return images
    return functional.interpolate(images, (size, size), mode="bilinear", align_corners=False)


def reduced(maps: Tensor, size: int) -> Tensor:
    """Bring maps or images back to the stored size: the mean over the area of each pixel.

    The mean, and not the maximum: an image's mean stays what it was, so maps stay comparable with
    their own mean and deviation; and what fills a pixel in part counts in part.

    Parameters
    ----------
    maps
        float [B, C, S, S].
    size
        Stored size R <= S in pixels.

    Returns
    -------
    Tensor
        float [B, C, R, R]; ``maps`` themselves where S = R.
    """
    if maps.shape[-1] == size:
        return maps
    # In float64, or rounding would draw a pattern on a constant map.
    with torch.inference_mode():
        small = functional.interpolate(maps.double(), (size, size), mode="area")
    return small.to(maps.dtype)
