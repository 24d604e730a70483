"""Generators of random numbers that depend on names, not on an order or a global state."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, *names: str) -> np.random.Generator:
    """Make an independent generator for each seed and each sequence of names.

    The numbers for one name (a category, an image) stay the same when other names come or go.

    Parameters
    ----------
    seed
        The run's seed, 0 or more.
    names
        What the numbers are for, from the general to the specific.
    """
    digests = [int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") for name in names]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *digests])))
