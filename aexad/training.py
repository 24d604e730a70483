"""Training: the frozen part runs once per image, the loop sees only its features.

The training set is fixed before training (augmentation has been done), so this is exact: each step
computes what it would compute if the encoder ran again. The order of the images is a function of
the seed and the epoch alone.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from aexad.errors import ConfigError, DataError, TrainingError
from aexad.files import read_npz
from aexad.losses import Goal, aexad_goal, mse_goal, weighted_error
from aexad.models import Model
from aexad.models.aexad import AEXAD
from aexad.recipe import Optimiser, Recipe

logger = logging.getLogger(__name__)

# A third of each batch is anomalous (Angiulli et al. 2025).
ANOMALOUS_SHARE = 1 / 3
FEATURE_BATCH = 32


class TrainingSet(NamedTuple):
    """What ``augment`` made: N images as they are stored, R x R pixels."""

    images: np.ndarray
    """uint8 [N, R, R, 3]."""
    masks: np.ndarray
    """bool [N, R, R]."""
    weight: np.ndarray
    """int64 [N], how many times an image counts."""
    source: np.ndarray
    """str [N], which image it is."""
    validation: np.ndarray
    """bool [N]: looked at, but not trained on."""
    size: int
    """Working size S >= R in pixels."""


class Trained(NamedTuple):
    """What training gives: a row an epoch, and the seconds of its two parts."""

    history: pd.DataFrame
    seconds: dict[str, float]


def read_training_set(path: str | Path) -> TrainingSet:
    """Read ``train.npz``."""
    remedy = "make it with 'aexad augment'"
    *rows, size = TrainingSet._fields
    arrays = read_npz(path, rows, remedy, single=[size])
    data = TrainingSet(**{name: arrays[name] for name in rows}, size=int(arrays[size].item()))
    if data.images.ndim != 4 or data.images.shape[:3] != data.masks.shape:
        shapes = f"images {list(data.images.shape)}, masks {list(data.masks.shape)}"
        raise DataError(f"{path}: images and masks differ in size ({shapes}); {remedy}")
    return data


def train(model: Model, data: TrainingSet, device: torch.device) -> Trained:
    """Train ``model`` in place, on ``device``, for as many epochs as its recipe says.

    Raises
    ------
    ConfigError
        If the loss needs images that the training set does not have.
    TrainingError
        If the loss is no longer finite; the message names epoch, images and learning rate.
    """
    recipe = model.recipe
    network = model.network.to(device).to(memory_format=torch.channels_last)
    normal, anomalous = pools(data, recipe)
    start = time.perf_counter()
    images = torch.from_numpy(data.images).to(device).permute(0, 3, 1, 2)  # (N, 3, S, S) uint8
    masks = torch.from_numpy(data.masks).to(device).unsqueeze(1)  # (N, 1, S, S)
    used = np.unique(np.concatenate([normal, anomalous]))
    features = frozen_features(network, images, used) if recipe.tuning == "frozen" else None
    seconds = {"features": time.perf_counter() - start}

    start = time.perf_counter()
    network.train()
    optimiser = make_optimiser(network, recipe.optimiser)
    rows = []
    bar = tqdm(range(1, recipe.epochs + 1), desc="train", unit="epoch", disable=None)
    for epoch in bar:
        rate = learning_rate_factor(recipe, epoch)
        for group in optimiser.param_groups:
            group["lr"] = group["initial_lr"] * rate
        rows.append(
            {"epoch": epoch, "learning_rate": recipe.optimiser.learning_rate * rate}
            | _epoch(model, optimiser, images, masks, features, data, (normal, anomalous), epoch)
        )
        bar.set_postfix(loss=f"{rows[-1]['loss']:.4g}")
        if epoch % max(1, recipe.epochs // 10) == 0:
            logger.info("epoch %d of %d: loss %.6g", epoch, recipe.epochs, rows[-1]["loss"])
    network.eval()
    seconds["training"] = time.perf_counter() - start
    return Trained(pd.DataFrame(rows), seconds)


def pools(data: TrainingSet, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the normal and of the anomalous images that the loss trains on.

    An image with weight w is there w times; validation images are not there. Plain reconstruction
    trains on normals alone.
    """
    anomalous = np.asarray(data.masks.any(axis=(1, 2)))
    indices = np.repeat(np.arange(len(data.images)), data.weight * ~data.validation)
    normal_pool, anomalous_pool = indices[~anomalous[indices]], indices[anomalous[indices]]
    if recipe.loss == "mse":
        anomalous_pool = anomalous_pool[:0]
        if not len(normal_pool):
            raise ConfigError(
                "the training set has no normal images, and loss 'mse' trains on nothing else; "
                "use scenario standard or one_class"
            )
    elif not len(anomalous_pool):
        raise ConfigError(
            "the training set has no labelled anomalies, and loss 'aexad' needs them; "
            "use scenario standard or anomalies_only, or loss 'mse'"
        )
    return normal_pool, anomalous_pool


