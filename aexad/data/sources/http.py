"""One file over HTTP: resumed after a cut, tried again after an error, accepted by its digest.

Its addresses are tried in turn. What one of them began is resumed from that one alone: whether the
next has the same bytes is known at the end only.
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
from email.message import Message
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from tqdm import tqdm

from aexad.config.catalogue import Download
from aexad.runtime.errors import DownloadError
from aexad.runtime.files import sha256_of, write_json

CHUNK = 2**20
TIMEOUT = 60.0  # seconds without a byte
PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each new trial; a trial that brought bytes starts them anew."""

PASSING = (408, 425, 429, 500, 502, 503, 504)  # answers that another trial may change


class _CutError(Exception):
    """The transfer ended early; what came is kept, and another trial may go on from there."""


class _AddressError(Exception):
    """One address will not give the file; another one may."""


class _State(NamedTuple):
    """What is known of a part of a file, beside its bytes; lies next to it as JSON."""

    url: str
    validator: str | None
    """ETag or Last-Modified of the answer, by which a server knows that the file is the same."""


def download(name: str, origin: Download, folder: str | os.PathLike[str]) -> Path:
    """Download a file into ``folder``, or take the one that is already there.

    The file lies under the last part of its address, and with the ending ``.part`` until its digest
    is verified. A part of an earlier call is resumed where the server can. An address that fails
    for good, or gives another file, is followed by the next of the mirrors.

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
            _verify(part, origin.sha256)
        except _AddressError as problem:
            problems.append(f"{url}: {problem}")
        else:
            part.replace(path)
            _state_path(part).unlink(missing_ok=True)
            return path
    raise DownloadError(
        f"{'; '.join(problems)}; try again later (what came is kept), or get the archive by other "
        f"means and name it: --config 'sources={{{name}: FILE}}'"
    )


def _fetch_part(name: str, url: str, part: Path) -> None:
    """Bring ``part`` to its whole length, in as many trials as it takes."""
    trial, most = 0, _length(part)
    while True:
        try:
            _receive(name, url, part)
            return
        except urllib.error.HTTPError as error:
            error.close()
            problem = f"{error.code} {error.reason}"
            if error.code not in PASSING:
                raise _AddressError(problem) from None
        except (_CutError, http.client.HTTPException, OSError) as error:
            if _of_the_disk(error):
                raise DownloadError(f"{part}: cannot be written: {error}") from None
            problem = str(getattr(error, "reason", error)) or type(error).__name__
        if _length(part) > most:
            trial, most = 0, _length(part)
        if trial == len(PAUSES):
            raise _AddressError(f"{problem} ({trial + 1} trials)")
        time.sleep(PAUSES[trial])
        trial += 1


def _of_the_disk(error: Exception) -> bool:
    """Whether an error of the system comes from our file and not from the network."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
    return isinstance(error, OSError) and (error.filename is not None or error.errno in full)


def _receive(name: str, url: str, part: Path) -> None:
    """One request: go on after the bytes that are there, or start anew if the server sends all."""
    start, validator = _resumable(part, url)
    headers = {"Accept-Encoding": "identity", "User-Agent": "aexad"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if validator:
            headers["If-Range"] = validator
    # Only http and https: the catalogue refuses other addresses.
    request = urllib.request.Request(url, headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
            _append(name, url, part, start, response)
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
    if total is not None:
        _check_room(name, part, total)
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


def _verify(part: Path, sha256: str) -> None:
    found = sha256_of(part)
    if found != sha256:
        part.unlink()
        _state_path(part).unlink(missing_ok=True)
        raise _AddressError(
            f"the sha256 is {found} and not {sha256} as config/datasets.yaml says, so the file was "
            "removed; correct the entry if the owner changed it"
        )


def _check_room(name: str, part: Path, size: float) -> None:
    """What is still to come, and as much again as the whole for its extracted files."""
    needed = max(0.0, size - _length(part)) + size
    room = shutil.disk_usage(part.parent).free
    if needed > room:
        raise DownloadError(
            f"data set '{name}' needs {needed / 1e9:.1f} GB for archive and files, and the disk of "
            f"{part.parent} has {room / 1e9:.1f} GB left; free some, or set 'data' to another disk"
        )


def _state_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
