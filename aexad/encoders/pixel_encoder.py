"""Raw pixels in place of an encoder: the trained projection is then a plain convolution."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

STRIDE = 8


class Pixels(nn.Module):
    """Cells of 8x8 pixels as channels, with the part of timm's interface that encoders use.

    It has no parameters. Pixels are scaled to [-1, 1].
    """

    def __init__(self) -> None:
        super().__init__()
        self.pretrained_cfg = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
        self.feature_info = [{"num_chs": 3 * STRIDE**2, "reduction": STRIDE}]

    def prune_intermediate_layers(self, indices: list[int], **_: Any) -> list[int]:
        """Return the indices; there are no layers to remove."""
        return indices

    def forward_intermediates(self, images: Tensor, **_: Any) -> list[Tensor]:
        """Images [B, 3, S, S] as one map [B, 192, S / 8, S / 8]."""
        return [F.pixel_unshuffle(images, STRIDE)]
