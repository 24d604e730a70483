"""What the pixel metrics have in common: checked input, split pixels, and exact rank counts.

Anomalous pixels are few. So the scores of the *normal* pixels are sorted once, the place of every
anomalous pixel among them is found by binary search, and how many normal pixels lie above it and
level with it is all that AUROC, AP, AUPRO and the best thresholds need. Nothing is binned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import numpy as np

_STRIDE = 16  # a power of two: in between, each step halves what is left
_BLOCK = 1 << 13  # values searched at once: what lies between the steps stays in the cache

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
        If numbers of images or shapes differ, a score is NaN or infinite, or a mask is not binary;
        the message says what came.
    """
    if len(scores) != len(masks):
        raise ValueError(f"got {len(scores)} score maps and {len(masks)} masks; one each is needed")
    return checked_pairs(zip(scores, masks, strict=True))


def checked_pairs(
    pairs: Iterable[tuple[np.ndarray, np.ndarray]],
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """As :func:`image_pairs`, for pairs that come one by one (from a file, say)."""
    for index, (score, mask) in enumerate(pairs):
        score, mask = np.asarray(score), np.asarray(mask)
        if score.ndim != 2 or score.shape != mask.shape or not score.size:
            raise ValueError(
                f"image {index}: the scores are {list(score.shape)} and the mask is "
                f"{list(mask.shape)}; both must be [H, W], with at least one pixel"
            )
        yield checked_scores(score, f"image {index}"), checked_labels(mask, f"mask {index}")


def checked_scores(scores: np.ndarray, name: str) -> np.ndarray:
    """Return finite real numbers as float32 or float64, without loss; else raise ValueError."""
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
    """Return labels as bool if they are bool, or nothing but 0 and 1; else raise ValueError."""
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
    """Scores of many images in one array that grows in place, so that they are never held twice.

    Pieces and their concatenation together would need twice the memory of the scores.
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
            # Memory of this size is moved by its address, not copied; a quarter more each time
            # keeps the number of moves small.
            self._scores.resize(max(end, self._used * 5 // 4), refcheck=False)
        self._scores[self._used : end] = piece
        self._used = end

    def scores(self) -> np.ndarray:
        """Give the pool away: all scores, in the order in which they came."""
        self._scores.resize(self._used, refcheck=False)
        return self._scores


class SortedScores:
    """Ascending scores that are searched in two steps: every 16th of them first, then in between.

    A binary search among millions of scores waits for main memory at each of its last steps. The
    coarse scores fit the cache; the fine steps are taken for many values at once, so that their
    waits overlap.

    Parameters
    ----------
    scores : float [N]
        Ascending.
    """

    def __init__(self, scores: np.ndarray) -> None:
        self.scores = scores
        self._coarse = scores[::_STRIDE].copy()

    def __len__(self) -> int:
        return len(self.scores)

    def rank_counts(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How many scores exceed each value, and how many are at least as high.

        Parameters
        ----------
        values : float [M]
            Of the type of the scores, which must not be empty. Ascending ones are found faster.

        Returns
        -------
        above, at_least : int64 [M]
        """
        blocks = np.split(values, range(_BLOCK, len(values), _BLOCK))
        counts = [self._counts(block) for block in blocks]
        above, at_least = (np.concatenate(count) for count in zip(*counts, strict=True))
        return above, at_least

    def _counts(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        below = self._found(values, "left", np.less)
        up_to = below.copy()
        # The second search is for the values that meet an equal score.
        level = np.flatnonzero(self.scores[np.minimum(below, len(self) - 1)] == values)
        up_to[level] = self._found(values[level], "right", np.less_equal)
        return len(self) - up_to, len(self) - below

    def _found(
        self, values: np.ndarray, side: Literal["left", "right"], precedes: np.ufunc
    ) -> np.ndarray:
        """As ``np.searchsorted(self.scores, values, side)``."""
        last = len(self) - 1
        coarse = np.searchsorted(self._coarse, values, side)
        # So many scores precede a value at least; the rest is found bit by bit.
        count = np.maximum(coarse - 1, 0) * _STRIDE
        step = _STRIDE
        while step := step // 2:
            count += step * precedes(self.scores[np.minimum(count + step - 1, last)], values)
            np.minimum(count, last, out=count)
        return count + precedes(self.scores[count], values)
