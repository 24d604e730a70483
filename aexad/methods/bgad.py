"""BGAD: a normalising flow per stage, and a boundary between normal and defect (Yao et al. 2023).

::

    stages of a frozen encoder -> cells [B * g * g, C] with a code of their position
      -> flow of affine coupling blocks -> log-likelihood l of each cell

Phase 1 raises the likelihood of normal images. Phase 2 also draws normal cells above a boundary
and the cells of labelled defects below another one. Map: exp(l - c), c the highest l of the normal
training images, on the image's grid, summed over the stages, negated. (The authors' code takes c
from the test set.)
"""

from __future__ import annotations

import math
from typing import ClassVar

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aexad.config.recipe import Recipe
from aexad.data.training_set import TrainingSet
from aexad.encoders.features import resized
from aexad.encoders.weights import Weights
from aexad.methods.base import EncoderMethod, GradientMethod
from aexad.methods.cells import anomalous_cells, cells_of
from aexad.methods.job import Job

CHUNK = 4096
"""Cells of a chunk: each chunk of a batch has boundaries of its own."""

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
LOGIT_SCALE = 10
"""Log-likelihoods are divided by this before they are compared with the boundaries."""


class Coupling(nn.Module):
    """An affine coupling block with a condition, and a fixed random rotation."""

    def __init__(self, channels: int, condition: int, clamp: float) -> None:
        super().__init__()
        self.kept, self.moved, self.clamp = channels - channels // 2, channels // 2, clamp
        seen = self.kept + condition
        self.subnet = nn.Sequential(
            nn.Linear(seen, 2 * seen), nn.ReLU(), nn.Linear(2 * seen, 2 * self.moved)
        )
        nn.init.zeros_(self.subnet[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.subnet[-1].bias)  # type: ignore[arg-type]
        rotation = torch.linalg.qr(torch.randn(channels, channels)).Q
        self.rotation = nn.Parameter(rotation, requires_grad=False)

    def forward(self, cells: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Move cells [M, C]; returns them and the log of the determinant of the Jacobian, [M]."""
        kept, moved = cells.split([self.kept, self.moved], dim=1)
        scale, shift = self.subnet(torch.cat([kept, condition], dim=1)).chunk(2, dim=1)
        log_scale = self.clamp * torch.tanh(0.1 * scale)
        moved = moved * log_scale.exp() + 0.1 * shift
        return torch.cat([kept, moved], dim=1) @ self.rotation, log_scale.sum(dim=1)


class Flow(nn.Module):
    """Coupling blocks in a row, from cells to their log-likelihood."""

    def __init__(self, channels: int, condition: int, blocks: int, clamp: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Coupling(channels, condition, clamp) for _ in range(blocks))

    def forward(self, cells: Tensor, condition: Tensor) -> Tensor:
        """Log-likelihood of cells [M, C] divided by C, [M], under a standard normal."""
        determinant = cells.new_zeros(len(cells))
        channels = cells.shape[1]
        for block in self.blocks:
            cells, log_scale = block(cells, condition)
            determinant = determinant + log_scale
        density = -0.5 * cells.square().sum(dim=1) - channels * HALF_LOG_TWO_PI
        return (density + determinant) / channels


class BGAD(EncoderMethod, GradientMethod):
    """One flow for each stage of the encoder."""

    whole_batches: ClassVar[bool] = True
    highest: Tensor

    def __init__(self, recipe: Recipe, size: int, weights: Weights | None = None) -> None:
        super().__init__(recipe, size, weights)
        options = self.options
        with torch.no_grad():
            stages = self.encoder.stages(torch.zeros(1, 3, size, size))
        self.shapes = [(stage.shape[1], stage.shape[2]) for stage in stages]
        self.flows = nn.ModuleList(
            Flow(channels, options.position_channels, options.blocks, options.clamp)
            for channels, _ in self.shapes
        )
        for i, (_, grid) in enumerate(self.shapes):
            code = position_code(options.position_channels, grid)
            self.register_buffer(f"position_{i}", code, persistent=False)
        self.register_buffer("highest", torch.zeros(len(stages)))
        self.normals_alone = False

    def at_epoch(self, epoch: int, epochs: int) -> None:
        """The first epochs train on normal images alone."""
        self.normals_alone = epoch <= math.ceil(self.options.normal_phase * epochs)

    def features(self, images: Tensor) -> Tensor:
        """All stages of an image in one row, [B, sum of C g g, 1, 1]."""
        with torch.no_grad():
            return torch.cat([s.flatten(1) for s in self.encoder.stages(images)], dim=1)[
                ..., None, None
            ]

    def fit(self, data: TrainingSet, job: Job) -> pd.DataFrame:
        """Train the flows, then find the highest likelihood of normal cells."""
        history = super().fit(data, job)
        highest = torch.full_like(self.highest, -torch.inf)
        for features, _ in job.features(data.images_of(anomalous=False)):
            levels = self._levels(self.decode(features))
            highest = torch.maximum(highest, torch.stack([level.max() for level in levels]))
        self.highest.copy_(highest)
        return history

    def decode(self, encoded: Tensor) -> Tensor:
        """Log-likelihoods of the cells of all stages, [B, sum of g g]."""
        rows = encoded.flatten(1).split([c * g * g for c, g in self.shapes], dim=1)
        levels = []
        for i, (row, (channels, grid)) in enumerate(zip(rows, self.shapes, strict=True)):
            cells = cells_of(row.view(-1, channels, grid, grid))
            code = getattr(self, f"position_{i}").repeat(len(row), 1).to(cells.dtype)
            levels.append(self.flows[i](cells, code).view(len(row), -1))
        return torch.cat(levels, dim=1)

    def explain(self, decoded: Tensor) -> Tensor:
        """Anomaly maps [B, 1, S, S], at most 0."""
        maps = torch.zeros(1, 1, self.size, self.size, device=decoded.device)
        for level, highest, (_, grid) in zip(
            self._levels(decoded), self.highest, self.shapes, strict=True
        ):
            likelihood = (level - highest).exp().view(-1, 1, grid, grid)
            maps = maps - resized(likelihood, self.size)
        return maps

    def loss(self, x: Tensor, decoded: Tensor, mask: Tensor) -> Tensor:
        """The mean over stages and chunks of :func:`boundary_loss`, for each image, [B]."""
        losses = []
        for level, (_, grid) in zip(self._levels(decoded), self.shapes, strict=True):
            anomalous = anomalous_cells(mask, grid).flatten(1)
            if self.normals_alone:
                normal = level[~anomalous.any(dim=1)]
                losses.append(-F.logsigmoid(normal).mean() if len(normal) else level.sum() * 0)
                continue
            order = torch.randperm(level.numel()).to(level.device)
            flat, wrong = level.flatten()[order], anomalous.flatten()[order]
            chunks = zip(flat.split(CHUNK), wrong.split(CHUNK), strict=True)
            parts = [
                boundary_loss(cells, defect, self.options.quantile, self.options.margin)
                for cells, defect in chunks
            ]
            losses.append(torch.stack(parts).mean())
        return torch.stack(losses).mean().expand(len(x))

    def _levels(self, decoded: Tensor) -> tuple[Tensor, ...]:
        return decoded.split([grid * grid for _, grid in self.shapes], dim=1)


def boundary_loss(likelihood: Tensor, anomalous: Tensor, quantile: float, margin: float) -> Tensor:
    """Loss of a chunk of cells in phase 2 (eqs. 4, 8 and 9).

    - mean of -logsigmoid(l) over normal cells; with q = l / 10:
    - L_n: mean of b_n - q over normal cells with q <= b_n, the ``quantile`` of the normal q;
    - L_a: mean of q - b_a over anomalous cells with q >= b_a = b_n - ``margin``.

    A mean over no cells is 0.
    """
    normal = likelihood[~anomalous]
    if not len(normal):
        return likelihood.sum() * 0
    q = likelihood / LOGIT_SCALE
    boundary = torch.quantile((normal / LOGIT_SCALE).detach(), quantile)
    below = q[~anomalous & (q <= boundary)]
    above = q[anomalous & (q >= boundary - margin)]
    total = -F.logsigmoid(normal).mean() + _mean(boundary - below)
    return total + _mean(above - (boundary - margin))


def position_code(channels: int, grid: int) -> Tensor:
    """Sines and cosines of the row and the column of each cell, [g * g, channels]."""
    half = channels // 2
    rates = torch.exp(torch.arange(0, half, 2) * (-math.log(10000.0) / half))
    angles = torch.arange(grid)[:, None] * rates  # (g, half / 2)
    line = torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)  # (g, half)
    rows = line[:, None].expand(grid, grid, half)
    columns = line[None].expand(grid, grid, half)
    return torch.cat([columns, rows], dim=2).flatten(0, 1)


def _mean(values: Tensor) -> Tensor:
    return values.mean() if len(values) else values.sum()
