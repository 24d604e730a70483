"""The interface of all methods, and what methods of one kind share.

::

    images x [B, 3, S, S] -> features() -> encode() -> decode() -> explain() -> output

A **method** is trained by ``fit`` and turns images into an output, from which
:func:`aexad.explain.heatmap.heat_maps` makes heat maps: reconstructions [B, 3, S, S], or anomaly
maps [B, 1, S, S], alone or with a score per image [B].

``features`` is the frozen part, which runs once per training image. :class:`GradientMethod` trains
the rest by gradient descent on its ``loss``. Any other method overrides ``fit``, and keeps what it
learns in buffers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import pandas as pd
import torch
from torch import Tensor, nn

from aexad.config.kinds import METHODS, NoOptions
from aexad.config.recipe import Recipe
from aexad.config.schema import Strict, validate
from aexad.data.training_set import TrainingSet
from aexad.encoders.of_recipe import encoder_of
from aexad.encoders.weights import Weights
from aexad.methods.job import Job, Output
from aexad.runtime.errors import ConfigError


class Method(nn.Module, ABC):
    """A row of every table: it is fitted to a training set and explains images.

    Parameters
    ----------
    recipe
        The recipe of the method; :attr:`Options` checks its ``options``.
    size
        Side S of the images in pixels.
    weights
        Pre-trained tensors of the encoder; required unless the recipe has ``weights: none``.
    """

    uses_labels: bool = True
    """Whether it trains on labelled defects. (A recipe may decide it, as ``loss: mse`` does.)"""
    Options: ClassVar[type[Strict]] = NoOptions
    """The settings that a recipe may give as ``options``."""
    learned: ClassVar[tuple[str, ...]] = ()
    """Buffers whose shape is known after ``fit`` only."""

    def __init__(self, recipe: Recipe, size: int, weights: Weights | None = None) -> None:
        super().__init__()
        if (weights is None) != (recipe.weights == "none"):
            raise ValueError(f"recipe says weights '{recipe.weights}', but got {weights!r:.40}")
        self.recipe, self.size = recipe, size
        options = METHODS[recipe.model].options if recipe.model in METHODS else self.Options
        self.options: Any = validate(options, recipe.options, f"options of '{recipe.model}'")
        if recipe.model in METHODS:
            self.uses_labels = recipe.uses_labels
        for name in self.learned:
            self.register_buffer(name, torch.empty(0))

    @abstractmethod
    def fit(self, data: TrainingSet, job: Job) -> pd.DataFrame:
        """Train on a training set.

        Returns
        -------
        DataFrame
            The file ``training.csv``: one row per epoch, or a single row.
        """

    @abstractmethod
    def forward(self, images: Tensor) -> Output:
        """Explain images [B, 3, S, S] in [0, 1]; see :data:`aexad.methods.job.Output`."""

    def features(self, images: Tensor) -> Tensor:
        """Run the frozen part on images [B, 3, S, S]; by default the images themselves."""
        return images

    def check_images(self, images: Tensor) -> None:
        """Refuse images that are not [B, 3, S, S] with a ValueError."""
        if images.shape[1:] != (3, self.size, self.size):
            raise ValueError(
                f"the network takes images [B, 3, {self.size}, {self.size}], got "
                f"{list(images.shape)}; resize them"
            )

    def trained_state(self) -> dict[str, Tensor]:
        """The tensors of a model file: all that cannot be read from the encoder's own weights."""
        return self.state_dict()

    def load_trained_state(self, tensors: dict[str, Tensor]) -> None:
        """Load the tensors of `trained_state`; a missing or unknown tensor is an error."""
        expected = set(self.trained_state())
        if expected != set(tensors):
            odd = sorted(expected ^ set(tensors))
            raise ValueError(f"{len(odd)} tensors do not match the recipe, the first is '{odd[0]}'")
        self.load_tensors(tensors, strict=False)

    def load_tensors(self, tensors: dict[str, Tensor], strict: bool = True) -> None:
        """Load tensors by name; :attr:`learned` buffers take the shape of theirs."""
        for name in self.learned:
            if name in tensors:
                device = getattr(self, name).device
                self.register_buffer(name, torch.empty_like(tensors[name], device=device))
        self.load_state_dict(tensors, strict=strict)


