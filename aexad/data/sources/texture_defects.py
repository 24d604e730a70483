"""Defects for the embedded textures: scratches, stains and foreign bodies with exact masks.

Everything is computed in integers, so that the pixels are the same on every machine: lengths in
1/16 pixel, coverage and opacity in 1/256. The only operations that round are the square root and
the division of a mean, which IEEE 754 defines to the last bit.

A defect has an *opacity* at each pixel: how much of the clean pixel it replaces. The mask is where
the opacity is at least :data:`VISIBLE`; what lies below is the faint end of a soft edge.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage

FULL = 256
"""Opacity and coverage of a pixel that shows the defect alone."""

VISIBLE = 24
"""The mask holds every pixel of at least this opacity (of 256: 9.4 %)."""

GREY, RUST, PAINT, CHALK = (FULL,) * 3, (236, 150, 84), (110, 168, 250), (FULL, 224, 96)
"""Tints: the share of a grey level that red, green and blue have, in 1/256."""


class Change(NamedTuple):
    """How a defect looks, before it is blended into a photograph."""

    look: np.ndarray
    """Grey levels of the defect, int64 [S, S]."""
    opacity: np.ndarray
    """int64 [S, S], in 1/256."""
    tint: tuple[int, int, int] = GREY


def scratch(
    rng: np.random.Generator,
    clean: np.ndarray,
    contrast: int,
    widths: tuple[int, int],
    bright: int,
) -> Change:
    """Draw a curved line, of bright chalk or dark, of varying width and opacity.

    Parameters
    ----------
    rng
        Generator of the position and the form.
    clean
        Grey levels of the photograph, int64 [S, S].
    contrast
        0 (hard to see) to 7 (obvious).
    widths
        Least and greatest half width, in 1/16 pixel.
    bright
        How many of four scratches are bright; the others are dark.
    """
    size = len(clean)
    steps = 240
    line = _curve(rng, size, steps)
    half_width = rng.integers(*widths) + _wave(rng, steps, 6)
    strength = 130 + 15 * contrast + _wave(rng, steps, 30)
    ends = np.minimum(np.arange(steps), np.arange(steps)[::-1])
    strength = strength * np.minimum(ends + 8, 40) // 40
    distance, nearest = _distance_to(line, size)
    coverage = np.clip((half_width[nearest] + 8 - distance) * 16, 0, FULL)
    opacity = coverage * np.clip(strength, 0, 240)[nearest] // FULL
    light = rng.integers(0, 4) < bright
    tone = rng.integers(195, 240) if light else rng.integers(20, 50)
    return Change(np.full_like(clean, tone), opacity, CHALK if light else GREY)


def stain(rng: np.random.Generator, clean: np.ndarray, contrast: int) -> Change:
    """Draw a spot with a soft, ragged outline, of rust or, in one of four cases, of pale lime.

    Parameters as for :func:`scratch`.
    """
    size = len(clean)
    coverage = _blob(rng, size, radii=(20, 38), roughness=150, edge=5)
    uneven = 190 + _noise(rng, size, 14) * 66 // 255
    opacity = coverage * uneven // FULL * (150 + 13 * contrast) // FULL
    if rng.integers(0, 4) > 0:
        return Change(clean * rng.integers(140, 200) // FULL, opacity, RUST)
    return Change(225 - (255 - clean) * rng.integers(70, 110) // FULL, opacity)


def foreign_body(
    rng: np.random.Generator, clean: np.ndarray, contrast: int, material: np.ndarray
) -> Change:
    """Draw a painted piece of another material with a sharp outline and a small shadow.

    Parameters
    ----------
    rng, clean, contrast
        As for :func:`scratch`; the contrast sets the size and the shadow of the piece.
    material
        A photograph of the other material, int64 [S, S].
    """
    size = len(clean)
    radii = (16 + contrast, 22 + 2 * contrast)
    body = _blob(rng, size, radii, roughness=70, edge=1)
    offset = int(rng.integers(2, 4))
    # The shadow is the body, moved down and to the right, under a mean of 5 x 5 pixels.
    moved = np.pad(body, ((offset, 0), (offset, 0)))[:size, :size]
    shadow = ndimage.uniform_filter(moved, 5, mode="nearest") * (60 + 12 * contrast) // FULL
    gain = rng.integers(225, 288)
    piece = np.clip(material * gain // FULL, 0, 255)
    # One layer replaces both: the piece over the shadow over the clean photograph.
    opacity = FULL - (FULL - body) * (FULL - shadow) // FULL
    shown = (piece * body * FULL) // np.maximum(opacity, 1) // FULL
    return Change(shown, opacity, PAINT)


def applied(clean: np.ndarray, change: Change) -> tuple[np.ndarray, np.ndarray]:
    """Blend a defect into a photograph: the pixels (int64 [S, S, 3]) and the mask (bool [S, S])."""
    opacity = _in_one_piece(change.opacity)
    weight = opacity[..., None]
    look = change.look[..., None] * np.array(change.tint) // FULL
    pixels = (clean[..., None] * (FULL - weight) + look * weight + FULL // 2) // FULL
    return pixels, opacity >= VISIBLE


def _in_one_piece(opacity: np.ndarray) -> np.ndarray:
    """Remove all but the largest visible piece: each would count as a region of the mask."""
    pieces, _ = ndimage.label(opacity >= VISIBLE, structure=np.ones((3, 3)))
    areas = np.bincount(pieces.ravel())
    areas[0] = 0
    return np.where((pieces == 0) | (pieces == areas.argmax()), opacity, 0)


def _curve(rng: np.random.Generator, size: int, steps: int) -> np.ndarray:
    """Points of a quadratic Bezier curve, (y, x) in 1/16 pixel: int64 [steps, 2]."""
    start = rng.integers(size // 8, size - size // 8, 2)
    reach = rng.integers(25, 80, 2) * (2 * rng.integers(0, 2, 2) - 1)
    # A curve that would leave the photograph runs the other way.
    outside = (start + reach < 8) | (start + reach > size - 8)
    end = start + np.where(outside, -reach, reach)
    bend = (start + end) // 2 + rng.integers(-18, 19, 2)
    t = np.arange(steps)[:, None]
    rest = steps - 1 - t
    points = start * rest * rest + 2 * bend * rest * t + end * t * t
    return points * 16 // (steps - 1) ** 2


def _distance_to(line: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Distance of each pixel to the line (1/16 pixel), and the index of the nearest point."""
    centres = np.arange(size) * 16
    vertical = (centres[:, None] - line[:, 0]) ** 2
    horizontal = (centres[:, None] - line[:, 1]) ** 2
    squared = vertical[:, None] + horizontal  # (S, S, steps)
    return _root(squared.min(axis=2)), squared.argmin(axis=2)


