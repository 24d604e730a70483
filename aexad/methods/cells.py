"""Cells of feature maps: those that stand for a defect, and distances to the cells of a bank."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

ROWS = 8192
"""Cells of the bank that are compared at once: bounds the memory of the distances."""


def cells_of(features: Tensor) -> Tensor:
    """Feature maps [B, C, g, g] as rows of cells [B * g * g, C]."""
    return features.permute(0, 2, 3, 1).flatten(0, 2)


def nearest(cells: Tensor, bank: Tensor) -> tuple[Tensor, Tensor]:
    """Euclidean distance from cells [M, C] to their nearest cell of a bank [N, C], and its row.

    Returns distances [M] and rows int64 [M].
    """
    own = cells.square().sum(dim=1, keepdim=True)
    lowest, rows = [], []
    for start in range(0, len(bank), ROWS):
        part = bank[start : start + ROWS]
        squared = torch.addmm(part.square().sum(dim=1)[None], cells, part.T, alpha=-2)
        low, row = squared.min(dim=1, keepdim=True)
        lowest.append(low)
        rows.append(row + start)
    low, which = torch.cat(lowest, dim=1).min(dim=1, keepdim=True)
    row = torch.cat(rows, dim=1).gather(1, which)
    return (low + own).clamp_min(0).sqrt().squeeze(1), row.squeeze(1)


def squared_distances(cells: Tensor, bank: Tensor) -> Tensor:
    """Squared Euclidean distances between cells [M, C] and a bank [N, C], [M, N].

    (``torch.cdist`` chooses its algorithm by the number of rows, which cannot be exported to ONNX.)
    """
    lengths = cells.square().sum(dim=1, keepdim=True) + bank.square().sum(dim=1)
    return torch.addmm(lengths, cells, bank.T, alpha=-2).clamp_min(0)


def anomalous_cells(masks: Tensor, grid: int) -> Tensor:
    """The cells that stand for a defect: masks bool [B, 1, S, S] to bool [B, g, g].

    They are covered by at least a half, or, where no cell of an image is, as far as the most
    covered one: a thin defect has cells too.
    """
    # Share of each cell that the mask covers, [B, g, g]
    share = F.adaptive_avg_pool2d(masks.float(), grid).squeeze(1)
    most = share.amax(dim=(1, 2), keepdim=True)
    return (share >= most.clamp(max=0.5)) & (share > 0)
