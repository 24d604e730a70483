"""Extraction of archives from the network, which are trusted in nothing.

Members are copied out one by one as plain files: no owner, no mode, no link, no device of an
archive ever reaches the disk. A link to another member of a tar archive becomes a copy of it.
What is refused leaves nothing behind.
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
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, Self

from tqdm import tqdm

from aexad.runtime.errors import DownloadError

CHUNK = 2**20
HARMLESS = 10**8  # bytes: photographs of this size in all are taken from however small a file
MOST_EXPANDED = 100  # times its own size; uncompressed photographs in an archive come to about 10
DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
)


class _Member(NamedTuple):
    """A file of an archive; folders come into being with their files."""

    name: str
    size: int
    open: Callable[[], IO[bytes]]


class _StrictTarInfo(tarfile.TarInfo):
    """A header that is cut off or garbled is an error, where ``tarfile`` takes it for the end."""

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
    another member of the archive, encrypted members, members larger than the disk has room for, and
    an archive that expands to more than :data:`MOST_EXPANDED` times its size. On failure the folder
    is empty again.

    Raises
    ------
    aexad.runtime.errors.DownloadError
        The archive is refused, damaged, of another kind, or does not fit on the disk.
    """
    archive, folder = Path(archive), Path(folder)
    try:
        _copy_out(archive, folder)
    except BaseException as error:
        for path in folder.iterdir():  # the archive's, or nothing: the folder was empty
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if isinstance(error, DAMAGE):
            raise DownloadError(
                f"{archive}: damaged ({error or type(error).__name__}); get it again"
            ) from None
        if isinstance(error, OSError):
            reason = error.strerror or error
            raise DownloadError(f"{archive}: cannot be extracted: {reason}") from None
        raise


def _copy_out(archive: Path, folder: Path) -> None:
    members, expanded = _members(archive), 0
    most = max(HARMLESS, MOST_EXPANDED * archive.stat().st_size)
    for member in tqdm(members, f"extracting {archive.name}", unit="file", disable=None):
        target = folder / _safe_name(member.name, archive)
        room = shutil.disk_usage(folder).free
        if member.size > room:
            raise DownloadError(
                f"{archive}: {member.name} needs {member.size / 1e9:.2f} GB, and the disk of "
                f"{folder.parent} has {room / 1e9:.2f} GB left; free some space"
            )
        expanded += member.size
        if expanded > most:
            raise DownloadError(
                f"{archive}: expands to more than {most / 1e9:.3g} GB, which no photographs of its "
                "size do; the archive is not safe"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        # A member never holds more than its header says: both readers stop there.
        with member.open() as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy, CHUNK)


def _members(archive: Path) -> Iterator[_Member]:
    if not archive.stat().st_size:
        raise DownloadError(f"{archive}: the file is empty; get it again")
    if tarfile.is_tarfile(archive):
        return _tar_members(archive)
    if zipfile.is_zipfile(archive):
        return _zip_members(archive)
    raise DownloadError(
        f"{archive}: neither a tar (plain, gzip, bzip2, xz) nor a zip archive, or damaged; "
        "name one of these or the extracted folder"
    )


def _tar_members(archive: Path) -> Iterator[_Member]:
    with tarfile.open(archive, tarinfo=_StrictTarInfo) as tar:
        for member in tar:
            if member.isdir():
                _safe_name(member.name, archive)
                continue
            if not (member.isfile() or member.issym() or member.islnk()):
                raise DownloadError(
                    f"{archive}: {member.name} is a device or a pipe; the archive is not safe"
                )
            yield _Member(member.name, member.size, partial(_tar_content, tar, member, archive))


def _tar_content(tar: tarfile.TarFile, member: tarfile.TarInfo, archive: Path) -> IO[bytes]:
    """The bytes of a file; a link is looked up in the archive, never on the disk."""
    outside = DownloadError(
        f"{archive}: {member.name} links to {member.linkname}, which is no file of the archive; "
        "the archive is not safe"
    )
    try:
        content = tar.extractfile(member)
    except (KeyError, RecursionError):
        raise outside from None
    if content is None:
        raise outside
    return content


def _zip_members(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            if member.is_dir():
                _safe_name(member.filename, archive)
                continue
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):
                raise DownloadError(
                    f"{archive}: {member.filename} is a link or a device; the archive is not safe"
                )
            if member.flag_bits & 1:
                raise DownloadError(
                    f"{archive}: {member.filename} is encrypted; extract it and name the folder"
                )
            yield _Member(member.filename, member.file_size, partial(packed.open, member))


def _safe_name(name: str, archive: Path) -> PurePosixPath:
    """The member's path below the folder; names that lead elsewhere are refused."""
    path = PurePosixPath(name.replace("\\", "/"))
    drive = re.match(r"[A-Za-z]:", name)
    if path.is_absolute() or drive or ".." in path.parts or "\0" in name:
        raise DownloadError(
            f"{archive}: {name!r} lies outside of the archive's folder; the archive is not safe"
        )
    return path
