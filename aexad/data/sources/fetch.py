"""Bring a data set to its place, from wherever it comes, completely or not at all.

A data set's folder is complete from the moment it exists: files are drawn or extracted beside it
and renamed in one step, with their origin in a hidden file (:data:`STAMP`). The marker
``<folder>.json``, written last, says the same to the workflow. A folder without a stamp is the
user's own; it is never changed. A link in its place is ours to replace: what it leads to stays.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from aexad.config.catalogue import Dataset, expanded
from aexad.data.index import marker_path
from aexad.data.layouts.class_folders import (
    FORMS,
    as_class_folders,
    digest_of,
    download_by_torchvision,
    form_files,
)
from aexad.data.layouts.registry import adaptor_of
from aexad.data.sources.archive import extract
from aexad.data.sources.http import download
from aexad.data.sources.textures import PIXELS_SHA256, draw_textures
from aexad.runtime.errors import ConfigError, DataError, DownloadError
from aexad.runtime.files import sha256_of, write_json

STAMP = ".origin.json"
"""Where a folder that was made here came from; lies inside it."""

Origin = dict[str, Any]


def fetch(
    name: str,
    dataset: Dataset,
    folder: str | os.PathLike[str],
    source: str | os.PathLike[str] | None = None,
) -> Path:
    """Make ``folder`` hold a data set, and write its marker.

    ``textures`` are drawn. A local folder is linked, never copied and never written into. A local
    archive is extracted. Otherwise the catalogue's archive is downloaded to ``downloads`` beside
    the folder (resumed where it was cut), verified by its sha256, extracted, and removed; or
    torchvision downloads it. Classes that come in another form than folders are converted
    (``aexad.data.layouts.class_folders``). What is already there, complete and the same, is
     left as it is; ``textures`` without their marker are drawn anew. Licence and citation
    of data that are new here are printed to standard error.

    Parameters
    ----------
    name
        Of the data set in the catalogue.
    dataset
        Its entry.
    folder
        Where the data set is wanted.
    source
        A local folder or archive (``~`` is the home folder); without it, that of the
        entry, and without that its download.

    Returns
    -------
    pathlib.Path
        The marker, ``<folder>.json``: name, source (textures, folder, converted, archive, download,
        torchvision), address (path, URL or torchvision's name), sha256 (of the archive, of the
        textures' pixels, of the names and contents of converted files; null for a folder that is
        linked and for torchvision), licence.

    Raises
    ------
    aexad.runtime.errors.ConfigError
        There is neither a source nor a download; the source does not exist; or ``folder`` holds
        something that was not made here.
    aexad.runtime.errors.DownloadError
        The download or the archive fails, has another digest, is not safe to extract, or holds no
        data set of a known form.
    aexad.runtime.errors.DataError
        A file that is to be converted is missing or damaged.
    """
    folder = Path(folder)
    source = source if source is not None else dataset.source
    origin = _origin(name, dataset, None if source is None else expanded(source))
    marker = marker_path(folder)
    if not _present(folder, origin):
        _check_replaceable(name, folder)
        _tell(name, dataset)
        marker.unlink(missing_ok=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        origin = _made(name, dataset, folder, origin)
    if _read(marker) != origin:
        write_json(marker, origin)
    return marker


def _origin(name: str, dataset: Dataset, source: Path | None) -> Origin:
    """Where the data set is to come from: the content of its marker."""
    kind, address, sha256 = "download", "", None
    if dataset.adaptor == "textures":
        if source is not None:
            raise ConfigError(f"sources: data set '{name}' is drawn here; remove it from there")
        kind, address, sha256 = "textures", "scikit-image", PIXELS_SHA256
    elif source is not None:
        address = str(source.resolve())
        if source.is_dir():
            kind, sha256 = _folder_origin(name, dataset, source)
        elif source.is_file():
            kind, sha256 = "archive", sha256_of(source)
        else:
            raise ConfigError(
                f"source of data set '{name}': {source}: no such folder or archive; correct "
                "'sources' in config/config.yaml"
            )
    elif dataset.download is not None:
        address, sha256 = dataset.download.url, dataset.download.sha256
    elif dataset.torchvision is not None:
        kind, address = "torchvision", dataset.torchvision
    else:
        before = f"{dataset.instructions}, then " if dataset.instructions else ""
        raise ConfigError(
            f"data set '{name}' has no download; {before}name its folder or archive: "
            f"--config 'sources={{{name}: PATH}}', or 'sources' in config/config.yaml"
        )
    return {
        "name": name,
        "source": kind,
        "address": address,
        "sha256": sha256,
        "licence": dataset.licence,
    }


def _folder_origin(name: str, dataset: Dataset, source: Path) -> tuple[str, str | None]:
    """Whether a local folder is linked or converted, and the digest of what is converted."""
    if dataset.adaptor != "class_folders":
        return "folder", None
    files = form_files(source)
    if files is None:
        raise ConfigError(f"source of data set '{name}': {source}: no classes in it: no {FORMS}")
    return ("converted", digest_of(files)) if files else ("folder", None)


def _present(folder: Path, origin: Origin) -> bool:
    """Whether the folder holds that data set already, completely."""
    if not folder.is_dir():
        return False
    if origin["source"] == "folder":
        return str(folder.resolve()) == origin["address"]
    if origin["source"] == "torchvision":
        stamp = _read(folder / STAMP)
        same = [stamp.get(key) == origin[key] for key in ("source", "address")]
        return not folder.is_symlink() and all(same)
    digests = {_read(folder / STAMP).get("sha256")}
    if origin["source"] == "textures":
        # The workflow removes the marker when the code that draws has changed, which no digest of
        # ours knows before it is drawn; that takes seconds.
        digests.add(_read(marker_path(folder)).get("sha256"))
    return not folder.is_symlink() and digests == {origin["sha256"]}


def _check_replaceable(name: str, folder: Path) -> None:
    """Refuse to replace anything that was not made here; a link can go without a loss."""
    ours = (
        folder.is_symlink()
        or not folder.exists()
        or (folder.is_dir() and ((folder / STAMP).exists() or not any(folder.iterdir())))
    )
    if not ours:
        raise ConfigError(
            f"{folder} is there, but was not made by fetch; to use it, name it: "
            f"--config 'sources={{{name}: {folder}}}'; otherwise move it away"
        )


def _made(name: str, dataset: Dataset, folder: Path, origin: Origin) -> Origin:
    """Make the folder; the origin comes back with the digest of what was really drawn."""
    with _workplace(folder) as workplace:
        content = workplace / "content"
        if origin["source"] == "folder":
            content.symlink_to(origin["address"], target_is_directory=True)
            _put(content, folder, workplace)
            return origin
        content.mkdir()
        archive = None
        if origin["source"] == "textures":
            origin = origin | {"sha256": _drawn(name, content)}
        elif origin["source"] == "archive":
            extract(origin["address"], content)
        elif origin["source"] == "converted":
            content = Path(origin["address"])
        elif origin["source"] == "torchvision":
            download_by_torchvision(name, origin["address"], content)
        elif dataset.download is not None:
            archive = download(name, dataset.download, folder.parent / "downloads")
            extract(archive, content)
        root = _root(content, dataset, origin["address"])
        if dataset.adaptor == "class_folders":
            root = as_class_folders(root, workplace / "classes")
        write_json(root / STAMP, origin)
        _put(root, folder, workplace)
    if archive is not None:
        archive.unlink()
    return origin


@contextmanager
def _workplace(folder: Path) -> Iterator[Path]:
    """A hidden folder beside ``folder`` (so that a rename is one step), gone in the end."""
    workplace = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield workplace
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _put(content: Path, folder: Path, workplace: Path) -> None:
    """Rename ``content`` to ``folder``; what was there goes away with the workplace."""
    if folder.is_symlink() or folder.exists():
        folder.rename(workplace / "former")
    content.rename(folder)


def _root(content: Path, dataset: Dataset, address: str) -> Path:
    """The folder of the categories: ``content``, or a single folder in it that wraps them."""
    level = content
    while not _holds_data(level, dataset):
        # A readme may lie beside it; archives made on a Mac carry a second, invisible tree.
        names = [path for path in level.iterdir() if not path.name.startswith((".", "__MACOSX"))]
        inside = [path for path in names if path.is_dir()]
        if len(inside) != 1:
            raise DownloadError(
                f"{address}: no folder in this archive has one of the forms {FORMS}"
                if dataset.adaptor == "class_folders"
                else f"{address}: no folder in this archive has the form "
                f"{adaptor_of(dataset.adaptor).form}; pack it in that layout"
            )
        level = inside[0]
    return level


def _holds_data(folder: Path, dataset: Dataset) -> bool:
    if dataset.adaptor == "class_folders":
        return form_files(folder) is not None
    with suppress(DataError):
        return bool(adaptor_of(dataset.adaptor).categories(folder))
    return False


def _drawn(name: str, content: Path) -> str:
    digest = draw_textures(content)
    if digest != PIXELS_SHA256:
        print(
            f"{name}: the pixels differ from the reference ({digest}); results are comparable "
            "among themselves only. Install the versions of requirements.lock",
            file=sys.stderr,
        )
    return digest


def _tell(name: str, dataset: Dataset) -> None:
    """Print under which terms the data may be used."""
    cite = f" Please cite: {dataset.citation}" if dataset.citation else ""
    print(f"{name}: {dataset.title}. Licence: {dataset.licence}.{cite}", file=sys.stderr)


def _read(path: Path) -> Origin:
    """A marker or stamp; empty if there is none, or it is damaged."""
    with suppress(OSError, ValueError):
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict):
            return content
    return {}
