"""Trials on six categories: AE-XAD with other steps between encoder and decoder, other losses.

The classes and functions are named by recipes as ``studies/layers/fixed_projection.py:NAME``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from pydantic import Field
from scipy import linalg, ndimage
from torch import Tensor, nn

from aexad.config.recipe import Recipe
from aexad.config.schema import Strict
from aexad.data.masks import EIGHT
from aexad.data.training_set import TrainingSet
from aexad.encoders.features import DECODER_STRIDE, resized
from aexad.encoders.weights import Weights
from aexad.explain.heatmap import binarised, smoothed
from aexad.methods.aexad import AEXAD, CODE_CHANNELS
from aexad.methods.job import Job

COVERED = 0.25
"""Share of a cell that a mask must cover, so that the cell counts as anomalous."""
RIDGE = 1e-3
"""Share of the mean variance that is added to every variance before it is inverted."""


class Cells:
    """Sums over the cells of training images: means and second moments [C, C], by kind of cell."""

    def __init__(self, channels: int, centre: Tensor) -> None:
        self.centre = centre
        self.count = {False: 0, True: 0}
        self.second = {kind: torch.zeros(channels, channels).double() for kind in (False, True)}

    def add(self, features: Tensor, masks: Tensor) -> None:
        """Add features [B, C, g, g] of images with masks [B, 1, S, S]."""
        covered = F.adaptive_avg_pool2d(masks.float(), features.shape[-1])[:, 0]
        cells = (features - self.centre).permute(0, 2, 3, 1).double()
        for kind, chosen in ((False, covered == 0), (True, covered >= COVERED)):
            values = cells[chosen]
            self.count[kind] += len(values)
            self.second[kind] += values.T @ values

    def moment(self, anomalous: bool) -> np.ndarray:
        """The mean of x x^T over normal or anomalous cells x, which are centred on normal ones."""
        return (self.second[anomalous] / max(self.count[anomalous], 1)).numpy()


def discriminant_map(normal: np.ndarray, anomalous: np.ndarray, rows: int) -> np.ndarray:
    """A matrix [rows, C]: half discriminant directions, half principal components of normal cells.

    The discriminant directions solve A v = l N v with the largest l: along them anomalous cells
    vary most in units of the normal variance. (With one cluster of anomalous cells, the first is
    Fisher's discriminant.) Both halves are scaled to a variance of 1 over two parts of normal and
    one part of anomalous cells.

    Parameters
    ----------
    normal, anomalous : float64 [C, C]
        Second moments N and A of normal and anomalous cells about the normal mean.
    """
    ridge = RIDGE * np.trace(normal) / len(normal) * np.eye(len(normal))
    _, directions = linalg.eigh(anomalous, normal + ridge)
    _, components = linalg.eigh(normal)
    half = rows // 2
    chosen = np.concatenate(
        [directions[:, ::-1][:, :half], components[:, ::-1][:, : rows - half]], 1
    ).T
    variance = np.einsum("rc,cd,rd->r", chosen, (2 * normal + anomalous) / 3, chosen)
    return chosen / np.sqrt(np.maximum(variance, 1e-12))[:, None]


class ProjectionOptions(Strict):
    """Options of :class:`FixedProjection`."""

    fixed: bool = Field(True, description="map the features to 64 channels in closed form")
    trained: bool = Field(False, description="let the usual trained projection follow")
    by_position: bool = Field(False, description="subtract the normal mean of each position")


class FixedProjection(AEXAD):
    """AE-XAD whose features are centred, and mapped in closed form from the training set alone."""

    Options = ProjectionOptions
    learned = ("centre", "closed_form")
    centre: Tensor
    closed_form: Tensor

    def __init__(self, recipe: Recipe, size: int, weights: Weights | None = None) -> None:
        super().__init__(recipe, size, weights)
        self.code_grid = size // DECODER_STRIDE
        if self.options.fixed:
            trained = nn.Conv2d(CODE_CHANNELS, CODE_CHANNELS, 3, padding=1)
            self.projection = trained if self.options.trained else nn.Identity()

    def fit(self, data: TrainingSet, job: Job) -> pd.DataFrame:
        """Measure the centre and the closed form, then train the rest."""
        normal, labelled = data.images_of(anomalous=False), data.images_of(anomalous=True)
        total = sum(features.double().sum(0) for features, _ in job.features(normal))
        centre = (total / len(normal)).float()
        if not self.options.by_position:
            centre = centre.mean((1, 2), keepdim=True)
        self.centre = centre
        if self.options.fixed:
            cells = Cells(len(centre), centre)
            for features, masks in job.features(np.concatenate([normal, labelled])):
                cells.add(features, masks)
            rows = discriminant_map(cells.moment(False), cells.moment(True), CODE_CHANNELS)
            self.closed_form = torch.from_numpy(rows).float()[:, :, None, None]
        return super().fit(data, job)

    def decode(self, encoded: Tensor) -> Tensor:
        """Centre, map and decode features: reconstructions [B, 3, S, S] in [0, 1]."""
        code = encoded - self.centre
        if self.options.fixed:
            code = resized(F.conv2d(code, self.closed_form), self.code_grid)
        return self.decoder(self.projection(code))


def clipped_lambda(reconstruction: Tensor, x: Tensor, mask: Tensor) -> Tensor:
    """AE-XAD's loss with lambda = D / ||y||_1 of at most 20: a tiny defect weighs no more."""
    area = mask.sum(dim=(1, 2, 3), keepdim=True)
    weight = (mask[0].numel() / area.clamp_min(1)).clamp_max(20)
    two = torch.full_like(x, 2)
    return (
        (x.where(~mask, two) - reconstruction).square() * weight.where(mask, 1.0) / (2 - x).square()
    )


def _extents(binary: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Larger side of the box, and area, of each piece of a binary map [H, W]."""
    labels, count = ndimage.label(binary, EIGHT)
    boxes = ndimage.find_objects(labels)
    sides = [max(axis.stop - axis.start for axis in box) for box in boxes]
    return np.array(sides, float), np.bincount(labels.ravel(), minlength=count + 1)[1:]


def _filtered(maps: np.ndarray, extent: Callable[[np.ndarray, np.ndarray], float]) -> np.ndarray:
    """Maps under a Gaussian whose k is half of an extent, from sides and areas of the pieces."""
    found = [_extents(binary) for binary in binarised(maps)]
    k = [max(1, round(extent(*pieces) / 2)) if len(pieces[0]) else 1 for pieces in found]
    return smoothed(maps, np.array(k))


def median_filter_size(maps: np.ndarray) -> np.ndarray:
    """The paper's filter, with k half the median extent of the pieces."""
    return _filtered(maps, lambda sides, areas: float(np.median(sides)))


def area_filter_size(maps: np.ndarray) -> np.ndarray:
    """The paper's filter, with k half the extent that pieces have on average, weighted by area."""
    return _filtered(maps, lambda sides, areas: float(np.average(sides, weights=areas)))


def median_5(maps: np.ndarray) -> np.ndarray:
    """A median of 5 x 5 pixels: removes specks and keeps edges."""
    return np.stack([ndimage.median_filter(m, 5, mode="reflect") for m in maps])
