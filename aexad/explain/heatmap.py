"""From a reconstruction to a heat map, a binary map and a score (AE-XAD, explanations).

The steps are the paper's: squared error ``e``, normalised error ``e~``, a Gaussian filter whose
half size ``k`` is read off the binarised ``e~`` of each image, heat map ``h = G_k(e~)``, binary map
``h > mean(h) + std(h)``, score ``||e * G_k(e)||_2``. AnoViT's are settings of the same steps:
``e~`` the mean over the channels, one Gaussian for all images, score ``max(h)`` (Lee, Kang 2022).
``docs/protocol.md`` lists what the sources leave open and what is done here.

Arrays may be NumPy's or torch's; tensors are worked on where they are, connected components apart.
torch is never imported here: what is needed of it comes with the tensors.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from scipy import ndimage

from aexad.config.recipe import SMALLEST_DISTANCE_TO_TARGET, HeatMap

_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)
_DEVIATIONS = 4  # of the filter 'sigma', from its middle to its end
_ROWS_AT_ONCE = (
    64  # of a banded matrix: a short block skips more zeros, a tall one multiplies faster
)


class HeatMaps(NamedTuple):
    """What :func:`heat_maps` makes of n images of H x W pixels: NumPy arrays, whatever came in."""

    error: np.ndarray
    """float32 [n, H, W]: squared error, summed over the channels; not normalised, not smoothed."""
    heat_map: np.ndarray
    """float32 [n, H, W]: smoothed normalised error, raw (neither clamped nor rescaled)."""
    binary: np.ndarray
    """bool [n, H, W]: where the heat map exceeds its mean plus one standard deviation."""
    score: np.ndarray
    """float64 [n]: of the image; higher is more anomalous."""
    k: np.ndarray
    """int64 [n]: half size of the Gaussian filter, which is 2k + 1 pixels wide; 0 without one."""


def heat_maps(images: Any, reconstructions: Any, settings: HeatMap) -> HeatMaps:
    """Heat maps, binary maps and scores of a batch of reconstructions.

    Parameters
    ----------
    images, reconstructions : array or tensor, float [n, C, H, W]
        In [0, 1]; both of one kind and on one device. Results on CPU and GPU agree to 1e-5.
    settings : HeatMap
        The ``heat_map`` of a recipe: normalisation, target F, filter, meaning of the extent.

    Returns
    -------
    HeatMaps

    Raises
    ------
    ValueError
        If the two differ in shape, are not floating point, or hold NaN or infinite values.
    """
    images, reconstructions = _checked(images), _checked(reconstructions)
    if images.shape != reconstructions.shape:
        raise ValueError(
            f"images are {list(images.shape)}, their reconstructions "
            f"{list(reconstructions.shape)}; the two must have one shape"
        )
    error = _channel_sum((images - reconstructions) ** 2)
    if not bool((abs(error) < np.inf).all()):
        raise ValueError("the images or their reconstructions hold NaN or infinite values")
    relative = normalised_error(images, error, settings)
    k = _half_sizes(relative, settings)
    sigma = settings.sigma if settings.filter == "sigma" else None
    heat_map = smoothed(relative, k, sigma)
    if settings.score == "max":
        score = [float(h.max()) for h in heat_map]
    else:
        smooth_error = smoothed(error, k, sigma)
        score = [_product_norm(e, g) for e, g in zip(error, smooth_error, strict=True)]
    return HeatMaps(
        error=_numpy(error),
        heat_map=_numpy(heat_map),
        binary=_numpy(binarised(heat_map)),
        score=np.array(score, dtype=np.float64),
        k=k,
    )


def normalised_error(images: Any, error: Any, settings: HeatMap) -> Any:
    """Put the error ``e`` on a scale of its own: ``e~``, float32 [n, H, W].

    ``target`` (paper): over the squared distance from the pixel to F, summed over the channels; in
    [0, 1] for F = 2. ``standard``: minus the map's mean, over its standard deviation; an error that
    is the same everywhere becomes 0 everywhere. ``mean``: over the number of channels.
    """
    if settings.normalise == "mean":
        return error / images.shape[1]
    if settings.normalise == "target":
        return error / _squared_distance_to_target(images, settings.target)
    relative = error * 0
    for e, result in zip(error, relative, strict=True):
        mean, std = mean_and_std(e)
        if std > 0:
            result[:] = (_float64(e) - mean) / std
    return relative


def half_size(binary: np.ndarray, extent: str = "components") -> int:
    """Half size k of the adaptive filter for one binarised error map, bool [H, W].

    Half the larger of the mean horizontal and the mean vertical extent of what is set, rounded half
    up and at least 1 (also where nothing is set). ``extent`` tells the two readings of the paper
    apart: ``components`` are the bounding boxes of the 8-connected components, ``runs`` the
    horizontal and the vertical runs.
    """
    if extent == "components":
        labels, number = ndimage.label(binary, structure=_EIGHT_NEIGHBOURS)
        sums = [(_summed_heights(side, number), number) for side in (labels, labels.T)]
    else:
        sums = [(int(binary.sum()), _runs(side)) for side in (binary, binary.T)]
    # In integers: (total + count) // (2 count) is half the mean, rounded half up.
    return max([1] + [(total + count) // (2 * count) for total, count in sums if count])


def smoothed(maps: Any, k: np.ndarray, sigma: float | None = None) -> Any:
    """Smooth each map [H, W] of a batch by a Gaussian of (2k+1) x (2k+1) pixels.

    ``k`` is int64 [n]; 0 leaves a map as it is. ``sigma`` is in pixels; None: k/3. The border is
    reflected (d c b a | a b c d | d c b a); a constant map stays the same to the last bit. Maps of
    equal k are smoothed together.
    """
    result = maps + 0
    # Rounding would draw a faint pattern on a constant map, and a threshold would make it visible.
    uneven = np.array([bool(m.max() > m.min()) for m in maps], dtype=bool)
    for size in np.unique(k[uneven & (k > 0)]):
        group = np.flatnonzero(uneven & (k == size))
        result[group] = _convolved(maps[group], int(size), sigma or size / 3)
    return result


def binarised(maps: Any, a: float = 1.0) -> Any:
    """Where each map [H, W] of a batch exceeds its mean plus ``a`` standard deviations (bool)."""
    binary = maps != maps
    for m, result in zip(maps, binary, strict=True):
        mean, std = mean_and_std(m)
        result[:] = _float64(m) > mean + a * std
    return binary


def mean_and_std(m: Any) -> tuple[float, float]:
    """Mean and (population) standard deviation of one map, in float64."""
    values = _float64(m)
    mean = float(values.mean())
    deviations = values - mean
    deviations *= deviations
    return mean, float(deviations.mean()) ** 0.5


def _checked(images: Any) -> Any:
    if images.ndim != 4 or "float" not in str(images.dtype):
        raise ValueError(
            f"expected floating-point images [n, C, H, W] in [0, 1], got {images.dtype} "
            f"{list(images.shape)}"
        )
    if not isinstance(images, np.ndarray):
        images = images.detach()
        # The means need float64, which is not to be had on every kind of device.
        return (images if images.device.type == "cuda" else images.cpu()).float()
    return images.astype(np.float32, copy=False)


def _channel_sum(images: Any) -> Any:
    # One after the other: the order of a reduction, and so its last bit, differs between devices.
    total = images[:, 0]
    for channel in range(1, images.shape[1]):
        total = total + images[:, channel]
    return total


def _squared_distance_to_target(images: Any, target: str) -> Any:
    if target == "two":
        return _channel_sum((2 - images) ** 2)
    distance = (1 - 2 * images) ** 2  # 1 - x meets x at 1/2: kept away from zero there
    return _channel_sum(distance.clip(min=SMALLEST_DISTANCE_TO_TARGET**2))


def _half_sizes(relative: Any, settings: HeatMap) -> np.ndarray:
    if settings.filter == "adaptive":
        binary = _numpy(binarised(relative))
        return np.array([half_size(b, settings.extent) for b in binary], dtype=np.int64)
    if settings.filter == "sigma":
        k = int(_DEVIATIONS * settings.sigma + 0.5)
    else:
        k = 0 if settings.filter == "none" else settings.filter
    return np.full(len(relative), k, dtype=np.int64)


def _summed_heights(labels: np.ndarray, number: int) -> int:
    """Sum the heights of the components 1 … ``number`` of a label image [H, W]."""
    rows, columns = np.nonzero(labels)
    component = labels[rows, columns] - 1
    # The pixels come from top to bottom, and of several assignments the last one counts.
    top, bottom = np.zeros(number, dtype=np.int64), np.zeros(number, dtype=np.int64)
    top[component[::-1]] = rows[::-1]
    bottom[component] = rows
    return int((bottom - top + 1).sum())


def _runs(binary: np.ndarray) -> int:
    """Count the runs of set pixels along the first axis."""
    return int(binary[0].sum() + (binary[1:] & ~binary[:-1]).sum())


def _convolved(maps: Any, k: int, sigma: float) -> Any:
    # Rows, then columns: the product with a banded matrix, of which only the band is multiplied.
    on_gpu = not isinstance(maps, np.ndarray) and maps.is_cuda
    maps = maps.double() if on_gpu else maps  # in float32 it may round to 10 bits (TF32)
    columns, result = maps * 0, maps * 0
    for rows, near, weights in _bands(maps.shape[1], k, sigma):
        columns[:, rows] = _as(weights, maps) @ maps[:, near]
    for rows, near, weights in _bands(maps.shape[2], k, sigma):
        result[:, :, rows] = columns[:, :, near] @ _as(weights, maps).T
    return result.float() if on_gpu else result


@lru_cache(maxsize=64)
def _bands(size: int, k: int, sigma: float) -> tuple[tuple[slice, slice, np.ndarray], ...]:
    """Cut the smoothing matrix [size, size] into blocks: rows, the columns they touch, weights."""
    offsets = np.arange(-k, k + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    weights /= weights.sum()
    matrix = np.zeros((size, size))
    source = (np.arange(size)[:, None] + offsets) % (2 * size)
    source = np.minimum(source, 2 * size - 1 - source)
    np.add.at(matrix, (np.arange(size)[:, None], source), weights)
    return tuple(_blocks(matrix, k))


def _blocks(matrix: np.ndarray, k: int) -> Iterator[tuple[slice, slice, np.ndarray]]:
    for start in range(0, len(matrix), _ROWS_AT_ONCE):
        rows = slice(start, min(start + _ROWS_AT_ONCE, len(matrix)))
        near = slice(max(start - k, 0), min(rows.stop + k, len(matrix)))
        yield rows, near, matrix[rows, near]


def _product_norm(error: Any, smooth: Any) -> float:
    return float(((_float64(error) * _float64(smooth)) ** 2).sum()) ** 0.5


def _float64(values: Any) -> Any:
    return values.astype(np.float64) if isinstance(values, np.ndarray) else values.double()


def _as(weights: np.ndarray, maps: Any) -> Any:
    if isinstance(maps, np.ndarray):
        return weights.astype(maps.dtype)
    return maps.new_tensor(weights)


def _numpy(values: Any) -> np.ndarray:
    return values if isinstance(values, np.ndarray) else values.cpu().numpy()
