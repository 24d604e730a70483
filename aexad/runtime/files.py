"""Files that are written whole or not at all, and arrays that are read whole or refused.

A result is first written under a temporary name in its own folder, flushed to the disk, and then
renamed, and the folder is flushed too: whoever reads the final name sees the old file or the new
one, never half of one, also after a power cut. The bytes depend on the content alone (no time
stamps), so that equal results are equal files.
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import json
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

# What a file that is no archive of arrays makes numpy and zipfile raise; a single array (.npy) is
# no context manager, hence TypeError.
_UNREADABLE = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error),
)


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path that becomes ``path`` when the block ends without an exception.

    The temporary file lies beside ``path`` (a rename across file systems is not atomic) and keeps
    its suffix, because some writers choose the format by it. What a killed process left of an
    earlier try is removed.

    Raises
    ------
    OSError
        Of the system, about ``path``: its ``filename`` is never that of the temporary file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent, path.stem, path.suffix)
    temporary = path
    try:
        with _held_file(path) as temporary:
            yield temporary
            flush(temporary)
            # mkstemp makes private files; a result is as readable as any other new file.
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
            temporary.replace(path)
            flush(path.parent)
    except OSError as error:
        if error.errno is None:  # a library's own
            raise OSError(None, str(error), str(path)) from error
        # A write that fails names no file, and a rename both.
        if error.filename is None or Path(str(error.filename)).parent == temporary.parent:
            error.filename, error.filename2 = str(path), None
        raise


@contextmanager
def temporary_folder(beside: Path) -> Iterator[Path]:
    """A new folder beside a path, removed at the end; the next one removes those of the killed."""
    remove_leftovers(beside.parent, beside.name)
    with tempfile.TemporaryDirectory(prefix=f".{beside.name}-", dir=beside.parent) as name:
        handle = os.open(name, os.O_RDONLY)
        try:
            _hold(handle)
            yield Path(name)
        finally:
            os.close(handle)


def remove_leftovers(folder: str | os.PathLike[str], stem: str, suffix: str = "") -> None:
    """Remove what killed processes left of the temporary files, or folders, of one name.

    Those of a process that is still writing are held by it, and stay.
    """
    random = "[a-z0-9_]" * 8
    for path in Path(folder).glob(f".{glob.escape(stem)}-{random}{glob.escape(suffix)}"):
        with suppress(OSError):  # another process may be removing it, or the folder is read-only
            handle = os.open(path, os.O_RDONLY)
            try:
                if _hold(handle):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            finally:
                os.close(handle)


@contextmanager
def _held_file(path: Path) -> Iterator[Path]:
    """A new file beside ``path``, held by this process; removed at the end if it is still there."""
    while True:
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent
        )
        _hold(handle, wait=True)
        temporary = Path(name)
        if temporary.exists():
            break
        os.close(handle)  # another process took it for a leftover before it was held
    try:
        yield temporary
    finally:
        os.close(handle)
        temporary.unlink(missing_ok=True)


def _hold(handle: int, wait: bool = False) -> bool:
    """Hold a file until it is closed or the process ends; false if another process holds it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # or the file system has no locks: then nothing is ever taken for a leftover
        return False
    return True


def flush(path: Path) -> None:
    """Have the system bring a file, or the names in a folder, to the disk itself."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: str | os.PathLike[str]) -> str:
    """The sha256 of a file's bytes, as hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_file(source: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Copy the bytes of a file."""
    with written_whole(path) as temporary:
        shutil.copyfile(source, temporary)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` as UTF-8 with Unix line ends."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write ``value`` as indented JSON with sorted keys; NaN and infinity are refused."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")


def write_csv(path: str | os.PathLike[str], table: pd.DataFrame) -> None:
    """Write a table as CSV without its index; numbers keep all the digits that they have."""
    with written_whole(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def write_npz(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as an uncompressed ``.npz`` without pickles; object arrays are refused."""
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"array {name!r} has dtype {array.dtype}; only plain dtypes are stored")
    with written_whole(path) as temporary, temporary.open("wb") as file:
        contiguous: dict[str, Any] = {n: np.ascontiguousarray(array) for n, array in arrays.items()}
        np.savez(file, **contiguous)


def read_npz(
    path: str | os.PathLike[str], names: Iterable[str], remedy: str, single: Iterable[str] = ()
) -> dict[str, np.ndarray]:
    """Read arrays that :func:`write_npz` wrote, all with a row for each of the same things.

    Parameters
    ----------
    path : path
        An ``.npz`` file; pickles in it are not opened.
    names : iterable of str
        The arrays to read; others may be there.
    remedy : str
        What to do about a file that cannot be used; it ends the message.
    single : iterable of str
        Further arrays to read, of a single value each: what is said of all rows.

    Raises
    ------
    DataError
        If the file is missing or damaged, lacks an array, the arrays differ in length, or what is
        to be a single value is none.
    """
    names, single = list(names), list(single)
    try:
        # An open file, not a path: np.load would leave its own open when the archive is damaged.
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in (*names, *single)}
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; {remedy}") from None
    except _UNREADABLE as error:
        reason = "damaged, or without one of the arrays " + ", ".join([*names, *single])
        if isinstance(error, OSError) and error.strerror:
            reason = f"cannot be read ({error.strerror})"
        raise DataError(f"{path}: {reason}; {remedy}") from None
    one_length = len({arrays[name].shape[:1] for name in names} | {()}) == 2  # () has no length
    if not one_length or any(arrays[name].size != 1 for name in single):
        lengths = ", ".join(f"{name} {list(array.shape)}" for name, array in arrays.items())
        raise DataError(f"{path}: its arrays differ in length ({lengths}); {remedy}")
    return arrays
