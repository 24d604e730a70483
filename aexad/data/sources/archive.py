"""Extract archives from the network, none of which is trusted.

Members are copied out one by one as plain files: no owner, mode, link or device of an archive
reaches the disk. A link to another member of a tar archive becomes a copy of that member. A refused
archive leaves nothing behind.
"""

from __future__ import annotations

import lzma
import os
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Self

from tqdm import tqdm

from aexad.runtime.errors import DownloadError

CHUNK = 2**20
HARMLESS = 10**8  # bytes: an archive of any size may expand to this
MOST_EXPANDED = 100  # times its own size; archives of uncompressed photographs expand to about 10
DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(EOFError, ValueError, NotImplementedError),
)


class _UnsafeError(Exception):
    """An archive, or a member of it, that is not safe to extract."""


_Member = tuple[str, int, Callable[[], IO[bytes]] | None]
"""Name, size and a function that opens it; None for a folder, which is made for its files."""


class _StrictTarInfo(tarfile.TarInfo):
    """Refuse a truncated or damaged header, which ``tarfile`` takes for the end of the archive."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from None


def extract(archive: str | os.PathLike[str], folder: str | os.PathLike[str]) -> None:
    """Extract a tar archive (plain, gzip, bzip2, xz) or a zip archive into an empty folder.

    Refused are absolute names, names that lead out of the folder, devices, links to anything but
    another member of the archive, encrypted members, members larger than the space on the disk, and
    an archive that expands to more than :data:`MOST_EXPANDED` times its size. After a failure the
    folder is empty again.

    Raises
    ------
    aexad.runtime.errors.DownloadError
        The archive is refused, damaged, of another kind, or does not fit on the disk.
    """
    archive, folder = Path(archive), Path(folder)
    try:
        _copy_out(archive, folder)
    except BaseException as error:
        for path in folder.iterdir():  # the folder was empty, so they come from the archive
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if isinstance(error, (_UnsafeError, tarfile.FilterError)):
            message = f"{error}; the archive is not safe"
        elif isinstance(error, DAMAGE):
            message = f"damaged ({error or type(error).__name__}); get it again"
        elif isinstance(error, OSError):
            message = f"cannot be extracted: {error.strerror or error}"
        else:
            raise
        raise DownloadError(f"{archive}: {message}") from None


def _copy_out(archive: Path, folder: Path) -> None:
    if not archive.stat().st_size:
        raise DownloadError(f"{archive}: the file is empty; get it again")
    if tarfile.is_tarfile(archive):
        members = _tar_members(archive, folder)
    elif zipfile.is_zipfile(archive):
        members = _zip_members(archive)
    else:
        raise DownloadError(
            f"{archive}: neither a tar (plain, gzip, bzip2, xz) nor a zip archive, or damaged; "
            "name one of these or the extracted folder"
        )
    expanded, most = 0, max(HARMLESS, MOST_EXPANDED * archive.stat().st_size)
    progress = tqdm(members, f"extracting {archive.name}", unit="file", disable=None)
    for name, size, content in progress:
        target, room = folder / _safe_name(name), shutil.disk_usage(folder).free
        if size > room:
            raise DownloadError(
                f"{archive}: {name} needs {size / 1e9:.2f} GB, and the disk of {folder.parent} has "
                f"{room / 1e9:.2f} GB left; free some space"
            )
        expanded += size
        if expanded > most:
            raise _UnsafeError(
                f"expands to more than {most / 1e9:.3g} GB, which no photographs of its size do"
            )
        if content is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            # A member never holds more than its header says: both readers stop after that.
            with content() as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy, CHUNK)


def _tar_members(archive: Path, folder: Path) -> Iterator[_Member]:
    with tarfile.open(archive, tarinfo=_StrictTarInfo) as tar:
        for member in tar:
            _safe_name(member.name)  # the filter would make an absolute name a relative one
            tarfile.data_filter(member, str(folder))
            content = None if member.isdir() else partial(_tar_content, tar, member)
            yield member.name, member.size, content


def _tar_content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    """The bytes of a file; a link is looked up in the archive, never on the disk."""
    with suppress(KeyError, RecursionError):
        if content := tar.extractfile(member):
            return content
    raise _UnsafeError(f"{member.name} links to {member.linkname}, which is no file of the archive")


def _zip_members(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            name, kind = member.filename, stat.S_IFMT(member.external_attr >> 16)
            if not member.is_dir() and kind not in (0, stat.S_IFREG):
                raise _UnsafeError(f"{name} is a link or a device")
            if member.flag_bits & 1:
                raise DownloadError(
                    f"{archive}: {name} is encrypted; extract it and name the folder"
                )
            content = None if member.is_dir() else partial(packed.open, member)
            yield name, member.file_size, content


def _safe_name(name: str) -> PurePosixPath:
    """The path of a member below the folder; names that lead elsewhere are refused."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or re.match(r"[A-Za-z]:", name) or ".." in path.parts or "\0" in name:
        raise _UnsafeError(f"{name!r} lies outside of the archive's folder")
    return path
