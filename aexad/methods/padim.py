"""PaDiM: a Gaussian for each cell of the image (Defard et al. 2021).

::

    stages, on the finest grid, concatenated -> d random channels: cells [B, g, g, d]
    fit: mean and covariance + 0.01 I of each cell over the normal images
    cell score = Mahalanobis distance to the Gaussian of its place
"""

from __future__ import annotations

import pandas as pd
import torch
from torch import Tensor

from aexad.config.recipe import Recipe
from aexad.data.training_set import TrainingSet
from aexad.encoders.features import resized
from aexad.encoders.weights import Weights
from aexad.methods.base import EncoderMethod
from aexad.methods.job import Job

RIDGE = 0.01


class PaDiM(EncoderMethod):
    """Gaussians of normal cells; labelled defects are not used."""

    channels: Tensor
    mean: Tensor
    whitening: Tensor

    def __init__(self, recipe: Recipe, size: int, weights: Weights | None = None) -> None:
        super().__init__(recipe, size, weights)
        all_channels, cells = self.encoder.channels, self.encoder.grid**2
        d = min(self.options.channels, all_channels)
        # torch's generator is seeded by the run's seed while a model is built.
        self.register_buffer("channels", torch.randperm(all_channels)[:d].sort().values)
        self.register_buffer("mean", torch.zeros(cells, d))
        self.register_buffer("whitening", torch.zeros(cells, d, d))

    def features(self, images: Tensor) -> Tensor:
        """The drawn channels of the encoder's features, [B, d, g, g]."""
        return super().features(images)[:, self.channels]

    def fit(self, data: TrainingSet, job: Job) -> pd.DataFrame:
        """Estimate the Gaussian of each cell."""
        count = 0
        total = torch.zeros_like(self.mean, dtype=torch.float64)
        products = torch.zeros_like(self.whitening, dtype=torch.float64)
        for features, _ in job.features(data.images_of(anomalous=False)):
            cells = features.flatten(2).permute(2, 0, 1).double()  # (g * g, B, d)
            count += cells.shape[1]
            total += cells.sum(dim=1)
            products += cells.transpose(1, 2) @ cells
        mean = total / count
        covariance = (products - count * mean[:, :, None] * mean[:, None]) / max(count - 1, 1)
        covariance += RIDGE * torch.eye(covariance.shape[-1], device=covariance.device)
        # S = C C^T, so S^-1 = C^-T C^-1: the distance is ||C^-1 (f - mean)||.
        lower = torch.linalg.cholesky(covariance)
        unit = torch.eye(lower.shape[-1], dtype=lower.dtype, device=lower.device)
        inverse = torch.linalg.solve_triangular(lower, unit.expand_as(lower), upper=False)
        self.mean.copy_(mean)
        self.whitening.copy_(inverse)
        return pd.DataFrame([{"epoch": 1}])

    def forward(self, images: Tensor) -> Tensor:
        """Anomaly maps [B, 1, S, S]."""
        self.check_images(images)
        cells = self.features(images).flatten(2).permute(2, 1, 0)  # (g * g, d, B)
        away = self.whitening @ (cells - self.mean[:, :, None])
        distance = away.norm(dim=1).T  # (B, g * g)
        grid = self.encoder.grid
        return resized(distance.reshape(-1, 1, grid, grid), self.size)
