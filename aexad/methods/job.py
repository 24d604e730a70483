"""The output of a method (`Output`), and the interface by which it is trained (`Job`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import pandas as pd
import torch
from torch import Tensor

Output = Tensor | tuple[Tensor, Tensor]
"""Reconstructions or anomaly maps; or anomaly maps and the score of each image."""


class Job(Protocol):
    """What a method may ask for while it is trained; :mod:`aexad.training.job` implements it."""

    device: torch.device
    seed: int

    def descend(self) -> pd.DataFrame:
        """Train by gradient descent as the recipe says; returns one row per epoch."""

    def features(self, images: np.ndarray) -> Iterator[tuple[Tensor, Tensor]]:
        """Features and masks, bool [B, 1, S, S], of training images in batches, on the device.

        ValueError for an image that the method does not train on: a labelled one if ``uses_labels``
        is False, or one of weight 0.
        """
