"""List the images and folders in a folder, sorted and without hidden names."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection
from pathlib import Path

from aexad.data.image_files import ENDINGS, is_image
from aexad.runtime.errors import DataError

EXPLAINED = "explanations.csv"
RESULTS = ("overlays", "heat_maps", "masks")
"""The table that ``explain`` writes, and the folders beside it, which are no photographs."""

NO_PICTURES = (
    *(".txt", ".json", ".xml", ".csv", ".tsv", ".yaml", ".yml", ".md", ".html", ".pdf", ".log"),
    *(".ini", ".db", ".py", ".ipynb", ".npy", ".npz", ".zip", ".safetensors", ".onnx", ".sha256"),
)
"""Endings of files that may lie among images, and are ignored without a warning."""


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder; an empty list if the folder does not exist."""
    return [path for path in _visible(folder) if path.is_dir()]


def images_in(folder: Path) -> list[Path]:
    """The images in a folder; an empty list if the folder does not exist."""
    return [path for path in _visible(folder) if is_image(path) and not path.is_dir()]


def images_below(folder: Path, *skipped: Path) -> list[Path]:
    """The images in a folder and its sub-folders, which may stand for dates or cameras.

    Folders ``skipped`` below it, which may hold results or defects, are not looked at.
    """
    found = images_in(folder)
    for sub_folder in _sub_folders(folder, skipped):
        found += images_below(sub_folder, *skipped)
    return found


def left_out(folder: Path, *skipped: Path) -> list[Path]:
    """Files below a folder that may be pictures, and have no ending that is read.

    Folders ``skipped`` below it are not looked at.
    """
    files = [path for path in _visible(folder) if not path.is_dir()]
    found = [
        path for path in files if not is_image(path) and path.suffix.lower() not in NO_PICTURES
    ]
    for sub_folder in _sub_folders(folder, skipped):
        found += left_out(sub_folder, *skipped)
    return found


def _sub_folders(folder: Path, skipped: Collection[Path]) -> list[Path]:
    """The folders in a folder, without results of ``explain``.

    Links to folders above, which would be followed for ever, are left out too.
    """
    results = RESULTS if (folder / EXPLAINED).is_file() else ()
    above = {path.resolve() for path in (folder, *folder.parents)}
    left = {path.resolve() for path in skipped}
    return [
        path
        for path in folders_in(folder)
        if path.name not in results
        if path.resolve() not in left and not (path.is_symlink() and path.resolve() in above)
    ]


def no_images(folder: Path) -> str:
    """The message about a folder that should hold images and holds none."""
    if not folder.is_dir():
        return f"{folder}: no such folder; add it, with images"
    return f"{folder}: no images in it (known endings: {' '.join(ENDINGS)}); add some, or remove it"


def _visible(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    found = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    for path in found:
        try:
            path.name.encode()
        except UnicodeEncodeError:  # tables, logs and archives hold the names as UTF-8
            shown = os.fsencode(path).decode(errors="backslashreplace")
            raise DataError(f"{shown}: its name is not UTF-8; rename it") from None
        control = any(unicodedata.category(each) == "Cc" for each in path.name)
        if control and (is_image(path) or path.is_dir()):  # such a name breaks a row of a table
            shown = repr(str(path))[1:-1]
            raise DataError(f"{shown}: its name has a control character; rename it")
    return found
