"""Checkpoints: a training that was interrupted resumes, and ends with the same bytes.

A checkpoint is a safetensors file with the trained tensors and the optimiser's. Its header holds
the epoch, the losses so far, the identity of the training, and a digest of the tensors. The order
of the images and all random numbers are functions of seed and epoch: nothing else is needed.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from aexad.runtime.files import remove_leftovers, written_whole

logger = logging.getLogger(__name__)

HEADER = "aexad checkpoint"


class State(NamedTuple):
    """Training after an epoch."""

    epoch: int
    history: list[dict[str, float]]
    network: dict[str, Tensor]
    optimiser: dict[str, Tensor]
    best: dict[str, Tensor]
    """The network after the epoch of least validation loss; empty unless that is selected."""
    images_at_once: int
    collapsed: list[dict[str, Any]]
    """Attempts of this training that collapsed before the present one."""


class Checkpoints(NamedTuple):
    """Where a run's checkpoint lies, how often it is written, and what it belongs to."""

    path: Path
    every: int
    """Epochs from one checkpoint to the next."""
    belongs_to: Mapping[str, Any]
    """Everything that the trained model depends on (recipe, data, library), as plain values."""

    def write(self, state: State, settings: Mapping[str, Any]) -> None:
        """Replace the run's checkpoint; ``settings`` are what ``train`` chose for it."""
        tensors = {
            f"{part}.{name}": tensor.detach().cpu().contiguous()
            for part in ("network", "optimiser", "best")
            for name, tensor in getattr(state, part).items()
        }
        header = {
            "belongs_to": _plain(self._identity(settings)),
            "epoch": state.epoch,
            "history": state.history,
            "images_at_once": state.images_at_once,
            "collapsed": state.collapsed,
            "sha256": _digest(tensors),
        }
        with written_whole(self.path) as temporary:
            temporary.write_bytes(save(tensors, {HEADER: json.dumps(header)}))

    def read(self, settings: Mapping[str, Any]) -> State | None:
        """The run's checkpoint; None, with a warning, if it is damaged or of another training."""
        if not self.path.is_file():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                header = json.loads((file.metadata() or {})[HEADER])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if header["sha256"] != _digest(tensors):
                raise ValueError("its digest does not match")
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            self._not_used(f"damaged ({error})")
            return None
        wanted = _plain(self._identity(settings))
        other = [key for key in wanted if header["belongs_to"].get(key) != wanted[key]]
        if other:
            self._not_used(f"of another {', '.join(other)}")
            return None
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "optimiser": {}, "best": {}}
        for name, tensor in tensors.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = tensor
        return State(
            header["epoch"],
            header["history"],
            parts["network"],
            parts["optimiser"],
            parts["best"],
            header["images_at_once"],
            header["collapsed"],
        )

    def remove(self) -> None:
        """Remove the checkpoint of a training that has ended."""
        self.path.unlink(missing_ok=True)
        remove_leftovers(self.path)

    def _identity(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.belongs_to, **settings, "torch": torch.__version__}

    def _not_used(self, reason: str) -> None:
        logger.warning("%s: the checkpoint is %s; training starts again", self.path, reason)


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's state, by parameter number and name."""
    state = optimiser.state_dict()["state"]
    return {f"{i}.{name}": tensor for i, of in state.items() for name, tensor in of.items()}


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Restore the state that :func:`optimiser_tensors` returned."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = tensor
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
    for parameter, of in optimiser.state.items():
        for name, tensor in of.items():
            if tensor.shape == parameter.shape:
                # In the memory layout of the parameter, which the fused optimiser relies on.
                of[name] = torch.empty_like(parameter).copy_(tensor)


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _digest(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
