"""The pixel probe: a small classifier of pixels on the features that AE-XAD decodes.

::

    features [B, C, g, g] -> (f - mean) / SD per channel -> head -> logits [B, 1, g, g]
      -> bilinear -> [B, 1, S, S] -> sigmoid: anomaly maps

It answers whether the reconstruction of AE-XAD adds anything to its features: it has the same
features, training images, batches and optimiser, and no decoder.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aexad.config.recipe import Recipe
from aexad.data.training_set import TrainingSet
from aexad.encoders.features import resized
from aexad.encoders.weights import Weights
from aexad.methods.base import EncoderMethod, GradientMethod
from aexad.methods.job import Job

HIDDEN = 64


class PixelProbe(EncoderMethod, GradientMethod):
    """Binary cross-entropy of pixels, by a linear head or one of two layers."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, recipe: Recipe, size: int, weights: Weights | None = None) -> None:
        super().__init__(recipe, size, weights)
        channels = self.encoder.channels
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("deviation", torch.ones(channels))
        if self.options.head == "linear":
            self.head: nn.Module = nn.Conv2d(channels, 1, 1)
        else:
            self.head = nn.Sequential(
                nn.Conv2d(channels, HIDDEN, 3, padding=1), nn.SELU(), nn.Conv2d(HIDDEN, 1, 1)
            )

    def fit(self, data: TrainingSet, job: Job) -> pd.DataFrame:
        """Measure mean and standard deviation of each channel, then train the head."""
        images = np.flatnonzero(~data.validation & (data.weight > 0))
        count = 0
        total = torch.zeros_like(self.mean, dtype=torch.float64)
        squares = torch.zeros_like(total)
        for features, _ in job.features(images):
            values = features.double()
            count += values[:, 0].numel()
            total += values.sum(dim=(0, 2, 3))
            squares += values.square().sum(dim=(0, 2, 3))
        mean = total / count
        self.mean.copy_(mean)
        variance = squares / count - mean**2
        # A channel that is silent in training keeps its scale: a division by almost 0 would let its
        # first value decide the whole map.
        self.deviation.copy_(variance.where(variance > 1e-12, 1.0).sqrt())
        return super().fit(data, job)

    def decode(self, encoded: Tensor) -> Tensor:
        """Features [B, C, g, g] to logits [B, 1, S, S]."""
        normed = (encoded - self.mean[:, None, None]) / self.deviation[:, None, None]
        return resized(self.head(normed), self.size)

    def explain(self, decoded: Tensor) -> Tensor:
        """The probability that a pixel is anomalous, [B, 1, S, S]."""
        return decoded.sigmoid()

    def loss(self, x: Tensor, decoded: Tensor, mask: Tensor) -> Tensor:
        """Binary cross-entropy per pixel, divided by the number of pixels, [B, 1, S, S].

        Anomalous pixels weigh lambda = D / ||y||_1, as in AE-XAD.
        """
        area = mask.sum(dim=(1, 2, 3), keepdim=True)
        pixels = mask[0].numel()
        weight = (pixels / area.clamp_min(1)).expand_as(mask).where(mask, 1.0)
        return (
            F.binary_cross_entropy_with_logits(decoded, mask.float(), weight, reduction="none")
            / pixels
        )
