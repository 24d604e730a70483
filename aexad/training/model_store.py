"""A trained model as a file: trained tensors, and a header with recipe, size, seed and encoder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from aexad.config.recipe import Recipe
from aexad.methods.model import Model, build_model
from aexad.runtime.errors import WeightsError, one_line
from aexad.runtime.files import written_whole


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
        The file is not a model of aexad or damaged, or the encoder's weights found here are not
        the ones that it was trained with.
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
            f"{path}: trained on other weights of '{recipe.encoder}' (sha256 {sha256}) than were "
            f"found here ({model.encoder['source']}, {model.encoder['sha256']}); "
            "put the weights that it was trained on into the folder of weights"
        )
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    try:
        model.network.load_trained_state(tensors)
    except (ValueError, RuntimeError) as error:
        raise WeightsError(f"{path}: {one_line(error, 300)}; train again") from None
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
