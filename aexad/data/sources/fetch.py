"""Bring a data set to its folder from any source, completely or not at all.

A data set's folder is complete from the moment it exists: files are drawn or extracted in a
temporary folder beside it and renamed in one step, with their origin in a hidden file
(:data:`STAMP`). The marker ``<folder>.json``, written last, says the same to the workflow. A folder
without a stamp belongs to the user and is never changed. A link in its place is replaced; the
folder that it leads to stays.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from aexad.config.catalogue import Dataset
from aexad.data.index import marker_path
from aexad.data.layouts.class_folders import CLASS_FOLDERS
from aexad.data.layouts.registry import layout_of
from aexad.data.sources.archive import extract
from aexad.data.sources.classes import (
    as_class_folders,
    digest_of,
    download_by_torchvision,
    files_to_convert,
)
from aexad.data.sources.http import download
from aexad.data.sources.textures import PIXELS_SHA256, draw_textures
from aexad.runtime.errors import ConfigError, DataError, DownloadError
from aexad.runtime.files import (
    expanded,
    one_after_the_other,
    sha256_of,
    temporary_folder,
    write_json,
)

STAMP = ".origin.json"
"""The file in a folder made by :func:`fetch` that says where its content comes from."""

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
    the folder (an interrupted download is resumed), verified by its sha256, extracted, and removed;
    or torchvision downloads it. Classes in another form than folders are converted
    (:func:`aexad.data.sources.classes.as_class_folders`). A complete folder with the same
    content is left as it is; ``textures`` without their marker are drawn again. Licence and
    citation of new data are printed to standard error.

    Parameters
    ----------
    name
        Name of the data set in the catalogue.
    dataset
        Its entry.
    folder
        The folder to make.
    source
        A local folder or archive, where ``~`` is the home folder (default: the source of the entry,
        or else its download).

    Returns
    -------
    pathlib.Path
        The marker, ``<folder>.json``: name, source (textures, folder, converted, archive, download,
        torchvision), address (path, URL or torchvision's name), sha256 (of the archive, of the
        textures' pixels, of the names and contents of converted files; null for a linked folder and
        for torchvision), licence.

    Raises
    ------
    aexad.runtime.errors.ConfigError
        There is neither a source nor a download; the source does not exist; or ``folder`` holds
        files that :func:`fetch` did not make.
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
    if not _is_complete(folder, origin):
        # Projects that share a folder of data would write into the same part of a download.
        with one_after_the_other(folder):
            if not _is_complete(folder, origin):
                _check_replaceable(name, folder)
                cite = f" Please cite: {dataset.citation}" if dataset.citation else ""
                print(
                    f"{name}: {dataset.title}. Licence: {dataset.licence}.{cite}", file=sys.stderr
                )
                marker.unlink(missing_ok=True)
                origin = _make(name, dataset, folder, origin)
    if _read(marker) != origin:
        write_json(marker, origin)
    return marker


def _origin(name: str, dataset: Dataset, source: Path | None) -> Origin:
    """Where the data set is to come from: the content of its marker."""
    sha256 = None
    if dataset.adaptor == "textures":
        if source is not None:
            raise ConfigError(f"sources: data set '{name}' is drawn; remove it from 'sources'")
        kind, address, sha256 = "textures", "scikit-image", PIXELS_SHA256
    elif source is not None:
        kind, address = "folder", str(source.resolve())
        if source.is_file():
            kind, sha256 = "archive", sha256_of(source)
        elif not source.is_dir():
            raise ConfigError(
                f"source of data set '{name}': {source}: no such folder or archive; correct "
                "'sources' in config/config.yaml"
            )
        elif dataset.adaptor == "class_folders":
            files = files_to_convert(source)
            if files is None:
                raise ConfigError(
                    f"source of data set '{name}': {source}: no classes in it: no "
                    f"{CLASS_FOLDERS.form}"
                )
            if files:
                kind, sha256 = "converted", digest_of(files)
    elif dataset.download is not None:
        kind, address, sha256 = "download", dataset.download.url, dataset.download.sha256
    elif dataset.torchvision is not None:
        kind, address = "torchvision", dataset.torchvision
    else:
        instructions = f"{dataset.instructions}, then " if dataset.instructions else ""
        raise ConfigError(
            f"data set '{name}' has no download; {instructions}name its folder or archive: "
            f"--config 'sources={{{name}: PATH}}', or 'sources' in config/config.yaml"
        )
    origin = {"name": name, "source": kind, "address": address, "sha256": sha256}
    return origin | {"licence": dataset.licence}


def _is_complete(folder: Path, origin: Origin) -> bool:
    """Whether the folder already holds the whole data set from that origin."""
    if origin["source"] == "folder":
        return folder.is_dir() and str(folder.resolve()) == origin["address"]
    if folder.is_symlink() or not folder.is_dir():
        return False
    stamp = _read(folder / STAMP)
    if origin["source"] == "torchvision":
        return all(stamp.get(key) == origin[key] for key in ("source", "address"))
    digests = {stamp.get("sha256")}
    if origin["source"] == "textures":
        # The workflow removes the marker when the code that draws has changed, and only new pixels
        # show whether that changed the digest; drawing takes seconds.
        digests.add(_read(marker_path(folder)).get("sha256"))
    return digests == {origin["sha256"]}


def _check_replaceable(name: str, folder: Path) -> None:
    """Refuse to replace files that :func:`fetch` did not make; a link can be replaced."""
    if folder.is_symlink() or not folder.exists():
        return
    if not folder.is_dir() or (any(folder.iterdir()) and not (folder / STAMP).exists()):
        raise ConfigError(
            f"{folder} exists, but was not made by fetch; to use it, name it: "
            f"--config 'sources={{{name}: {folder}}}'; otherwise move it away"
        )


def _make(name: str, dataset: Dataset, folder: Path, origin: Origin) -> Origin:
    """Make the folder; return the origin, with the digest of the textures as they were drawn."""
    kind, address = origin["source"], origin["address"]
    archive = None
    with temporary_folder(folder) as temporary:
        root = temporary / "content"
        if kind == "folder":
            root.symlink_to(address, target_is_directory=True)
        else:
            root.mkdir()
            if kind == "textures":
                digest = draw_textures(root)
                origin = origin | {"sha256": digest}
                if digest != PIXELS_SHA256:
                    print(
                        f"{name}: the pixels differ from the reference ({digest}); results can "
                        "only be compared with each other. Install the versions of "
                        "requirements.lock",
                        file=sys.stderr,
                    )
            elif kind == "archive":
                extract(address, root)
            elif kind == "converted":
                root = Path(address)
            elif kind == "torchvision":
                download_by_torchvision(name, address, root)
            elif dataset.download is not None:
                archive = download(name, dataset.download, folder.parent / "downloads")
                extract(archive, root)
            root = _root(root, dataset, address)
            if dataset.adaptor == "class_folders":
                root = as_class_folders(root, temporary / "classes")
            write_json(root / STAMP, origin)
        if folder.is_symlink() or folder.exists():
            folder.rename(temporary / "former")  # removed with the temporary folder
        root.rename(folder)
    if archive is not None:
        archive.unlink()
    return origin


def _root(content: Path, dataset: Dataset, address: str) -> Path:
    """The folder of the categories: ``content``, or a single folder in it that wraps them."""
    root = content
    while not _holds_data(root, dataset):
        # A readme may lie beside the folder; archives made on a Mac have a second, hidden tree.
        names = [path for path in root.iterdir() if not path.name.startswith((".", "__MACOSX"))]
        folders = [path for path in names if path.is_dir()]
        if len(folders) != 1:
            raise DownloadError(
                f"{address}: no folder in this archive has the form "
                f"{layout_of(dataset.adaptor).form}; pack it in that layout"
            )
        root = folders[0]
    return root


def _holds_data(folder: Path, dataset: Dataset) -> bool:
    if dataset.adaptor == "class_folders":
        return files_to_convert(folder) is not None
    with suppress(DataError):
        return bool(layout_of(dataset.adaptor).categories(folder))
    return False


def _read(path: Path) -> Origin:
    """A marker or stamp; empty if it does not exist or is damaged."""
    with suppress(OSError, ValueError):
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict):
            return content
    return {}
