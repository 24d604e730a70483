"""Counts of each test image on a common grid of thresholds, from which test sets are resampled.

A pooled metric (PRO, AUROC, AP) has no value per image, so its uncertainty over images needs the
metric of many resampled test sets. With these counts that is a weighted sum over images; the
published value itself stays exact and does not use them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from aexad.evaluation.metrics.pro import Regions

LEVELS = 64
"""Thresholds from the normal scores, and as many from the anomalous ones."""
STORED = ("added_false_positives", "added_true_positives", "added_recall", "regions")
EVEN = np.linspace(0, 1, LEVELS)
_SAMPLE = 1 << 17  # scores that a quantile is taken from


class ImageCounts(NamedTuple):
    """Pixels of n images at or above each of T descending thresholds; the last one marks all."""

    false_positives: np.ndarray
    """int64 [n, T], normal pixels."""
    true_positives: np.ndarray
    """int64 [n, T], anomalous pixels."""
    recall: np.ndarray
    """float64 [n, T], sum of the recalls of the image's true regions."""
    regions: np.ndarray
    """int64 [n], true regions."""

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The arrays of a file: what each threshold adds, which takes few bytes in an archive."""
        added = [np.diff(table, prepend=0) for table in self[:3]]
        kinds = (np.uint32, np.uint32, np.float32)
        arrays = [array.astype(kind) for array, kind in zip(added, kinds, strict=True)]
        return dict(zip(STORED, [*arrays, self.regions], strict=True))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> ImageCounts:
        """The inverse of :meth:`to_arrays`; recalls are exact to 1e-6."""
        false, true, recall, regions = (arrays[name] for name in STORED)
        return cls(
            np.cumsum(false, axis=1, dtype=np.int64),
            np.cumsum(true, axis=1, dtype=np.int64),
            np.cumsum(recall, axis=1, dtype=np.float64),
            regions,
        )


def image_counts(normal: Sequence[np.ndarray], anomalous: Sequence[Regions]) -> ImageCounts:
    """Count each image's pixels; both scores of an image are ascending.

    Half of the thresholds are quantiles of the normal scores, dense at low false-positive rates,
    half are quantiles of the anomalous scores.
    """
    grid = _grid(normal, [image.score for image in anomalous])
    rows = [_image_row(*image, grid) for image in zip(normal, anomalous, strict=True)]
    false, true, recall = np.moveaxis(np.reshape(rows, (-1, 3, len(grid))), 1, 0)
    sizes = np.array([len(image.size) for image in anomalous], dtype=np.int64)
    return ImageCounts(false.astype(np.int64), true.astype(np.int64), recall, sizes)


def _grid(normal: Sequence[np.ndarray], anomalous: Sequence[np.ndarray]) -> np.ndarray:
    """Descending thresholds; the last is -inf."""
    values = [np.array([-np.inf])]
    for images, rates in ((normal, np.geomspace(1e-5, 1, LEVELS)), (anomalous, EVEN)):
        total = sum(map(len, images))
        if total:
            # Every n-th score of each image, from its highest on, is enough for a quantile.
            step = 1 + total // _SAMPLE
            sample = np.concatenate([scores[::-1][::step] for scores in images])
            values.append(np.quantile(sample, 1 - rates))
    return np.unique(np.concatenate(values))[::-1]


def _image_row(
    normal: np.ndarray, image: Regions, grid: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    first = np.searchsorted(image.score, grid)
    share = 1 / image.size[image.region]
    recall = np.append(np.cumsum(share[::-1])[::-1], 0.0)[first]
    return len(normal) - np.searchsorted(normal, grid), len(image.score) - first, recall
