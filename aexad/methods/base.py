"""What every network is: a frozen part that runs once per image, then a trained part.

images [B, 3, S, S] -> features() -> features -> decode() -> reconstructions [B, 3, S, S]

The frozen part may be empty: then the features are the images. The trained part has two halves,
encode() and rebuild(); with a frozen encoder the first is empty.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

import torch
from torch import Tensor, nn

from aexad.config.recipe import Recipe
from aexad.encoders.features import Encoder
from aexad.encoders.weights import Weights
from aexad.runtime.errors import ConfigError


class FrozenThenTrained(nn.Module, ABC):
    """A network that rebuilds images; as it stands here, all of it is trained.

    Parameters
    ----------
    recipe
        What the network is built from.
    size
        Side S of the images, in pixels.
    weights
        Pre-trained tensors of its encoder; needed unless the recipe says ``weights: none``.
    """

    def __init__(self, recipe: Recipe, size: int, weights: Weights | None = None) -> None:
        super().__init__()
        if (weights is None) != (recipe.weights == "none"):
            raise ValueError(f"recipe says weights '{recipe.weights}', but got {weights!r:.40}")
        self.size = size

    def features(self, images: Tensor) -> Tensor:
        """Run the frozen part on images [B, 3, S, S]: what :meth:`decode` starts from."""
        return images

    def encode(self, features: Tensor) -> Tensor:
        """Run the first half of the trained part, an encoder."""
        return features

    @abstractmethod
    def rebuild(self, encoded: Tensor) -> Tensor:
        """Run the second half of the trained part: reconstructions [B, 3, S, S]."""

    def decode(self, features: Tensor) -> Tensor:
        """Run the trained part: reconstructions [B, 3, S, S]."""
        return self.rebuild(self.encode(features))

    def forward(self, images: Tensor) -> Tensor:
        """Reconstruct images [B, 3, S, S] in [0, 1].

        Raises
        ------
        ValueError
            If they are of another size, or not square.
        """
        if images.shape[1:] != (3, self.size, self.size):
            raise ValueError(
                f"the network takes images [B, 3, {self.size}, {self.size}], got "
                f"{list(images.shape)}; resize them"
            )
        return self.decode(self.features(images))

    def trained_state(self) -> dict[str, Tensor]:
        """The tensors that a model file holds: all that cannot be had from the weights' source."""
        return self.state_dict()

    def load_trained_state(self, tensors: dict[str, Tensor]) -> None:
        """Take back what :meth:`trained_state` gave; a missing or foreign tensor is an error."""
        expected = set(self.trained_state())
        if expected != set(tensors):
            odd = sorted(expected ^ set(tensors))
            raise ValueError(f"{len(odd)} tensors do not match the recipe, the first is '{odd[0]}'")
        self.load_state_dict(tensors, strict=False)


class EncoderNetwork(FrozenThenTrained):
    """A network around an encoder, which is frozen or trained as the recipe says.

    A frozen encoder is the frozen part. A trained one belongs to the trained part, with its name:
    its parameters are called ``encoder.…``.

    Parameters
    ----------
    recipe
        Encoder, weights, tuning, and what its features are.
    size, weights
        See :class:`FrozenThenTrained`.
    """

    def __init__(self, recipe: Recipe, size: int, weights: Weights | None = None) -> None:
        super().__init__(recipe, size, weights)
        if recipe.encoder is None:
            raise ValueError(f"model '{recipe.model}' needs an encoder, and the recipe has none")
        self.tuning = recipe.tuning
        self.encoder = Encoder(
            recipe.encoder,
            size,
            recipe.features,
            recipe.input_size,
            weights,
            facet=recipe.facet,
            token_norm=recipe.token_norm,
            token_shifts=recipe.token_shifts,
            feature_channels=recipe.feature_channels,
        )
        # A pre-trained encoder keeps the statistics of its batch norms; random ones mean nothing.
        self._normalise_by_batch = recipe.tuning == "full" and weights is None
        self._keep_encoder = recipe.tuning == "full" or weights is None
        if recipe.tuning == "full":
            self.encoder.requires_grad_(True)
        elif recipe.tuning == "layernorm":
            norms = [m for m in self.encoder.modules() if isinstance(m, nn.LayerNorm)]
            if not norms:
                raise ConfigError(
                    f"encoder '{recipe.encoder}' has no layer norms; set 'tuning' to frozen or full"
                )
            for norm in norms:
                norm.requires_grad_(True)

    def features(self, images: Tensor) -> Tensor:
        """Encode images [B, 3, S, S] if the encoder is frozen; otherwise they are the features."""
        if self.tuning != "frozen":
            return images
        with torch.no_grad():
            return self.encoder(images)

    def encode(self, features: Tensor) -> Tensor:
        """Encode images if the encoder is trained; if it is frozen, its features pass."""
        return features if self.tuning == "frozen" else self.encoder(features)

    def train(self, mode: bool = True) -> Self:
        """As in torch, but an encoder's batch norms learn statistics only if all of it is new."""
        super().train(mode)
        self.encoder.train(mode and self._normalise_by_batch)
        return self

    def trained_state(self) -> dict[str, Tensor]:
        """All but the tensors of a pre-trained encoder that are not trained further."""
        frozen = {
            f"encoder.{name}"
            for name, tensor in self.encoder.state_dict(keep_vars=True).items()
            if not (self._keep_encoder or tensor.requires_grad)
        }
        return {name: t for name, t in self.state_dict().items() if name not in frozen}