class GradientMethod(Method):
    """A method that is trained by gradient descent; all but its frozen part is trained."""

    loss_terms = 1
    """The loss of an image is the sum of its terms divided by this number."""
    whole_batches: ClassVar[bool] = False
    """Whether the loss of an image depends on the others of its batch, so that a batch that exceeds
    the memory for a step cannot be taken in parts."""

    def encode(self, features: Tensor) -> Tensor:
        """Run the first half of the trained part, a trained encoder."""
        return features

    @abstractmethod
    def decode(self, encoded: Tensor) -> Tensor:
        """Run the second half of the trained part, of which ``loss`` is a function."""

    def explain(self, decoded: Tensor) -> Output:
        """Turn what was decoded into the output."""
        return decoded

    @abstractmethod
    def loss(self, x: Tensor, decoded: Tensor, mask: Tensor) -> Tensor:
        """Terms of the loss.

        Parameters
        ----------
        x
            Images, float [B, 3, S, S].
        decoded
            The result of `decode` in float32.
        mask
            bool [B, 1, S, S], True on anomalous pixels.

        Returns
        -------
        Tensor
            float [B, …]; the sum over an image is its loss.
        """

    def fit(self, data: TrainingSet, job: Job) -> pd.DataFrame:
        """Train as the recipe's optimiser, batches and epochs say."""
        return job.descend()

    def at_epoch(self, epoch: int, epochs: int) -> None:
        """Called before epoch 1 … ``epochs``, for methods that train in phases."""

    def rate_factor(self, parameter: str) -> float:
        """The factor on the learning rate of a parameter."""
        return 1.0

    def forward(self, images: Tensor) -> Output:
        """Explain images [B, 3, S, S] in [0, 1]; ValueError if they have another shape."""
        self.check_images(images)
        return self.explain(self.decode(self.encode(self.features(images))))


class Reconstruction(GradientMethod):
    """A network that reconstructs images; its output is [B, 3, S, S].

    A fourth channel is the probability that a pixel is anomalous, and weighs the error.
    """

    def __init__(self, recipe: Recipe, size: int, weights: Weights | None = None) -> None:
        super().__init__(recipe, size, weights)
        self.loss_terms = 3 * size**2 if recipe.reduction == "mean" else 1

    def loss(self, x: Tensor, decoded: Tensor, mask: Tensor) -> Tensor:
        """Squared error of plain reconstruction per pixel and channel, [B, 3, S, S].

        ``decoded`` are the reconstructions; plain reconstruction does not use the mask. Parameters:
        see :meth:`GradientMethod.loss`.
        """
        return (x - decoded).square()

    def rebuilding_loss(self, x: Tensor, reconstruction: Tensor, mask: Tensor) -> Tensor:
        """The part of `loss` that reconstructions [B, 3, S, S] decide; by default all of it."""
        return self.loss(x, reconstruction, mask)

    def error(self, x: Tensor, reconstruction: Tensor) -> Tensor:
        """Error of each pixel as a heat map shows it before any filter, [B, 1, S, S].

        Here the mean squared error over the channels. Both parameters are float [B, 3, S, S].
        """
        return (x - reconstruction).square().mean(dim=1, keepdim=True)


class EncoderMethod(Method):
    """A method around an encoder, which is frozen or trained as the recipe says.

    A frozen encoder is the frozen part. A trained encoder belongs to the trained part; its
    parameters are called ``encoder.…``. Parameters: see :class:`Method`.
    """

    encoder: Any

    def __init__(self, recipe: Recipe, size: int, weights: Weights | None = None) -> None:
        super().__init__(recipe, size, weights)
        if recipe.encoder is None:
            raise ConfigError(f"model '{recipe.model}' needs an 'encoder'; name one in the recipe")
        self.tuning = recipe.tuning
        self.encoder = encoder_of(recipe, size, weights)
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


class EncoderReconstruction(EncoderMethod, Reconstruction):
    """A network that reconstructs images from the features of an encoder."""
