"""Classes of images, each a folder: ``train|test/<class>/<image>``, without masks.

Each class in turn is the normal one, and the images of all others are anomalous. The layout is also
what other forms of such data (IDX files, CIFAR-10's batches) are brought to.
"""

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

from aexad.data.layouts.idx import idx_files, read_idx
from aexad.data.layouts.mvtec import GOOD, Entry, empty_folder, folders_in, images_in, relative
from aexad.runtime.errors import DataError, DownloadError
from aexad.runtime.files import sha256_of

SPLITS = ("train", "test")
BATCHES = "cifar-10-batches-py"  # torchvision's folder
FORMS = (
    "train/<class> and test/<class> with images, the four IDX files of MNIST (.gz too; also in "
    f"MNIST/raw), or {BATCHES}"
)


def classes_in(folder: Path) -> list[str]:
    """The classes of a folder, sorted; none unless it has folders in ``train`` and in ``test``."""
    names = [{path.name for path in folders_in(folder / split)} for split in SPLITS]
    return sorted(set().union(*names)) if all(names) else []


def class_problems(root: Path, classes: list[str]) -> list[str]:
    """What is wrong with the classes of a data set as a whole."""
    problems = []
    if len(classes) < len(SPLITS):
        problems.append(
            f"{root}: fewer than two classes in train and test; one is the normal one, the others "
            "are anomalous: add images of another class"
        )
    if GOOD in classes:
        problems.append(f"{root}: '{GOOD}' is what normal images are called; rename that class")
    return problems


def class_entries(root: Path, name: str, problems: list[str]) -> list[Entry]:
    """All images of a class; whatever departs from the layout is added to ``problems``."""
    entries = []
    for split in SPLITS:
        folder = root / split / name
        images = images_in(folder)
        if not images:
            problems.append(empty_folder(folder))
        entries += [Entry(name, split, GOOD, relative(image, root), "") for image in images]
    return entries


def form_files(folder: Path) -> list[Path] | None:
    """The files that are to be converted; none of class folders; None if it has no known form."""
    if classes_in(folder):
        return []
    files = [*idx_files(folder).values()] or sorted(_batches(folder).glob("*batch*"))
    return files or None


def digest_of(files: Sequence[Path]) -> str:
    """Digest of the names and contents of some files."""
    lines = [f"{sha256_of(path)} {path.name}\n" for path in sorted(files)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def as_class_folders(source: Path, folder: Path) -> Path:
    """Bring a folder of any known form to class folders.

    Images of IDX files and of CIFAR-10's batches become PNG files of their own size, each named by
    its number in them. The classes of IDX files are their labels, ``0`` and so on. CIFAR-10's
    batches are pickles: they are read by torchvision, after it has checked their md5.

    Parameters
    ----------
    source
        A folder of one of :data:`FORMS`.
    folder
        Where the class folders are written, if they are not there already.

    Returns
    -------
    pathlib.Path
        ``source`` if it holds class folders, else ``folder``.

    Raises
    ------
    aexad.runtime.errors.DataError
        A file is missing, damaged, or not the one that torchvision knows.
    """
    if classes_in(source):
        return source
    files = idx_files(source)
    for split in SPLITS:
        if files:
            images, labels = read_idx(files[split, "images"], files[split, "labels"])
            names = [str(label) for label in labels]
        else:
            images, names = _read_batches(_batches(source), split)
        _write(images, names, folder / split)
    return folder


def download_by_torchvision(name: str, kind: str, folder: Path) -> None:
    """Let torchvision download its data set ``kind`` into ``folder`` and check the md5 of it.

    Raises
    ------
    aexad.runtime.errors.DownloadError
        That failed; the message tells how to go on with files that came another way.
    """
    import torchvision.datasets  # and with it torch, which nothing else here needs

    try:
        getattr(torchvision.datasets, kind)(folder, download=True)
    except (RuntimeError, OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise DownloadError(
            f"data set '{name}': torchvision could not download {kind} "
            f"({' '.join(str(error).split())}); try again later, or get its files by other means "
            f"and name their folder: --config 'sources={{{name}: FOLDER}}'"
        ) from None


def _batches(folder: Path) -> Path:
    return folder if folder.name == BATCHES else folder / BATCHES


def _read_batches(folder: Path, split: str) -> tuple[np.ndarray, list[str]]:
    """Images uint8 [n, 32, 32, 3] of CIFAR-10, and the name of the class of each."""
    from torchvision.datasets import CIFAR10

    try:
        loaded: Any = CIFAR10(folder.parent, train=split == "train")
    except RuntimeError:
        raise DataError(
            f"{folder}: a file of CIFAR-10 is missing, or has another md5 than torchvision knows, "
            "and pickles are opened for no other; get it again"
        ) from None
    return loaded.data, [loaded.classes[label] for label in loaded.targets]


def _write(images: np.ndarray, names: Sequence[str], folder: Path) -> None:
    for name in sorted(set(names)):
        (folder / name).mkdir(parents=True)
    pairs = tqdm(
        zip(images, names, strict=True),
        f"writing {folder.name}",
        len(images),
        unit="image",
        disable=None,
    )
    for number, (image, name) in enumerate(pairs):
        Image.fromarray(image).save(folder / name / f"{number:05}.png")
