"""Features of a frozen encoder: computed once per distinct image, and kept if there is room.

They are kept in the memory of the training device, else in a memory-mapped file, which gives the
same numbers, else not at all: then each step computes them, in its own batches, which round
differently. bf16 halves the memory.
"""

from __future__ import annotations

import errno
import logging
import math
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import psutil
import torch
from torch import Tensor
from tqdm import tqdm

from aexad.methods.base import Method

logger = logging.getLogger(__name__)

BATCH = 32
# Share of the free memory for features, unless a budget is given: other jobs need some too.
SHARE_OF_FREE_MEMORY = 0.25


Place = Literal["memory", "disk", "not"]


class Features(NamedTuple):
    """Where features are kept, and the function that returns the features of given images."""

    kept: Place
    of: Callable[[Tensor], Tensor]
    """Indices of images int64 [B], on the device, to features [B, C, g, g]."""


def features_of(
    network: Method,
    images: Callable[[Tensor], Tensor],
    used: np.ndarray,
    *,
    device: torch.device,
    dtype: torch.dtype,
    budget_mb: int | None = None,
    folder: Path | None = None,
) -> Features:
    """Compute and keep the features of the images with the sorted indices ``used``.

    Parameters
    ----------
    images
        Returns images float [B, 3, S, S] for indices.
    dtype
        Data type of kept features; the frozen part itself runs in float32.
    budget_mb
        Memory for features in MB; None: a quarter of the free memory of the device.
    folder
        Folder for a memory-mapped file, which has no name and is freed when the process ends; None:
        the system's folder for temporary files.
    """

    def compute(chosen: Tensor) -> Tensor:
        return network.features(images(chosen)).to(dtype)

    first = compute(torch.from_numpy(used[:1]).to(device))
    channels, *grid = first.shape[1:]
    shape = (len(used), *grid, channels)  # channels last
    needed_mb = math.prod(shape) * first.element_size() / 1e6
    budget = free_memory_mb(device) * SHARE_OF_FREE_MEMORY if budget_mb is None else budget_mb
    place: Place = "memory"
    told = f"features of {len(used)} images ({needed_mb:.0f} MB as {str(dtype)[6:]})"
    if needed_mb <= budget:
        logger.info("%s are kept in memory (%s)", told, device)
        values = torch.empty(shape, dtype=dtype, device=device)
    else:
        told += f" exceed feature_memory_mb ({budget:.0f})"
        folder = Path(tempfile.gettempdir()) if folder is None else folder
        on_disk = None
        if shutil.disk_usage(folder).free >= 2e6 * needed_mb:
            on_disk = _on_disk(shape, dtype, folder)
        if on_disk is None:
            logger.info("%s, and %s is full: they are computed in each step", told, folder)
            return Features("not", compute)
        logger.info("%s: they lie in a temporary file in %s", told, folder)
        values, place = on_disk, "disk"
    values = values.permute(0, 3, 1, 2)
    row = torch.full((int(used[-1]) + 1,), -1, device=device)
    row[torch.from_numpy(used).to(device)] = torch.arange(len(used), device=device)
    batches = np.split(used, range(BATCH, len(used), BATCH))
    for batch in tqdm(batches, desc="features", unit="batch", disable=None):
        chosen = torch.from_numpy(batch).to(device)
        values[row[chosen].to(values.device)] = compute(chosen).to(values.device)
    return Features(place, lambda chosen: values[row[chosen].to(values.device)].to(device))


def free_memory_mb(device: torch.device) -> float:
    """Free memory of the device in MB."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] / 1e6
    return psutil.virtual_memory().available / 1e6


def _on_disk(shape: tuple[int, ...], dtype: torch.dtype, folder: Path) -> Tensor | None:
    """A tensor in a deleted file, which the system frees when the process ends; None without room.

    The room is reserved at once: a write to a mapped file on a full disk would kill the process
    without a message.
    """
    size = math.prod(shape)
    with tempfile.NamedTemporaryFile(prefix=".features-", dir=folder) as file:
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size * dtype.itemsize)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                return None
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # the disk cannot reserve
                raise
        return torch.from_file(file.name, shared=True, size=size, dtype=dtype).view(shape)
