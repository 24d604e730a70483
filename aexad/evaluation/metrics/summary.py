"""All pixel metrics of a test set in one pass over its images.

Each image is read once and may be dropped afterwards; only its scores are kept. So a test set can
be streamed, and memory does not exceed 2.5 times the size of its maps and masks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from aexad.evaluation.metrics.image_counts import ImageCounts, image_counts
from aexad.evaluation.metrics.pixel import SWEEP, Sweep, marked_counts, sweep_of
from aexad.evaluation.metrics.preparation import Pool, checked_pairs
from aexad.evaluation.metrics.pro import Regions, region_overlap, regions_of
from aexad.evaluation.metrics.ranking import Ranking, auroc, ranking


class PixelSummary(NamedTuple):
    """The pixel metrics of n images; NaN means that a value is not defined."""

    anomalous_pixels: np.ndarray
    """int64 [n]: anomalous pixels of each image."""
    xauc: np.ndarray
    """float64 [n]: pixel AUROC within each image; NaN for an image of one class only."""
    sweep: Sweep
    """F1 and IoU at mean + a std, per image."""
    pooled: Ranking
    """Over all pixels: AUROC, AP, best F1 and IoU."""
    pro: float
    """AU-PRO."""
    regions: int
    """Number of true regions that :attr:`pro` averages over."""
    counts: ImageCounts
    """Per image, on a common grid of thresholds."""


def pixel_summary(
    pairs: Iterable[tuple[np.ndarray, np.ndarray]], a: Sequence[float] = SWEEP
) -> PixelSummary:
    """Compute every pixel metric of a test set, image by image.

    Parameters
    ----------
    pairs : pairs of scores, real [H, W], and mask, bool [H, W]
        One pair per test image, good images included; may be a generator. For arrays [n, H, W]:
        ``zip(scores, masks)``.
    a : numbers
        Thresholds of the sweep, in standard deviations above the mean.

    Raises
    ------
    ValueError
        As :func:`~aexad.evaluation.metrics.preparation.image_pairs`.
    """
    normal_pool, anomalous_pool = Pool(), Pool()
    regions: list[tuple[np.ndarray, np.ndarray]] = []
    xauc, counts, normal_sizes = [], [], []
    for score, mask in checked_pairs(pairs):
        image = regions_of(score, mask)
        background = np.sort(score[~mask])
        xauc.append(auroc(background, image.score))
        counts.append(marked_counts(score, image.score, a))
        normal_pool.add(background)
        normal_sizes.append(len(background))
        anomalous_pool.add(image.score)
        regions.append((image.region, image.size))
    normal, anomalous = normal_pool.scores(), anomalous_pool.scores()
    ends = np.cumsum([len(region) for region, _ in regions], dtype=np.intp)
    images = [
        Regions(scores, *region)
        for scores, region in zip(np.split(anomalous, ends)[:-1], regions, strict=True)
    ]
    normal_ends = np.cumsum(normal_sizes, dtype=np.intp)
    of_images = image_counts(np.split(normal, normal_ends)[:-1], images)  # while they are apart
    normal.sort()
    overlap = region_overlap(normal, len(normal), images)
    anomalous.sort()  # in place: ``images`` must not be used after this
    return PixelSummary(
        anomalous_pixels=np.diff(ends, prepend=0),
        xauc=np.array(xauc),
        sweep=sweep_of(np.array(counts, dtype=np.int64).reshape(-1, 3, len(a))),
        pooled=ranking(normal, anomalous),
        pro=overlap,
        regions=sum(len(size) for _, size in regions),
        counts=of_images,
    )
