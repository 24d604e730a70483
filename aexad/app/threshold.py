"""The score above which an image is anomalous, from normal images that were not trained on."""

from __future__ import annotations

import math

import numpy as np

LEAST = 3
"""Fewest held-out normal images."""

MOST = 200
"""No more are held out: the quantile is known well enough, and the rest is better trained on."""

SHARE = 1 / 3
"""Of the normal images that is held out, within these bounds."""


def held_out_number(normals: int) -> int:
    """How many of so many normal images are held out of training, for the threshold.

    >>> [held_out_number(normals) for normals in (6, 54, 209, 1000)]
    [3, 18, 70, 200]
    """
    return min(MOST, max(LEAST, round(normals * SHARE)))


def threshold_of(scores: np.ndarray, false_alarms: float) -> tuple[float, float]:
    """The score that a new normal image exceeds with probability ``false_alarms`` at most.

    It is the score of rank ceil((n + 1)(1 - a)) among the n held-out ones, which holds whatever the
    distribution of scores is, as long as new images are like those. n images cannot promise less
    than 1 / (n + 1): where that is above a, the highest score is taken. (A limit that assumes
    log-normal scores promises more, and was tried: on metal plates, whose scores span two orders of
    magnitude, it lay above the defects.)

    Parameters
    ----------
    scores
        Scores [n] of normal images that the model was not trained on, n >= 3.
    false_alarms
        a, in (0, 1).

    Returns
    -------
    tuple of float
        The threshold, and the probability that it promises: a, or 1 / (n + 1) if that is more.

    Raises
    ------
    ValueError
        Fewer scores, or one that is no number.

    Examples
    --------
    >>> threshold_of(np.array([3.0, 1.0, 2.0]), 0.01)
    (3.0, 0.25)
    >>> threshold_of(np.arange(1.0, 100.0), 0.05)
    (95.0, 0.05)

    References
    ----------
    Vovk, Gammerman, Shafer, *Algorithmic learning in a random world*: conformal prediction.
    """
    n = len(scores)
    if n < LEAST or not np.isfinite(scores).all():
        raise ValueError(f"at least {LEAST} finite scores are needed, got {scores}")
    # Rounded, or (n + 1)(1 - a) may come out a little above a whole number.
    rank = math.ceil(round((n + 1) * (1 - false_alarms), 9))
    promised = false_alarms if rank <= n else 1 / (n + 1)
    return float(np.sort(scores)[min(rank, n) - 1]), promised
