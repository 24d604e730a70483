"""Download one file over HTTP: resumed after an interruption, accepted by its digest.

The addresses of a file are tried in turn. A part from one address is only resumed from the same
address: only the digest of the whole file shows whether another address has the same bytes.
"""

from __future__ import annotations

import errno
import http
import http.client
import json
import os
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tqdm import tqdm

from aexad.config.catalogue import Download
from aexad.runtime.errors import DownloadError
from aexad.runtime.files import sha256_of, write_json

CHUNK = 2**20
TIMEOUT = 60.0  # seconds without a byte
PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each new trial; after a trial that brought bytes they start from the first."""

TEMPORARY = (408, 425, 429, 500, 502, 503, 504)  # statuses after which another trial may succeed


class _IncompleteError(Exception):
    """The transfer ended early; another trial may continue with the bytes that arrived."""


class _AddressError(Exception):
    """An address does not give the file; another one may."""


def download(name: str, origin: Download, folder: str | os.PathLike[str]) -> Path:
    """Download a file into ``folder``, unless it is already there.

    The file has the last part of its address as its name, with the ending ``.part`` until its
    digest is verified. A part from an earlier call is resumed if the server can do that. After an
    address that fails for good, or gives another file, the next of the mirrors is tried.

    Parameters
    ----------
    name
        Name of the data set, for messages and the progress bar (shown on terminals only).
    origin
        Address, digest and size.
    folder
        Folder of the downloaded file.

    Returns
    -------
    pathlib.Path
        The whole file, whose sha256 is the digest of ``origin``.

    Raises
    ------
    aexad.runtime.errors.DownloadError
        Every address refuses, fails for good or gives a file of another digest, which is removed;
        or the disk is too small.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (Path(unquote(urlsplit(origin.url).path)).name or name)
    part = path.with_name(path.name + ".part")
    if path.exists():
        if sha256_of(path) == origin.sha256:
            return path
        path.unlink()
    if origin.size_gb is not None:
        _check_room(name, part, origin.size_gb * 1e9)
    problems = []
    for url in (origin.url, *origin.mirrors):
        try:
            _fetch_part(name, url, part)
        except _AddressError as problem:
            problems.append(f"{url}: {problem}")
            continue
        digest = sha256_of(part)
        if digest == origin.sha256:
            part.replace(path)
            _state_path(part).unlink(missing_ok=True)
            return path
        part.unlink()
        _state_path(part).unlink(missing_ok=True)
        problems.append(
            f"{url}: the sha256 is {digest} and not {origin.sha256} as config/datasets.yaml says, "
            "so the file was removed; correct the entry if the owner changed the file"
        )
    raise DownloadError(
        f"{'; '.join(problems)}; try again later (partial downloads are kept), or get the archive "
        f"by other means and name it: --config 'sources={{{name}: FILE}}'"
    )


def _fetch_part(name: str, url: str, part: Path) -> None:
    """Bring ``part`` to its whole length, in as many trials as it takes."""
    trial, longest = 0, _length(part)
    while True:
        try:
            _receive(name, url, part)
            return
        except urllib.error.HTTPError as error:
            error.close()
            problem = f"{error.code} {error.reason}"
            if error.code not in TEMPORARY:
                raise _AddressError(problem) from None
        except (_IncompleteError, http.client.HTTPException, OSError) as error:
            disk_errors = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
            if isinstance(error, OSError) and (error.filename or error.errno in disk_errors):
                raise DownloadError(f"{part}: cannot be written: {error}") from None
            problem = str(getattr(error, "reason", error)) or type(error).__name__
        if _length(part) > longest:
            trial, longest = 0, _length(part)
        if trial == len(PAUSES):
            raise _AddressError(f"{problem} ({trial + 1} trials)")
        time.sleep(PAUSES[trial])
        trial += 1


def _receive(name: str, url: str, part: Path) -> None:
    """Send one request: continue ``part``, or start again if the server sends the whole file."""
    start, validator = _resumable(part, url)
    headers = {"Accept-Encoding": "identity", "User-Agent": "aexad"}
    if start:
        headers |= {"Range": f"bytes={start}-"} | ({"If-Range": validator} if validator else {})
    # Only http and https: the catalogue refuses other addresses.
    request = urllib.request.Request(url, headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
            _append(name, url, part, start, response)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not start:
            raise
        error.close()
        if error.headers.get("Content-Range") != f"bytes */{start}":  # else the part is whole
            part.unlink()
            raise _IncompleteError("the server's file is shorter than the part of it") from None


def _append(
    name: str, url: str, part: Path, start: int, response: http.client.HTTPResponse
) -> None:
    """Write the body of a response to the end of ``part``, or over it if it is the whole file."""
    headers, resumed = response.headers, response.status == http.HTTPStatus.PARTIAL_CONTENT
    if resumed and not headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        part.unlink()
        raise _IncompleteError("the server sent another range than the requested one")
    if not resumed:
        start, etag = 0, headers.get("ETag") or "W/"
        # If-Range allows a strong ETag or a date.
        validator = headers.get("Last-Modified") if etag.startswith("W/") else etag
        write_json(_state_path(part), {"url": url, "validator": validator})
    length = headers.get("Content-Length")
    total = start + int(length) if length else None
    if total is not None:
        _check_room(name, part, total)
    text = f"downloading {name}"
    with (
        tqdm(desc=text, initial=start, total=total, unit="B", unit_scale=True, disable=None) as bar,
        part.open("ab" if resumed else "wb") as file,
    ):
        while chunk := response.read(CHUNK):
            file.write(chunk)
            bar.update(len(chunk))
    if total is not None and _length(part) < total:
        raise _IncompleteError(f"the connection ended after {_length(part)} of {total} bytes")


def _resumable(part: Path, url: str) -> tuple[int, str | None]:
    """The number of bytes from this address in ``part``, and the server's name of their version.

    A part without a state (put there by hand) is resumed too: the digest decides in the end.
    """
    try:
        state = json.loads(_state_path(part).read_text(encoding="utf-8"))
        return (_length(part), state["validator"]) if state["url"] == url else (0, None)
    except FileNotFoundError:
        return _length(part), None
    except (ValueError, TypeError, KeyError):
        return 0, None


def _check_room(name: str, part: Path, size: float) -> None:
    """Check the room for the missing bytes, and for extracted files of the same size."""
    needed = max(0.0, size - _length(part)) + size
    room = shutil.disk_usage(part.parent).free
    if needed > room:
        raise DownloadError(
            f"data set '{name}' needs {needed / 1e9:.1f} GB for archive and files, and the disk of "
            f"{part.parent} has {room / 1e9:.1f} GB left; free some, or set 'data' to another disk"
        )


def _state_path(part: Path) -> Path:
    """The JSON file beside a part that holds its address and version."""
    return part.with_name(part.name + ".json")


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
