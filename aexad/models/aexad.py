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

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aexad.errors import ConfigError
from aexad.models.encoders import DECODER_STRIDE, resized
from aexad.models.network import EncoderNetwork
from aexad.models.weights import Weights
from aexad.recipe import Recipe

CODE_CHANNELS = 64
IMAGE_CHANNELS = 8


class Projection(nn.Module):
    """The trained step from the encoder's features to the decoder's code [B, 64, d, d].

    Features on the decoder's grid pass one convolution, as in AE-XAD. Tokens of a Transformer lie
    on half that grid and pass the report's head: 1x1 to 256, 3x3 to 128, SELU, then a transposed
    convolution that doubles the grid. Features on another grid are first resized to the nearer.
    """

    def __init__(self, channels: int, grid: int, code_grid: int) -> None:
        super().__init__()
        halfway = code_grid * 0.5**0.5
        if grid > halfway:
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
    """Code [B, 64, d, d] to reconstructions [B, 3, 8d, 8d].

    The last layers have 8 channels and fewer, on the largest grid: few for the vector units of a
    processor. They are computed as what they equal, layers on the grid of half the size with four
    times the channels, where the pixels of a 2x2 square lie one after the other (the order of
    ``pixel_shuffle``). Parameters are those of the layers as the paper has them.
    """

    packing: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(Block(64, 32), Block(32, 16))
        self.last_block = Block(16, 8)
        self.mix = nn.Conv2d(8, 8, 3, padding=1)
        self.to_image = nn.Conv2d(8, 3, 3, padding=1)
        self.register_buffer("packing", _packing(), persistent=False)

    def forward(self, code: Tensor) -> Tensor:
        """Decode, as the figure of the paper shows it."""
        half = F.selu(self.last_block.convolve(self.blocks(code)), inplace=True)
        weights = _packed_enlargement(self.last_block.enlarge)
        b2 = F.selu(F.conv2d(half, *weights), inplace=True)  # (B, 32, S/2, S/2), packed
        b1 = self.attention(code).repeat_interleave(4, dim=1)
        b = b2 * F.interpolate(1 + b1, b2.shape[-2:])  # b1 * b2 + b2
        b = F.selu(F.conv2d(b, *self._packed(self.mix), padding=1), inplace=True)
        image = F.conv2d(b, *self._packed(self.to_image), padding=1).sigmoid()
        return F.pixel_shuffle(image, 2)

    @staticmethod
    def attention(code: Tensor) -> Tensor:
        """Branch 1 before its upsampling, [B, 8, d, d].

        tanh and the sum commute with nearest-neighbour upsampling, so both are done on the small
        grid, on 1/64 of the cells.
        """
        return code.tanh().unflatten(1, (IMAGE_CHANNELS, -1)).sum(dim=2)

    def _packed(self, layer: nn.Conv2d) -> tuple[Tensor, Tensor]:
        """Weight and bias of a 3x3 convolution, for packed maps."""
        assert layer.bias is not None  # noqa: S101 - as built above
        out, channels = layer.weight.shape[:2]
        weight = torch.einsum("ocyx,yxijklmn->oijcklmn", layer.weight, self.packing)
        return weight.reshape(4 * out, 4 * channels, 3, 3), layer.bias.repeat_interleave(4)


def _packed_enlargement(layer: nn.ConvTranspose2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of a 2x2 stride-2 transposed convolution, as a 1x1 one to packed maps."""
    assert layer.bias is not None  # noqa: S101 - as built below
    channels, out = layer.weight.shape[:2]
    weight = layer.weight.permute(1, 2, 3, 0).reshape(4 * out, channels, 1, 1)
    return weight, layer.bias.repeat_interleave(4)


def _packing() -> Tensor:
    """Which cell (y, x) of a 3x3 kernel leads where, when 2x2 squares are packed.

    [y, x, i, j, k, l, m, n] is 1 where the kernel's cell takes pixel (k, l) of the neighbouring
    square (m, n) to pixel (i, j) of its own.
    """
    # Along one axis: cell y takes the pixel at i + y - 1, counted from the square's first.
    axis = torch.zeros(3, 2, 2, 3)
    for y in range(3):
        for i in range(2):
            neighbour, pixel = divmod(i + y - 1, 2)
            axis[y, i, pixel, neighbour + 1] = 1
    return torch.einsum("yikm,xjln->yxijklmn", axis, axis)


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
            self.encoder.channels, self.encoder.grid, size // DECODER_STRIDE
        )
        self.decoder = Decoder()

    def rebuild(self, encoded: Tensor) -> Tensor:
        """Project and decode the encoder's features: reconstructions [B, 3, S, S] in [0, 1]."""
        return self.decoder(self.projection(encoded))
