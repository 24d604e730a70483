"""The network of AE-XAD, with any encoder (Angiulli et al. 2025; report on Vision Transformers).

images [B, 3, S, S]
  -> encoder         [B, C, g, g]     28x28 (CNN) or 14x14 (ViT) at S = 224; frozen, or tuned
  -> projection      [B, 64, d, d]    d = S / 8; trained
  -> decoder:
       branch 1, not trained: tanh, sum of groups of 8 channels, upsampled: b1 [B, 8, S, S]
       branch 2, trained: three blocks, 64 -> 32 -> 16 -> 8 channels:       b2 [B, 8, S, S]
       b = b1 * b2 + b2 -> 3x3 convolution, SELU, 3x3 convolution, sigmoid
  -> reconstructions [B, 3, S, S] in [0, 1]
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from aexad.config.recipe import ProjectionKind, Recipe
from aexad.encoders.features import DECODER_STRIDE, resized
from aexad.encoders.weights import Weights
from aexad.methods.base import EncoderNetwork
from aexad.runtime.errors import ConfigError

CODE_CHANNELS = 64
IMAGE_CHANNELS = 8


class Projection(nn.Module):
    """The trained step from the encoder's features to the decoder's code [B, 64, d, d].

    Features on the decoder's grid pass one convolution, as in AE-XAD. Tokens of a Transformer lie
    on half that grid and pass the report's head: 1x1 to 256, 3x3 to 128, SELU, then a transposed
    convolution that doubles the grid. Features on another grid are first resized to the nearer.
    With ``convolution`` that is always the decoder's, and their channels alone decide how much is
    trained.
    """

    def __init__(
        self, channels: int, grid: int, code_grid: int, kind: ProjectionKind = "auto"
    ) -> None:
        super().__init__()
        halfway = code_grid * 0.5**0.5
        if kind == "convolution" or grid > halfway:
            self.grid = code_grid
            self.layers: nn.Module = nn.Conv2d(channels, CODE_CHANNELS, 3, padding=1)
        else:
            self.grid = code_grid // 2
            self.layers = nn.Sequential(
                nn.Conv2d(channels, 256, 1),
                nn.Conv2d(256, 128, 3, padding=1),
                nn.SELU(),
                nn.ConvTranspose2d(128, CODE_CHANNELS, 2, stride=2),
            )

    def forward(self, features: Tensor) -> Tensor:
        """Project features [B, C, g, g] to the code [B, 64, d, d]."""
        return self.layers(resized(features, self.grid))


class Block(nn.Module):
    """A block of branch 2: [B, channels, d, d] to [B, out, 2d, 2d]."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.convolve = nn.Conv2d(channels, out, 3, padding=1)
        self.enlarge = nn.ConvTranspose2d(out, out, 2, stride=2)

    def forward(self, maps: Tensor) -> Tensor:
        """3x3 convolution, SELU, 2x2 stride-2 transposed convolution, SELU."""
        half = F.selu(self.convolve(maps), inplace=True)
        return F.selu(self.enlarge(half), inplace=True)


class Decoder(nn.Module):
    """Code [B, 64, d, d] to reconstructions [B, 3, 8d, 8d]."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(Block(64, 32), Block(32, 16), Block(16, IMAGE_CHANNELS))
        self.mix = nn.Conv2d(IMAGE_CHANNELS, IMAGE_CHANNELS, 3, padding=1)
        self.to_image = nn.Conv2d(IMAGE_CHANNELS, 3, 3, padding=1)

    def forward(self, code: Tensor) -> Tensor:
        """Decode, as the figure of the paper shows it."""
        b2 = self.blocks(code)  # (B, 8, S, S)
        b = times_upsampled(b2, 1 + self.attention(code))  # b1 * b2 + b2
        return self.to_image(F.selu(self.mix(b), inplace=True)).sigmoid()

    @staticmethod
    def attention(code: Tensor) -> Tensor:
        """Branch 1 before its upsampling, [B, 8, d, d].

        tanh and the sum commute with nearest-neighbour upsampling, so both are done on the small
        grid, on 1/64 of the cells.
        """
        return code.tanh().unflatten(1, (IMAGE_CHANNELS, -1)).sum(dim=2)


def times_upsampled(maps: Tensor, small: Tensor) -> Tensor:
    """Maps [B, C, S, S] times small maps [B, C, d, d], upsampled to them (nearest).

    Each value is broadcast over its square of S / d pixels, so the upsampled map is never made.
    """
    side, grid = maps.shape[-1], small.shape[-1]
    squares = maps.permute(0, 2, 3, 1).unflatten(2, (grid, -1)).unflatten(1, (grid, -1))
    product = squares * small.permute(0, 2, 3, 1)[:, :, None, :, None]  # (B, d, S/d, d, S/d, C)
    return product.reshape(len(maps), side, side, -1).permute(0, 3, 1, 2)


class AEXAD(EncoderNetwork):
    """Encoder, projection and decoder.

    Parameters
    ----------
    recipe, weights
        See :class:`EncoderNetwork`.
    size
        Side S of the images, a multiple of 16.
    """

    def __init__(self, recipe: Recipe, size: int, weights: Weights | None = None) -> None:
        if size % (2 * DECODER_STRIDE):
            raise ConfigError(f"working size {size} is no multiple of {2 * DECODER_STRIDE}")
        super().__init__(recipe, size, weights)
        self.projection = Projection(
            self.encoder.channels, self.encoder.grid, size // DECODER_STRIDE, recipe.projection
        )
        self.decoder = Decoder()

    def rebuild(self, encoded: Tensor) -> Tensor:
        """Project and decode the encoder's features: reconstructions [B, 3, S, S] in [0, 1]."""
        return self.decoder(self.projection(encoded))
