"""Two banks: the distance to normal cells, less the distance to cells of labelled defects.

Features are averaged over 3x3 cells and divided by their length. The score of a cell is its
distance to the nearest normal cell of the training set minus that to the nearest cell of a labelled
defect. Nothing is trained by gradient descent.
"""

from __future__ import annotations

from typing import ClassVar

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from aexad.data.training_set import TrainingSet
from aexad.encoders.features import resized
from aexad.methods.base import EncoderMethod
from aexad.methods.cells import anomalous_cells, cells_of, nearest
from aexad.methods.job import Job


class TwoBank(EncoderMethod):
    """Nearest neighbours in a bank of normal cells and in a bank of anomalous cells.

    The normal bank holds all cells of the normal images. The anomalous bank holds the cells of the
    defects of labelled images and pasted copies, which
    :func:`aexad.methods.cells.anomalous_cells` finds.
    """

    learned: ClassVar[tuple[str, ...]] = ("normal", "anomalous")
    normal: Tensor
    anomalous: Tensor

    def fit(self, data: TrainingSet, job: Job) -> pd.DataFrame:
        """Fill both banks."""
        normal = [cells_of(_unit(f)) for f, _ in job.features(data.images_of(anomalous=False))]
        anomalous = [
            cells_of(_unit(features))[anomalous_cells(masks, features.shape[-1]).flatten()]
            for features, masks in job.features(data.images_of(anomalous=True))
        ]
        self.register_buffer("normal", torch.cat(normal))
        self.register_buffer("anomalous", torch.cat(anomalous))
        return pd.DataFrame([{"epoch": 1}])

    def forward(self, images: Tensor) -> Tensor:
        """Anomaly maps [B, 1, S, S], between -2 and 2."""
        self.check_images(images)
        features = _unit(self.features(images))
        cells = cells_of(features)
        score = nearest(cells, self.normal)[0] - nearest(cells, self.anomalous)[0]
        grid = features.shape[-1]
        return resized(score.view(-1, 1, grid, grid), self.size)


def _unit(features: Tensor) -> Tensor:
    """The mean of 3x3 cells, divided by its length."""
    return F.normalize(F.avg_pool2d(features, 3, 1, 1, count_include_pad=False), dim=1)
