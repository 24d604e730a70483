"""Whether results can be written here at all, and when they were, asked before hours are spent."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from aexad.runtime.errors import MachineError

LEAST_FREE_MB = 1  # for what Snakemake itself writes


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Check that no file lies in the place of a folder.

    Raises
    ------
    MachineError
        If one does.
    """
    if Path(folder).exists() and not Path(folder).is_dir():
        raise MachineError(f"{folder}: a file, where a folder must be; move it away")


def check_workplace(*folders: str | os.PathLike[str]) -> None:
    """Check that something can be written into folders, as far as they are there.

    Raises
    ------
    MachineError
        If one is a file, may not be written to, lies on a read-only disk, or on one without room.
    """
    for folder in map(Path, folders):
        check_folder(folder)
        if not folder.exists():
            continue
        if not os.access(folder, os.W_OK):
            raise MachineError(
                f"{folder}: nothing can be written there (a read-only disk, or another owner); "
                "make it writable, or work in a copy elsewhere"
            )
        free_mb = shutil.disk_usage(folder).free / 1e6
        if free_mb < LEAST_FREE_MB:
            raise MachineError(
                f"{folder}: its disk has {free_mb:.1f} MB left; make room, then go on with the "
                "same call"
            )


def bring_back_from_the_future(*folders: str | os.PathLike[str]) -> int:
    """Give files that are newer than now, after a jump of the clock, the present time.

    Snakemake fails each job that has an input from the future, since its output is older.

    Returns
    -------
    int
        How many there were.
    """
    now = time.time()
    late = [
        path
        for folder in map(Path, folders)
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and path.stat().st_mtime > now
    ]
    for path in late:
        os.utime(path, (now, now))
    return len(late)
