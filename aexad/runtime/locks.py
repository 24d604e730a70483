"""Locks between processes: one training a run, one job a GPU.

They are locks of the operating system on small files; it frees them when the process ends, however
it ends. The files stay.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from aexad.runtime.errors import ConfigError


@contextmanager
def only_one(folder: Path, doing: str) -> Iterator[None]:
    """Hold ``folder`` for this process.

    Raises
    ------
    ConfigError
        If another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise ConfigError(
            f"{folder}: another process is {doing} there; wait for it, or stop it"
        ) from None


def first_free(names: Sequence[str], folder: Path | None = None) -> int | None:
    """Take the first of several things that no other process holds, until this process ends.

    Returns
    -------
    int or None
        Its position; none if all are taken.
    """
    folder = Path(tempfile.gettempdir()) if folder is None else folder
    for position, name in enumerate(names):
        lock = FileLock(folder / f"aexad-{name}.lock", mode=0o666)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        _HELD.append(lock)
        return position
    return None


# A lock is given back when its object goes.
_HELD: list[FileLock] = []
