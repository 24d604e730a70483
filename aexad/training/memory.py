"""Memory of a training: how many images a step takes at once, and reuse of freed blocks."""

from __future__ import annotations

import ctypes
import logging
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

logger = logging.getLogger(__name__)

STEP_MEMORY_MB = 8000
"""Memory for the values that the backward pass needs, unless the configuration sets another."""

# Parameters of glibc's mallopt and their defaults.
M_TRIM_THRESHOLD, DEFAULT_TRIM_THRESHOLD = -1, 128 * 1024
M_MMAP_MAX, DEFAULT_MMAP_MAX = -4, 65536


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Let the C library keep the large blocks that a step frees, for the next step.

    By default glibc returns each block to the system, which then clears every page of the next one:
    about a sixth of a step's time on a CPU (docs/benchmarks.md). Other C libraries are not changed.
    """
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    library = ctypes.CDLL(None)
    library.mallopt(M_MMAP_MAX, 0)
    library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    try:
        yield
    finally:
        library.mallopt(M_MMAP_MAX, DEFAULT_MMAP_MAX)
        library.mallopt(M_TRIM_THRESHOLD, DEFAULT_TRIM_THRESHOLD)
        library.malloc_trim(0)


def images_at_once(
    network: nn.Module,
    loss_of_first: Callable[[], Tensor],
    batch_size: int,
    budget_mb: float,
) -> int:
    """How many images of a batch the network processes together; their gradients are added.

    The whole batch, if the values that autograd keeps for it fit into ``budget_mb``; they are
    measured on one image, whose loss ``loss_of_first`` returns. So the number follows from recipe
    and configuration alone: sums over other parts round differently. A network whose batch norms
    learn statistics, or whose loss is one of the whole batch, always gets the whole batch, because
    parts of it have other statistics.
    """
    norms = (nn.modules.batchnorm._BatchNorm,)
    learns = any(isinstance(module, norms) and module.training for module in network.modules())
    if learns or getattr(network, "whole_batches", False):
        return batch_size
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    kept: dict[int, int] = {}

    def count(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        loss_of_first()
    image_mb = sum(kept.values()) / 1e6
    fitting = max(1, min(batch_size, int(budget_mb / max(image_mb, 1e-6))))
    if fitting < batch_size:
        logger.info(
            "an image takes %.0f MB in training and step_memory_mb is %.0f: batches of %d are "
            "taken in parts of %d, whose gradients are added",
            image_mb,
            budget_mb,
            batch_size,
            fitting,
        )
    return fitting
