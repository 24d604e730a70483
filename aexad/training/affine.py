"""Random affine transforms and flips of images, drawn again in every epoch (Lee and Kang 2022).

The paper names the transforms but no ranges. The ranges here are smaller than the variation among
good photographs usually is, so that a larger deviation still looks anomalous. Flips suit objects
without a handedness; the paper flips digits too.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

# Largest changes of an image; each amount is drawn from a uniform distribution.
ROTATION = 10.0
"""In degrees, to either side."""
TRANSLATION = 0.05
"""Of the image's side, in either direction along each axis."""
SCALE = 0.1
"""The image is enlarged by a factor of 1 - SCALE to 1 + SCALE."""
FLIP = 0.5
"""The probability of a flip, for the horizontal and the vertical one."""


def random_affine(images: Tensor, generator: torch.Generator) -> Tensor:
    """Turn, move, zoom and flip each image of a batch [B, C, S, S] in [0, 1] by its own amounts.

    Bilinear, and mirrored beyond the borders, which adds no edge. ``generator`` is on the CPU, so
    that a seed draws the same on every device; it draws six numbers per image.
    """
    draws = torch.rand(len(images), 6, generator=generator, dtype=torch.float64)
    even = 2 * draws[:, :4] - 1
    angle = even[:, 0] * math.radians(ROTATION)
    shift = even[:, 1:3, None] * 2 * TRANSLATION  # in units of half a side
    zoom = 1 + even[:, 3] * SCALE
    mirror = torch.where(draws[:, 4:] < FLIP, -1.0, 1.0)
    # From coordinates in the result to coordinates in the image.
    cos, sin = angle.cos() / zoom, angle.sin() / zoom
    turn = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    matrix = torch.cat([turn * mirror[:, None], shift], dim=2)  # (B, 2, 3)
    grid = F.affine_grid(matrix.to(images), list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    return moved.clamp_(0, 1)  # rounding may exceed it slightly
