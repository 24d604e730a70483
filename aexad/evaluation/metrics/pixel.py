"""Pixel metrics: how well heat maps separate anomalous from normal pixels.

Every function takes the scores and the masks of a test set (see :data:`Maps`) and raises ValueError
as :func:`~aexad.evaluation.metrics.preparation.image_pairs` does. A metric that is not defined,
because there are no anomalous or no normal pixels, is NaN and never 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from aexad.evaluation.metrics.preparation import Maps, Pool, image_pairs
from aexad.evaluation.metrics.ranking import Ranking, auroc, ranking
from aexad.explain.heatmap import thresholds

SWEEP = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5)
"""The thresholds of the binary map: mean + a times the standard deviation of the heat map."""


class Sweep(NamedTuple):
    """F1 and IoU of the binary maps ``h > mean(h) + a std(h)`` of n images at t values of a."""

    f1: np.ndarray
    """float64 [n, t]; NaN for an image without anomalous pixels."""
    iou: np.ndarray
    """float64 [n, t]; NaN for an image without anomalous pixels."""


def xauc(scores: Maps, masks: Maps) -> float:
    """Mean of the per-image pixel AUROC over the anomalous images (AE-XAD, table 2).

    Only images with both anomalous and normal pixels count; NaN if there is no such image.

    Examples
    --------
    >>> xauc([np.array([[0.1, 0.9, 0.3]])], [np.array([[0, 1, 0]])])
    1.0
    """
    return mean_of_defined(xauc_per_image(scores, masks))


def xauc_per_image(scores: Maps, masks: Maps) -> np.ndarray:
    """Pixel AUROC within each image, float64 [n]; NaN for an image of one class only."""
    pairs = image_pairs(scores, masks)
    return np.array([auroc(np.sort(score[~mask]), np.sort(score[mask])) for score, mask in pairs])


def f1(scores: Maps, masks: Maps, a: float = 1.0) -> float:
    """F1 of the binary map h > mean + a std, averaged over the images with anomalous pixels."""
    return mean_of_defined(threshold_sweep(scores, masks, (a,)).f1)


def iou(scores: Maps, masks: Maps, a: float = 1.0) -> float:
    """IoU of the binary map h > mean + a std, averaged over the images with anomalous pixels."""
    return mean_of_defined(threshold_sweep(scores, masks, (a,)).iou)


def threshold_sweep(scores: Maps, masks: Maps, a: Sequence[float] = SWEEP) -> Sweep:
    """F1 and IoU at several thresholds, per image (AE-XAD, section on explanations)."""
    counts = [marked_counts(score, score[mask], a) for score, mask in image_pairs(scores, masks)]
    return sweep_of(np.array(counts, dtype=np.int64).reshape(-1, 3, len(a)))


def pixel_auroc(scores: Maps, masks: Maps) -> float:
    """Area under the ROC curve over all pixels of all images; NaN if one class is missing."""
    return auroc(*_pooled(scores, masks))


def pixel_ap(scores: Maps, masks: Maps) -> float:
    """Average precision over all pixels of all images; NaN if one class is missing.

    This is the step sum over the distinct thresholds; the area of the trapezoids is too high.
    """
    return _ranking(scores, masks).average_precision


def f1_max(scores: Maps, masks: Maps) -> float:
    """Highest F1 over all pixels at any threshold; an oracle, as masks choose the threshold."""
    return _ranking(scores, masks).f1_max


def iou_max(scores: Maps, masks: Maps) -> float:
    """Highest IoU over all pixels at any threshold; an oracle, as masks choose the threshold."""
    return _ranking(scores, masks).iou_max


def marked_counts(score: np.ndarray, anomalous: np.ndarray, a: Sequence[float]) -> np.ndarray:
    """Count the pixels that the binary maps of one image mark.

    Parameters
    ----------
    score : float [H, W]
    anomalous : float [M]
        The scores of its anomalous pixels.
    a : t numbers

    Returns
    -------
    int64 [3, t]
        Marked anomalous pixels; marked pixels; anomalous pixels.
    """
    limits = thresholds(score, a)
    hits = [np.count_nonzero(anomalous > limit) for limit in limits]
    marked = [np.count_nonzero(score > limit) for limit in limits]
    return np.array([hits, marked, [len(anomalous)] * len(a)], dtype=np.int64)


def sweep_of(counts: np.ndarray) -> Sweep:
    """F1 and IoU from the :func:`marked_counts` of n images, int64 [n, 3, t]."""
    hits, marked, anomalous = np.moveaxis(counts, -2, 0)
    exists = anomalous > 0
    nothing = np.full(hits.shape, np.nan)
    return Sweep(
        np.divide(2 * hits, marked + anomalous, out=nothing.copy(), where=exists),
        np.divide(hits, marked + anomalous - hits, out=nothing.copy(), where=exists),
    )


def mean_of_defined(values: np.ndarray) -> float:
    """Mean of the values that are not NaN; NaN if there are no such values."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else np.nan


def _pooled(scores: Maps, masks: Maps) -> tuple[np.ndarray, np.ndarray]:
    """All normal and all anomalous scores, ascending."""
    pools = Pool(), Pool()
    for score, mask in image_pairs(scores, masks):
        for pool, chosen in zip(pools, (~mask, mask), strict=True):
            pool.add(score[chosen])
    normal, anomalous = (pool.scores() for pool in pools)
    normal.sort()
    anomalous.sort()
    return normal, anomalous


def _ranking(scores: Maps, masks: Maps) -> Ranking:
    return ranking(*_pooled(scores, masks))
