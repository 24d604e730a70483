"""Draw an explanation onto the image: outline the mask and tint it by the heat map."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image
from scipy import ndimage

from aexad.explain.heatmap import mean_and_std

COLOUR = (255, 0, 144)  # a magenta that few products have
Z_OPAQUE = 5.0  # standard deviations above the mean of the heat map where the tint is strongest
TINT = 0.55  # share of the colour where the tint is strongest
_ROWS = 256  # rows of a large image that are processed at a time, to save memory


def draw_overlay(image: np.ndarray, heat_map: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Outline the mask on the image and tint it by the heat map.

    The tint grows with the heat, in standard deviations of the heat map above its mean.

    Parameters
    ----------
    image : uint8 [H, W, 3]
    heat_map : float32 [S, S]
    mask : bool [H, W]

    Returns
    -------
    uint8 [H, W, 3]
        A copy of the image; without marked pixels, it is unchanged.
    """
    picture = image.copy()
    if not mask.any():
        return picture
    mean, std = mean_and_std(heat_map)
    colour, line = np.array(COLOUR, np.float32), _outline(mask)
    for rows, heat in strips(heat_map, mask.shape):
        share = ((heat - np.float32(mean)) / np.float32(std * Z_OPAQUE)).clip(0, 1) * TINT
        share = np.where(line[rows], 1, np.where(mask[rows], share, 0))[..., None]
        marked = np.flatnonzero(share.any(axis=(1, 2)))
        if len(marked):
            part = slice(marked[0], marked[-1] + 1)
            tinted = picture[rows][part] * (1 - share[part]) + colour * share[part]
            picture[rows][part] = np.rint(tinted).astype(np.uint8)
    return picture


def strips(heat_map: np.ndarray, shape: tuple[int, ...]) -> Iterator[tuple[slice, np.ndarray]]:
    """Resize a heat map [S, S] to [H, W] (bilinear), some rows at a time.

    Yields
    ------
    slice, float32 [rows, W]
        Which rows, and their heat.
    """
    (height, width), side = shape, len(heat_map)
    source = Image.fromarray(heat_map)
    for top in range(0, height, _ROWS):
        bottom = min(top + _ROWS, height)
        box = (0, top * side / height, side, bottom * side / height)
        rows = source.resize((width, bottom - top), Image.Resampling.BILINEAR, box)
        yield slice(top, bottom), np.asarray(rows)


def _outline(mask: np.ndarray) -> np.ndarray:
    """The inner border of a mask, bool [H, W]; thick enough to be seen in the whole image."""
    thickness = max(1, round(max(mask.shape) / 400))
    inner = ndimage.minimum_filter(mask, 2 * thickness + 1, mode="nearest")
    return mask & ~inner
