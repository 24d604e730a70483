"""The estimator of 95 % intervals: of macro means, over test images and training seeds.

A mean over categories has two sources of chance. Test images: the variance of the mean over
resampled test sets (:mod:`~aexad.report.stats.resampling`). Seeds, which decide the split, the
augmentation and the initial weights: s² / S for S seeds. A seed's own mean also contains what only
this seed finds hard in an image, so the variance over images counts only the part that the seeds
share (the covariance of their resampled means); otherwise that part would count twice. Where fewer
than two seeds have a value in every category, there is no s², and the variance over images is that
of the mean of each category's own seeds.

The half width is t sqrt(V) for V = V_images + V_seeds. The degrees of freedom of the two differ,
often 100 against 2; t is the mean of both quantiles of Student's t, weighted by the variances
(Cochran and Cox 1950). Welch and Satterthwaite's degrees of freedom are not used: where seeds
dominate, their 95 % interval covers 0.87 with two seeds (docs/protocol.md has the simulation).

Values bounded by [0, 1] have their interval on the logit scale, and differences, in [-1, 1], after
(1 + d) / 2. Categories are fixed: an interval is about the categories of the benchmark.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.special import expit, logit

from aexad.report.stats.tests import LEVEL, Interval, NoTest

NO_VARIANCE = 1e-20
"""A variance below this one is the rounding of equal numbers."""
IMAGES = 5
"""Fewest images of a category: with fewer, the resamples repeat a handful of values."""


class CategoryDraws(NamedTuple):
    """A quantity in one category: of S seeds, in increasing order of seed."""

    values: np.ndarray
    """float64 [S]; NaN where the seed has no value."""
    draws: np.ndarray
    """float64 [B, S], the values of the same resampled test sets."""
    images: int
    """Number of images that the values average over."""


def interval_of(
    cells: Sequence[CategoryDraws], bounds: tuple[float, float] = (0.0, 1.0)
) -> Interval | NoTest:
    """The interval of the mean over categories of the mean over seeds.

    Parameters
    ----------
    cells
        One per category; each with the same seeds.
    bounds
        The least and the greatest value that the quantity can take.
    """
    if min(cell.images for cell in cells) < IMAGES:
        fewest = min(cell.images for cell in cells)
        return NoTest(f"a category has {fewest} images with a value; {IMAGES} are needed")
    if any(np.isnan(cell.draws).all(axis=0)[~np.isnan(cell.values)].any() for cell in cells):
        return NoTest("the resampled test sets have no value")
    mean = float(np.mean([np.nanmean(cell.values) for cell in cells]))
    by_seed = np.mean([cell.values for cell in cells], axis=0)
    by_seed = by_seed[~np.isnan(by_seed)]  # seeds with a value in every category
    seeds = len(by_seed)
    each = [_image_variance(cell, shared=seeds > 1) for cell in cells]
    over_images = sum(each) / len(cells) ** 2
    over_seeds = by_seed.var(ddof=1) / seeds if seeds > 1 else 0.0
    variance = over_images + over_seeds
    if not variance > NO_VARIANCE:
        return NoTest("all resampled values are equal")
    freedom = _images_freedom(each, cells) if over_images else np.inf
    quantile = over_images * _t(freedom)
    if seeds > 1:
        quantile += over_seeds * _t(seeds - 1)
    half = quantile / variance * np.sqrt(variance)
    return Interval(*_bounded(mean, half, *bounds), images_alone=seeds < 2)


def _image_variance(cell: CategoryDraws, *, shared: bool) -> float:
    """The variance over images of the mean over seeds: the part that they share, or all of it."""
    draws = cell.draws[:, ~np.isnan(cell.values)]
    draws = draws[~np.isnan(draws).any(axis=1)]
    covariance = np.atleast_2d(np.cov(draws, rowvar=False))
    seeds = len(covariance)
    if shared:
        variance = (covariance.sum() - np.trace(covariance)) / (seeds * (seeds - 1))
    else:
        variance = covariance.sum() / seeds**2
    # A resample varies by (n - 1) / n of what another sample of n images would.
    return max(float(variance), 0.0) * cell.images / (cell.images - 1)


def _images_freedom(variances: Sequence[float], cells: Sequence[CategoryDraws]) -> float:
    parts = [v**2 / (cell.images - 1) for v, cell in zip(variances, cells, strict=True)]
    return float(sum(variances) ** 2 / sum(parts))


def _t(freedom: float) -> float:
    return float(stats.t.ppf(1 - LEVEL / 2, freedom))


def _bounded(mean: float, half: float, least: float, greatest: float) -> tuple[float, float]:
    """Mean ± half on the logit scale; a mean on a bound has only the other end.

    The logit's step is the half width over the slope at the mean, which holds as far as the mean
    ± half lies within the bounds. A larger half width stretches that interval in proportion: on the
    logit scale itself, seeds of 0.998 and 0.990 would have the interval from 0.03 to 1.
    """
    width = greatest - least
    share = (mean - least) / width
    if not 0 < share < 1:
        return max(least, mean - half), min(greatest, mean + half)
    half /= width
    within = min(half, share, 1 - share)
    middle, step = logit(share), within / (share * (1 - share))
    ends = share + (expit([middle - step, middle + step]) - share) * half / within
    low, high = np.clip(ends, 0, 1)
    return least + width * float(low), least + width * float(high)
