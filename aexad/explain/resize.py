"""Resize images from their stored size to the working size of a model, and maps back.

Small images (MNIST: 28 x 28 pixels) are stored at their own size and enlarged batch by batch on the
device. Their maps are stored at that size too: 10,000 maps at 224 x 224 would take 2 GB and hold no
more information.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def as_float(images: Tensor) -> Tensor:
    """Convert images uint8 [B, 3, S, S] to float32 in [0, 1], in channels-last format."""
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
    return functional.interpolate(images, (size, size), mode="bilinear", align_corners=False)


def reduced(maps: Tensor, size: int) -> Tensor:
    """Reduce maps or images to the stored size by the mean over the area of each pixel.

    The mean of a map does not change, so that a threshold of mean and standard deviation keeps its
    meaning. (A maximum would raise the mean.)

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
    # In float64, because rounding would draw a pattern on a constant map.
    with torch.inference_mode():
        small = functional.interpolate(maps.double(), (size, size), mode="area")
    return small.to(maps.dtype)
