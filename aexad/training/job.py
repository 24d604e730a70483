"""What a method is given to train with: gradient descent, and the features of training images."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from aexad.methods.model import Model
from aexad.training.checkpoint import Checkpoints
from aexad.training.images import TrainingImages
from aexad.training.loop import Trained, Training

BATCH = 32


class TrainingJob:
    """The :class:`aexad.methods.job.Job` of one training.

    Parameters
    ----------
    step_memory_mb, checkpoints, compiled
        See :func:`aexad.training.train.train`.
    """

    def __init__(
        self,
        model: Model,
        images: TrainingImages,
        step_memory_mb: int,
        checkpoints: Checkpoints | None,
        compiled: bool | None,
    ) -> None:
        self.model, self.images = model, images
        self.device, self.seed = images.device, model.seed
        model.network.to(self.device).to(memory_format=torch.channels_last).eval()
        self._descent = step_memory_mb, checkpoints, compiled
        self._trained: Trained | None = None

    def descend(self) -> pd.DataFrame:
        """Train by gradient descent; see :class:`aexad.methods.job.Job`."""
        with torch.enable_grad():
            self._trained = Training(self.model, self.images, *self._descent).run()
        return self._trained.history

    def features(self, images: np.ndarray) -> Iterator[tuple[Tensor, Tensor]]:
        """Features and masks in batches; see :class:`aexad.methods.job.Job`."""
        foreign = np.setdiff1d(images, self.images.used)
        if len(foreign):
            raise ValueError(
                f"image {foreign[0]} has no features, because the method does not train on it; ask "
                "for images of data.images_of, and set uses_labels to True for anomalous ones"
            )
        for start in range(0, len(images), BATCH):
            chosen = torch.from_numpy(images[start : start + BATCH]).to(self.device)
            yield self.images.features_of(chosen).float(), self.images.masks_of(chosen)

    def fit(self) -> Trained:
        """Train the method, by gradient descent or by its own `fit`."""
        start = time.perf_counter()
        with torch.no_grad():  # of methods that need no gradients
            history = self.model.network.fit(self.images.data, self)
        if not isinstance(history, pd.DataFrame):
            raise TypeError(
                f"fit returned {history!r:.40}; it must return a pandas DataFrame, one row per "
                "epoch, for example pd.DataFrame([{'epoch': 1}])"
            )
        self.model.network.eval()
        if self._trained is not None:
            return self._trained._replace(history=history)
        seconds = time.perf_counter() - start - self.images.feature_seconds
        settings: dict[str, Any] = {
            "precision": "fp32",
            "device": self.device.type,
            "threads": torch.get_num_threads(),
            "features": self.images.kept,
        }
        history = history.assign(seconds=seconds / max(len(history), 1))
        parts = {"features": self.images.feature_seconds, "training": seconds}
        return Trained(history, parts, settings, 0, "", [])
