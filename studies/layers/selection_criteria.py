"""Compute selection criteria from training images only.

There are two kinds of criteria by which a recipe might be chosen. Held-out copies: the labelled
anomalies of the training set, pasted in places, at angles and onto normals that the training did
not draw; loss, X-AUC and IoU on them. The spectrum of the features: the share of their energy that
lies in fine detail, over the training normals. The table ``choice`` shows how well each criterion
selects.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from aexad.config.catalogue import Tile
from aexad.config.recipe import HeatMap
from aexad.data.augment import augment
from aexad.data.images import Levels
from aexad.data.resize import as_float, enlarged
from aexad.encoders.features import DECODER_STRIDE, resized
from aexad.evaluation.metrics import iou, xauc
from aexad.explain.heatmap import heat_maps
from aexad.methods.base import EncoderReconstruction
from aexad.methods.model import Model

HELD_OUT = 2**32
"""Added to the run's seed for the copies: no run has such a seed, so none trained on them."""
COPIES = 4  # of each labelled anomaly
NORMALS = 24  # for the spectrum, evenly spaced in their order
BATCH = 8
NO_LABELLED = "no labelled anomalies"
NO_FEATURES = "no encoder"


def criteria(
    model: Model,
    split: pd.DataFrame,
    root: str | os.PathLike[str],
    scenario: str,
    stored: int,
    settings: HeatMap,
    device: torch.device,
    levels: Levels | None = None,
    tile: Tile | None = None,
) -> dict[str, Any]:
    """Compute the criteria of one trained model.

    Parameters
    ----------
    split
        Its split table; the test images of it are not read.
    root
        Folder that the image paths of the split are relative to.
    stored
        Size R in pixels that images are read at.
    settings
        How its reconstruction error becomes a heat map.
    levels, tile
        How images are read, see :func:`aexad.data.augment.augment`; criteria of a model that saw
        tiles are means over tiles.

    Returns
    -------
    dict
        ``held_out_loss``, ``held_out_xauc``, ``held_out_iou``, ``high_frequency``: each with value
        (None if undefined), n (images behind it) and reason (empty if there is a value).
    """
    made = augment(
        split,
        root,
        stored,
        scenario,
        model.seed + HELD_OUT,
        copies=1,
        pasted=COPIES,
        levels=levels,
        tile=tile,
    )
    pasted = np.char.find(made["source"], " -> ") >= 0
    normal = ~made["masks"].any(axis=(1, 2)) & ~made["validation"]
    model.network.to(device).to(memory_format=torch.channels_last).eval()
    spaced = np.unique(np.linspace(0, normal.sum() - 1, NORMALS).round().astype(int))
    chosen = np.flatnonzero(normal)[spaced] if normal.any() else np.flatnonzero(normal)
    return {
        **_held_out(model, made["images"][pasted], made["masks"][pasted], settings, device),
        **_spectrum(model, made["images"][chosen], device),
    }


def high_frequency_share(maps: Tensor) -> Tensor:
    """Share of each map's energy above half the Nyquist frequency, [B, C]; NaN of a constant map.

    Maps [B, C, g, g] lose their mean and fade towards their edges (Hann), or the jump from one edge
    to the other would count as detail. Frequencies are radial, in cycles per cell: Nyquist is 1/2.
    """
    side = maps.shape[-1]
    maps = maps.double() - maps.double().mean(dim=(2, 3), keepdim=True)
    window = torch.hann_window(side, periodic=False, dtype=maps.dtype, device=maps.device)
    energy = torch.fft.fft2(maps * window[:, None] * window).abs().square()
    axis = torch.fft.fftfreq(side, dtype=maps.dtype, device=maps.device)
    radius = (axis[:, None].square() + axis.square()).sqrt()
    total = energy.sum(dim=(2, 3))
    return (energy * (radius > 0.25)).sum(dim=(2, 3)) / total.where(total > 0, torch.nan)


def _held_out(
    model: Model, images: np.ndarray, masks: np.ndarray, settings: HeatMap, device: torch.device
) -> dict[str, Any]:
    names = ("held_out_loss", "held_out_xauc", "held_out_iou")
    if not len(images):
        return {name: _value(None, 0, NO_LABELLED) for name in names}
    network: Any = model.network
    loss, heats, truths = 0.0, [], []
    for x, y in _batches(model, images, masks, device):
        with torch.inference_mode():
            decoded = network.decode(network.encode(network.features(x)))
            loss += float(network.loss(x, decoded, y).sum()) / network.loss_terms
            output = network.explain(decoded)
        heats += list(heat_maps(x, output, settings).heat_map)
        truths += list(y[:, 0].cpu().numpy())
    values = (loss / len(images), xauc(heats, truths), iou(heats, truths))
    return {name: _value(value, len(images), "") for name, value in zip(names, values, strict=True)}


def _spectrum(model: Model, images: np.ndarray, device: torch.device) -> dict[str, Any]:
    """The share on the decoder's grid, so that encoders of other grids have the same scale."""
    network = model.network
    if not isinstance(network, EncoderReconstruction) or not len(images):
        reason = NO_FEATURES if len(images) else "no training normals"
        return {"high_frequency": _value(None, 0, reason)}
    shares = []
    for x, _ in _batches(model, images, None, device):
        with torch.inference_mode():
            features = network.encoder(x)
        shares.append(high_frequency_share(resized(features, network.size // DECODER_STRIDE)))
    return {"high_frequency": _value(float(torch.cat(shares).nanmean()), len(images), "")}


def _batches(
    model: Model, images: np.ndarray, masks: np.ndarray | None, device: torch.device
) -> Any:
    """Images [B, 3, S, S] in [0, 1] and masks bool [B, 1, S, S], at the working size."""
    size = model.network.size
    for start in range(0, len(images), BATCH):
        part = slice(start, start + BATCH)
        pixels = torch.from_numpy(images[part]).to(device).permute(0, 3, 1, 2)
        x = enlarged(as_float(pixels), size)
        y = torch.zeros(len(x), 1, size, size, dtype=torch.bool, device=device)
        if masks is not None:
            marked = torch.from_numpy(masks[part]).to(device).unsqueeze(1)
            y = enlarged(marked.float(), size) > 0.5
        yield x, y


def _value(value: float | None, n: int, reason: str) -> dict[str, Any]:
    known = value is not None and np.isfinite(value)
    return {
        "value": value if known else None,
        "n": n,
        "reason": reason if known or reason else "undefined",
    }
