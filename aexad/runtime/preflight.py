"""Checks before the first job: folders that can be written to, file times in the past."""

from __future__ import annotations

import os
import shutil
import stat
import time
from pathlib import Path

from aexad.runtime.errors import MachineError

LEAST_FREE_MB = 1  # for the files of Snakemake itself


def check_no_file_at(folder: str | os.PathLike[str]) -> None:
    """Raise MachineError if ``folder`` is a file; it may be a folder, or not exist yet."""
    if Path(folder).exists() and not Path(folder).is_dir():
        raise MachineError(f"{folder}: a file, where a folder must be; move it away")


def check_writable(folder: str | os.PathLike[str]) -> None:
    """Check that files can be written into a folder, if the folder exists.

    Raises
    ------
    MachineError
        If it is a file, may not be written to, or lies on a read-only disk or on a full one.
    """
    check_no_file_at(folder)
    if not Path(folder).exists():
        return
    if not os.access(folder, os.W_OK):
        raise MachineError(
            f"{folder}: not writable (a read-only disk, or another owner); make it writable, or "
            "work in a copy elsewhere"
        )
    free_mb = shutil.disk_usage(folder).free / 1e6
    if free_mb < LEAST_FREE_MB:
        raise MachineError(
            f"{folder}: its disk has {free_mb:.1f} MB left; make room, then continue with the same "
            "call"
        )


def reset_future_file_times(folder: str | os.PathLike[str]) -> int:
    """Set the times of files that are later than now, after a jump of the clock, to now.

    Snakemake fails each job that has an input from the future, because its output is older.

    Returns
    -------
    int
        Number of files.

    Raises
    ------
    MachineError
        The time of a file cannot be set: it belongs to another user.
    """
    now, count = time.time(), 0
    for parent, _, names in os.walk(folder):
        for path in (Path(parent, name) for name in names):
            try:
                status = path.lstat()
                if stat.S_ISREG(status.st_mode) and status.st_mtime > now:
                    os.utime(path, (now, now))
                    count += 1
            except FileNotFoundError:  # a job of an earlier call has removed it
                continue
            except OSError as error:
                raise MachineError(
                    f"{path}: its time is in the future and cannot be set ({error.strerror}); ask "
                    f"its owner for 'touch {path}'"
                ) from None
    return count
