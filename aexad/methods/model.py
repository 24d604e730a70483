"""The registry of networks, and how a model is built from its recipe."""

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
    """A network, and what defines it.

    ``encoder`` describes the encoder: name, family, weights, source and sha256.
    """

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
        """Channels and grid (cells per side) of the encoder's features, and its input in pixels."""
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
    """Build an untrained model: encoder weights as in the recipe, all others from ``seed``.

    Parameters
    ----------
    size
        Working size S in pixels.
    weights_dir
        Folder that is searched for pre-trained weights first, see ``find_weights``.
    """
    weights = None
    if recipe.encoder is not None and recipe.pretrained:
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
    return Model(network, recipe, seed, _encoder_of(network, recipe, weights))


def _encoder_of(
    network: Reconstruction, recipe: Recipe, weights: Weights | None
) -> dict[str, str | None]:
    """Describe the encoder, for ``provenance.json`` and the header of the model file."""
    source = weights.source if weights else "random, drawn from the seed"
    if recipe.encoder in (None, PIXELS):
        source = "none: there is no encoder"
    family = network.encoder.family if isinstance(network, EncoderReconstruction) else "none"
    return {
        "name": recipe.encoder,
        "family": family,
        "weights": recipe.weights,
        "source": source,
        "sha256": weights.sha256 if weights else None,
    }
