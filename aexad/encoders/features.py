"""Encoders: any timm backbone, asked for one feature map of a square image.

images [B, 3, S, S] in [0, 1]  ->  resize to the encoder's input  ->  its own normalisation
->  stages or blocks  ->  (normed)  ->  (concatenated)  ->  (fewer channels)  ->  [B, C, g, g]

The stages or blocks may be computed several times, on images that are shifted by parts of a patch
(shifted_tokens.py), and the keys of attention may be used in place of a block's output
(attention_keys.py).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aexad.config.recipe import Facet
from aexad.encoders.attention_keys import check_has_keys, keys_of
from aexad.encoders.backbone import build_backbone, check_complete
from aexad.encoders.family import family_of
from aexad.encoders.shifted_tokens import offsets, shifted
from aexad.encoders.weights import Weights
from aexad.runtime.device import is_out_of_memory
from aexad.runtime.errors import ConfigError, one_line

# AE-XAD decodes from an eighth of the image: 28x28 at 224x224.
DECODER_STRIDE = 8


class Encoder(nn.Module):
    """One feature map of a timm backbone.

    Parameters
    ----------
    name
        timm name, with the tag of the pre-training; or ``pixels`` for raw pixels.
    size
        Side of the images in pixels.
    features
        Stages or blocks, as timm counts them, concatenated on the finest of their grids. None: the
        last one whose stride is at most 8 pixels of the encoder's input. If there is none: of a
        pyramid, the last one of the finest grid; of a Vision Transformer, the last block after the
        final layer norm, as its own head would see it.
    input_size
        Side to which images are resized first (bilinear, antialiased); None: ``size``.
    weights
        Pre-trained tensors; None: random ones. Position embeddings of another grid are
        interpolated, as timm does it.
    facet
        Use the outputs of blocks, or the keys of their attention.
    token_norm
        Whether each cell of each map is normed over its channels (no weights), before they are
        concatenated.
    token_shifts
        n: images are encoded at n x n shifts, to a grid n times finer.
    feature_channels
        C after a fixed orthonormal map, the same for all runs; None: no map.

    Attributes
    ----------
    channels, grid
        C and g of the features.
    family
        CNN, Transformer, hybrid or none, see :func:`aexad.encoders.family.family_of`.

    Raises
    ------
    ConfigError
        timm does not know the name, or the encoder does not have these features or this size.
    WeightsError
        A tensor that the features depend on is missing or has another shape.
    """

    backbone: Any  # timm's classes share an interface, but no base class that has it
    mean: Tensor
    std: Tensor
    channel_map: Tensor | None

    def __init__(
        self,
        name: str,
        size: int,
        features: list[int] | None = None,
        input_size: int | None = None,
        weights: Weights | None = None,
        *,
        facet: Facet = "output",
        token_norm: bool = False,
        token_shifts: int = 1,
        feature_channels: int | None = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size or size
        self.facet, self.token_norm = facet, token_norm
        self.backbone = build_backbone(name, self.input_size, weights)
        self.family = family_of(self.backbone)  # of the whole backbone, before it is pruned
        for key in ("mean", "std"):
            value = torch.tensor(self.backbone.pretrained_cfg[key]).view(3, 1, 1)
            self.register_buffer(key, value, persistent=False)
        if facet == "key":
            check_has_keys(name, self.backbone)
        strides = [stage["reduction"] for stage in self.backbone.feature_info]
        fine = [i for i, stride in enumerate(strides) if stride <= DECODER_STRIDE]
        self.normed = features is None and not fine and facet == "output"
        if features is None:
            last = len(strides) - 1
            if strides[last] >= 2 * min(strides):  # a pyramid
                last = max(i for i, stride in enumerate(strides) if stride == min(strides))
            features = fine[-1:] or [last]
            self.normed = self.normed and last == len(strides) - 1
        if not all(0 <= feature < len(strides) for feature in features):
            raise ConfigError(
                f"encoder '{name}' has features 0 to {len(strides) - 1}, not {features}; "
                "correct 'features' in the recipe"
            )
        if token_shifts > 1 and len({strides[feature] for feature in features}) > 1:
            raise ConfigError(
                f"encoder '{name}': features {features} lie on several grids, which token_shifts "
                "cannot interleave; name features of one grid in the recipe"
            )
        self.moves = offsets(strides[features[0]], token_shifts)
        self.indices = self.backbone.prune_intermediate_layers(
            sorted(features), prune_norm=not self.normed
        )
        if weights is not None:
            check_complete(name, self.backbone, weights)
        self.requires_grad_(False).eval()
        self.register_buffer("channel_map", None, persistent=False)
        probe = self._tried(name, size)
        self.channels, self.grid = probe.shape[1], probe.shape[2]
        if feature_channels is not None:
            self.channel_map = orthonormal(feature_channels, self.channels)[:, :, None, None]
            self.channels = feature_channels

    @torch.no_grad()
    def _tried(self, name: str, size: int) -> Tensor:
        """Features of one image; ConfigError if the encoder cannot take its size."""
        try:
            return self(torch.zeros(1, 3, size, size))
        except (RuntimeError, AssertionError, ValueError, TypeError, IndexError) as error:
            if is_out_of_memory(error):
                raise MemoryError(
                    f"one image of {self.input_size} pixels in encoder '{name}'"
                ) from error
            own = self.backbone.pretrained_cfg["input_size"][-1]
            raise ConfigError(
                f"encoder '{name}' cannot take images of {self.input_size} pixels "
                f"({one_line(error, 120)}); set 'input_size' in the recipe (its own is {own})"
            ) from None

    def forward(self, images: Tensor) -> Tensor:
        """Compute features [B, C, g, g] of images [B, 3, S, S] in [0, 1]."""
        maps = self.stages(images)
        finest = max(m.shape[-1] for m in maps)
        features = torch.cat([resized(m, finest) for m in maps], dim=1)
        return features if self.channel_map is None else F.conv2d(features, self.channel_map)

    def stages(self, images: Tensor) -> list[Tensor]:
        """The maps [B, C, g, g] of each stage or block, of images [B, 3, S, S] in [0, 1]."""
        side = self.input_size
        if images.shape[-1] != side:
            images = F.interpolate(images, (side, side), mode="bilinear", antialias=True)
        return shifted(self._maps, (images - self.mean) / self.std, self.moves)

    def _maps(self, images: Tensor) -> list[Tensor]:
        """The maps [B, C, g, g] of the stages or blocks, each with its own C and g."""

        def outputs() -> list[Tensor]:
            return self.backbone.forward_intermediates(
                images,
                indices=self.indices,
                norm=self.normed,
                stop_early=True,
                output_fmt="NCHW",
                intermediates_only=True,
            )

        maps = keys_of(self.backbone, self.indices, outputs) if self.facet == "key" else outputs()
        return [normed_cells(m) for m in maps] if self.token_norm else maps


def resized(maps: Tensor, side: int) -> Tensor:
    """Feature maps [B, C, g, g] on a grid of ``side`` cells per side, bilinear."""
    if maps.shape[-1] == side:
        return maps
    return F.interpolate(maps, (side, side), mode="bilinear", align_corners=False)


def normed_cells(maps: Tensor) -> Tensor:
    """Maps [B, C, g, g] with mean 0 and variance 1 over the channels of each cell."""
    cells = maps.permute(0, 2, 3, 1)
    return F.layer_norm(cells, cells.shape[-1:]).permute(0, 3, 1, 2)


def orthonormal(rows: int, columns: int) -> Tensor:
    """A fixed matrix [rows, columns] whose rows, or columns if they are fewer, are orthonormal.

    With ``rows`` >= ``columns`` it keeps lengths and angles; with fewer it projects on a random
    subspace. It is the same in all runs, so that it does not depend on the seed.
    """
    generator = torch.Generator().manual_seed(0)
    long, short = max(rows, columns), min(rows, columns)
    drawn = torch.randn(long, short, generator=generator, dtype=torch.float64)
    basis, triangle = torch.linalg.qr(drawn)
    basis = basis * triangle.diagonal().sign()  # makes the signs independent of the library
    return (basis if rows >= columns else basis.T).float().contiguous()
