"""Bring a data set to its place, from wherever it comes, completely or not at all.

A data set's folder is complete from the moment it exists: files are drawn or extracted beside it and
renamed in one step, with their origin in a hidden file (:data:`STAMP`). The marker
``<folder>.json``, written last, says the same to the workflow. A folder without a stamp is the
user's own; it is never changed.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from aexad.data.archive import extract
from aexad.data.catalogue import Dataset
from aexad.data.textures import PIXELS_SHA256, draw_textures
from aexad.data.transfer import download, sha256_of
from aexad.errors import ConfigError, DataError
from aexad.files import write_json

STAMP = ".origin.json"
"""Where a folder that was made here came from; lies inside it."""

Origin = dict[str, Any]


def marker_path(folder: str | os.PathLike[str]) -> Path:
    """The file beside a data set's folder whose existence means that the data set is complete."""
    folder = Path(folder)
    return folder.with_name(folder.name + ".json")


def fetch(
    name: str,
    dataset: Dataset,
    folder: str | os.PathLike[str],
    source: str | os.PathLike[str] | None = None,
) -> Path:
    """Make ``folder`` hold a data set, and write its marker.

    ``textures`` are drawn. A local folder is linked, never copied and never written into. A local
    archive is extracted. Otherwise the catalogue's archive is downloaded to ``downloads`` beside the
    folder (resumed where it was cut), verified by its sha256, and extracted. What is already there,
    complete and from the same origin, is left as it is. Licence and citation of data that are new
    here are printed to standard error.

    Parameters
    ----------
    name
        Of the data set in the catalogue.
    dataset
        Its entry.
    folder
        Where the data set is wanted.
    source
        A local folder or archive; without it, that of the entry, and without that its download.

    Returns
    -------
    pathlib.Path
        The marker, ``<folder>.json``: name, source (textures, folder, archive, download), address
        (path or URL), sha256 (null for a folder), licence.

    Raises
    ------
    aexad.errors.ConfigError
        There is neither a source nor a download; the source does not exist; or ``folder`` holds
        something that was not made here.
    aexad.errors.DownloadError
        The download or the archive fails, has another digest, or is not safe to extract.
    """
    folder = Path(folder)
    source = source if source is not None else dataset.source
    origin = _origin(name, dataset, None if source is None else Path(source))
    marker = marker_path(folder)
    if _present(folder, origin):
        if _read(marker) != origin:
            write_json(marker, origin)
        return marker
    in_place = origin["source"] == "folder" and _same(folder, origin["address"])
    if not in_place:
        _check_replaceable(name, folder)
    _tell(name, dataset)
    marker.unlink(missing_ok=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if origin["source"] == "folder":
        if not in_place:
            _link(folder, Path(origin["address"]))
    else:
        with _built(folder) as building:
            origin = _filled(building, name, dataset, origin, folder.parent / "downloads")
            write_json(building / STAMP, origin)
    write_json(marker, origin)
    return marker
