"""List the images and folders in a folder, sorted and without hidden names."""

from __future__ import annotations

import os
from pathlib import Path

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
"""The endings of image files, in lower case; upper case is accepted too."""


def is_image(path: str | os.PathLike[str]) -> bool:
    """Whether a name is the name of an image: a known ending, and not hidden."""
    path = Path(path)
    return path.suffix.lower() in ENDINGS and not path.name.startswith(".")


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder; an empty list if the folder does not exist."""
    return [path for path in _visible(folder) if path.is_dir()]


def images_in(folder: Path) -> list[Path]:
    """The images in a folder; an empty list if the folder does not exist."""
    return [path for path in _visible(folder) if is_image(path) and not path.is_dir()]


def no_images(folder: Path) -> str:
    """The message about a folder that should hold images and holds none."""
    if not folder.is_dir():
        return f"{folder}: no such folder; add it, with images"
    return f"{folder}: no images in it (known endings: {' '.join(ENDINGS)}); add some, or remove it"


def _visible(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
