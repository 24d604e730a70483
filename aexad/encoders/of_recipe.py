"""The encoder that a recipe names: of timm, or an object of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from aexad.config.own_code import is_own, load_own
from aexad.config.recipe import Recipe
from aexad.encoders.features import Encoder
from aexad.encoders.weights import Weights
from aexad.runtime.errors import ConfigError


def encoder_of(recipe: Recipe, size: int, weights: Weights | None) -> Any:
    """The encoder of a recipe: of timm, or an object of one's own."""
    assert recipe.encoder is not None  # noqa: S101 - checked by the caller
    if is_own(recipe.encoder):
        return _own_encoder(recipe.encoder, size)
    return Encoder(
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


def _own_encoder(reference: str, size: int) -> nn.Module:
    """Build the encoder ``file.py:name``: it is called with S, and returns a module of images."""
    build: Callable[[int], Any] = load_own(reference)
    module = build(size)
    with torch.no_grad():
        features = module.eval()(torch.zeros(1, 3, size, size))
    if features.ndim != 4 or features.shape[2] != features.shape[3]:
        raise ConfigError(
            f"encoder '{reference}' gives features {list(features.shape)}; they must be "
            "[B, C, g, g]"
        )
    module.requires_grad_(False)
    module.channels, module.grid, module.input_size = features.shape[1], features.shape[2], size
    module.family = getattr(module, "family", "not known")
    return module
