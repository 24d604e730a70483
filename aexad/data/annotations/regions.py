"""The regions that annotations mark in an image, and how they are drawn."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

BOX, POLYGON, ELLIPSE, MASK = "box", "polygon", "ellipse", "mask"
LEAST_POINTS = {BOX: 2, POLYGON: 3, ELLIPSE: 2, MASK: 1}
FARTHEST = 10**9
"""Coordinates in pixels that can be drawn are below it."""


class Region(NamedTuple):
    """One annotated region."""

    label: str
    kind: str
    """A key of :data:`LEAST_POINTS`, or the name of a form that has no area."""
    points: np.ndarray
    """float64 [n, 2], x and y in pixels: two corners of a box or ellipse, or a polygon."""
    pixels: np.ndarray | None = None
    """bool [h, w] of a mask, whose upper left corner is ``points[0]``."""


class Annotation(NamedTuple):
    """The regions of one image."""

    form: str
    size: tuple[int, int] | None
    """Height and width of the image, if the annotation says so."""
    regions: list[Region]
    labels: Collection[str] = ()
    """Labels that the file declares, whether or not a region has them."""


def region_of(label: str, kind: str, points: Any, pixels: np.ndarray | None = None) -> Region:
    """A region of points x, y, or of a flat list of them; there must be enough for its kind."""
    points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if len(points) < LEAST_POINTS[kind]:
        raise ValueError(f"{kind} of {len(points)} points, and {LEAST_POINTS[kind]} are needed")
    if not (np.abs(points) < FARTHEST).all():  # true for NaN too
        raise ValueError(f"{kind} with a coordinate that is no place in an image")
    return Region(label, kind, points, pixels)


def without_area(label: str, kind: str) -> Region:
    """A region that is refused if its label is to be drawn."""
    return Region(label, kind, np.empty((0, 2)))


def runs_to_pixels(counts: Sequence[int]) -> np.ndarray:
    """Run lengths of normal and marked pixels in turn, the normal ones first, as bool [n]."""
    return np.repeat(np.arange(len(counts)) % 2 == 1, counts)


def draw(region: Region, shape: tuple[int, int]) -> np.ndarray:
    """Draw a region filled, bool [H, W]; what lies outside of the image is cut off."""
    canvas = Image.new("L", (shape[1], shape[0]))
    pen = ImageDraw.Draw(canvas)
    points = region.points
    if region.kind == MASK and region.pixels is not None:
        x, y = points[0].round().astype(int).tolist()
        canvas.paste(1, (x, y), Image.fromarray(region.pixels))
    elif region.kind == POLYGON:
        pen.polygon([(x, y) for x, y in points.tolist()], fill=1)
    else:
        low, high = points.min(axis=0).round(), points.max(axis=0).round()
        high = np.maximum(high, low + 1) - 1  # the last pixel inside; a thin box keeps one
        fill = pen.ellipse if region.kind == ELLIPSE else pen.rectangle
        fill([*low.tolist(), *high.tolist()], fill=1)
    return np.asarray(canvas) > 0
