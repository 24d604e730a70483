"""l2-CAE: the convolutional autoencoder that AnoViT is compared with (Bergmann et al. 2019).

The table of the paper, for 128 pixels; 'x2' marks the layer that larger images repeat:

images [B, 3, 128, 128]
  -> 4x4, stride 2     32 x 64²          x2: once more at 224 and 256, twice at 384
  -> 4x4, stride 2     32 x 32²
  -> 3x3               32 x 32²
  -> 4x4, stride 2     64 x 16²
  -> 3x3               64 x 16²
  -> 4x4, stride 2    128 x 8²
  -> 3x3               64 x 8²
  -> 3x3               32 x 8²
  -> 8x8, no padding    d x 1²           the latent code, d = 100
  -> the same backwards, in transposed convolutions
  -> reconstructions [B, 3, 128, 128]

Leaky ReLU of slope 0.2 after each layer but the last one of the encoder and of the decoder, which
are linear: reconstructions are not bounded.

Other sizes. At 256 pixels Bergmann et al. (2021) put one more 4x4 convolution of stride 2 in front
and take d = 128. The rule here agrees with both: the image is halved at least twice, and until
the map is at most 8 x 8 (7 x 7 at 224, 6 x 6 at 384); the last kernel covers that map, and d is 100
up to 128 pixels and 128 above.
"""

from __future__ import annotations

from torch import Tensor, nn

from aexad.config.recipe import Recipe
from aexad.encoders.weights import Weights
from aexad.methods.base import Reconstruction
from aexad.runtime.errors import ConfigError

SMALLEST_MAP = 8
# Layers behind the halvings at 32 channels: channels, kernel, stride.
_LAST_LAYERS = ((32, 3, 1), (64, 4, 2), (64, 3, 1), (128, 4, 2), (64, 3, 1), (32, 3, 1))


class L2CAE(Reconstruction):
    """The whole image through a latent code of 100 or 128 numbers; all of it is trained.

    ConfigError if ``size`` cannot be halved until it is at most 8. There is no encoder, so
    ``weights`` is None.
    """

    def __init__(self, recipe: Recipe, size: int, weights: Weights | None = None) -> None:
        super().__init__(recipe, size, weights)
        layers = _layers(size)
        slope = 0.2
        encoder: list[nn.Module] = []
        decoder: list[nn.Module] = []
        for channels, out, kernel, stride, padding in layers:
            encoder += [nn.Conv2d(channels, out, kernel, stride, padding), nn.LeakyReLU(slope)]
        for channels, out, kernel, stride, padding in reversed(layers):
            decoder += [
                nn.ConvTranspose2d(out, channels, kernel, stride, padding),
                nn.LeakyReLU(slope),
            ]
        self.to_code = nn.Sequential(*encoder[:-1])
        self.to_image = nn.Sequential(*decoder[:-1])

    def encode(self, features: Tensor) -> Tensor:
        """Images [B, 3, S, S], which are the features, to their codes [B, d, 1, 1]."""
        return self.to_code(features)

    def decode(self, encoded: Tensor) -> Tensor:
        """Codes [B, d, 1, 1] to reconstructions [B, 3, S, S]."""
        return self.to_image(encoded)


def _layers(size: int) -> list[tuple[int, int, int, int, int]]:
    """Channels in and out, kernel, stride and padding of each convolution of the encoder."""
    halvings = 2
    while size > SMALLEST_MAP << halvings:
        halvings += 1
    if size % 2**halvings:
        raise ConfigError(
            f"model 'l2_cae' halves images {halvings} times, and {size} pixels are no multiple of "
            f"{2**halvings}; set 'size' of the data set to one"
        )
    kinds = ((32, 4, 2),) * (halvings - 2) + _LAST_LAYERS
    before = (3, *(channels for channels, _, _ in kinds))
    layers = [(before[i], out, kernel, stride, 1) for i, (out, kernel, stride) in enumerate(kinds)]
    latent = 100 if size <= 128 else 128
    return [*layers, (before[-1], latent, size >> halvings, 1, 0)]
