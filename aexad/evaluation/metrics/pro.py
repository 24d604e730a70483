"""Per-region overlap: the mean recall of the true regions against the false-positive rate.

Source: Bergmann et al. 2021, "The MVTec Anomaly Detection Dataset", section on evaluation metrics.
All test images count, good images included. Regions are 8-connected, and each has the same weight,
whatever its size. Every distinct score is a threshold; pixels of equal score pass it together.

The area is computed without the curve. A pixel of a region of s pixels, one of R regions, adds
1 / (s R) to the curve at all thresholds up to its own score. This is a step that begins at the
false-positive rate of the normal pixels with a higher score; over the normal pixels with an equal
score it rises linearly. The area under the curve is the sum of the areas under these steps. So the
two counts of each anomalous pixel are enough, and only the normal pixels within the limit have to
be sorted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from aexad.data.masks import EIGHT
from aexad.evaluation.metrics.preparation import Maps, Pool, image_pairs, rank_counts

LIMIT = 0.3
"""The usual limit of the false-positive rate."""

_BLOCK = 1 << 16  # scores compared at once, so that no long temporary array is needed


class Regions(NamedTuple):
    """The anomalous pixels of one image, in ascending order of score."""

    score: np.ndarray
    """float [M]."""
    region: np.ndarray
    """unsigned [M]: number of the region, from 0, in the smallest type that holds it."""
    size: np.ndarray
    """int64 [R]: pixels of each region."""


def pro(scores: Maps, masks: Maps, limit: float = LIMIT) -> float:
    """Area under the PRO curve up to a false-positive rate, divided by that rate (AU-PRO).

    Parameters
    ----------
    scores, masks : see :func:`~aexad.evaluation.metrics.preparation.image_pairs`
    limit : float
        In (0, 1]; the curve is interpolated linearly at the limit.

    Returns
    -------
    float
        In [0, 1]; NaN if there are no anomalous or no normal pixels.

    Raises
    ------
    ValueError
        As :func:`~aexad.evaluation.metrics.preparation.image_pairs`, or if the limit is not in
        (0, 1].

    Examples
    --------
    >>> masks = np.array([[[0, 0], [0, 1]]])
    >>> pro(np.ones((1, 2, 2)), masks), pro(masks, masks)
    (0.15, 1.0)
    """
    _check_limit(limit)
    normal, images = _collected(scores, masks)
    return region_overlap(_sorted_top(normal, limit), len(normal), images, limit)


def regions_of(score: np.ndarray, mask: np.ndarray) -> Regions:
    """Find the 8-connected regions of a mask, and sort their pixels by score."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return Regions(np.empty(0, score.dtype), np.empty(0, np.uint8), np.empty(0, np.int64))
    # Labelling visits every pixel, so only the box around the anomalies is labelled.
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    labels, number = ndimage.label(mask[box], structure=EIGHT)
    values, region = score[box][mask[box]], labels[mask[box]] - 1
    order = np.argsort(values)
    kind = np.min_scalar_type(number)
    return Regions(values[order], region[order].astype(kind), np.bincount(region))


def region_overlap(
    normal: np.ndarray, normal_pixels: int, images: Iterable[Regions], limit: float = LIMIT
) -> float:
    """AU-PRO from prepared pixels.

    Parameters
    ----------
    normal : float [at least min(N, limit N + 1)]
        Scores of normal pixels, ascending: either all, or the highest together with all ties of the
        lowest of these.
    normal_pixels : int
        Number N of all normal pixels.
    images : Regions of each image
    limit : float
    """
    _check_limit(limit)
    if not normal_pixels:
        return np.nan
    allowed = limit * normal_pixels
    shares = [_region_shares(normal, image, allowed) for image in images if len(image.size)]
    return float(np.concatenate(shares).mean()) if shares else np.nan


def _collected(scores: Maps, masks: Maps) -> tuple[np.ndarray, list[Regions]]:
    """The scores of all normal pixels, unsorted, and the regions of each image."""
    pool, images = Pool(), []
    for score, mask in image_pairs(scores, masks):
        pool.add(score[~mask])
        images.append(regions_of(score, mask))
    return pool.scores(), images


def _check_limit(limit: float) -> None:
    if not 0 < limit <= 1:
        raise ValueError(f"the limit of the false-positive rate is {limit}; it must be in (0, 1]")


def _region_shares(normal: np.ndarray, image: Regions, allowed: float) -> np.ndarray:
    """Normalised area under the recall curve of each region of an image, float64 [R]."""
    # Pixels that score below all of ``normal`` lie beyond the limit and add nothing.
    lowest = normal[0].astype(image.score.dtype)
    first = np.searchsorted(image.score, lowest, side="left")
    values = image.score[first:].astype(normal.dtype, copy=False)
    above, at_least = rank_counts(normal, values)
    # In units of the limit, the area under a step at rate f is 1 - f, and under a slope from f to g
    # it is 1 - (f+g)/2; if the slope crosses the limit, it is the triangle (1-f)^2 / (2 (g-f)).
    share = np.maximum(1 - (above + at_least) / (2 * allowed), 0)
    crossing = np.flatnonzero((above < allowed) & (at_least > allowed))
    left = allowed - above[crossing]
    share[crossing] = left * left / (2 * allowed * (at_least - above)[crossing])
    return np.bincount(image.region[first:], share, minlength=len(image.size)) / image.size


def _sorted_top(normal: np.ndarray, limit: float) -> np.ndarray:
    """Sort, in place, the scores within the limit together with all ties of the lowest of these."""
    bottom = len(normal) - min(int(limit * len(normal)) + 1, len(normal))
    if not bottom:
        normal.sort()
        return normal
    normal.partition(bottom)
    normal[bottom:].sort()
    # The lower scores are not needed, so they can be overwritten by the ties among them.
    rest = np.split(normal[:bottom], range(_BLOCK, bottom, _BLOCK))
    ties = sum(np.count_nonzero(block == normal[bottom]) for block in rest)
    normal[bottom - ties : bottom] = normal[bottom]
    return normal[bottom - ties :]
