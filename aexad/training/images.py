"""The images, masks and features of a training on its device."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from aexad.data.resize import as_float, enlarged
from aexad.data.training_set import TrainingSet
from aexad.methods.base import GradientMethod
from aexad.methods.model import Model
from aexad.training.affine import random_affine
from aexad.training.batches import pools
from aexad.training.features import Features, features_of
from aexad.training.precision import feature_dtype, precision_on


class TrainingImages:
    """Images and masks, moved to the device once, and the features of a frozen encoder.

    Features are computed when they are first asked for, of all images that the method trains on.

    Parameters
    ----------
    feature_memory_mb
        Memory for features; None: a quarter of the free memory.
    folder
        Folder for features that exceed it; None: the system's folder for temporary files.

    Attributes
    ----------
    pools
        Indices of the normal and of the anomalous images; see
        :func:`aexad.training.batches.pools` for the errors that it raises.
    used
        Sorted indices of the images that have features: both pools and the validation images.
    """

    def __init__(
        self,
        model: Model,
        data: TrainingSet,
        device: torch.device,
        feature_memory_mb: int | None,
        folder: Path | None,
    ) -> None:
        self.network, self.recipe = model.network, model.recipe
        self.data, self.device = data, device
        self.precision = precision_on(model.recipe, device)
        if not isinstance(self.network, GradientMethod):
            self.precision = "fp32"  # banks and statistics of features, and no next layer
        self.feature_memory_mb, self.folder = feature_memory_mb, folder
        self.feature_seconds = 0.0
        self._pixels = torch.from_numpy(data.images).to(device).permute(0, 3, 1, 2)
        self._masks = torch.from_numpy(data.masks).to(device).unsqueeze(1)
        self._features: Features | None = None
        self.pools = pools(data, model.network.uses_labels)
        self.used = np.unique(np.concatenate([*self.pools, np.flatnonzero(data.validation)]))

    @property
    def kept(self) -> str:
        """Where features are kept: memory, disk, not (computed in each step), or none."""
        return self._features.kept if self._features else "none"

    def compute_features(self) -> None:
        """Compute the features of a frozen encoder, if that has not been done."""
        if self.recipe.frozen_features and self._features is None:
            self._features = self._computed()

    def images_of(self, chosen: Tensor) -> Tensor:
        """Images as float32 [B, 3, S, S] in [0, 1], channels last."""
        return enlarged(as_float(self._pixels[chosen]), self.data.size)

    def masks_of(self, chosen: Tensor) -> Tensor:
        """Masks, bool [B, 1, S, S]."""
        masks = self._masks[chosen]
        if masks.shape[-1] != self.data.size:
            masks = enlarged(masks.float(), self.data.size) > 0.5
        return masks

    def features_of(self, chosen: Tensor) -> Tensor:
        """Features of images as they are, on the device."""
        self.compute_features()
        if self._features is None:
            return self.network.features(self.images_of(chosen))
        return self._features.of(chosen)

    def batch(
        self, chosen: Tensor, generator: torch.Generator | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Features, images and masks of a batch; the recipe may move images at random."""
        x, y = self.images_of(chosen), self.masks_of(chosen)
        if generator is not None and self.recipe.augmentation == "affine":
            x = random_affine(x, generator)
            return self.network.features(x), x, y
        return self.features_of(chosen), x, y

    def _computed(self) -> Features:
        start = time.perf_counter()
        was_training = self.network.training
        features = features_of(
            self.network.eval(),
            self.images_of,
            self.used,
            device=self.device,
            dtype=feature_dtype(self.precision),
            budget_mb=self.feature_memory_mb,
            folder=self.folder,
        )
        self.network.train(was_training)
        self.feature_seconds = time.perf_counter() - start
        return features
