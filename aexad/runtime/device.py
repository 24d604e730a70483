"""The device that networks run on, set up so that the same seed gives the same bytes."""

from __future__ import annotations

import logging
import os

import torch

from aexad.runtime.errors import ConfigError
from aexad.runtime.locks import first_free

logger = logging.getLogger(__name__)


def use_device(name: str, threads: int) -> torch.device:
    """Set up torch for one job and give its device.

    Of several GPUs it is one that no other job of ours uses: Snakemake counts GPUs, and leaves it
    to the jobs which one each takes.

    Parameters
    ----------
    name
        ``cpu``, ``cuda``, or ``auto``: a GPU where there is one.
    threads
        CPU threads; sums over threads round differently, so results belong to their number.
    """
    torch.set_num_threads(threads)
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", str(threads))
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Else each new tensor is first filled with NaN, to show who reads what was never written: that
    # is 7 % of a training step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise ConfigError("device 'cuda': torch sees no GPU; set device to cpu or auto")
    if name == "cpu" or not there:
        return torch.device("cpu")
    gpus = [str(torch.cuda.get_device_properties(i).uuid) for i in range(torch.cuda.device_count())]
    free = first_free([f"gpu-{uuid}" for uuid in gpus])
    if free is None:
        logger.warning("other jobs use all %d GPUs; sharing the first one", len(gpus))
    return torch.device("cuda", free or 0)


def peak_gpu_memory_mb(device: torch.device) -> float | None:
    """Largest memory of this process on a GPU so far, in MB; none where it runs on the CPU."""
    if device.type != "cuda":
        return None
    return round(torch.cuda.max_memory_allocated(device) / 1e6, 1)