def epoch_batches(
    normal: np.ndarray, anomalous: np.ndarray, batch_size: int, seed: int, epoch: int
) -> Iterator[np.ndarray]:
    """Yield the batches of one epoch, as indices: one pass over the normals.

    Each batch, the last and smaller one too, is a third anomalous; where there are only normals or
    only anomalies, an epoch is a pass over those.
    """
    generator = np.random.default_rng([seed, epoch])
    if not len(normal) or not len(anomalous):
        pool = generator.permutation(np.concatenate([normal, anomalous]))
        yield from np.split(pool, range(batch_size, len(pool), batch_size))
        return
    per_batch = max(1, round(batch_size * ANOMALOUS_SHARE))
    normals_per_batch = max(1, batch_size - per_batch)
    order = generator.permutation(normal)
    shares = [
        (chunk, max(1, round(len(chunk) * per_batch / normals_per_batch)))
        for chunk in np.split(order, range(normals_per_batch, len(order), normals_per_batch))
    ]
    needed = sum(share for _, share in shares)
    # Whole passes over the anomalies, as many as needed, so that none is drawn much oftener.
    passes = math.ceil(needed / len(anomalous))
    stream = np.concatenate([generator.permutation(anomalous) for _ in range(passes)])
    for chunk, share in shares:
        yield np.concatenate([chunk, stream[:share]])
        stream = stream[share:]


def frozen_features(network: AEXAD, images: Tensor, used: np.ndarray) -> Tensor:
    """Features of the used images, [N, C, g, g]; the rows of unused images are left empty."""
    features: Tensor | None = None
    batches = np.split(used, range(FEATURE_BATCH, len(used), FEATURE_BATCH))
    for batch in tqdm(batches, desc="features", unit="batch", disable=None):
        chosen = torch.from_numpy(batch).to(images.device)
        values = network.features(as_float(images[chosen]))
        if features is None:
            features = values.new_empty((len(images), *values.shape[1:]))
        features[chosen] = values
    assert features is not None  # noqa: S101 - pools() never returns two empty ones
    return features


def as_float(images: Tensor) -> Tensor:
    """Images uint8 [B, 3, S, S] as float32 in [0, 1], channels last."""
    return images.to(torch.float32, memory_format=torch.channels_last).div_(255)


def learning_rate_factor(recipe: Recipe, epoch: int) -> float:
    """The share of the initial learning rates that ``epoch`` (1 …) trains with."""
    optimiser = recipe.optimiser
    if optimiser.schedule == "constant" or recipe.epochs == 1:
        return 1.0
    last = optimiser.final_learning_rate / optimiser.learning_rate
    progress = (epoch - 1) / (recipe.epochs - 1)
    return last + (1 - last) * (1 + math.cos(math.pi * progress)) / 2


def make_optimiser(network: torch.nn.Module, settings: Optimiser) -> torch.optim.Optimizer:
    """Adam or AdamW over the trained parameters; a tuned encoder may have a rate of its own."""
    rates = {
        "encoder": settings.encoder_learning_rate or settings.learning_rate,
        "rest": settings.learning_rate,
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
    )


def _epoch(
    model: Model,
    optimiser: torch.optim.Optimizer,
    images: Tensor,
    masks: Tensor,
    features: Tensor | None,
    data: TrainingSet,
    pool: tuple[np.ndarray, np.ndarray],
    epoch: int,
) -> dict[str, float]:
    """One pass over the batches; the loss and its two parts, as means over the images."""
    recipe, network = model.recipe, model.network
    totals = torch.zeros(2, dtype=torch.float64, device=images.device)
    count = 0
    for batch in epoch_batches(*pool, recipe.batch_size, model.seed, epoch):
        chosen = torch.from_numpy(batch).to(images.device)
        x, y = as_float(images[chosen]), masks[chosen]
        goal: Goal = mse_goal(x) if recipe.loss == "mse" else aexad_goal(x, y, recipe.target)
        reconstructions = network.decode(x if features is None else features[chosen])
        errors = weighted_error(reconstructions, goal)
        loss = errors.sum() / len(batch)
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss.item()} in epoch {epoch} at learning rate "
                f"{optimiser.param_groups[0]['lr']:.3g}, on the images "
                f"{', '.join(data.source[batch])}; lower optimiser.learning_rate or set "
                "optimiser.gradient_clip in the recipe"
            )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if recipe.optimiser.gradient_clip:
            torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.optimiser.gradient_clip)
        optimiser.step()
        with torch.no_grad():
            anomalous = (errors * y).sum(dtype=torch.float64)
            totals += torch.stack([errors.sum(dtype=torch.float64) - anomalous, anomalous])
        count += len(batch)
    normal_part, anomalous_part = (totals / count).tolist()
    return {
        "loss": normal_part + anomalous_part,
        "loss_normal": normal_part,
        "loss_anomalous": anomalous_part,
    }
