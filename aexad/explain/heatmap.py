"""From a reconstruction to a heat map, a binary map and a score (AE-XAD, explanations).

The steps are the paper's: squared error ``e``, normalised error ``e~``, a Gaussian filter whose
half size ``k`` is measured on the binarised ``e~`` of each image, heat map ``h = G_k(e~)``, binary
map ``h > mean(h) + std(h)``, score ``||e * G_k(e)||_2``. AnoViT uses the same steps with other
settings: ``e~`` is the mean over the channels, all images have the same Gaussian, and the score is
``max(h)`` (Lee, Kang 2022). ``docs/protocol.md`` lists what the sources leave open and what aexad
does there.

This module works on NumPy arrays and does not import torch; :func:`heat_maps` also takes tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import ldexp
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from aexad.config.own_code import is_own, load_own
from aexad.config.recipe import SMALLEST_DISTANCE_TO_TARGET, HeatMap
from aexad.data.masks import EIGHT
from aexad.data.tiles import as_array

if TYPE_CHECKING:
    from torch import Tensor

    Values = np.ndarray | Tensor

_LONG = 1024
"""Pixels of a side above which a map is filtered and summed with less memory."""
_SQUARABLE = 256
"""Binary exponent of the largest value of a map up to which its squares are summed unscaled."""
_DEVIATIONS = 4  # half width of the filter 'sigma', in standard deviations


class HeatMaps(NamedTuple):
    """Heat maps, binary maps and scores of n images of H x W pixels, as NumPy arrays."""

    heat_map: np.ndarray
    """float32 [n, H, W]: smoothed normalised error, raw (neither clamped nor rescaled)."""
    binary: np.ndarray
    """bool [n, H, W]: where the heat map exceeds its mean plus one standard deviation."""
    score: np.ndarray
    """float64 [n]: score of each image; higher is more anomalous."""
    k: np.ndarray
    """int64 [n]: half size of the Gaussian filter, which is 2k + 1 pixels wide; 0: no filter."""


def heat_maps(
    images: Values, output: Values | tuple[Values, Values], settings: HeatMap
) -> HeatMaps:
    """Compute heat maps, binary maps and scores from the output of a method.

    Parameters
    ----------
    images : array or tensor, float [n, C, H, W]
        In [0, 1]; or an array uint8 of 0 to 255, which needs less memory. Tensors are first copied
        to the CPU as float32 arrays.
    output : array or tensor, or two of them
        Reconstructions [n, C, H, W]; or these and the probability that a pixel is anomalous, which
        weighs the error, [n, C + 1, H, W]; or anomaly maps [n, 1, H, W], alone or with the score of
        each image [n].
    settings : HeatMap
        The ``heat_map`` of a recipe: normalisation, target F, filter, meaning of the extent.

    Returns
    -------
    HeatMaps

    Raises
    ------
    ValueError
        If the two differ in shape, are not floating point, or hold NaN or infinite values; or if
        the score should be the method's own and it gives none.
    """
    maps, own_score = output if isinstance(output, tuple) else (output, None)
    channels = images.shape[1]
    if own_score is not None or maps.shape[1] not in (channels, channels + 1):
        return _of_anomaly_maps(_float32(maps), own_score, settings)
    if not (isinstance(images, np.ndarray) and images.dtype == np.uint8):
        images = _float32(images)
    reconstructions, probability = np.split(_float32(maps), [channels], axis=1)
    if images.shape != reconstructions.shape:
        raise ValueError(
            f"images are {list(images.shape)}, their reconstructions "
            f"{list(reconstructions.shape)}; the two must have one shape"
        )
    error = np.zeros((len(images), *images.shape[2:]), np.float32)
    for channel in range(images.shape[1]):  # one at a time, because large images fill the memory
        error += (_channel(images, channel) - reconstructions[:, channel]) ** 2
    if not np.isfinite(error).all():
        raise ValueError("the images or their reconstructions hold NaN or infinite values")
    relative = normalised_error(images, error, settings)
    if probability.shape[1]:
        error *= probability[:, 0]  # in place, because large images fill the memory
        relative *= probability[:, 0]
    return _filtered(error, relative, settings)


def _of_anomaly_maps(maps: np.ndarray, scores: Values | None, settings: HeatMap) -> HeatMaps:
    """Heat maps of a method that gives anomaly maps [n, 1, H, W] and perhaps scores [n]."""
    if maps.shape[1] != 1:
        raise ValueError(f"anomaly maps are [n, 1, H, W], got {list(maps.shape)}")
    if settings.score == "own" and scores is None:
        raise ValueError("the method gives no score; set heat_map.score to max, mean or norm")
    found = _filtered(maps[:, 0], maps[:, 0], settings)
    if settings.score != "own":
        return found
    own = np.asarray(as_array(scores), np.float64)
    if own.shape != (len(maps),) or not np.isfinite(own).all():
        raise ValueError(f"expected a finite score of each image, got {own}")
    return found._replace(score=own)


def _filtered(error: np.ndarray, relative: np.ndarray, settings: HeatMap) -> HeatMaps:
    """Filter a normalised error e~ [n, H, W] to the heat map.

    The score is computed from the heat map or from e.
    """
    if not np.isfinite(relative).all():
        raise ValueError("the maps hold NaN or infinite values")
    if is_own(settings.filter):
        return _own_filtered(error, relative, settings)
    k = _half_sizes(relative, settings)
    sigma = settings.sigma if settings.filter == "sigma" else None
    heat_map = smoothed(relative, k, sigma)
    if settings.score == "norm":
        smooth = heat_map if relative is error else smoothed(error, k, sigma)
        score = _product_norms(error, smooth)
    else:
        score = _of_heat_map(heat_map, settings)
    return HeatMaps(heat_map, binarised(heat_map), score, k)


def _own_filtered(error: np.ndarray, relative: np.ndarray, settings: HeatMap) -> HeatMaps:
    """:func:`_filtered` by a function of one's own, from maps [n, H, W] to maps."""
    own = load_own(str(settings.filter))
    maps, smooth = (np.asarray(own(each.copy()), np.float32) for each in (relative, error))
    if maps.shape != relative.shape or not np.isfinite(maps).all():
        raise ValueError(
            f"filter '{settings.filter}' gives {list(maps.shape)} for {list(relative.shape)}, or "
            "values that are not finite"
        )
    norm = settings.score == "norm"
    score = _product_norms(error, smooth) if norm else _of_heat_map(maps, settings)
    return HeatMaps(maps, binarised(maps), score, np.zeros(len(maps), np.int64))


