"""Random affine transforms and flips of images, anew in every epoch (Lee and Kang 2022).

The paper names the transforms and no ranges. Those taken here move an image by less than its object
usually varies among good photographs: what leaves them should still look anomalous. Flips have an
even chance; they are for objects without a handedness, and the paper flips digits too.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Ranges(NamedTuple):
    """How far an image is moved at most; each amount is drawn evenly."""

    rotation: float = 10.0
    """In degrees, either way."""
    translation: float = 0.05
    """Of the image's side, in either direction along each axis."""
    scale: float = 0.1
    """The image is enlarged by a factor of 1 - scale to 1 + scale."""
    flip: float = 0.5
    """The probability of a flip, for the horizontal and the vertical one."""


RANGES = Ranges()


def random_affine(images: Tensor, generator: torch.Generator, ranges: Ranges = RANGES) -> Tensor:
    """Turn, move, zoom and flip each image of a batch on its own.

    Parameters
    ----------
    images
        [B, C, S, S] in [0, 1], on any device.
    generator
        On the CPU, so that the same seed draws the same on every device; it gives six numbers an
        image.

    Returns
    -------
    Tensor
        As the images: bilinear, and mirrored where they end, which adds no edge of its own.
    """
    draws = torch.rand(len(images), 6, generator=generator, dtype=torch.float64)
    even = 2 * draws[:, :4] - 1
    angle = even[:, 0] * math.radians(ranges.rotation)
    shift = even[:, 1:3, None] * 2 * ranges.translation  # in units of half a side
    zoom = 1 + even[:, 3] * ranges.scale
    mirror = torch.where(draws[:, 4:] < ranges.flip, -1.0, 1.0)
    # From a place in the result to its place in the image.
    cos, sin = angle.cos() / zoom, angle.sin() / zoom
    turn = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    matrix = torch.cat([turn * mirror[:, None], shift], dim=2)  # (B, 2, 3)
    grid = F.affine_grid(matrix.to(images), list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    return moved.clamp_(0, 1)  # rounding may leave it by a hair