def _blob(
    rng: np.random.Generator, size: int, radii: tuple[int, int], roughness: int, edge: int
) -> np.ndarray:
    """Coverage of an ellipse in any direction, with a ragged outline and an edge of some pixels."""
    a, b = (int(radius) for radius in rng.integers(radii[0], radii[1] + 1, 2))
    margin = max(a, b)
    y, x = rng.integers(margin, size - margin, 2)
    u, v = rng.integers(1, 16), rng.integers(-15, 16)  # the direction of the first axis
    down, right = np.arange(size)[:, None] - y, np.arange(size)[None, :] - x
    along, across = right * u + down * v, down * u - right * v
    # (along/a)^2 + (across/b)^2 of the unit direction; 1024 is the outline of the plain ellipse.
    squared = ((along * b) ** 2 + (across * a) ** 2) * 1024**2 // (a * a * b * b * (u * u + v * v))
    ragged = (3 * _noise(rng, size, 13) + _noise(rng, size, 5) - 510) * roughness // 160
    inside = 1024 + ragged - _root(squared)
    return np.clip(inside * min(a, b) * FULL // (1024 * edge), 0, FULL)


def _noise(rng: np.random.Generator, size: int, cell: int) -> np.ndarray:
    """Smooth noise from 0 to 255 whose features are about ``cell`` pixels wide: int64 [S, S]."""
    count = size // cell + 2
    grid = rng.integers(0, 256, (count, count))
    at, within = np.arange(size) // cell, np.arange(size) % cell
    # The weight rises as 3t^2 - 2t^3, so that the cells leave no creases.
    weight = within * within * (3 * cell - 2 * within) * FULL // cell**3
    rows = grid[at] * (FULL - weight)[:, None] + grid[at + 1] * weight[:, None]
    return (rows[:, at] * (FULL - weight) + rows[:, at + 1] * weight) // FULL**2


def _wave(rng: np.random.Generator, steps: int, height: int) -> np.ndarray:
    """Smooth noise from -height to height along a line: int64 [steps]."""
    return (_noise(rng, steps, 20)[0] * 2 - 255) * height // 255


def _root(squared: np.ndarray) -> np.ndarray:
    """The integer part of the square root (exact: IEEE 754 rounds the root correctly)."""
    return np.floor(np.sqrt(squared.astype(np.float64))).astype(np.int64)
