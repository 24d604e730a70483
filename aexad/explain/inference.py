"""Compute heat maps, binary maps and scores of the test images of a split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from aexad.config.catalogue import Tile
from aexad.config.recipe import HeatMap
from aexad.data.images import Levels, load_image
from aexad.data.resize import as_float, enlarged, resized
from aexad.data.tiles import as_array, in_tiles
from aexad.explain.heatmap import binarised, heat_maps
from aexad.methods.base import Reconstruction
from aexad.methods.model import Model, own_code_named
from aexad.runtime.errors import DataError

BATCH = 16


def infer(
    model: Model,
    split: pd.DataFrame,
    root: str | Path,
    settings: HeatMap,
    device: torch.device,
    stored: int | None = None,
    levels: Levels | None = None,
    tile: Tile | None = None,
) -> dict[str, np.ndarray]:
    """Explain the test images of a split.

    Parameters
    ----------
    split
        A split table; its rows with the role ``test`` are explained in their order.
    root
        Folder that the image paths of the split are relative to.
    settings
        The ``heat_map`` of a recipe.
    stored
        Size R in pixels of the images that are read and of the maps that are returned. Default:
        the working size S. Images are enlarged to S batch by batch on the device; score and k are
        computed from the maps at S.
    levels
        The levels of 16 bits that become black and white.
    tile
        Side in pixels of the tiles that images are seen in, or ``whole``, see
        :mod:`aexad.data.tiles`. Score and k are then of the whole image at the scale of its tiles.
        Default: each image is squashed.

    Returns
    -------
    dict
        The arrays of ``maps.npz``: ``image`` str [n], ``heat_map`` float32 [n, R, R] (raw; of a
        larger map, the mean over the area of each pixel), ``binary`` bool [n, R, R] (binary map of
        that heat map), ``score`` float32 [n], ``k`` int64 [n] and, of a method that rebuilds
        images, ``reconstruction`` uint8 [n, R, R, 3] (for pictures; maps come before rounding).

    Raises
    ------
    DataError
        If the split has no test images.
    """
    names = split.loc[split["role"] == "test", "image"].to_numpy(dtype=str)
    if not len(names):
        raise DataError("the split has no test images; make it again with 'aexad split'")
    size = model.network.size
    stored = stored or size
    network = model.network.to(device).to(memory_format=torch.channels_last).eval()
    batches: dict[str, list[np.ndarray]] = {}
    step = BATCH if tile is None else 1
    for start in tqdm(range(0, len(names), step), desc="infer", unit="batch", disable=None):
        paths = [Path(root, name) for name in names[start : start + step]]
        with own_code_named(model.recipe, "it explains"), torch.inference_mode():
            if tile is None:
                pixels = np.stack([load_image(path, stored, levels) for path in paths])
                # [B, R, R, 3] -> [B, 3, S, S]
                seen = as_float(torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2))
                images: Tensor | np.ndarray = enlarged(seen, size)
                output = network(images)
            else:
                photograph = load_image(paths[0], levels=levels)
                images, output = in_tiles(
                    photograph,
                    tile,
                    size,
                    lambda tiles: network(torch.from_numpy(tiles).to(device)),
                )
            maps = heat_maps(images, output, settings)
        heat_map, binary = maps.heat_map, maps.binary
        if heat_map.shape[1:] != (stored, stored):
            heat_map = _resized(heat_map, stored)
            binary = binarised(heat_map)
        values = {
            "heat_map": heat_map,
            "binary": binary,
            "score": maps.score.astype(np.float32),
            "k": maps.k,
        }
        if isinstance(network, Reconstruction):
            pictures = _resized(as_array(output[:, :3]), stored).clip(0, 1)
            rounded = (pictures * 255).round().astype(np.uint8)
            values["reconstruction"] = rounded.transpose(0, 2, 3, 1)
        for name, value in values.items():
            batches.setdefault(name, []).append(value)
    return {"image": names} | {name: np.concatenate(values) for name, values in batches.items()}


def _resized(maps: np.ndarray, size: int) -> np.ndarray:
    """Maps [..., H, W] as [..., R, R]."""
    shape = size, size
    flat = [resized(each, shape) for each in maps.reshape(-1, *maps.shape[-2:])]
    return np.stack(flat).reshape(*maps.shape[:-2], *shape)
