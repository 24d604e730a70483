"""Values of a run on test sets that are drawn from its own test images.

The images of a category are drawn with replacement, good and anomalous ones apart. The draw is the
same for all methods and seeds, because an image that is hard is hard for all: so differences of
methods are paired.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from aexad.evaluation.metrics.image_counts import STORED, ImageCounts
from aexad.evaluation.metrics.pro import LIMIT
from aexad.runtime.files import read_npz

RESAMPLES = 1000


def image_weights(category: str, anomalous: np.ndarray, resamples: int = RESAMPLES) -> np.ndarray:
    """How often each image is drawn; float64 [resamples, images].

    ``anomalous``, bool [images], separates the two groups, whose sizes do not change. The draws
    depend on the name of the category and on the numbers of images alone.
    """
    generator = np.random.default_rng(zlib.crc32(category.encode()))
    weights = np.zeros((resamples, len(anomalous)))
    for group in (anomalous, ~anomalous):
        if number := int(group.sum()):
            shares = np.full(number, 1 / number)
            weights[:, group] = generator.multinomial(number, shares, resamples)
    return weights


def mean_draws(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted means of the values [images] of each resample [B]; NaN values do not count."""
    known = ~np.isnan(values)
    return _divided(weights[:, known] @ values[known], weights[:, known].sum(axis=1))


def read_counts(path: Path) -> ImageCounts:
    """Read the ``counts.npz`` of a run, in the order of its ``per_image.csv``.

    It lies here and not in :mod:`aexad.evaluation.run_files`, which pictures need too: an edit of a
    metric must not draw them again.
    """
    return ImageCounts.from_arrays(read_npz(path, STORED, "make it with 'aexad evaluate'"))


def pooled_draws(metric: str, counts: ImageCounts, weights: np.ndarray) -> np.ndarray:
    """A pooled pixel metric of each resample [B], on the grid of thresholds of ``counts``."""
    false, true = weights @ counts.false_positives, weights @ counts.true_positives
    if metric == "pro":
        recall = _divided(weights @ counts.recall, (weights @ counts.regions)[:, None])
        return _area(_divided(false, false[:, -1:]), recall, LIMIT)
    return curve_metric(metric, false, true)


def score_draws(
    metric: str, scores: np.ndarray, anomalous: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """``image_auroc`` or ``image_ap`` of each resample [B]; every score is a threshold."""
    marked = scores[:, None] >= np.unique(scores)[::-1]  # [images, T]
    return curve_metric(
        metric.removeprefix("image_"),
        weights @ (marked & ~anomalous[:, None]),
        weights @ (marked & anomalous[:, None]),
    )


def curve_metric(metric: str, false: np.ndarray, true: np.ndarray) -> np.ndarray:
    """AUROC, AP, best F1 or best IoU from counts [B, T] at descending thresholds."""
    positives = true[:, -1:]
    match metric.removeprefix("pixel_"):
        case "auroc":
            return _area(_divided(false, false[:, -1:]), _divided(true, positives), 1.0)
        case "ap":
            gained = np.diff(_divided(true, positives), axis=1, prepend=0)
            return (gained * np.nan_to_num(_divided(true, true + false))).sum(axis=1)
        case "f1_max":
            return _divided(2 * true, true + false + positives).max(axis=1)
        case "iou_max":
            return _divided(true, false + positives).max(axis=1)
    raise ValueError(f"no such pooled metric: {metric}")


def _area(x: np.ndarray, y: np.ndarray, limit: float) -> np.ndarray:
    """Area under piecewise linear curves [B, T] from (0, 0), up to x = limit; over the limit."""
    x0, y0 = (np.pad(v, ((0, 0), (1, 0)))[:, :-1] for v in (x, y))
    width = np.clip(x, None, limit) - np.clip(x0, None, limit)
    slope = _divided(y - y0, x - x0)
    right = np.where(x > limit, y0 + np.nan_to_num(slope) * (limit - x0), y)
    return (width * (y0 + right) / 2).sum(axis=1) / limit


def _divided(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    total, count = np.broadcast_arrays(total, count)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
