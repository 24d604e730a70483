"""The threshold of the score, computed from normal images that were not used for training."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

LEAST = 3
"""Smallest number of held-out normal images."""

MOST = 200
"""Largest number of held-out normal images; more are of better use in training."""

SHARE = 1 / 3
"""Share of the normal images that is held out, within these bounds."""


def held_out_number(normals: int) -> int:
    """Number of normal images that are held out of training, for the threshold.

    >>> [held_out_number(normals) for normals in (6, 54, 209, 1000)]
    [3, 18, 70, 200]
    """
    return min(MOST, max(LEAST, round(normals * SHARE)))


def threshold_of(
    scores: np.ndarray, false_alarms: float, groups: Sequence[str] | None = None
) -> tuple[float, float]:
    """The score that a new normal image exceeds with probability ``false_alarms`` at most.

    It is the score of rank ceil((n + 1)(1 - a)) among the n held-out scores. This holds for any
    distribution of scores, if new images come from the same distribution. n images cannot guarantee
    less than 1 / (n + 1); if that is above a, the threshold is the highest score. (A threshold that
    assumes log-normal scores could guarantee less. On metal plates, whose scores span two orders of
    magnitude, it was higher than the scores of the defects.)

    With groups, the new image is one of a new group, drawn as the other groups were. Each of K
    groups then weighs 1 / (K + 1), shared by its images, and the threshold is the lowest score
    above which the weight is a - 1 / (K + 1) at most; less than 1 / (K + 1) cannot be guaranteed.
    With one image in each group, this is the rule above.

    Parameters
    ----------
    scores
        Scores [n] of normal images that were not used for training, n >= 3.
    false_alarms
        a, in (0, 1).
    groups
        The group of each image, for example the video that it is a frame of.

    Returns
    -------
    tuple of float
        The threshold, and the guaranteed probability: a, or 1 / (n + 1) if that is larger.

    Raises
    ------
    ValueError
        There are fewer scores, or a score is not finite.

    Examples
    --------
    >>> threshold_of(np.array([3.0, 1.0, 2.0]), 0.01)
    (3.0, 0.25)
    >>> threshold_of(np.arange(1.0, 100.0), 0.05)
    (95.0, 0.05)

    References
    ----------
    Vovk, Gammerman, Shafer, *Algorithmic learning in a random world*: conformal prediction. Lee,
    Barber, Willett, *Distribution-free inference with hierarchical data*: groups.
    """
    n = len(scores)
    if n < LEAST or not np.isfinite(scores).all():
        raise ValueError(f"at least {LEAST} finite scores are needed, got {scores}")
    if groups is not None:
        return _grouped_threshold(scores, false_alarms, groups)
    # Rounded, because (n + 1)(1 - a) may be slightly above a whole number in floating point.
    rank = math.ceil(round((n + 1) * (1 - false_alarms), 9))
    guaranteed = false_alarms if rank <= n else 1 / (n + 1)
    return float(np.sort(scores)[min(rank, n) - 1]), guaranteed


def _grouped_threshold(
    scores: np.ndarray, false_alarms: float, groups: Sequence[str]
) -> tuple[float, float]:
    sizes = Counter(groups)
    least = 1 / (len(sizes) + 1)  # the weight of the new group, which may be above all others
    weights = np.array([least / sizes[group] for group in groups])
    order = np.argsort(scores)
    above = weights[order][::-1].cumsum()[::-1] - weights[order]  # of the scores above each
    allowed = np.flatnonzero(above <= false_alarms - least + 1e-12)
    if not len(allowed):
        return float(scores.max()), least
    return float(scores[order[allowed[0]]]), false_alarms
