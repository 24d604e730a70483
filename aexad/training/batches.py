"""The training set, its pools of normal and anomalous images, and the batches of an epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aexad.config.recipe import Recipe
from aexad.runtime.errors import ConfigError, DataError
from aexad.runtime.files import read_npz

# A third of each batch is anomalous (Angiulli et al. 2025).
ANOMALOUS_SHARE = 1 / 3


class TrainingSet(NamedTuple):
    """The result of ``augment``: N images as stored, R x R pixels."""

    images: np.ndarray
    """uint8 [N, R, R, 3]."""
    masks: np.ndarray
    """bool [N, R, R]."""
    weight: np.ndarray
    """int64 [N], how many times an image counts."""
    source: np.ndarray
    """str [N], the name of the image."""
    validation: np.ndarray
    """bool [N]: used for the validation loss, not for training."""
    size: int
    """Working size S >= R in pixels."""


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


def pools(data: TrainingSet, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the normal and of the anomalous images that the loss trains on.

    An image of weight w occurs w times, validation images do not occur. Plain reconstruction trains
    on normals alone.
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

    A third of each batch is anomalous, also of the last and smaller one. With only normals or only
    anomalies, an epoch is one pass over them.
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
    # Whole passes over the anomalies, so that each is drawn about equally often.
    passes = math.ceil(needed / len(anomalous))
    stream = np.concatenate([generator.permutation(anomalous) for _ in range(passes)])
    for chunk, share in shares:
        yield np.concatenate([chunk, stream[:share]])
        stream = stream[share:]
