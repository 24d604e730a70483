"""Networks: the registry, how one is built from its recipe, and how a trained one is stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from aexad.errors import WeightsError
from aexad.files import written_whole
from aexad.models.aexad import AEXAD
from aexad.models.anovit import AnoViT
from aexad.models.l2_cae import L2CAE
from aexad.models.network import EncoderNetwork, FrozenThenTrained
from aexad.models.weights import Weights, find_weights
from aexad.recipe import PIXELS, Recipe

NETWORKS: dict[str, type[FrozenThenTrained]] = {
    "aexad": AEXAD,
    "anovit": AnoViT,
    "l2_cae": L2CAE,
}


class Model(NamedTuple):
    """A network with what defines it; what a model file stores is this and the trained tensors."""

    network: FrozenThenTrained
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
        if not isinstance(self.network, EncoderNetwork):
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


def save_model(model: Model, path: str | Path) -> None:
    """Store the trained tensors as safetensors; the header carries recipe, size and encoder."""
    header = {
        "recipe": model.recipe.training,
        "size": model.network.size,
        "seed": model.seed,
        "encoder": model.encoder,
    }
    tensors = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in model.network.trained_state().items()
    }
    with written_whole(path) as temporary:
        # One key: safetensors writes several in an order that changes from run to run.
        temporary.write_bytes(save(tensors, {"aexad": json.dumps(header, sort_keys=True)}))


def load_model(path: str | Path, weights_dir: str | Path | None = None) -> Model:
    """Load a stored model, in evaluation mode on the CPU.

    Raises
    ------
    WeightsError
        If the file is not one of ours, is damaged, or its encoder's weights are no longer those
        that it was trained with.
    """
    header = _read_header(path)
    try:
        recipe = Recipe.model_validate(header["recipe"])
        size, seed = int(header["size"]), int(header["seed"])
        sha256 = header["encoder"]["sha256"]
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise WeightsError(
            f"{path}: written by another version of aexad ({type(error).__name__}); train again"
        ) from None
    model = build_model(recipe, size, seed, weights_dir)
    if model.encoder["sha256"] != sha256:
        raise WeightsError(
            f"{path}: trained on other weights of '{recipe.encoder}' (sha256 {sha256}) than those "
            f"found here ({model.encoder['source']}, {model.encoder['sha256']}); provide the former"
        )
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    try:
        model.network.load_trained_state(tensors)
    except (ValueError, RuntimeError) as error:
        raise WeightsError(f"{path}: {' '.join(str(error).split())[:300]}; train again") from None
    model.network.eval()
    return model


def _read_header(path: str | Path) -> dict[str, Any]:
    if not Path(path).is_file():
        raise WeightsError(f"{path}: no such model file; train it first")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{path}: not a readable safetensors file ({error}); train again"
        ) from None
    if "aexad" not in metadata:
        raise WeightsError(f"{path}: not a model of aexad (its header is missing)")
    try:
        return json.loads(metadata["aexad"])
    except ValueError:
        raise WeightsError(f"{path}: its header is damaged; train again") from None


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
