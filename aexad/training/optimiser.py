"""The optimiser of the trained parameters, and the schedule of the learning rate."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from aexad.config.recipe import Optimiser
from aexad.methods.base import GradientMethod

STEP, STEPS_AFTER = 0.4, (0.8, 0.9)
"""The schedule ``steps``: factor on the learning rate, after these shares of the epochs."""


def learning_rate_factor(optimiser: Optimiser, epoch: int, epochs: int) -> float:
    """The factor on the initial learning rates in ``epoch`` (1 …) of ``epochs``."""
    if optimiser.schedule == "constant" or epochs == 1:
        return 1.0
    last = optimiser.final_learning_rate / optimiser.learning_rate
    progress = (epoch - 1) / (epochs - 1)
    if optimiser.schedule == "exponential":
        return last**progress
    if optimiser.schedule == "steps":
        return STEP ** sum(epoch > share * epochs for share in STEPS_AFTER)
    return last + (1 - last) * (1 + math.cos(math.pi * progress)) / 2


def make_optimiser(
    network: GradientMethod, settings: Optimiser, factor: float = 1.0
) -> torch.optim.Optimizer:
    """An optimiser of the trained parameters; a tuned encoder may have a rate of its own.

    All learning rates are multiplied by ``factor``.
    """
    of_encoder = factor * (settings.encoder_learning_rate or settings.learning_rate)
    groups: dict[tuple[bool, float], list[Tensor]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            own = not name.startswith("encoder.")
            rate = factor * settings.learning_rate * network.rate_factor(name)
            groups.setdefault((own, rate if own else of_encoder), []).append(parameter)
    parameters = [
        {"params": group, "lr": rate, "initial_lr": rate}
        for (_, rate), group in sorted(groups.items(), key=lambda item: item[0][0])
    ]
    options: dict[str, Any] = {"weight_decay": settings.weight_decay, "fused": True}
    if settings.name == "sgd":
        return torch.optim.SGD(parameters, lr=0, momentum=0.9, nesterov=True, **options)
    kind = torch.optim.AdamW if settings.name == "adamw" else torch.optim.Adam
    return kind(parameters, **options)
