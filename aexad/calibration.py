"""The score above which an image is anomalous, from normal images that were not trained on."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

LEAST = 3
"""Fewest held-out normal images that say anything of the spread of their scores."""

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


def threshold(scores: np.ndarray, false_alarms: float) -> float:
    """The score that a new normal image exceeds with probability ``false_alarms``.

    Of two estimates of that quantile the higher one:

    - without assumptions, the score of rank ceil((n + 1)(1 - a)) among the n held-out ones; of
      fewer than 1/a - 1 images the highest score, which a new one exceeds with probability
      1 / (n + 1), and that may be far more than a;
    - if scores are log-normal, the limit m + t s sqrt(1 + 1/n) of the next value, m and s being the
      mean and the deviation of their logarithms and t the quantile of Student's t with n - 1
      degrees of freedom. The fewer images, the wider.

    Parameters
    ----------
    scores
        Positive scores [n] of normal images that the model was not trained on, n >= 3.
    false_alarms
        a, in (0, 1).

    Raises
    ------
    ValueError
        Fewer scores, or one that is not positive.

    Examples
    --------
    >>> few = threshold(np.array([0.9, 1.0, 1.1]), 0.01)
    >>> many = threshold(np.tile([0.9, 1.0, 1.1], 100), 0.01)
    >>> few > many > 1.1
    True

    References
    ----------
    Vovk et al., *Algorithmic learning in a random world* (the rank); Hahn and Meeker, *Statistical
    intervals* (the limit of the next value of a normal distribution).
    """
    n = len(scores)
    if n < LEAST or not (scores > 0).all():
        raise ValueError(f"{LEAST} positive scores are needed, got {scores}")
    rank = min(n, math.ceil((n + 1) * (1 - false_alarms)))
    logarithms = np.log(scores.astype(np.float64))
    spread = logarithms.std(ddof=1) * math.sqrt(1 + 1 / n)
    limit = logarithms.mean() + float(stats.t.ppf(1 - false_alarms, n - 1)) * spread
    return max(float(np.sort(scores)[rank - 1]), math.exp(limit))
