"""The guard of a training: detect a network that has collapsed.

A network can learn to paint every image in one colour, most often white: the loss of AE-XAD draws
anomalous pixels to F = 2, beyond white, and the sigmoid of the last layer has hardly any gradient
there. Training images alone are enough to detect it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from aexad.methods.base import Reconstruction

EXAMINED = 8
"""Number of normal and of anomalous training images that are examined."""

EXAMINATIONS = 10
"""Number of examinations in a training, at equal distances; the last is after the last epoch."""

LEAST_UPDATES = 100
"""A training of fewer updates is not judged: it may be healthy and too short to show it."""

RESTARTS = 2
"""A collapsed training starts again this many times at most."""

RESTART_FACTOR = 0.2
"""Factor on the learning rates of plain reconstruction at each restart."""

GENTLE_START = 150
"""AE-XAD restarts with a gentle start instead: of twice as many updates as its recipe says, and at
least twice this number; the second restart doubles it again."""

FLAT = 1 / 255
"""A value of a reconstruction that is this close to 0 or 1 is black or white."""

MIDDLE = (0.1, 0.9)
"""Values of an image that no good reconstruction turns into black or white."""

MOST_SATURATED = 0.5
LEAST_GAIN = 0.05
VISIBLE = 3.0

MEANING = {
    "saturated": "most values are rebuilt as black or white",
    "constant": "it rebuilds images no better than a single colour",
    "inverted": "normal pixels have a larger error than anomalous ones",
}
"""What a log says of each value of :attr:`Health.collapse`."""

STUCK = ("saturated", "constant")
"""Values that start a training again halfway; an inverted network may still learn."""


class Health(NamedTuple):
    """What an examination measured, on training images."""

    relative_loss: float
    """Loss divided by the loss of the best single colour; about 1: the network paints one colour,
    or is no better than that."""
    saturated: float
    """Share of the normal pixel values in :data:`MIDDLE` that are rebuilt as black or white; NaN if
    there are none."""
    error_normal: float
    """Mean error of normal pixels, see :meth:`aexad.methods.base.Reconstruction.error`."""
    error_anomalous: float
    """Mean error of anomalous pixels; NaN if no image has any."""

    @property
    def collapse(self) -> str:
        """How the network has collapsed; empty if it has not.

        - ``saturated``: most values that are neither black nor white are rebuilt as one of them;
        - ``constant``: the loss is no lower than that of a single colour, and the error of
          anomalous pixels is less than three times that of normal ones. (On a plain white ground
          with dark defects, a single colour is a good reconstruction.)
        - ``inverted``: normal pixels have a larger error than anomalous ones.
        """
        if self.saturated > MOST_SATURATED:
            return "saturated"
        visible = self.error_anomalous > VISIBLE * self.error_normal  # False for NaN, also below
        if self.relative_loss > 1 - LEAST_GAIN and not visible:
            return "constant"
        return "inverted" if self.error_anomalous < self.error_normal else ""


class Examiner:
    """Examines the reconstructions of a fixed set of training images.

    Parameters
    ----------
    network
        Its loss is compared with the loss of single colours.
    images
        float [B, 3, S, S] in [0, 1].
    masks
        bool [B, 1, S, S].
    """

    def __init__(self, network: Reconstruction, images: Tensor, masks: Tensor) -> None:
        self.network, self.images, self.masks = network, images, masks
        normal = (~masks).expand_as(images)
        mean = (images * normal).sum(dim=(0, 2, 3)) / normal.sum(dim=(0, 2, 3)).clamp_min(1)
        greys = torch.linspace(0, 1, 11, device=images.device)[:, None].expand(-1, 3)
        self.single_colour = min(
            self._loss(colour.view(1, 3, 1, 1).expand_as(images)) for colour in [mean, *greys]
        )
        self.middle = normal & (images > MIDDLE[0]) & (images < MIDDLE[1])

    def examine(self, reconstructions: Tensor) -> Health:
        """Measure reconstructions [B, 3, S, S] of the images."""
        black_or_white = (reconstructions < FLAT) | (reconstructions > 1 - FLAT)
        error = self.network.error(self.images, reconstructions)
        return Health(
            relative_loss=self._loss(reconstructions) / max(self.single_colour, 1e-12),
            saturated=_mean(black_or_white[self.middle]),
            error_normal=_mean(error[~self.masks]),
            error_anomalous=_mean(error[self.masks]),
        )

    def _loss(self, reconstructions: Tensor) -> float:
        loss = self.network.rebuilding_loss(self.images, reconstructions, self.masks)
        return float(loss.double().sum())


def _mean(values: Tensor) -> float:
    return float(values.double().mean()) if values.numel() else math.nan
