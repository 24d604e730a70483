"""What methods that reconstruct images share: features, reconstruction, loss, stored tensors.

::

    images x [B, 3, S, S] -> features() -> features -> decode() -> reconstructions x~ [B, 3, S, S]

``features`` is the frozen part, which runs once per image; it may be empty, so that the features
are the images. ``decode`` is the trained part: ``encode`` (empty if the encoder is frozen), then
``rebuild``. ``loss`` compares x~ with x.
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


class Reconstruction(nn.Module, ABC):
    """A network that reconstructs images; in this base class, all of it is trained.

    Parameters
    ----------
    recipe
        The recipe of the method.
    size
        Side S of the images in pixels.
    weights
        Pre-trained tensors of the encoder; required unless the recipe has ``weights: none``.
    """

    def __init__(self, recipe: Recipe, size: int, weights: Weights | None = None) -> None:
        super().__init__()
        if (weights is None) != (recipe.weights == "none"):
            raise ValueError(f"recipe says weights '{recipe.weights}', but got {weights!r:.40}")
        self.size = size

    def features(self, images: Tensor) -> Tensor:
        """Run the frozen part on images [B, 3, S, S]; the result is the input of `decode`."""
        return images

    def encode(self, features: Tensor) -> Tensor:
        """Run the first half of the trained part, a trained encoder."""
        return features

    @abstractmethod
    def rebuild(self, encoded: Tensor) -> Tensor:
        """Run the second half of the trained part; returns reconstructions [B, 3, S, S]."""

    def decode(self, features: Tensor) -> Tensor:
        """Run the trained part; returns reconstructions [B, 3, S, S]."""
        return self.rebuild(self.encode(features))

    def loss(self, x: Tensor, reconstruction: Tensor, mask: Tensor) -> Tensor:
        """Squared error of plain reconstruction, per pixel and channel.

        Parameters
        ----------
        x, reconstruction
            Images and their reconstructions, float [B, 3, S, S].
        mask
            bool [B, 1, S, S], True on anomalous pixels; plain reconstruction does not use it.

        Returns
        -------
        Tensor
            float [B, 3, S, S]; the sum over an image is the loss of the image.
        """
        return (x - reconstruction).square()

    def error(self, x: Tensor, reconstruction: Tensor) -> Tensor:
        """Error of each pixel as a heat map shows it before any filter, [B, 1, S, S].

        Here the mean squared error over the channels. Parameters: see :meth:`loss`.
        """
        return (x - reconstruction).square().mean(dim=1, keepdim=True)

    def forward(self, images: Tensor) -> Tensor:
        """Reconstruct images [B, 3, S, S] in [0, 1].

        Raises
        ------
        ValueError
            The images have another size or are not square.
        """
        if images.shape[1:] != (3, self.size, self.size):
            raise ValueError(
                f"the network takes images [B, 3, {self.size}, {self.size}], got "
                f"{list(images.shape)}; resize them"
            )
        return self.decode(self.features(images))

    def trained_state(self) -> dict[str, Tensor]:
        """The tensors of a model file: all that cannot be read from the encoder's own weights."""
        return self.state_dict()

    def load_trained_state(self, tensors: dict[str, Tensor]) -> None:
        """Load the tensors of `trained_state`; a missing or unknown tensor is an error."""
        expected = set(self.trained_state())
        if expected != set(tensors):
            odd = sorted(expected ^ set(tensors))
            raise ValueError(f"{len(odd)} tensors do not match the recipe, the first is '{odd[0]}'")
        self.load_state_dict(tensors, strict=False)


class EncoderReconstruction(Reconstruction):
    """A network around an encoder, which is frozen or trained as the recipe says.

    A frozen encoder is the frozen part. A trained encoder belongs to the trained part; its
    parameters are called ``encoder.…``. Parameters: see :class:`Reconstruction`.
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
        """Encode images [B, 3, S, S] if the encoder is frozen; otherwise return the images."""
        if self.tuning != "frozen":
            return images
        with torch.no_grad():
            return self.encoder(images)

    def encode(self, features: Tensor) -> Tensor:
        """Encode images if the encoder is trained; features of a frozen one stay as they are."""
        return features if self.tuning == "frozen" else self.encoder(features)

    def train(self, mode: bool = True) -> Self:
        """Set the mode; batch norms of the encoder learn statistics only if all of it is new."""
        super().train(mode)
        self.encoder.train(mode and self._normalise_by_batch)
        return self

    def trained_state(self) -> dict[str, Tensor]:
        """All tensors, without the frozen ones of a pre-trained encoder."""
        frozen = {
            f"encoder.{name}"
            for name, tensor in self.encoder.state_dict(keep_vars=True).items()
            if not (self._keep_encoder or tensor.requires_grad)
        }
        return {name: t for name, t in self.state_dict().items() if name not in frozen}
