"""A training step as the sources' code takes it: nothing computed once that could be, no layout.

The encoder runs in every step, 64 channels are upsampled before they are summed to 8, and the loss
is written as the paper's two terms. It trains the same parameters as ours, so losses can be
compared.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from aexad.methods.aexad import AEXAD, Decoder
from aexad.methods.model import Model


def plain_decoder(decoder: Decoder, code: Tensor) -> Tensor:
    """Code [B, 64, d, d] to reconstructions [B, 3, 8d, 8d], operation by operation."""
    upsampled = F.interpolate(code, scale_factor=8, mode="nearest").tanh()
    b1 = torch.stack([upsampled[:, 8 * g : 8 * g + 8].sum(1) for g in range(8)], dim=1)
    b2 = decoder.blocks(code)
    return torch.sigmoid(decoder.to_image(F.selu(decoder.mix(b1 * b2 + b2))))


def plain_loss(x: Tensor, y: Tensor, reconstructions: Tensor) -> Tensor:
    """The paper's loss with F = 2, mean over the batch; y is float [B, 1, S, S]."""
    anomalous = y.expand_as(x).sum(dim=(1, 2, 3))
    balance = torch.where(anomalous > 0, x[0].numel() / anomalous.clamp_min(1), 1.0)
    normal = (1 - y) * (x - reconstructions) ** 2 / (2 - x) ** 2
    wrong = y * (2 - reconstructions) ** 2 / (2 - x) ** 2
    per_image = normal.sum(dim=(1, 2, 3)) + balance * wrong.sum(dim=(1, 2, 3))
    return per_image.mean()


class PlainTraining:
    """Steps on a model's parameters, in float32, channels first.

    Parameters
    ----------
    features
        Of all images, if the encoder is not to run (the decoder is timed alone).
    """

    def __init__(
        self, model: Model, images: Tensor, masks: Tensor, features: Tensor | None = None
    ) -> None:
        assert isinstance(model.network, AEXAD)
        self.network = model.network.train()
        self.images, self.masks, self.features = images, masks, features
        settings = model.recipe.optimiser
        self.optimiser = torch.optim.Adam(
            [p for p in self.network.parameters() if p.requires_grad],
            settings.learning_rate,
            weight_decay=settings.weight_decay,
        )

    def step(self, batch: Tensor) -> float:
        """One step on the images of these indices; the loss before it."""
        x, y = self.images[batch], self.masks[batch]
        if self.features is None:
            with torch.no_grad():
                features = self.network.encoder(x)
        else:
            features = self.features[batch]
        code = self.network.projection(features)
        loss = plain_loss(x, y, plain_decoder(self.network.decoder, code))
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return loss.item()
