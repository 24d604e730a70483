"""Threshold-free values of two sorted samples: AUROC, AP, and the best F1 and IoU.

The same formulas apply to the pixels of one image (X-AUC), to the pixels of a test set and to the
scores of its images. All values are exact: every distinct score is a threshold, ties are merged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from aexad.evaluation.metrics.preparation import rank_counts

_BLOCK = 1 << 14  # anomalous scores at once, so that the counts fit into the cache


class Ranking(NamedTuple):
    """How well scores separate anomalous from normal; all NaN if one of the two is missing."""

    auroc: float
    average_precision: float
    f1_max: float
    iou_max: float


def auroc(normal: np.ndarray, anomalous: np.ndarray) -> float:
    """Area under the ROC curve: P(anomalous > normal) + P(equal) / 2, from integer counts.

    Parameters
    ----------
    normal, anomalous : float [N], float [M]
        Both ascending and of one type.

    Returns
    -------
    float
        In [0, 1]; NaN if one of the two is empty.
    """
    if not len(normal) or not len(anomalous):
        return np.nan
    return _area(sum(_twice_lost(*c) for _, *c in _blocks(normal, anomalous)), normal, anomalous)


def ranking(normal: np.ndarray, anomalous: np.ndarray) -> Ranking:
    """Compute all values of :class:`Ranking` in one pass; parameters as for :func:`auroc`.

    The average precision is the step sum over the distinct thresholds, sum (R_i - R_(i-1)) P_i. It
    equals the mean of the precision at each anomalous score. The best F1 and IoU are reached at an
    anomalous score: lowering the threshold between two of them only adds false positives.
    """
    if not len(normal) or not len(anomalous):
        return Ranking(np.nan, np.nan, np.nan, np.nan)
    everything = len(anomalous)
    twice_lost, precision, f1, iou = 0, 0.0, 0.0, 0.0
    for hits, above, false in _blocks(normal, anomalous):
        twice_lost += _twice_lost(above, false)
        precision += float((hits / (hits + false)).sum())
        f1 = max(f1, float((2 * hits / (hits + false + everything)).max()))
        iou = max(iou, float((hits / (false + everything)).max()))
    return Ranking(_area(twice_lost, normal, anomalous), precision / everything, f1, iou)


def _blocks(
    normal: np.ndarray, anomalous: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield for blocks of anomalous scores v counts of anomalous >= v, normal > v, normal >= v."""
    for start in range(0, len(anomalous), _BLOCK):
        values = anomalous[start : start + _BLOCK]
        hits = len(anomalous) - np.searchsorted(anomalous, values, side="left")
        yield hits, *rank_counts(normal, values)


def _twice_lost(above: np.ndarray, at_least: np.ndarray) -> int:
    """Twice the number of pairs in which the normal score wins; a tie is half a pair."""
    return int(above.sum()) + int(at_least.sum())


def _area(twice_lost: int, normal: np.ndarray, anomalous: np.ndarray) -> float:
    twice_pairs = 2 * len(normal) * len(anomalous)
    return (twice_pairs - twice_lost) / twice_pairs
