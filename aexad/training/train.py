"""Training: the frozen part runs once per image, the loop uses only its features.

The training set is fixed before training (it is already augmented), so the result is the same as if
the encoder ran in each step. The order of the images and all random numbers are functions of seed
and epoch alone, so a training that was interrupted resumes from its checkpoint to the same result.
"""

from __future__ import annotations

import torch

from aexad.data.training_set import TrainingSet
from aexad.methods.model import Model, own_code_named
from aexad.runtime.device import is_out_of_memory
from aexad.runtime.errors import TrainingError, one_line
from aexad.training.checkpoint import Checkpoints
from aexad.training.images import TrainingImages
from aexad.training.job import TrainingJob
from aexad.training.loop import Trained
from aexad.training.memory import STEP_MEMORY_MB, freed_memory_kept


def train(
    model: Model,
    data: TrainingSet,
    device: torch.device,
    *,
    feature_memory_mb: int | None = None,
    step_memory_mb: int = STEP_MEMORY_MB,
    checkpoints: Checkpoints | None = None,
    compiled: bool | None = None,
) -> Trained:
    """Train ``model`` in place, on ``device``, for as many epochs as its recipe says.

    Parameters
    ----------
    feature_memory_mb
        Memory for the features of a frozen encoder; None: a quarter of the free memory.
    step_memory_mb
        Memory for what a step keeps for the gradient; larger batches are taken in parts.
    checkpoints
        Checkpoint to resume from and to write; None: neither.
    compiled
        Whether the decoder is compiled; None: if that pays for so many steps.

    Raises
    ------
    ConfigError
        The loss needs images that the training set does not have.
    TrainingError
        The loss is no longer finite (the message names epoch, images and learning rate), or memory
        is exhausted (the message says what to lower).
    """
    gpus = [device] if device.type == "cuda" else []
    try:
        # A fit of one's own may draw from torch's generators; epochs seed them again.
        with torch.random.fork_rng(devices=gpus), freed_memory_kept():
            torch.manual_seed(model.seed)
            folder = checkpoints.path.parent if checkpoints else None
            images = TrainingImages(model, data, device, feature_memory_mb, folder)
            job = TrainingJob(model, images, step_memory_mb, checkpoints, compiled)
            with own_code_named(model.recipe, "it is trained"):
                return job.fit()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise TrainingError(
            f"out of memory on {device} ({one_line(error, 200)}); lower "
            "step_memory_mb or feature_memory_mb in the configuration, or batch_size in the "
            "recipe, or run fewer jobs side by side"
        ) from error