def _of_heat_map(heat_map: np.ndarray, settings: HeatMap) -> np.ndarray:
    """The score ``max`` or ``mean`` of heat maps [n, H, W]."""
    reduce = np.mean if settings.score == "mean" else np.max
    return np.array([float(reduce(h)) for h in heat_map.astype(np.float64)], dtype=np.float64)


def normalised_error(images: np.ndarray, error: np.ndarray, settings: HeatMap) -> np.ndarray:
    """Bring the error ``e`` to a common scale: ``e~``, float32 [n, H, W].

    ``target`` (paper): divide by the squared distance from the pixel to F, summed over the
    channels; in [0, 1] for F = 2. ``standard``: subtract the map's mean and divide by its standard
    deviation; a constant error becomes 0 everywhere. ``mean``: divide by the number of channels.

    Parameters
    ----------
    images : float32 [n, C, H, W] in [0, 1], or uint8
    error : float32 [n, H, W]
        The squared error, summed over the channels.
    settings : HeatMap
    """
    if settings.normalise == "mean":
        return error / images.shape[1]
    if settings.normalise == "target":
        return error / _squared_distance_to_target(images, settings.target)
    relative = np.zeros_like(error)
    for e, result in zip(error, relative, strict=True):
        mean, std = mean_and_std(e)
        if std > 0:
            result[:] = (e.astype(np.float64) - mean) / std
    return relative


