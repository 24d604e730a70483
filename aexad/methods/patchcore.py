"""PatchCore: distance to the nearest cell of a coreset of normal cells (Roth et al. 2022).

::

    stages -> 3x3 mean each -> on the finest grid, concatenated: cells [B, g, g, C]
    fit: greedy coreset of the normal cells
    cell score s = distance to the nearest kept cell m*
    image score  = (1 - exp(s) / sum of exp(distance to the b neighbours of m*)) * s, of the cell
                   with the highest s (eq. 7)
"""

from __future__ import annotations

from typing import ClassVar

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from aexad.data.training_set import TrainingSet
from aexad.encoders.features import resized
from aexad.methods.base import EncoderMethod
from aexad.methods.cells import cells_of, nearest, squared_distances
from aexad.methods.job import Job

SEARCH_CHANNELS = 128
"""The coreset is searched on a random projection to this many channels (section 3.2)."""


class PatchCore(EncoderMethod):
    """A memory of normal cells; labelled defects are not used."""

    learned: ClassVar[tuple[str, ...]] = ("bank",)
    bank: Tensor

    def features(self, images: Tensor) -> Tensor:
        """Cells [B, C, g, g]: each stage averaged over 3x3 cells, on the finest grid."""
        with torch.no_grad():
            stages = [F.avg_pool2d(stage, 3, 1, 1) for stage in self.encoder.stages(images)]
            finest = max(stage.shape[-1] for stage in stages)
            return torch.cat([resized(stage, finest) for stage in stages], dim=1)

    def fit(self, data: TrainingSet, job: Job) -> pd.DataFrame:
        """Keep a coreset of the cells of the normal images."""
        normal = torch.cat([cells_of(f) for f, _ in job.features(data.images_of(anomalous=False))])
        kept = max(1, round(self.options.coreset * len(normal)))
        self.register_buffer("bank", normal[greedy_coreset(normal, kept, job.seed)])
        return pd.DataFrame([{"epoch": 1}])

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Anomaly maps [B, 1, S, S] and scores [B]."""
        self.check_images(images)
        features = self.features(images)
        grid, cells = features.shape[-1], cells_of(features)
        distance, row = nearest(cells, self.bank)
        distance, row = distance.view(-1, grid * grid), row.view(-1, grid * grid)
        highest, where = distance.max(dim=1, keepdim=True)  # s*, (B, 1)
        cell = cells.view(len(images), grid * grid, -1).gather(
            1, where[..., None].expand(-1, -1, cells.shape[1])
        )
        around = self.neighbours_of(row.gather(1, where).squeeze(1))  # (B, b, C)
        apart = (cell - around).norm(dim=2)  # (B, b)
        # 1 - exp(s) / sum(exp(d)), without overflow of exp.
        weight = 1 - (highest - apart.logsumexp(dim=1, keepdim=True)).exp()
        score = (weight * highest).squeeze(1) if apart.shape[1] > 1 else highest.squeeze(1)
        return resized(distance.view(-1, 1, grid, grid), self.size), score

    def neighbours_of(self, rows: Tensor) -> Tensor:
        """The ``neighbours`` cells of the bank that are nearest to some of its cells, [B, b, C].

        The first of them is the cell itself.
        """
        number = min(self.options.neighbours, len(self.bank))
        apart = squared_distances(self.bank[rows], self.bank)
        return self.bank[apart.topk(number, dim=1, largest=False).indices]


def greedy_coreset(cells: Tensor, number: int, seed: int) -> Tensor:
    """Rows of ``number`` cells [N, C], each the farthest from those before it (algorithm 1).

    The search runs on a random projection, drawn from ``seed`` like the first cell.
    """
    generator = torch.Generator().manual_seed(seed)
    if cells.shape[1] > SEARCH_CHANNELS:
        projection = torch.randn(cells.shape[1], SEARCH_CHANNELS, generator=generator)
        cells = cells @ projection.to(cells) / SEARCH_CHANNELS**0.5
    lengths = cells.square().sum(dim=1)
    row = torch.randint(len(cells), (), generator=generator).to(cells.device)
    rows = [row]
    distance = torch.full_like(lengths, torch.inf)
    for _ in range(number - 1):
        squared = torch.addmv(lengths, cells, cells[row], alpha=-2).add_(lengths[row])
        distance = torch.minimum(distance, squared)
        distance[row] = -1
        row = distance.argmax()
        rows.append(row)
    return torch.stack(rows)
