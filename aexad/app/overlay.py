"""Draw an explanation onto the image: outline the mask and tint it by the heat map."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from aexad.data.resize import resized
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
    heat = resized(heat_map, mask.shape)
    mean, std = mean_and_std(heat)
    colour, line = np.array(COLOUR, np.float32), _outline(mask)
    for top in range(0, len(mask), _ROWS):
        rows = slice(top, top + _ROWS)
        share = ((heat[rows] - np.float32(mean)) / np.float32(std * Z_OPAQUE)).clip(0, 1) * TINT
        share = np.where(line[rows], 1, np.where(mask[rows], share, 0))[..., None]
        marked = np.flatnonzero(share.any(axis=(1, 2)))
        if len(marked):
            part = slice(marked[0], marked[-1] + 1)
            tinted = picture[rows][part] * (1 - share[part]) + colour * share[part]
            picture[rows][part] = np.rint(tinted).astype(np.uint8)
    return picture


def _outline(mask: np.ndarray) -> np.ndarray:
    """The inner border of a mask, bool [H, W]; thick enough to be seen in the whole image."""
    thickness = max(1, round(max(mask.shape) / 400))
    inner = ndimage.minimum_filter(mask, 2 * thickness + 1, mode="nearest")
    return mask & ~inner
