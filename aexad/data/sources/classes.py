"""Classes of images in another form, converted to class folders: IDX files, CIFAR-10's batches."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from aexad.data.layouts.class_folders import BATCHES, CLASS_FOLDERS, SPLITS
from aexad.data.sources.idx import idx_files, read_idx
from aexad.runtime.errors import DataError, DownloadError, one_line
from aexad.runtime.files import sha256_of


def files_to_convert(folder: Path) -> list[Path] | None:
    """The IDX files or batches in a folder; empty for class folders; None for any other folder."""
    if CLASS_FOLDERS.categories(folder):
        return []
    return [*idx_files(folder).values()] or sorted(_batches(folder).glob("*batch*")) or None


def digest_of(files: Sequence[Path]) -> str:
    """Digest of the names and contents of some files."""
    lines = [f"{sha256_of(path)} {path.name}\n" for path in sorted(files)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def as_class_folders(source: Path, folder: Path) -> Path:
    """Convert a folder of any known form to class folders.

    Images of IDX files and of CIFAR-10's batches become PNG files of their own size, each named by
    its number in its file. The classes of IDX files are their labels, ``0`` and so on. CIFAR-10's
    batches are pickles: torchvision reads them, after it has checked their md5.

    Parameters
    ----------
    source
        A folder of one of the forms that
        :data:`aexad.data.layouts.class_folders.CLASS_FOLDERS` names.
    folder
        Where the class folders are written, unless ``source`` already holds class folders.

    Returns
    -------
    pathlib.Path
        ``source`` if it holds class folders, else ``folder``.

    Raises
    ------
    aexad.runtime.errors.DataError
        A file is missing, damaged, or another one than torchvision expects.
    """
    if CLASS_FOLDERS.categories(source):
        return source
    files = idx_files(source)
    for split in SPLITS:
        if files:
            images, labels = read_idx(files[split, "images"], files[split, "labels"])
            names = [str(label) for label in labels]
        else:
            images, names = _read_batches(_batches(source), split)
        for name in set(names):
            (folder / split / name).mkdir(parents=True)
        progress = tqdm(names, f"writing {split}", unit="image", disable=None)
        for number, (image, name) in enumerate(zip(images, progress, strict=True)):
            Image.fromarray(image).save(folder / split / name / f"{number:05}.png")
    return folder


def download_by_torchvision(name: str, kind: str, folder: Path) -> None:
    """Let torchvision download its data set ``kind`` into ``folder`` and check its md5.

    Raises
    ------
    aexad.runtime.errors.DownloadError
        The download failed; the message says how to use files from elsewhere.
    """
    import torchvision.datasets  # imports torch, which the rest of aexad.data does not need

    try:
        getattr(torchvision.datasets, kind)(folder, download=True)
    except (RuntimeError, OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise DownloadError(
            f"data set '{name}': torchvision could not download {kind} "
            f"({one_line(error)}); try again later, or get its files by other means "
            f"and name their folder: --config 'sources={{{name}: FOLDER}}'"
        ) from None


def _batches(folder: Path) -> Path:
    return folder if folder.name == BATCHES else folder / BATCHES


def _read_batches(folder: Path, split: str) -> tuple[np.ndarray, list[str]]:
    """Images of CIFAR-10, uint8 [n, 32, 32, 3], and the name of the class of each."""
    from torchvision.datasets import CIFAR10

    try:
        loaded: Any = CIFAR10(folder.parent, train=split == "train")
    except RuntimeError:
        raise DataError(
            f"{folder}: a file of CIFAR-10 is missing, or has another md5 than torchvision knows, "
            "and pickles are opened for no other; get it again"
        ) from None
    return loaded.data, [loaded.classes[label] for label in loaded.targets]
