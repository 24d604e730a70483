"""One file over HTTP: resumed after a cut, tried again after an error, accepted by its digest."""

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
from email.message import Message
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from tqdm import tqdm

from aexad.data.catalogue import Download
from aexad.errors import DownloadError
from aexad.files import sha256_of, write_json

CHUNK = 2**20
TIMEOUT = 60.0  # seconds without a byte
PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each new trial; a trial that brought bytes starts them anew."""

PASSING = (408, 425, 429, 500, 502, 503, 504)  # answers that another trial may change


class _CutError(Exception):
    """The transfer ended early; what came is kept, and another trial may go on from there."""


class _State(NamedTuple):
    """What is known of a part of a file, beside its bytes; lies next to it as JSON."""

    url: str
    validator: str | None
    """ETag or Last-Modified of the answer, by which a server knows that the file is the same."""


def download(name: str, origin: Download, folder: str | os.PathLike[str]) -> Path:
    """Download a file into ``folder``, or take the one that is already there.

    The file lies under the last part of its address, and with the ending ``.part`` until its digest
    is verified. A part of an earlier call is resumed where the server can.

    Parameters
    ----------
    name
        Of the data set, for messages and the progress bar (which is shown on terminals only).
    origin
        Address, digest and size.
    folder
        Where the file lies afterwards.

    Returns
    -------
    pathlib.Path
        The whole file, whose sha256 is that of ``origin``.

    Raises
    ------
    aexad.errors.DownloadError
        The server refuses or fails for good, the disk is too small, or the digest is another one;
        in the last case the file is removed.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (Path(unquote(urlsplit(origin.url).path)).name or name)
    part = path.with_name(path.name + ".part")
    if path.exists():
        _verify(path, origin)
        return path
    _check_room(name, origin, part)
    _fetch_part(name, origin, part)
    _verify(part, origin)
    part.replace(path)
    _state_path(part).unlink(missing_ok=True)
    return path


def _fetch_part(name: str, origin: Download, part: Path) -> None:
    """Bring ``part`` to its whole length, in as many trials as it takes."""
    trial, most = 0, _length(part)
    while True:
        try:
            _receive(name, origin, part)
            return
        except urllib.error.HTTPError as error:
            error.close()
            problem = f"{error.code} {error.reason}"
            if error.code not in PASSING:
                raise DownloadError(_failed(name, origin, problem)) from None
        except (_CutError, http.client.HTTPException, OSError) as error:
            if _of_the_disk(error):
                raise DownloadError(f"{part}: cannot be written: {error}") from None
            problem = str(getattr(error, "reason", error)) or type(error).__name__
        if _length(part) > most:
            trial, most = 0, _length(part)
        if trial == len(PAUSES):
            raise DownloadError(_failed(name, origin, f"{problem} ({trial + 1} trials)"))
        time.sleep(PAUSES[trial])
        trial += 1


def _of_the_disk(error: Exception) -> bool:
    """Whether an error of the system comes from our file and not from the network."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
    return isinstance(error, OSError) and (error.filename is not None or error.errno in full)


def _receive(name: str, origin: Download, part: Path) -> None:
    """One request: go on after the bytes that are there, or start anew if the server sends all."""
    start, validator = _resumable(part, origin.url)
    headers = {"Accept-Encoding": "identity", "User-Agent": "aexad"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if validator:
            headers["If-Range"] = validator
    # Only http and https: the catalogue refuses other addresses.
    request = urllib.request.Request(origin.url, headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
            _append(name, origin.url, part, start, response)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not start:
            raise
        error.close()
        if error.headers.get("Content-Range") != f"bytes */{start}":
            part.unlink()
            raise _CutError("the server's file is shorter than what was there") from None
        # Otherwise all bytes were there already.


def _append(
    name: str, url: str, part: Path, start: int, response: http.client.HTTPResponse
) -> None:
    """Write the body of an answer to the end of ``part``, or over it if it begins at the start."""
    goes_on = response.status == http.HTTPStatus.PARTIAL_CONTENT
    if goes_on and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        part.unlink()
        raise _CutError("the server sent another range than the one asked for")
    if not goes_on:
        start = 0
        state = _State(url, _validator(response.headers))
        write_json(_state_path(part), state._asdict())
    length = response.headers.get("Content-Length")
    total = start + int(length) if length else None
    bar = tqdm(
        desc=f"downloading {name}",
        initial=start,
        total=total,
        unit="B",
        unit_scale=True,
        disable=None,
    )
    with bar, part.open("ab" if goes_on else "wb") as file:
        while chunk := response.read(CHUNK):
            file.write(chunk)
            bar.update(len(chunk))
    if total is not None and _length(part) < total:
        raise _CutError(f"the connection ended after {_length(part)} of {total} bytes")


def _validator(headers: Message) -> str | None:
    """What an If-Range may hold: a strong ETag, or else the date."""
    etag = headers.get("ETag")
    return etag if etag and not etag.startswith("W/") else headers.get("Last-Modified")


def _resumable(part: Path, url: str) -> tuple[int, str | None]:
    """How many bytes of this address are there, and the server's name for their version.

    A part without a state (put there by hand) is resumed too: the digest has the last word.
    """
    try:
        state = _State(**json.loads(_state_path(part).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return _length(part), None
    except (ValueError, TypeError):
        return 0, None
    return (_length(part), state.validator) if state.url == url else (0, None)


def _verify(path: Path, origin: Download) -> None:
    found = sha256_of(path)
    if found != origin.sha256:
        path.unlink()
        _state_path(path).unlink(missing_ok=True)
        raise DownloadError(
            f"{origin.url}: the sha256 is {found} and not {origin.sha256} as config/datasets.yaml "
            "says; the file was removed: try again, or correct the entry if the owner changed it"
        )


def _check_room(name: str, origin: Download, part: Path) -> None:
    """What is still to come, and as much again as the whole for its extracted files."""
    size = origin.size_gb * 1e9
    needed = max(0.0, size - _length(part)) + size
    room = shutil.disk_usage(part.parent).free
    if needed > room:
        raise DownloadError(
            f"data set '{name}' needs {needed / 1e9:.1f} GB for archive and files, and the disk of "
            f"{part.parent} has {room / 1e9:.1f} GB left; free some, or set 'data' to another disk"
        )


def _failed(name: str, origin: Download, problem: str) -> str:
    return (
        f"{origin.url}: {problem}; try again later (what came is kept), or get the archive by "
        f"other means and name it: --config 'sources={{{name}: FILE}}'"
    )


def _state_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
