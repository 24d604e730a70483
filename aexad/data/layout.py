"""The layout of MVTec AD on disk: which files are images, and which mask belongs to which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from aexad.data.images import ENDINGS, is_image

GOOD = "good"


class Entry(NamedTuple):
    """One row of the index; paths are POSIX and relative to the data set's root."""

    category: str
    split: str
    defect: str
    image: str
    mask: str


def category_entries(root: Path, category: str, problems: list[str]) -> list[Entry]:
    """All images of a category; whatever departs from the layout is added to ``problems``."""
    train, test = root / category / "train", root / category / "test"
    normals = images_in(train / GOOD)
    entries = [Entry(category, "train", GOOD, relative(image, root), "") for image in normals]
    if not normals:
        problems.append(empty_folder(train / GOOD))
    problems += [
        f"{path}: only train/good is used for training; move it there, to test, or away"
        for path in (*folders_in(train), *images_in(train))
        if path.name != GOOD
    ]
    problems += [
        f"{path}: not in a folder of its type; move it to test/<defect type>"
        for path in images_in(test)
    ]
    if all(path.name == GOOD for path in folders_in(test)):
        problems.append(f"{test}: no folder of a defect type; there is nothing to test")
    for folder in folders_in(test):
        entries += _test_entries(root, category, folder, problems)
    return entries


def _test_entries(root: Path, category: str, folder: Path, problems: list[str]) -> Iterator[Entry]:
    images = images_in(folder)
    if not images:
        problems.append(empty_folder(folder))
    masks = {} if folder.name == GOOD else _masks(root / category / "ground_truth" / folder.name)
    stems: dict[str, Path] = {}
    for image in images:
        mask = ""
        if folder.name != GOOD:
            if image.stem in stems:
                problems.append(
                    f"{image}: has the same mask as {stems[image.stem].name}; rename or remove one"
                )
            stems[image.stem] = image
            mask = _mask_of(image, masks.get(image.stem, []), root, category, problems)
        yield Entry(category, "test", folder.name, relative(image, root), mask)


def _masks(folder: Path) -> dict[str, list[Path]]:
    """The masks of a folder by the stem of the image that each may belong to."""
    masks = defaultdict(list)
    for mask in images_in(folder):
        masks[mask.stem].append(mask)
        if mask.stem.endswith("_mask"):
            masks[mask.stem.removesuffix("_mask")].append(mask)
    return masks


def _mask_of(image: Path, masks: list[Path], root: Path, category: str, problems: list[str]) -> str:
    if len(masks) == 1:
        return relative(masks[0], root)
    if masks:
        names = ", ".join(mask.name for mask in masks)
        problems.append(f"{image}: has {len(masks)} masks ({names}); keep one")
    else:
        wanted = root / category / "ground_truth" / image.parent.name / f"{image.stem}_mask.png"
        problems.append(f"{image}: has no mask; add {wanted}, or remove the image")
    return ""


def empty_folder(folder: Path) -> str:
    """What to tell of a folder without images, which should have some."""
    if not folder.is_dir():
        return f"{folder}: no such folder; add it, with images"
    return f"{folder}: no images in it (known endings: {' '.join(ENDINGS)}); add some, or remove it"


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, hidden ones apart, sorted; none if there is no such folder."""
    return [path for path in _listed(folder) if path.is_dir()]


def images_in(folder: Path) -> list[Path]:
    """The images in a folder, hidden ones apart, sorted; none if there is no such folder."""
    return [path for path in _listed(folder) if is_image(path) and not path.is_dir()]


def _listed(folder: Path) -> list[Path]:
    """What is in a folder, hidden names apart, sorted; nothing if there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def relative(path: Path, root: Path) -> str:
    """The path of a file as the index has it."""
    return path.relative_to(root).as_posix()
