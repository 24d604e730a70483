"""Adam or AdamW over the trained parameters, and the schedule of the learning rate."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from aexad.config.recipe import Optimiser


def learning_rate_factor(optimiser: Optimiser, epoch: int, epochs: int) -> float:
    """The factor on the initial learning rates in ``epoch`` (1 …) of ``epochs``."""
    if optimiser.schedule == "constant" or epochs == 1:
        return 1.0
    last = optimiser.final_learning_rate / optimiser.learning_rate
    progress = (epoch - 1) / (epochs - 1)
    return last + (1 - last) * (1 + math.cos(math.pi * progress)) / 2


def make_optimiser(
    network: torch.nn.Module, settings: Optimiser, factor: float = 1.0
) -> torch.optim.Optimizer:
    """Adam or AdamW over the trained parameters; a tuned encoder may have a rate of its own.

    All learning rates are multiplied by ``factor``.
    """
    rates = {
        "encoder": factor * (settings.encoder_learning_rate or settings.learning_rate),
        "rest": factor * settings.learning_rate,
    }
    groups: dict[str, list[Tensor]] = {"encoder": [], "rest": []}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            groups["encoder" if name.startswith("encoder.") else "rest"].append(parameter)
    kind = torch.optim.AdamW if settings.name == "adamw" else torch.optim.Adam
    return kind(
        [
            {"params": parameters, "lr": rates[group], "initial_lr": rates[group]}
            for group, parameters in groups.items()
            if parameters
        ],
        weight_decay=settings.weight_decay,
        fused=True,
    )
