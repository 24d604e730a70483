"""Finer features by shifts: an image is encoded n x n times, each time moved by part of a patch.

With patches of p pixels, the n x n positions are p / n apart; their n x n grids of g x g cells
interleave to one grid of n g x n g cells. Input size, position embeddings and the number of tokens
that attend to each other stay as they are.

    grid of patches    |   centre   |   centre   |
    n = 2: moved by      -p/4 +p/4    -p/4 +p/4        the fine grid's own centres
    fine grid          |  1  |  2   |  3  |  4   |

The shifts lie on both sides of 0, so that the patch of each cell is centred on the cell, and the
fine grid covers the image like any other grid with as many cells.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from aexad.runtime.errors import ConfigError


def offsets(patch: int, count: int) -> list[int]:
    """The shifts along one side, in pixels: (i + 1/2) p / n - p / 2 for i = 0 … n - 1.

    ConfigError if they are not whole pixels.

    >>> offsets(16, 1), offsets(16, 2), offsets(16, 4)
    ([0], [-4, 4], [-6, -2, 2, 6])
    """
    halves = [patch * (2 * i + 1 - count) for i in range(count)]  # in units of 1 / 2n pixel
    if any(half % (2 * count) for half in halves):
        raise ConfigError(
            f"token_shifts {count} would move patches of {patch} pixels by parts of a pixel; "
            "choose another number in the recipe"
        )
    return [half // (2 * count) for half in halves]


def shifted(
    encode: Callable[[Tensor], list[Tensor]], images: Tensor, moves: list[int]
) -> list[Tensor]:
    """Encode images at every shift, and interleave the maps [B, C, g, g] to [B, C, n g, n g].

    Images [B, 3, S, S] are mirrored beyond their edges; ``moves`` is the result of :func:`offsets`.
    """
    if moves == [0]:
        return encode(images)
    side, edge, count = images.shape[-1], max(moves), len(moves)
    wide = F.pad(images, (edge, edge, edge, edge), mode="reflect")
    grids = [
        encode(wide[:, :, edge + down : edge + down + side, edge + right : edge + right + side])
        for down in moves
        for right in moves
    ]
    return [
        # (n * n, B, C, g, g) -> (B, C, g, n, g, n) -> (B, C, n g, n g)
        torch.stack(maps)
        .unflatten(0, (count, count))
        .permute(2, 3, 4, 0, 5, 1)
        .flatten(4, 5)
        .flatten(2, 3)
        for maps in zip(*grids, strict=True)
    ]
