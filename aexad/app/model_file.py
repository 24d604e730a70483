"""Model files for torch: complete files of ``fit``, and files of benchmark runs.

The file of a run holds only the trained tensors. A file of ``fit`` also holds the part of the
frozen encoder that is used (a ResNet-18 up to its second stage: 2.7 MB); it needs no other file.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from aexad.app.card import KEY, ModelCard, read_card
from aexad.encoders.weights import Weights
from aexad.explain.run_maps import MAPS, read_maps, read_settings
from aexad.methods.base import Method
from aexad.methods.job import Output
from aexad.methods.model import Model, method_class
from aexad.runtime.errors import WeightsError, one_line
from aexad.runtime.files import written_whole
from aexad.training.model_store import load_model

BACKBONE = "encoder.backbone."


class TorchNetwork:
    """A method of aexad on a device."""

    def __init__(self, network: Method, device: torch.device) -> None:
        self.device = device
        self.network = network.to(device).to(memory_format=torch.channels_last).eval()

    def run(self, images: np.ndarray) -> tuple[Tensor, Output]:
        """Return images [B, 3, S, S] and the output for them as tensors on the device."""
        seen = torch.from_numpy(images).to(self.device, memory_format=torch.channels_last)
        with torch.inference_mode():
            return seen, self.network(seen)


def save_model_file(path: str | os.PathLike[str], model: Model, card: ModelCard) -> None:
    """Write a model with its encoder, its card and a digest of all of it as safetensors."""
    tensors = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in sorted(model.network.state_dict().items())
    }
    text = card.model_dump_json()
    # A single key, because safetensors writes several keys in random order.
    content = save(tensors, {KEY: f"{_digest(text, tensors)} {text}"})
    with written_whole(path) as temporary:
        temporary.write_bytes(content)


def load_model_file(
    path: Path, weights_dir: str | os.PathLike[str] | None = None
) -> tuple[Model, ModelCard]:
    """Load a file of :func:`save_model_file`, or the model of a run of the benchmark.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, not made by aexad, or of another version.
    """
    file = path / "model.safetensors" if path.is_dir() else path
    metadata = _metadata(file)
    if "aexad" in metadata:
        return _run(file, weights_dir)
    if KEY not in metadata:
        raise WeightsError(
            f"{file}: not a model of aexad (its header is missing); name a file of 'aexad fit' or "
            "'aexad export', or the folder of a run"
        )
    tensors = load_file(file)
    digest, _, text = metadata[KEY].partition(" ")
    if digest != _digest(text, tensors):
        raise WeightsError(
            f"{file}: changed after it was written, its digest does not match; fit it again"
        )
    card = read_card(text, file)
    return Model(_network(file, card, tensors), card.recipe, card.seed, card.encoder), card


def _metadata(path: Path) -> Mapping[str, str]:
    if not path.is_file():
        raise WeightsError(f"{path}: no such model file; make it with 'aexad fit'")
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        reason = one_line(error, 160)
        raise WeightsError(
            f"{path}: not a readable safetensors file ({reason}); fit it again, or name another"
        ) from None


def _network(path: Path, card: ModelCard, tensors: dict[str, Tensor]) -> Method:
    weights = None
    if card.recipe.weights == "pretrained":
        backbone = {
            name.removeprefix(BACKBONE): tensor
            for name, tensor in tensors.items()
            if name.startswith(BACKBONE)
        }
        weights = Weights(backbone, str(path), card.encoder.get("sha256") or "")
    network = method_class(card.recipe.model)(card.recipe, card.size, weights)
    try:
        network.load_tensors(tensors)
    except RuntimeError as error:
        reason = one_line(error, 200)
        raise WeightsError(
            f"{path}: not the tensors of its recipe ({reason}); fit it again"
        ) from None
    return network.eval()


def _run(path: Path, weights_dir: str | os.PathLike[str] | None) -> tuple[Model, ModelCard]:
    """Load a run's model, and from the ``maps.npz`` in its folder how images become heat maps."""
    maps = path.with_name(MAPS)
    settings = read_settings(maps)
    stored = read_maps(maps, ["heat_map"])["heat_map"].shape[-1]
    model = load_model(path, None if weights_dir is None else str(weights_dir))
    card = ModelCard(
        method=path.resolve().parent.name,
        recipe=model.recipe.model_copy(update={"heat_map": settings.heat_map}),
        size=model.network.size,
        stored=stored,
        tile=settings.tile,
        levels=settings.levels,
        seed=model.seed,
        encoder=model.encoder,
    )
    return model, card


def _digest(text: str, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\0{name} {tensor.dtype} {list(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
