"""The device of the networks, set up so that the same seed gives the same bytes."""

from __future__ import annotations

import logging
import os

import torch

from aexad.runtime.errors import ConfigError
from aexad.runtime.locks import first_free

logger = logging.getLogger(__name__)

NO_MEMORY = ("not enough memory", "can't allocate memory")
"""What torch's allocator of the CPU says, by system."""


def use_device(name: str, threads: int) -> torch.device:
    """Set up torch for one job and return its device.

    Of several GPUs, the job takes the first one that no other job of aexad uses: Snakemake counts
    GPUs, but does not tell a job which one to take.

    Parameters
    ----------
    name : str
        ``cpu``, ``cuda``, or ``auto``: a GPU if the machine has one.
    threads : int
        CPU threads. Sums over threads round differently, so results depend on their number.

    Raises
    ------
    ConfigError
        If ``name`` is ``cuda`` and the machine has no GPU.
    """
    torch.set_num_threads(threads)
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", str(threads))
    make_deterministic()
    # By default torch then fills each new tensor with NaN, to reveal reads of memory that was never
    # written. That takes 7 % of a training step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    has_gpu = torch.cuda.is_available()
    if name == "cuda" and not has_gpu:
        raise ConfigError("device 'cuda': torch sees no GPU; set device to cpu or auto")
    if name == "cpu" or not has_gpu:
        return torch.device("cpu")
    gpus = [str(torch.cuda.get_device_properties(i).uuid) for i in range(torch.cuda.device_count())]
    free = first_free([f"gpu-{uuid}" for uuid in gpus])
    if free is None:
        logger.warning("other jobs use all %d GPUs; this job shares the first one", len(gpus))
    return torch.device("cuda", free or 0)


def make_deterministic() -> None:
    """Refuse operations whose result varies, and compute float32 in float32.

    By default, cuBLAS takes a workspace that makes sums vary between calls, and convolutions on a
    GPU round float32 to TF32, with 10 bits. Call this before the first use of a GPU.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)


def peak_gpu_memory_mb(device: torch.device) -> float | None:
    """Largest memory of this process on a GPU so far, in MB (1e6 bytes); None on the CPU."""
    if device.type != "cuda":
        return None
    return round(torch.cuda.max_memory_allocated(device) / 1e6, 1)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is exhausted; on the CPU torch has no class of its own."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in NO_MEMORY)
