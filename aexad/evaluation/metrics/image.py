"""Image metrics: how well image scores separate anomalous from good images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aexad.evaluation.metrics.preparation import checked_labels, checked_scores
from aexad.evaluation.metrics.ranking import Ranking, ranking


def image_auroc(scores: np.ndarray | Sequence[float], labels: np.ndarray | Sequence[bool]) -> float:
    """Area under the ROC curve of image scores, exact, ties counted half.

    Parameters
    ----------
    scores : real [n]
        Score of each image; higher is more anomalous.
    labels : bool (or 0 and 1) [n]
        True for an anomalous image.

    Returns
    -------
    float
        In [0, 1]; NaN if all images are good, or all anomalous.

    Raises
    ------
    ValueError
        If the shapes differ, a score is NaN or infinite, or a label is neither 0 nor 1.

    Examples
    --------
    >>> image_auroc([0.1, 0.4, 0.4, 0.9], [0, 0, 1, 1])
    0.875
    """
    return _ranking(scores, labels).auroc


def image_ap(scores: np.ndarray | Sequence[float], labels: np.ndarray | Sequence[bool]) -> float:
    """Average precision (step sum, ties merged); otherwise as :func:`image_auroc`."""
    return _ranking(scores, labels).average_precision


def _ranking(scores: np.ndarray | Sequence[float], labels: np.ndarray | Sequence[bool]) -> Ranking:
    scores, labels = np.asarray(scores), np.asarray(labels)
    if scores.ndim != 1 or scores.shape != labels.shape:
        raise ValueError(
            f"the scores are {list(scores.shape)} and the labels {list(labels.shape)}; "
            "both must be [n], one value per image"
        )
    if not len(scores):
        return ranking(np.empty(0), np.empty(0))
    scores, labels = checked_scores(scores, "images"), checked_labels(labels, "labels")
    return ranking(np.sort(scores[~labels]), np.sort(scores[labels]))
