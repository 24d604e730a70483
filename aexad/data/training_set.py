"""The training set of a run: images, masks, and how often each image counts."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from aexad.runtime.errors import DataError
from aexad.runtime.files import read_npz


class Photo(NamedTuple):
    """A training image at working size."""

    source: str
    image: np.ndarray
    """uint8 [S, S, 3]."""
    mask: np.ndarray
    """bool [S, S]."""


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

    @property
    def anomalous(self) -> np.ndarray:
        """Bool [N]: images with anomalous pixels."""
        return np.asarray(self.masks.any(axis=(1, 2)))

    def images_of(self, *, anomalous: bool) -> np.ndarray:
        """Sorted indices of the normal or of the anomalous images that are trained on."""
        return np.flatnonzero((self.anomalous == anomalous) & ~self.validation & (self.weight > 0))


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
