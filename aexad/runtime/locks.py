"""Locks between processes: one training per run folder, one job per GPU.

They are locks of the operating system on small files. The system frees a lock when its process
ends, also when the process is killed; the files stay.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from aexad.runtime.errors import ConfigError

_HELD: list[FileLock] = []  # a lock is freed when its object is deleted


@contextmanager
def only_one(folder: Path, doing: str) -> Iterator[None]:
    """Make sure that no other process works in ``folder`` while the block runs.

    Parameters
    ----------
    folder : path
        It is made if it does not exist.
    doing : str
        What the block does, for the error message: "training".

    Raises
    ------
    ConfigError
        If another process holds the lock of the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise ConfigError(
            f"{folder}: another process is {doing} in this folder; wait for it, or stop it"
        ) from None


def first_free(names: Sequence[str], folder: Path | None = None) -> int | None:
    """Lock the first of several names that no other process holds, until this process ends.

    Parameters
    ----------
    names : sequence of str
    folder : path, optional
        Where the lock files are (default: the system's folder for temporary files).

    Returns
    -------
    int or None
        Position of the name; None if other processes hold all names.
    """
    for position, name in enumerate(names):
        lock = FileLock((folder or Path(tempfile.gettempdir())) / f"aexad-{name}.lock", mode=0o666)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        _HELD.append(lock)
        return position
    return None
