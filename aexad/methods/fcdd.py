"""FCDD with labelled defects: a one-class classifier whose features are the map (Liznerski 2021).

::

    features [B, C, g, g] of a frozen encoder -> two trained 3x3 convolutions -> 1x1: A [B, 1, g, g]
      -> h = sqrt(A^2 + 1) - 1 -> upsampled by a fixed Gaussian kernel: h' [B, 1, S, S]

The paper's trunk is VGG-11-BN with its first four convolutions frozen. Here any frozen stage takes
their place, with two trained convolutions on top. The score of an image is the mean of h.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aexad.config.recipe import Recipe
from aexad.encoders.weights import Weights
from aexad.methods.base import EncoderMethod, GradientMethod
from aexad.runtime.errors import ConfigError

HIDDEN = 256
KERNEL_SIDE = 62 / 12
"""Side of the kernel in standard deviations: the receptive field of the paper's trunk."""


class FCDD(EncoderMethod, GradientMethod):
    """Normal pixels are drawn to zero, the defects of an image away from it."""

    line: Tensor

    def __init__(self, recipe: Recipe, size: int, weights: Weights | None = None) -> None:
        super().__init__(recipe, size, weights)
        channels, grid = self.encoder.channels, self.encoder.grid
        if size % grid:
            raise ConfigError(
                f"model 'fcdd' enlarges its map of {grid} cells, and {size} pixels are no multiple "
                "of that; choose other 'features' or another 'input_size'"
            )
        self.stride = size // grid
        sigma = self.options.sigma
        side = self.stride + 2 * max(0, math.ceil((KERNEL_SIDE * sigma - self.stride) / 2))
        self.register_buffer("line", gaussian_line(side, sigma), persistent=False)
        self.head = nn.Sequential(
            nn.Conv2d(channels, HIDDEN, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(HIDDEN, HIDDEN, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(HIDDEN, 1, 1),
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The maps h' [B, 1, S, S] of images [B, 3, S, S] in [0, 1], and the means of h [B]."""
        self.check_images(images)
        h = self.cells(self.features(images))
        return self.enlarged(h), h.mean(dim=(1, 2, 3))

    def decode(self, encoded: Tensor) -> Tensor:
        """Features [B, C, g, g] to h' [B, 1, S, S]."""
        return self.enlarged(self.cells(encoded))

    def cells(self, features: Tensor) -> Tensor:
        """Features [B, C, g, g] to h = sqrt(A^2 + 1) - 1, [B, 1, g, g]."""
        squared = self.head(features).square()
        # The difference itself is 0 for small A: below 0.0003 in float32, below 0.09 in bfloat16.
        return squared / ((squared + 1).sqrt() + 1)

    def enlarged(self, h: Tensor) -> Tensor:
        """Enlarge h [B, 1, g, g] to h' [B, 1, S, S]."""
        # The kernel is the product of a column and a row: two passes take a thirtieth of the time.
        line, s = self.line.to(h.dtype), self.stride
        p = (len(line) - s) // 2
        rows = F.conv_transpose2d(h, line[None, None, :, None], stride=(s, 1), padding=(p, 0))
        return F.conv_transpose2d(rows, line[None, None, None], stride=(1, s), padding=(0, p))

    def loss(self, x: Tensor, decoded: Tensor, mask: Tensor) -> Tensor:
        """Loss of each image with its mask Y (eq. 4), [B].

        mean of (1 - Y) h', and for images with a defect - log(1 - exp(-mean of Y h')); both means
        are over all pixels.
        """
        normal = (decoded * ~mask).mean(dim=(1, 2, 3))
        anomalous = (decoded * mask).mean(dim=(1, 2, 3))
        away = -torch.log(-torch.expm1(-anomalous.clamp_min(1e-7)))
        return normal + away.where(mask.any(dim=(1, 2, 3)), 0.0)


def gaussian_line(length: int, sigma: float) -> Tensor:
    """A Gaussian of ``length`` pixels with maximum 1, [length]."""
    steps = torch.arange(length, dtype=torch.float64) - (length - 1) / 2
    line = torch.exp(-0.5 * (steps / sigma) ** 2)
    return (line / line.max()).float()
