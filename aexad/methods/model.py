"""Networks: the registry, how one is built from its recipe, and how a trained one is stored."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch

from aexad.config.recipe import PIXELS, Recipe
from aexad.encoders.weights import Weights, find_weights
from aexad.methods.aexad import AEXAD
from aexad.methods.anovit import AnoViT
from aexad.methods.base import EncoderReconstruction, Reconstruction
from aexad.methods.l2_cae import L2CAE

NETWORKS: dict[str, type[Reconstruction]] = {
    "aexad": AEXAD,
    "anovit": AnoViT,
    "l2_cae": L2CAE,
}


class Model(NamedTuple):
    """A network with what defines it; what a model file stores is this and the trained tensors."""

    network: Reconstruction
    recipe: Recipe
    seed: int
    encoder: dict[str, str | None]

    @property
    def parameters(self) -> dict[str, int]:
        """Numbers of trained and of frozen parameters."""
        counts = {"trained": 0, "frozen": 0}
        for parameter in self.network.parameters():
            counts["trained" if parameter.requires_grad else "frozen"] += parameter.numel()
        return counts

    @property
    def features(self) -> dict[str, int] | None:
        """Channels and grid (cells a side) of the encoder's features, and its input in pixels."""
        if not isinstance(self.network, EncoderReconstruction):
            return None
        encoder = self.network.encoder
        return {
            "channels": encoder.channels,
            "grid": encoder.grid,
            "input_size": encoder.input_size,
        }


def build_model(
    recipe: Recipe, size: int, seed: int, weights_dir: str | Path | None = None
) -> Model:
    """Build an untrained model: the encoder's weights as the recipe says, the rest from ``seed``.

    Parameters
    ----------
    size
        Working size S in pixels.
    weights_dir
        Folder that is searched for pre-trained weights first, see ``find_weights``.
    """
    weights = None
    if recipe.encoder is not None and recipe.weights == "pretrained":
        weights = find_weights(
            recipe.encoder,
            weights_dir,
            revision=recipe.weights_revision,
            sha256=recipe.weights_sha256,
        )
    # torch initialises layers from its global generator; it is put back afterwards.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = NETWORKS[recipe.model](recipe, size, weights)
    return Model(network, recipe, seed, _described(recipe, weights))


def _described(recipe: Recipe, weights: Weights | None) -> dict[str, str | None]:
    without = "random, drawn from the seed"
    if recipe.encoder in (None, PIXELS):
        without = "none: there is no encoder"
    return {
        "name": recipe.encoder,
        "weights": recipe.weights,
        "source": weights.source if weights else without,
        "sha256": weights.sha256 if weights else None,
    }
