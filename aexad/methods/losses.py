"""The loss of AE-XAD: normal pixels are rebuilt, anomalous ones are driven to a wrong value F(x).

Source: Angiulli et al. 2025, the loss of AE-XAD. Per image, summed over pixels and channels,

    (1 - y) (x - x~)^2 / (F(x) - x)^2  +  lambda y (F(x) - x~)^2 / (F(x) - x)^2,

with y = 1 on anomalous pixels and lambda = D / ||y||_1, so that a small defect weighs as much
as the rest of the image. Both terms are one weighted squared distance (t - x~)^2 w to a target t,
which is x or F(x).
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from aexad.config.recipe import SMALLEST_DISTANCE_TO_TARGET, Target


class Goal(NamedTuple):
    """What a batch is trained towards: target t and weight w, both [B, 3, S, S]."""

    target: Tensor
    weight: Tensor


def anomaly_target(images: Tensor, target: Target) -> Tensor:
    """F(x), which a normal reconstruction never has: 2, or 1 - x."""
    return images.new_tensor(2.0).expand_as(images) if target == "two" else 1 - images


def squared_distance(images: Tensor, target: Target) -> Tensor:
    """(F(x) - x)^2 per pixel and channel, kept from zero by ``SMALLEST_DISTANCE_TO_TARGET``."""
    return (
        (anomaly_target(images, target) - images).square().clamp_min(SMALLEST_DISTANCE_TO_TARGET**2)
    )


def aexad_goal(images: Tensor, masks: Tensor, target: Target = "two") -> Goal:
    """Target and weight of the AE-XAD loss.

    Parameters
    ----------
    images
        x, [B, 3, S, S] in [0, 1].
    masks
        y, bool [B, 1, S, S].
    """
    anomalous = masks.sum(dim=(1, 2, 3), keepdim=True)  # [B, 1, 1, 1]
    pixels = masks[0].numel()
    # D / ||y||_1 counts channels in both, so their number cancels; 1 where there is no anomaly.
    balance = (pixels / anomalous.clamp_min(1)).where(anomalous > 0, 1.0)
    goal = images.where(~masks, anomaly_target(images, target))
    weight = balance.where(masks, 1.0) / squared_distance(images, target)
    return Goal(goal, weight)


def mse_goal(images: Tensor) -> Goal:
    """Target and weight of plain reconstruction, summed over pixels and channels as above."""
    return Goal(images, images.new_ones(()).expand_as(images))


def weighted_error(reconstructions: Tensor, goal: Goal) -> Tensor:
    """(t - x~)^2 w, [B, 3, S, S]; its sum over an image is the loss of that image."""
    return (goal.target - reconstructions).square() * goal.weight
