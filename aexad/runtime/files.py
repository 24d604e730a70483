"""Files that are written completely or not at all, and arrays that are checked when they are read.

A result is written into a temporary folder next to its final path, flushed to the disk and renamed;
then its folder is flushed. A reader of the final path therefore finds the old file or the new one,
never a part of one, also after a power cut. The bytes depend on the content alone (no time stamps),
so equal results are equal files.
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import json
import logging
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aexad.runtime.errors import DataError

logger = logging.getLogger(__name__)

# What numpy and zipfile raise for a file that is not an archive of arrays. A single array (.npy) is
# not a context manager, hence TypeError.
_UNREADABLE = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error),
)


def expanded(path: str | os.PathLike[str]) -> Path:
    """Replace a leading ``~`` by the home folder; the ``~`` of an unknown user stays."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path that becomes ``path`` when the block ends without an exception.

    The temporary file has the name of ``path``, because some writers choose the format by its
    suffix, and lies in a temporary folder on the same file system. Temporary files that killed
    processes left for the same path are removed.

    Raises
    ------
    OSError
        The error of the system. It names ``path``, never the temporary file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = path.parent
    try:
        with temporary_folder(path) as folder:
            temporary = folder / path.name
            yield temporary
            flush(temporary)
            temporary.replace(path)
            flush(path.parent)
    except OSError as error:
        if error.errno is None:  # raised by a library, not by the system
            raise OSError(None, str(error), str(path)) from error
        # An error of a write names no file, and an error of a rename names two.
        if error.filename is None or Path(str(error.filename)).parent == folder:
            error.filename, error.filename2 = str(path), None
        raise


@contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """Yield a new empty folder next to ``path``, and remove the folder when the block ends.

    Temporary folders that killed processes left for the same path are removed first.
    """
    remove_leftovers(path)
    folder, handle = _new_held_folder(path)
    try:
        yield folder
    finally:
        try:
            shutil.rmtree(folder, ignore_errors=True)
        except BaseException:  # a signal: the next one would end the process
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            os.close(handle)


def remove_leftovers(path: Path) -> None:
    """Remove the temporary folders that killed processes left for a path.

    The folders of running processes are locked and stay.
    """
    random = "[a-z0-9_]" * 8
    for folder in path.parent.glob(f"{glob.escape(_prefix(path))}{random}"):
        with suppress(OSError):  # another process may be removing it, or the disk is read-only
            handle = os.open(folder, os.O_RDONLY)
            try:
                if _hold(handle):
                    shutil.rmtree(folder)
            finally:
                os.close(handle)


@contextmanager
def one_after_the_other(path: Path) -> Iterator[None]:
    """Wait until no other process is in this block for ``path``, then keep others from it.

    The lock is a hidden file beside ``path``, which is removed at the end. On file systems without
    locks nobody waits.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f"{_prefix(path)}lock")
    while True:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        if not _hold(handle):
            logger.info("%s: waiting for another process that makes it", path)
            _hold(handle, wait=True)
        with suppress(FileNotFoundError):  # the process that held it has removed it
            if os.path.samestat(os.fstat(handle), lock.stat()):
                break
        os.close(handle)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(handle)


def _prefix(path: Path) -> str:
    """Begin the name of a temporary folder; short, because systems allow names of 255 bytes."""
    return f".{os.fsencode(path.name)[:97].decode(errors='ignore')}-"


def _new_held_folder(path: Path) -> tuple[Path, int]:
    """Make a temporary folder for a path, and lock it until the returned handle is closed."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_prefix(path), dir=path.parent))
        # Another process may take it for a leftover, and remove it, before it is locked.
        with suppress(FileNotFoundError):
            handle = os.open(folder, os.O_RDONLY)
            _hold(handle, wait=True)
            if folder.exists():
                return folder, handle
            os.close(handle)


def _hold(handle: int, wait: bool = False) -> bool:
    """Lock a folder until its handle is closed; return whether that succeeded.

    The system frees the lock when the process ends. On file systems without locks no folder is
    ever taken for a leftover.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def flush(path: Path) -> None:
    """Make the system write a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Return the sha256 of a file's bytes as hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_file(source: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Copy the bytes of a file."""
    with written_whole(path) as temporary:
        shutil.copyfile(source, temporary)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text as UTF-8 with Unix line ends."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write a value as indented JSON with sorted keys; NaN and infinity raise ValueError."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")


def write_csv(path: str | os.PathLike[str], table: pd.DataFrame) -> None:
    """Write a table as CSV without its index; numbers keep all their digits."""
    with written_whole(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def write_npz(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as an uncompressed ``.npz``; arrays of objects raise TypeError."""
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"array {name!r} has dtype {array.dtype}; only plain dtypes are stored")
    contiguous: dict[str, Any] = {n: np.ascontiguousarray(array) for n, array in arrays.items()}
    with written_whole(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **contiguous)


def read_npz(
    path: str | os.PathLike[str],
    names: Iterable[str],
    remedy: str,
    single: Iterable[str] = (),
    optional: Iterable[str] = (),
) -> dict[str, np.ndarray]:
    """Read arrays that :func:`write_npz` wrote and whose first axes have the same length.

    Parameters
    ----------
    path : path
        An ``.npz`` file. Pickles in it are not opened.
    names : iterable of str
        The arrays to read; the file may contain others.
    remedy : str
        What to do about a file that cannot be used; the end of the error message.
    single : iterable of str
        Names of further arrays to read, with one value each.
    optional : iterable of str
        Further arrays, as long as those of ``names``, to read if the file has them.

    Returns
    -------
    dict of str to ndarray
        The arrays of ``names``, of ``optional``, and of ``single``.

    Raises
    ------
    DataError
        If the file is missing or damaged, lacks an array, the arrays differ in length, or an array
        of ``single`` does not have exactly one value.
    """
    names, single = list(names), list(single)
    try:
        # An open file, not a path: np.load would leave its own open when the archive is damaged.
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as archive:
            names += [name for name in optional if name in archive]
            arrays = {name: archive[name] for name in (*names, *single)}
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; {remedy}") from None
    except _UNREADABLE as error:
        reason = "damaged, or without one of the arrays " + ", ".join([*names, *single])
        if isinstance(error, OSError) and error.strerror:
            reason = f"cannot be read ({error.strerror})"
        raise DataError(f"{path}: {reason}; {remedy}") from None
    one_length = len({arrays[name].shape[:1] for name in names} | {()}) == 2  # (): an array of 0-D
    if not one_length or any(arrays[name].size != 1 for name in single):
        lengths = ", ".join(f"{name} {list(array.shape)}" for name, array in arrays.items())
        raise DataError(f"{path}: its arrays differ in length ({lengths}); {remedy}")
    return arrays
