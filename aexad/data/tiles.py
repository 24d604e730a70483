"""Large images in tiles: the network sees one tile at a time, the heat map is of the whole image.

A photograph is scaled so that T of its pixels, the side of a tile, become the working size S. Tiles
of S x S pixels overlap by at least a quarter. What the network gives for them (reconstructions or
maps) is joined with weights that fall to the edge of a tile, so that no seam is seen. Error, filter
and score are then computed once, of the whole image at this scale. Proportions are kept.

With T = ``whole``, one tile holds the photograph, whose longer side becomes S. The rest of the
tile continues the photograph by its mirror image, and is cut off what the network gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from aexad.config.catalogue import WHOLE, Tile
from aexad.data.image_files import image_size
from aexad.data.images import Levels, load_image, shape_at_scale
from aexad.data.masks import load_mask
from aexad.data.rng import generator
from aexad.data.training_set import Photo
from aexad.runtime.errors import DataError

OVERLAP = 0.25
"""Least share of its side that a tile has in common with the next one."""
MOST_NORMAL, MOST_LABELLED = 16, 4
"""Tiles of one good image, and of one labelled defect, that are trained on."""
BATCH = 8


def scaled_shape(
    shape: tuple[int, int], tile: Tile, size: int, path: Path | None = None
) -> tuple[int, int]:
    """Height and width at which ``tile`` pixels of an image [H, W] are ``size`` pixels.

    See :func:`aexad.data.images.shape_at_scale`.

    Raises
    ------
    DataError
        The image is smaller than a tile; the message begins with ``path``, if it is given.
    """
    if tile != WHOLE and min(shape) < int(tile):
        start = "" if path is None else f"{path}: "
        raise DataError(
            f"{start}an image of {shape[1]}x{shape[0]} pixels is smaller than a tile of {tile}; "
            f"fit with a smaller --tile, with --tile {WHOLE}, or without"
        )
    return shape_at_scale(shape, tile, size)


def scaled(photograph: np.ndarray, tile: Tile, size: int) -> np.ndarray:
    """A photograph uint8 [H, W, 3] at the scale of :func:`scaled_shape` (bilinear, antialiased)."""
    height, width = scaled_shape(photograph.shape[:2], tile, size)
    picture = Image.fromarray(np.ascontiguousarray(photograph))
    if picture.size == (width, height):
        return photograph
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))


def padded(image: np.ndarray, size: int) -> np.ndarray:
    """Continue an image [H, W, ...] by its mirror image, to S x S or more: right and below."""
    if min(image.shape[:2]) >= size:
        return image  # np.pad would copy it
    missing = [(0, max(0, size - side)) for side in image.shape[:2]]
    return np.pad(image, missing + [(0, 0)] * (image.ndim - 2), mode="symmetric")


def positions(shape: tuple[int, int], size: int) -> list[tuple[int, int]]:
    """Upper left corners (y, x) of the tiles of an image [H, W], row by row."""
    return list(product(_starts(shape[0], size), _starts(shape[1], size)))


def _starts(length: int, size: int) -> list[int]:
    """Evenly spaced starts of tiles that cover a side and overlap by :data:`OVERLAP` or more."""
    count = 1 + int(np.ceil((length - size) / (size * (1 - OVERLAP))))
    return [int(start) for start in np.linspace(0, length - size, count).round()]


def stitched(
    image: np.ndarray, size: int, run: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None]]
) -> tuple[np.ndarray, float | None]:
    """Run a network on the tiles of an image, and join what it gives.

    Parameters
    ----------
    image
        uint8 [H, W, 3], scaled.
    size
        S.
    run
        From tiles, float32 [B, 3, S, S] in [0, 1], to float32 [B, C, S, S] and perhaps scores [B].

    Returns
    -------
    tuple of ndarray and float or None
        float32 [C, H, W], and the highest score of a tile.
    """
    height, width = image.shape[:2]
    image = padded(image, size)
    shape = image.shape[:2]
    window = _window(size)
    total, weight = None, np.zeros(shape, np.float32)
    highest: float | None = None
    corners = positions(shape, size)
    for start in range(0, len(corners), BATCH):
        batch = corners[start : start + BATCH]
        pixels = np.stack([image[y : y + size, x : x + size] for y, x in batch])
        seen = pixels.transpose(0, 3, 1, 2).astype(np.float32, order="C") / np.float32(255)
        given, scores = run(seen)
        if total is None:
            total = np.zeros((given.shape[1], *shape), np.float32)
        for (y, x), values in zip(batch, given, strict=True):
            total[:, y : y + size, x : x + size] += values * window
            weight[y : y + size, x : x + size] += window
        if scores is not None:
            highest = max(float(scores.max()), -np.inf if highest is None else highest)
    assert total is not None  # noqa: S101 - an image has a tile
    total /= weight
    return total[:, :height, :width], highest


def in_tiles(
    photograph: np.ndarray, tile: Tile, size: int, run: Callable[[np.ndarray], Any]
) -> tuple[np.ndarray, Any]:
    """Run a network on a photograph in tiles.

    Parameters
    ----------
    photograph
        uint8 [H, W, 3].
    tile, size
        T and S.
    run
        From tiles, float32 [B, 3, S, S] in [0, 1], to [B, C, S, S], or this and scores [B]: tensors
        or arrays.

    Returns
    -------
    tuple
        The photograph at the scale of its tiles, uint8 [1, 3, H', W'], and what the network gives
        for all of it: float32 [1, C, H', W'], or this and the highest score of a tile [1].
    """
    image = scaled(photograph, tile, size)

    def as_arrays(tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        output = run(tiles)
        given, scores = output if isinstance(output, tuple) else (output, None)
        return as_array(given), None if scores is None else as_array(scores)

    joined, highest = stitched(image, size, as_arrays)
    whole = joined[None]
    output = whole if highest is None else (whole, np.array([highest]))
    return image[None].transpose(0, 3, 1, 2), output


def as_array(values: Any) -> np.ndarray:
    """A tensor or an array as an array in the memory of the CPU."""
    if isinstance(values, np.ndarray):
        return values
    array: np.ndarray = values.detach().float().cpu().numpy()
    return array


def _window(size: int) -> np.ndarray:
    """Weights of the pixels of a tile, float32 [S, S]: 1 inside, falling to the edges."""
    margin = max(1, int(size * OVERLAP))
    inwards = np.minimum(np.arange(size), np.arange(size)[::-1]) + 0.5
    ramp = np.minimum(inwards / margin, 1).astype(np.float32)
    return ramp[:, None] * ramp


def tiles_of(
    row: dict[Any, str], root: Path, tile: Tile, size: int, seed: int, levels: Levels | None
) -> Iterator[Photo]:
    """Tiles of the image of a row of a split, to train on.

    Of a good image, up to :data:`MOST_NORMAL` tiles are drawn; of a labelled defect, the
    :data:`MOST_LABELLED` tiles that show most of it.

    Raises
    ------
    DataError
        The image is smaller than a tile, cannot be read, or no tile shows its defect.
    """
    path = root / row["image"]
    shape = image_size(path)
    target = scaled_shape(shape, tile, size, path)
    pixels = scaled(load_image(path, levels=levels), tile, size)
    mask = load_mask(root / row["mask"] if row["mask"] else None, target, shape, row["marks"])
    pixels, mask = padded(pixels, size), padded(mask, size)
    corners = positions(mask.shape, size)
    if row["role"] == "labelled":
        marked = [int(mask[y : y + size, x : x + size].sum()) for y, x in corners]
        order = sorted(range(len(corners)), key=lambda i: -marked[i])
        corners = [corners[i] for i in order[:MOST_LABELLED] if marked[i]]
        if not corners:
            raise DataError(
                f"{root / row['mask']}: no anomalous pixel is left (tile {tile}, size {size}); "
                "take smaller tiles or a larger size, or correct the mask"
            )
    elif len(corners) > MOST_NORMAL:
        rng = generator(seed, "tiles", row["image"])
        drawn = sorted(rng.choice(len(corners), MOST_NORMAL, replace=False).tolist())
        corners = [corners[i] for i in drawn]
    for y, x in corners:
        part = slice(y, y + size), slice(x, x + size)
        yield Photo(f"{row['image']}#{y},{x}", pixels[part], mask[part])
