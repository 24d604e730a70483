"""SuperSimpleNet, supervised: noise on features makes more defects (Rolih et al. 2024).

::

    features [B, C, g, g], 3x3 mean -> adaptor (1x1) -> segmentation head -> map [B, 1, g, g]
                                                     -> classification head -> score [B]

In training, each batch is seen twice: as it is, and with Gaussian noise on the adapted features
where Perlin noise is high and no defect is marked. Both heads are told where noise or defect is.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aexad.config.recipe import Recipe
from aexad.encoders.features import resized
from aexad.encoders.weights import Weights
from aexad.methods.base import EncoderMethod, GradientMethod
from aexad.methods.cells import anomalous_cells

HIDDEN = 1024
SCORE_CHANNELS = 128


class SuperSimpleNet(EncoderMethod, GradientMethod):
    """An adaptor and two heads on frozen features."""

    def __init__(self, recipe: Recipe, size: int, weights: Weights | None = None) -> None:
        super().__init__(recipe, size, weights)
        channels = self.encoder.channels
        self.adaptor = nn.Conv2d(channels, channels, 1)
        self.segmentation = nn.Sequential(
            nn.Conv2d(channels, HIDDEN, 1),
            nn.BatchNorm2d(HIDDEN),
            nn.ReLU(),
            nn.Conv2d(HIDDEN, 1, 1, bias=False),
        )
        self.classification = nn.Sequential(
            nn.Conv2d(channels + 1, SCORE_CHANNELS, 5, padding=2),
            nn.BatchNorm2d(SCORE_CHANNELS),
            nn.ReLU(),
        )
        self.score = nn.Linear(2 * SCORE_CHANNELS + 2, 1)

    def rate_factor(self, parameter: str) -> float:
        """The adaptor learns at half the rate of the heads."""
        return 0.5 if parameter.startswith("adaptor.") else 1.0

    def decode(self, encoded: Tensor) -> Tensor:
        """Adapted features [B, C, g, g]."""
        return self.adaptor(F.avg_pool2d(encoded, 3, 1, 1))

    def explain(self, decoded: Tensor) -> tuple[Tensor, Tensor]:
        """Anomaly maps [B, 1, S, S] and scores [B], both logits."""
        maps, scores = self._heads(decoded)
        return resized(maps, self.size), scores

    def loss(self, x: Tensor, decoded: Tensor, mask: Tensor) -> Tensor:
        """Truncated L1 and focal loss of the map, and focal loss of the score, for each image."""
        options = self.options
        grid = decoded.shape[-1]
        defect = anomalous_cells(mask, grid)[:, None]  # (B, 1, g, g)
        noisy = (perlin_noise(len(x), grid).to(decoded.device) > options.noise_from) & ~defect
        noise = torch.randn(decoded.shape).to(decoded) * options.noise
        both = torch.cat([decoded, decoded + noise * noisy])
        truth = torch.cat([defect, defect | noisy])
        maps, scores = self._heads(both)
        anomalous = truth.any(dim=(1, 2, 3))
        total = (
            truncated_l1(maps, truth, options.margin)
            + focal(maps, truth, options.gamma).mean()
            + focal(scores, anomalous, options.gamma).mean()
        )
        return total.expand(len(x))

    def _heads(self, adapted: Tensor) -> tuple[Tensor, Tensor]:
        """Map [B, 1, g, g] and score [B] of adapted features, as logits."""
        maps = self.segmentation(adapted)
        seen = self.classification(torch.cat([adapted, maps], dim=1))
        pooled = [seen.mean(dim=(2, 3)), seen.amax(dim=(2, 3))]
        pooled += [maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))]
        return maps, self.score(torch.cat(pooled, dim=1)).squeeze(1)


def truncated_l1(maps: Tensor, truth: Tensor, margin: float) -> Tensor:
    """The mean of max(0, map + margin) over normal cells, and of max(0, margin - map) over others.

    Parameters: logits and bool of the same shape. A mean over no cells is 0.
    """
    normal = (maps + margin).clamp_min(0)[~truth]
    anomalous = (margin - maps).clamp_min(0)[truth]
    return sum((part.mean() for part in (normal, anomalous) if len(part)), start=maps.new_zeros(()))


def focal(logits: Tensor, truth: Tensor, gamma: float) -> Tensor:
    """Binary cross-entropy times (1 - p)^gamma, p the probability of the truth."""
    entropy = F.binary_cross_entropy_with_logits(logits, truth.to(logits), reduction="none")
    return (1 - (-entropy).exp()) ** gamma * entropy


def perlin_noise(number: int, side: int) -> Tensor:
    """Gradient noise in about [-1, 1] with 2 to 8 waves per side, drawn at random, [n, 1, s, s]."""
    maps = []
    for _ in range(number):
        waves = [2 ** int(torch.randint(1, 4, ())) for _ in range(2)]
        maps.append(_one_noise(waves[0], waves[1], side))
    return torch.stack(maps)[:, None]


def _one_noise(rows: int, columns: int, side: int) -> Tensor:
    angles = 2 * math.pi * torch.rand(rows + 1, columns + 1)
    gradients = torch.stack([angles.sin(), angles.cos()])
    y = (torch.arange(side) + 0.5) / side * rows
    x = (torch.arange(side) + 0.5) / side * columns
    top, left = y.long().clamp_max(rows - 1), x.long().clamp_max(columns - 1)
    v, u = (y - top)[:, None], (x - left)[None]

    def corner(down: int, right: int) -> Tensor:
        gradient = gradients[:, top + down][:, :, left + right]
        return gradient[0] * (v - down) + gradient[1] * (u - right)

    fade_v, fade_u = (t**3 * (t * (t * 6 - 15) + 10) for t in (v, u))
    upper = corner(0, 0).lerp(corner(0, 1), fade_u.expand(side, side))
    lower = corner(1, 0).lerp(corner(1, 1), fade_u.expand(side, side))
    return math.sqrt(2) * upper.lerp(lower, fade_v.expand(side, side))
