"""Training: the frozen part runs once per image, the loop sees only its features.

The training set is fixed before training (augmentation has been done), so this is exact: each step
computes what it would compute if the encoder ran again. The order of the images and all random
numbers are functions of the seed and the epoch alone, so a training that was interrupted goes on
from its checkpoint to the same end.
"""

from __future__ import annotations

import torch

from aexad.methods.model import Model
from aexad.runtime.errors import TrainingError
from aexad.training.batches import TrainingSet
from aexad.training.checkpoint import Checkpoints
from aexad.training.loop import Trained, Training
from aexad.training.memory import first_line, freed_memory_kept, is_out_of_memory

__all__ = ["Trained", "train"]


def train(
    model: Model,
    data: TrainingSet,
    device: torch.device,
    *,
    feature_memory_mb: int | None = None,
    checkpoints: Checkpoints | None = None,
    compiled: bool | None = None,
) -> Trained:
    """Train ``model`` in place, on ``device``, for as many epochs as its recipe says.

    Parameters
    ----------
    feature_memory_mb
        Memory for the features of a frozen encoder; none: a quarter of what is free.
    checkpoints
        Where to go on from and what to write on the way; none: neither.
    compiled
        Whether the decoder is compiled; none: if that pays for so many steps.

    Raises
    ------
    ConfigError
        If the loss needs images that the training set does not have.
    TrainingError
        If the loss is no longer finite; the message names epoch, images and learning rate. If
        memory is exhausted; it says what to lower.
    """
    gpus = [device] if device.type == "cuda" else []
    try:
        # Epochs seed torch's own generators.
        with torch.random.fork_rng(devices=gpus), freed_memory_kept():
            return Training(model, data, device, feature_memory_mb, checkpoints, compiled).run()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise TrainingError(
            f"out of memory on {device} ({first_line(error)}); lower "
            "batch_size in the recipe or feature_memory_mb in the configuration, or run fewer jobs "
            "side by side"
        ) from error
