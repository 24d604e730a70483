"""AnoViT: a Vision Transformer and a convolutional decoder of its patch tokens (Lee and Kang 2022).

At 384 pixels with ViT-Base of patches of 16 pixels, and at 224 with ViT-Tiny:

images [B, 3, S, S]         384          224
  -> encoder                768 x 24²    192 x 14²    patch tokens of the last block, as a map
  -> block 1, keeps         256 x 24²    256 x 14²    3x3 transposed convolution, ReLU
  -> block 2, doubles       128 x 48²    128 x 28²    4x4 transposed convolution, ReLU
  -> block 3, doubles        64 x 96²     64 x 56²
  -> block 4, doubles        32 x 192²    32 x 112²
  -> block 5, doubles        16 x 384²    16 x 224²
  -> block 6, keeps           3 x 384²     3 x 224²   3x3 transposed convolution, sigmoid
  -> reconstructions [B, 3, S, S] in [0, 1]; resized where the blocks end at another size

The paper gives six blocks of transposed convolution and ReLU and 3 channels at the end, but neither
strides nor kernels nor channels. What is chosen here:

- From 24 to 384 four of six blocks must double. The first block keeps, so that neighbouring tokens
  mix before they are enlarged; the last one keeps, so that the image is drawn at its full size.
- Kernels of 4 at stride 2 (a multiple of it: each pixel gets as many terms as the next), else of 3.
- 256 channels after block 1, halved by each block. The decoder is far smaller than the
  encoder, so that the Transformer has to model what is normal.
- Block 6 ends in a sigmoid: after a ReLU, a pixel that is too dark would have no gradient.
- Weights are initialised after He et al. (2015), so that each block keeps the variance of its
  input. torch's default loses nine tenths of it per block; the biases then learn before the tokens
  do, and on images that are mostly black (MNIST) the ReLUs die in that time.
- Patches of p pixels need log2(p) doublings, rounded; the other blocks keep. The tokens of a
  patch of 14 (16 x 16 at 224) become 256 x 256, and are resized.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from aexad.config.recipe import Recipe
from aexad.encoders.features import resized
from aexad.encoders.weights import Weights
from aexad.methods.base import EncoderReconstruction

CHANNELS = (256, 128, 64, 32, 16, 3)


class AnoViT(EncoderReconstruction):
    """A timm encoder, trained further, and six blocks that rebuild the image from its tokens."""

    def __init__(self, recipe: Recipe, size: int, weights: Weights | None = None) -> None:
        super().__init__(recipe, size, weights)
        patch = self.encoder.input_size / self.encoder.grid
        doublings = min(round(math.log2(patch)), len(CHANNELS) - 1)
        before = (self.encoder.channels, *CHANNELS)
        activations = [nn.ReLU() for _ in CHANNELS[:-1]] + [nn.Sigmoid()]
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(_transposed(before[i], out, doubles=1 <= i <= doublings), activation)
                for i, (out, activation) in enumerate(zip(CHANNELS, activations, strict=True))
            )
        )

    def decode(self, encoded: Tensor) -> Tensor:
        """Draw the images from the tokens [B, C, g, g]: reconstructions [B, 3, S, S] in [0, 1]."""
        return resized(self.blocks(encoded), self.size)


def _transposed(channels: int, out: int, doubles: bool) -> nn.ConvTranspose2d:
    kernel, stride = (4, 2) if doubles else (3, 1)
    layer = nn.ConvTranspose2d(channels, out, kernel, stride, padding=1)
    terms = channels * (kernel // stride) ** 2  # of each pixel
    nn.init.normal_(layer.weight, std=math.sqrt(2 / terms))
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # there is one
    return layer
