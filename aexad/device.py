"""The device that networks run on, set up so that the same seed gives the same bytes."""

from __future__ import annotations

import torch

from aexad.errors import ConfigError


def use_device(name: str, threads: int) -> torch.device:
    """Set up torch for one job and give its device.

    Parameters
    ----------
    name
        ``cpu``, ``cuda``, or ``auto``: a GPU where there is one.
    threads
        CPU threads; sums over threads round differently, so results belong to their number.
    """
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise ConfigError("device 'cuda': torch sees no GPU; set device to cpu or auto")
    return torch.device("cuda" if there and name != "cpu" else "cpu")