def half_size(binary: np.ndarray, extent: str = "components") -> int:
    """Half size k of the adaptive filter for one binarised error map, bool [H, W].

    k is half the larger of the mean horizontal and the mean vertical extent of the marked pixels,
    rounded half up, and at least 1 (also if no pixel is marked). ``extent`` chooses one of two
    readings of the paper: ``components`` measures the bounding boxes of the 8-connected components,
    ``runs`` the lengths of the horizontal and the vertical runs.
    """
    if extent == "components":
        boxes = ndimage.find_objects(ndimage.label(binary, structure=EIGHT)[0])
        sums = [
            (sum(box[axis].stop - box[axis].start for box in boxes), len(boxes)) for axis in (0, 1)
        ]
    else:
        sums = [(int(binary.sum()), _runs(side)) for side in (binary, binary.T)]
    # In integers: (total + count) // (2 count) is half the mean, rounded half up.
    return max([1] + [(total + count) // (2 * count) for total, count in sums if count])


def smoothed(maps: np.ndarray, k: np.ndarray, sigma: float | None = None) -> np.ndarray:
    """Smooth each map of a batch by a Gaussian of (2k+1) x (2k+1) pixels.

    A constant map stays the same to the last bit.

    Parameters
    ----------
    maps : float [n, H, W]
        The border is reflected (d c b a | a b c d | d c b a).
    k : int64 [n]
        Half size for each map; 0 leaves the map as it is.
    sigma : float
        Standard deviation in pixels. Default: k/3.
    """
    result = maps.copy()
    # Rounding would draw a faint pattern on a constant map, and a threshold would make it visible.
    uneven = np.array([m.max() > m.min() for m in maps], dtype=bool)
    for size in np.unique(k[uneven & (k > 0)]):
        group = np.flatnonzero(uneven & (k == size))
        width = sigma or size / 3
        if max(maps.shape[1:]) > _LONG:
            for i in group:
                result[i] = ndimage.gaussian_filter(
                    maps[i], width, mode="reflect", radius=int(size)
                )
            continue
        rows, columns = (
            _smoothing_matrix(side, int(size), width).astype(maps.dtype) for side in maps.shape[1:]
        )
        result[group] = rows @ maps[group] @ columns.T
    return result


def binarised(maps: np.ndarray) -> np.ndarray:
    """Mark where each map [H, W] of a batch exceeds its mean plus one standard deviation."""
    binary = np.empty(maps.shape, dtype=bool)
    for m, result in zip(maps, binary, strict=True):
        np.greater(m, thresholds(m, (1,))[0], out=result)
    return binary


def thresholds(m: np.ndarray, a: Sequence[float]) -> list[np.floating]:
    """Mean plus ``a`` standard deviations of one map, for each ``a``.

    Each is rounded down to the type of the map. No value of the map lies in between, so comparing
    with it is exact without a float64 copy of the map.
    """
    mean, std = mean_and_std(m)
    return [_rounded_down(mean + factor * std, m.dtype) for factor in a]


def mean_and_std(m: np.ndarray) -> tuple[float, float]:
    """Mean and (population) standard deviation of one map, in float64."""
    values = m.astype(np.float64)  # a copy
    exponent = 0
    if not np.can_cast(m.dtype, np.float32):  # which holds no value whose square leaves float64
        exponent = int(np.frexp(max(values.max(), -values.min()))[1])
        exponent *= abs(exponent) > _SQUARABLE
        values = np.ldexp(values, -exponent)
    mean = float(values.mean())
    values -= mean
    values *= values
    return ldexp(mean, exponent), ldexp(float(values.mean()) ** 0.5, exponent)


def _rounded_down(threshold: float, dtype: np.dtype) -> np.floating:
    """The highest number of a type that is not above ``threshold``."""
    with np.errstate(over="ignore"):
        nearest = dtype.type(threshold)
    return np.nextafter(nearest, dtype.type(-np.inf)) if float(nearest) > threshold else nearest


def _float32(images: np.ndarray | Tensor) -> np.ndarray:
    """Check images [n, C, H, W] and convert them to a float32 array."""
    if images.ndim != 4 or "float" not in str(images.dtype):
        raise ValueError(
            f"expected floating-point images [n, C, H, W] in [0, 1], got {images.dtype} "
            f"{list(images.shape)}"
        )
    return np.ascontiguousarray(as_array(images), dtype=np.float32)


def _channel(images: np.ndarray, channel: int) -> np.ndarray:
    """One channel of images, float32 [n, H, W] in [0, 1]."""
    values = images[:, channel]
    return values / np.float32(255) if values.dtype == np.uint8 else values


def _squared_distance_to_target(images: np.ndarray, target: str) -> np.ndarray:
    distance = np.zeros((len(images), *images.shape[2:]), np.float32)
    for channel in range(images.shape[1]):
        x = _channel(images, channel)
        if target == "inverse":  # F(x) = 1 - x meets x at x = 1/2, hence the minimum
            distance += ((1 - 2 * x) ** 2).clip(min=SMALLEST_DISTANCE_TO_TARGET**2)
        else:
            distance += ((2 if target == "two" else -1) - x) ** 2
    return distance


def _half_sizes(relative: np.ndarray, settings: HeatMap) -> np.ndarray:
    """Half size k of the filter for each map, int64 [n]."""
    if settings.filter == "adaptive":
        sizes = [half_size(binary, settings.extent) for binary in binarised(relative)]
        return np.array(sizes, dtype=np.int64)
    if settings.filter == "sigma":
        k = int(_DEVIATIONS * settings.sigma + 0.5)
    else:
        k = settings.filter if isinstance(settings.filter, int) else 0
    return np.full(len(relative), k, dtype=np.int64)


def _runs(binary: np.ndarray) -> int:
    """Count the runs of marked pixels along the first axis."""
    return int(binary[0].sum() + (binary[1:] & ~binary[:-1]).sum())


@lru_cache(maxsize=32)
def _smoothing_matrix(length: int, k: int, sigma: float) -> np.ndarray:
    """The 1-D Gaussian filter as a matrix [length, length].

    Products with it are up to five times faster than SciPy's filter, whose time grows with k.
    """
    return ndimage.gaussian_filter1d(np.eye(length), sigma, axis=0, mode="reflect", radius=k)


def _product_norms(error: np.ndarray, smooth: np.ndarray) -> np.ndarray:
    """||e G(e)||_2 of each map of a batch [n, H, W]."""

    def squares(e: np.ndarray, g: np.ndarray) -> float:
        return float(((e.astype(np.float64) * g.astype(np.float64)) ** 2).sum())

    # A large map in parts, whose copies in float64 need less memory.
    sums = [
        sum(squares(e[top : top + _LONG], g[top : top + _LONG]) for top in range(0, len(e), _LONG))
        for e, g in zip(error, smooth, strict=True)
    ]
    return np.array(sums, np.float64) ** 0.5
