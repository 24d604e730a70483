"""The pools of normal and anomalous images, and the batches of an epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from aexad.data.training_set import TrainingSet
from aexad.runtime.errors import ConfigError


def pools(data: TrainingSet, uses_labels: bool) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the normal and of the anomalous images that a method trains on.

    An image of weight w occurs w times, validation images do not occur. A method that does not use
    labels trains on normals alone.
    """
    anomalous = data.anomalous
    indices = np.repeat(np.arange(len(data.images)), data.weight * ~data.validation)
    normal_pool, anomalous_pool = indices[~anomalous[indices]], indices[anomalous[indices]]
    if not uses_labels:
        anomalous_pool = anomalous_pool[:0]
        if not len(normal_pool):
            raise ConfigError(
                "the training set has no normal images, and this method trains on nothing else; "
                "use scenario standard or one_class"
            )
    elif not len(anomalous_pool):
        raise ConfigError(
            "the training set has no labelled anomalies, and this method needs them; "
            "use scenario standard or anomalies_only, or a method that needs none"
        )
    return normal_pool, anomalous_pool


def epoch_batches(
    normal: np.ndarray,
    anomalous: np.ndarray,
    batch_size: int,
    seed: int,
    epoch: int,
    share: float = 1 / 3,
) -> Iterator[np.ndarray]:
    """Yield the batches of one epoch, as indices: one pass over the normals.

    A ``share`` of each batch is anomalous, also of the last and smaller one; a third in AE-XAD.
    With only normals or only anomalies, an epoch is one pass over them.
    """
    generator = np.random.default_rng([seed, epoch])
    if not len(normal) or not len(anomalous):
        pool = generator.permutation(np.concatenate([normal, anomalous]))
        yield from np.split(pool, range(batch_size, len(pool), batch_size))
        return
    per_batch = max(1, round(batch_size * share))
    normals_per_batch = max(1, batch_size - per_batch)
    order = generator.permutation(normal)
    parts = [
        (chunk, max(1, round(len(chunk) * per_batch / normals_per_batch)))
        for chunk in np.split(order, range(normals_per_batch, len(order), normals_per_batch))
    ]
    needed = sum(drawn for _, drawn in parts)
    # Whole passes over the anomalies, so that each is drawn about equally often.
    passes = math.ceil(needed / len(anomalous))
    stream = np.concatenate([generator.permutation(anomalous) for _ in range(passes)])
    for chunk, drawn in parts:
        yield np.concatenate([chunk, stream[:drawn]])
        stream = stream[drawn:]
