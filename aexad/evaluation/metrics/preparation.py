"""Input checks, pooled scores and exact rank counts, which all pixel metrics share.

Anomalous pixels are few. The scores of the *normal* pixels are sorted once, and a binary search
gives, for each anomalous pixel, the number of normal pixels with a higher and with an equal score.
AUROC, AP, AUPRO and the best thresholds follow from these counts alone. Nothing is binned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

Maps = np.ndarray | Sequence[np.ndarray]
"""Maps of n images: one array [n, H, W], or n arrays [H, W] whose sizes may differ."""


def image_pairs(scores: Maps, masks: Maps) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Check the scores and masks of a test set, image by image.

    Parameters
    ----------
    scores : real [n, H, W], or n of [H, W]
        Any range; higher is more anomalous.
    masks : bool (or 0 and 1) [n, H, W], or n of [H, W]
        True where a pixel is anomalous.

    Yields
    ------
    tuple of numpy.ndarray
        Scores float32 or float64 [H, W] and mask bool [H, W] of one image.

    Raises
    ------
    ValueError
        If numbers of images or shapes differ, a score is NaN or infinite, or a mask is not binary.
    """
    if len(scores) != len(masks):
        raise ValueError(f"got {len(scores)} score maps and {len(masks)} masks; one each is needed")
    return checked_pairs(zip(scores, masks, strict=True))


def checked_pairs(
    pairs: Iterable[tuple[np.ndarray, np.ndarray]],
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Check pairs of scores and mask that come one by one; otherwise as :func:`image_pairs`."""
    for index, (score, mask) in enumerate(pairs):
        score, mask = np.asarray(score), np.asarray(mask)
        if score.ndim != 2 or score.shape != mask.shape or not score.size:
            raise ValueError(
                f"image {index}: the scores are {list(score.shape)} and the mask is "
                f"{list(mask.shape)}; both must be [H, W], with at least one pixel"
            )
        yield checked_scores(score, f"image {index}"), checked_labels(mask, f"mask {index}")


def checked_scores(scores: np.ndarray, name: str) -> np.ndarray:
    """Convert scores to float32 or float64 without loss; NaN or infinity is a ValueError."""
    if scores.dtype.kind not in "fiub":
        raise ValueError(f"{name}: scores are of type {scores.dtype}; real numbers are needed")
    if scores.dtype not in (np.float32, np.float64):
        scores = scores.astype(np.float64)
    finite = np.isfinite(scores)
    if not finite.all():
        nan = int(np.isnan(scores).sum())
        raise ValueError(f"{name}: {nan} scores are NaN, {int((~finite).sum()) - nan} are infinite")
    return scores


def checked_labels(labels: np.ndarray, name: str) -> np.ndarray:
    """Convert labels to bool; a value other than 0 and 1 is a ValueError."""
    if labels.dtype == bool:
        return labels
    if labels.dtype.kind not in "fiu" or not ((labels == 0) | (labels == 1)).all():
        found = ", ".join(str(value) for value in np.unique(labels)[:5])
        raise ValueError(
            f"{name}: not binary: {labels.dtype} with the values {found}"
            f"{', …' if len(np.unique(labels)) > 5 else ''}; only 0 and 1 are allowed"
        )
    return labels.astype(bool)


class Pool:
    """Scores of many images in one array that grows in place.

    Concatenating a list of arrays would need twice the memory of the scores.
    """

    def __init__(self) -> None:
        self._scores = np.empty(0, np.float32)
        self._used = 0

    def add(self, piece: np.ndarray) -> None:
        """Append the scores of an image; float64 ones make the whole pool float64."""
        if piece.dtype != self._scores.dtype:
            self._scores = self._scores.astype(np.result_type(self._scores, piece))
        end = self._used + len(piece)
        if end > len(self._scores):
            # The system moves a large block without a copy. Growing by a quarter keeps moves rare.
            self._scores.resize(max(end, self._used * 5 // 4), refcheck=False)
        self._scores[self._used : end] = piece
        self._used = end

    def scores(self) -> np.ndarray:
        """All scores, in the order in which they were added; nothing can be added afterwards."""
        self._scores.resize(self._used, refcheck=False)
        return self._scores


def rank_counts(scores: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count the scores that exceed each value, and the scores that are at least as high.

    Parameters
    ----------
    scores : float [N]
        Ascending; N >= 1.
    values : float [M]
        Of the same type. Ascending values are found faster.

    Returns
    -------
    above, at_least : int64 [M]
    """
    below = np.searchsorted(scores, values, side="left")
    up_to = below.copy()
    # Only values that equal a score need a second search.
    tied = np.flatnonzero(scores[np.minimum(below, len(scores) - 1)] == values)
    up_to[tied] = np.searchsorted(scores, values[tied], side="right")
    return len(scores) - up_to, len(scores) - below
