"""AE-XAD with any encoder (Angiulli et al. 2025; report on Vision Transformers).

::

    images x [B, 3, S, S]
      -> encoder         [B, C, g, g]     28x28 (CNN) or 14x14 (ViT) at S = 224; frozen or trained
      -> projection      [B, 64, d, d]    d = S / 8; trained
      -> decoder:
           branch 1, not trained: tanh, sum of groups of 8 channels, upsampled: b1 [B, 8, S, S]
           branch 2, trained: three blocks, 64 -> 32 -> 16 -> 8 channels:       b2 [B, 8, S, S]
           b = b1 * b2 + b2 -> 3x3 convolution, SELU, 3x3 convolution, sigmoid
      -> reconstructions x~ [B, 3, S, S] in [0, 1]

The loss rebuilds normal pixels and drives anomalous ones to a value F(x) that no normal pixel has.
"""

from __future__ import annotations

from torch import Tensor, nn

from aexad.config.own_code import is_own, load_own
from aexad.config.recipe import SMALLEST_DISTANCE_TO_TARGET, ProjectionKind, Recipe, Target
from aexad.encoders.features import DECODER_STRIDE, resized
from aexad.encoders.weights import Weights
from aexad.methods.base import EncoderReconstruction
from aexad.methods.selu import selu
from aexad.runtime.errors import ConfigError

CODE_CHANNELS = 64
IMAGE_CHANNELS = 8


class Projection(nn.Module):
    """The trained step from the encoder's features to the decoder's code [B, 64, d, d].

    Features on the decoder's grid pass one convolution, as in AE-XAD. Features on half of that grid
    or less, such as tokens, pass the report's head: 1x1 to 256, 3x3 to 128, SELU, then a transposed
    convolution that doubles the grid. Features on another grid are first resized to the nearer one.
    With ``convolution``, all features pass one convolution, so that their channels alone decide the
    number of trained parameters.
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
        return selu(self.enlarge(selu(self.convolve(maps))))


class Decoder(nn.Module):
    """Code [B, 64, d, d] to reconstructions [B, 3, 8d, 8d]."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(Block(64, 32), Block(32, 16), Block(16, IMAGE_CHANNELS))
        self.mix = nn.Conv2d(IMAGE_CHANNELS, IMAGE_CHANNELS, 3, padding=1)
        self.to_image = nn.Conv2d(IMAGE_CHANNELS, 3, 3, padding=1)

    def forward(self, code: Tensor) -> Tensor:
        """Decode as in the paper's figure of the network."""
        b2 = self.blocks(code)  # (B, 8, S, S)
        b1 = upsampled(self.branch1(code), b2.shape[-1])  # (B, 8, S, S)
        b = b2 * (1 + b1)  # b1 * b2 + b2
        return self.to_image(selu(self.mix(b))).sigmoid()

    @staticmethod
    def branch1(code: Tensor) -> Tensor:
        """Branch 1 before its upsampling, [B, 8, d, d].

        tanh and sum commute with nearest-neighbour upsampling, so both are computed on the small
        grid, on 1/64 of the cells.
        """
        return code.tanh().unflatten(1, (IMAGE_CHANNELS, -1)).sum(dim=2)


def upsampled(maps: Tensor, side: int) -> Tensor:
    """Nearest-neighbour upsampling of maps [B, C, d, d] to [B, C, S, S], S a multiple of d."""
    batch, channels, grid, _ = maps.shape
    scale = side // grid
    squares = maps[:, :, :, None, :, None].expand(batch, channels, grid, scale, grid, scale)
    return squares.reshape(batch, channels, side, side)


def anomaly_target(x: Tensor, target: Target) -> Tensor:
    """F(x), the value that anomalous pixels are driven to: 2, -1, or 1 - x."""
    if target == "inverse":
        return 1 - x
    return x.new_tensor(2.0 if target == "two" else -1.0).expand_as(x)


class AEXAD(EncoderReconstruction):
    """Encoder, projection and decoder, for images whose side S is a multiple of 16.

    With ``loss: mse`` this is the paper's ablation, a plain autoencoder.
    """

    def __init__(self, recipe: Recipe, size: int, weights: Weights | None = None) -> None:
        if size % (2 * DECODER_STRIDE):
            raise ConfigError(f"working size {size} is no multiple of {2 * DECODER_STRIDE}")
        super().__init__(recipe, size, weights)
        self.plain, self.target = recipe.loss == "mse", recipe.target
        self.own_loss = load_own(recipe.loss) if is_own(recipe.loss) else None
        self.projection = Projection(
            self.encoder.channels, self.encoder.grid, size // DECODER_STRIDE, recipe.projection
        )
        self.decoder = Decoder()

    def decode(self, encoded: Tensor) -> Tensor:
        """Project and decode features: reconstructions [B, 3, S, S] in [0, 1]."""
        return self.decoder(self.projection(encoded))

    def loss(self, x: Tensor, decoded: Tensor, mask: Tensor) -> Tensor:
        """Loss of AE-XAD per pixel and channel, [B, 3, S, S]; its sum over an image is the loss.

        (1 - y) (x - x~)^2 / (F(x) - x)^2  +  lambda y (F(x) - x~)^2 / (F(x) - x)^2

        with the mask y, D pixels, and lambda = D / ||y||_1 (1 if the image has no anomaly), so that
        a small defect weighs as much as the rest of the image. (F(x) - x)^2 is at least
        ``SMALLEST_DISTANCE_TO_TARGET`` squared. Parameters: see :meth:`Reconstruction.loss`. A loss
        of one's own takes the place of all this.
        """
        if self.own_loss is not None:
            return self.own_loss(decoded, x, mask)
        if self.plain:
            return super().loss(x, decoded, mask)
        f, d = anomaly_target(x, self.target), mask[0].numel()  # F(x) and D
        norm = mask.sum(dim=(1, 2, 3), keepdim=True)  # ||y||_1, (B, 1, 1, 1)
        lambda_ = (d / norm.clamp_min(1)).where(norm > 0, 1.0)
        distance = self._squared_distance(x)
        return (x.where(~mask, f) - decoded).square() * (lambda_.where(mask, 1.0) / distance)

    def error(self, x: Tensor, reconstruction: Tensor) -> Tensor:
        """The squared error divided by the squared distance to F, [B, 1, S, S] (the paper's e~)."""
        if self.plain:
            return super().error(x, reconstruction)
        error = (x - reconstruction).square().sum(dim=1, keepdim=True)
        return error / self._squared_distance(x).sum(dim=1, keepdim=True)

    def _squared_distance(self, x: Tensor) -> Tensor:
        """(F(x) - x)^2, bounded from below."""
        distance = (anomaly_target(x, self.target) - x).square()
        return distance.clamp_min(SMALLEST_DISTANCE_TO_TARGET**2)
