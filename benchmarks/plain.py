"""Textbook versions of the metrics and heat maps: short, in float64, one image after the other.

They are what the fast ones are timed and checked against, in the benchmarks and in the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import ndimage

EIGHT_NEIGHBOURS = np.ones((3, 3))


def plain_pro(scores: np.ndarray, masks: np.ndarray, limit: float = 0.3) -> float:
    """AU-PRO by sorting all pixels and walking down the thresholds (Bergmann et al. 2021)."""
    gain, regions = np.zeros(masks.shape), 0
    for image, mask in zip(gain, masks, strict=True):
        labels, number = ndimage.label(mask, EIGHT_NEIGHBOURS)
        for region in range(1, number + 1):
            image[labels == region] = 1 / (labels == region).sum()
        regions += number
    order = np.argsort(-scores.ravel(), kind="stable")
    values = scores.ravel()[order]
    last = np.flatnonzero(np.append(values[1:] != values[:-1], True))
    rate = np.cumsum(~masks.ravel()[order])[last] / (~masks).sum()
    recall = np.cumsum(gain.ravel()[order])[last] / regions
    rate, recall = np.append(0, rate), np.append(0, recall)
    inside = rate <= limit
    at_limit = np.interp(limit, rate, recall) if limit < 1 else 1.0
    return np.trapezoid(np.append(recall[inside], at_limit), np.append(rate[inside], limit)) / limit


def plain_overlaps(
    scores: np.ndarray, masks: np.ndarray, a: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """F1 and IoU of h > mean + a std, each [n, t]; NaN for an image without anomalies."""
    f1 = np.full((len(scores), len(a)), np.nan)
    iou = f1.copy()
    for i, (score, mask) in enumerate(zip(scores.astype(np.float64), masks, strict=True)):
        for j, factor in enumerate(a):
            binary = score > score.mean() + factor * score.std()
            hits, either = (binary & mask).sum(), (binary | mask).sum()
            if mask.any():
                f1[i, j], iou[i, j] = 2 * hits / (binary.sum() + mask.sum()), hits / either
    return f1, iou


def separable_gaussian(image: np.ndarray, k: int) -> np.ndarray:
    """SciPy's Gaussian of half size k and deviation k / 3: one pass along each axis."""
    return ndimage.gaussian_filter(image, k / 3, radius=k, mode="reflect")


def plain_heat_maps(
    images: np.ndarray,
    reconstructions: np.ndarray,
    smooth: Callable[[np.ndarray, int], np.ndarray] = separable_gaussian,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Heat maps [n, S, S], k and scores [n] of AE-XAD with F = 2, one image after the other."""
    maps, sizes, scores = [], [], []
    for image, reconstruction in zip(images, reconstructions, strict=True):
        error = ((image - reconstruction) ** 2).sum(axis=0)
        relative = error / ((2 - image) ** 2).sum(axis=0)
        binary = relative > relative.mean(dtype=np.float64) + relative.std(dtype=np.float64)
        labels, _ = ndimage.label(binary, EIGHT_NEIGHBOURS)
        boxes = ndimage.find_objects(labels)
        extents = [[side.stop - side.start for side in box] for box in boxes]
        k = max(1, int(np.mean(extents, axis=0).max() / 2 + 0.5)) if extents else 1
        maps.append(smooth(relative, k))
        sizes.append(k)
        scores.append(np.sqrt(((error * smooth(error, k)) ** 2).sum()))
    return np.stack(maps), np.array(sizes), np.array(scores)
