"""Good images that belong together: frames of one video, photographs of one part.

The promised share of false alarms holds only if held-out images are as independent of the training
images as new images will be. Frames of one video are not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aexad.data.images import Levels, load_image
from aexad.runtime.errors import ConfigError

SIDE = 64
"""Images are compared at this size, grey."""
NEAR = 0.3
"""A near copy of an image is closer than this share of its median distance to all images. In six
categories of photographs of parts, at most 2 % of the good images have one; nearly all frames of a
video do."""
ROUNDING = 1e-9
"""Squared distances below this share of the squared lengths are rounding errors."""
MANY = 0.1
"""Share of the held-out images with a near copy above which the promise is void."""


def groups_of(images: Sequence[str], pattern: str) -> list[str]:
    r"""The group of each image: what a regular expression finds in its path.

    If the pattern has a group in parentheses, that counts, and must be found: ``(clip\d+)_`` gives
    ``clip07``.

    Raises
    ------
    aexad.runtime.errors.ConfigError
        The pattern is not a valid regular expression, or finds nothing in a path.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise ConfigError(
            f"--groups '{pattern}': not a valid regular expression ({error}); correct it"
        ) from None
    part = 1 if expression.groups else 0
    found = [match[part] if (match := expression.search(image)) else None for image in images]
    lost = [image for image, group in zip(images, found, strict=True) if not group]
    if lost:
        raise ConfigError(
            f"--groups '{pattern}': found in {len(images) - len(lost)} of {len(images)} paths, and "
            f"not in {lost[0]}; correct it"
        )
    return [group for group in found if group]


def near_copies(
    held_out: Sequence[Path], trained: Sequence[Path], levels: Levels | None = None
) -> list[tuple[Path, Path]]:
    """Held-out images with a near copy among the images for training, each with its copy."""
    first, second = _vectors(held_out, levels), _vectors(trained, levels)
    # |a - b|^2 = |a|^2 + |b|^2 - 2 ab, without an array [held out, trained, pixels]
    sums = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)
    squares = sums - 2 * first @ second.T
    squares[squares < ROUNDING * sums] = 0  # equal images; the median may be theirs, too
    distances = np.sqrt(squares)
    usual = np.median(distances, axis=1)
    nearest = distances.argmin(axis=1).tolist()
    near = distances.min(axis=1) <= NEAR * usual
    return [(held_out[i], trained[nearest[i]]) for i in np.flatnonzero(near).tolist()]


def _vectors(paths: Sequence[Path], levels: Levels | None) -> np.ndarray:
    """Grey levels of images, float64 [n, SIDE * SIDE]."""
    return np.stack([load_image(path, SIDE, levels).mean(axis=2).ravel() for path in paths])
