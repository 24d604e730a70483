"""The layout of MVTec AD on disk: which files are images, and which mask belongs to which.

Data sets that differ from it in the names of their folders alone say so with a :class:`Places`.
"""

from __future__ import annotations

import unicodedata
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


class Places(NamedTuple):
    """Where a category has its images: folders, relative to its own."""

    train: str = "train"
    test: str = "test"
    truth: tuple[str, ...] = ("ground_truth",)
    """Where its masks are; of several the first that is there."""
    normal: str = GOOD
    """What the folder of normal images is called, in ``train`` and in ``test``."""
    validation: str | None = None
    """Where normal images for validation are, if the data set sets some apart."""


MVTEC_AD = Places()


def categories_of(root: Path, places: Places) -> list[str]:
    """The folders of ``root`` that have normal training images in their place, sorted."""
    normal = f"{places.train}/{places.normal}"
    return sorted(path.name for path in folders_in(root) if (path / normal).is_dir())


def category_entries(
    root: Path, category: str, problems: list[str], places: Places = MVTEC_AD
) -> list[Entry]:
    """All images of a category; whatever departs from the layout is added to ``problems``."""
    folder, normal = root / category, places.normal
    train, test = folder / places.train, folder / places.test
    entries = _normal_entries(root, category, "train", train / normal, problems)
    if places.validation is not None:
        held = folder / places.validation / normal
        entries += _normal_entries(root, category, "validation", held, problems)
    problems += [
        f"{path}: only {places.train}/{normal} is used for training; move it there, to "
        f"{places.test}, or away"
        for path in (*folders_in(train), *images_in(train))
        if path.name != normal
    ]
    problems += [
        f"{path}: not in a folder of its type; move it to {places.test}/<defect type>"
        for path in images_in(test)
    ]
    truths = [folder / name for name in places.truth]
    truth = next((path for path in truths if path.is_dir()), truths[0])
    types = [path for path in folders_in(test) if path != truth]
    if all(path.name == normal for path in types):
        problems.append(f"{test}: no folder of a defect type; there is nothing to test")
    for path in types:
        if path.name == normal:
            entries += _normal_entries(root, category, "test", path, problems)
        else:
            entries += _defect_entries(root, category, path, truth / path.name, problems)
    return entries


def _normal_entries(
    root: Path, category: str, split: str, folder: Path, problems: list[str]
) -> list[Entry]:
    images = images_in(folder)
    if not images:
        problems.append(empty_folder(folder))
    return [Entry(category, split, GOOD, relative(image, root), "") for image in images]


def _defect_entries(
    root: Path, category: str, folder: Path, truth: Path, problems: list[str]
) -> Iterator[Entry]:
    images = images_in(folder)
    if not images:
        problems.append(empty_folder(folder))
    masks, same = masks_by_stem(truth), dict[str, Path]()
    for image in images:
        stem = stem_of(image)
        if stem in same:
            problems.append(
                f"{image}: has the same mask as {same[stem].name}; rename or remove one"
            )
        same[stem] = image
        mask = mask_of(image, masks.get(stem, []), truth, problems)
        yield Entry(
            category,
            "test",
            folder.name,
            relative(image, root),
            "" if mask is None else relative(mask, root),
        )


def masks_by_stem(folder: Path) -> dict[str, list[Path]]:
    """The masks of a folder by the stem of the image that each may belong to."""
    masks = defaultdict(list)
    for mask in images_in(folder):
        stem = stem_of(mask)
        masks[stem].append(mask)
        if stem.endswith("_mask"):
            masks[stem.removesuffix("_mask")].append(mask)
    return masks


def stem_of(path: Path) -> str:
    """The name without its ending; an accent that a Mac wrote apart is the same letter."""
    return unicodedata.normalize("NFC", path.stem)


def mask_of(image: Path, masks: list[Path], truth: Path, problems: list[str]) -> Path | None:
    """The only one of its masks; if there are none or several, that is added to ``problems``."""
    if len(masks) == 1:
        return masks[0]
    if masks:
        names = ", ".join(mask.name for mask in masks)
        problems.append(f"{image}: has {len(masks)} masks ({names}); keep one")
    else:
        wanted = truth / f"{image.stem}_mask.png"
        problems.append(f"{image}: has no mask; add {wanted}, or remove the image")
    return None


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
