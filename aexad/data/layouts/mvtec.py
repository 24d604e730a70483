"""The layout of MVTec AD: where images lie, and which mask belongs to which image.

``<category>/train/good``, ``<category>/test/<good or defect type>`` and
``<category>/ground_truth/<defect type>``, where the mask of ``STEM.EXT`` is ``STEM_mask.EXT`` or
``STEM.EXT`` with any known ending. Several masks of one image, which are joined, are
``STEM_mask1.EXT``, ``STEM_mask2.EXT`` and so on, or all files in a folder ``STEM``. A data set may
also hold anomalies to be trained on, in ``<category>/train/<defect type>`` with masks in the same
``ground_truth``: then the labelled anomalies are drawn from these, and the test set stays whole.
Layouts that differ only in the names of folders are a :class:`FolderLayout` too.
"""

from __future__ import annotations

import glob
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from aexad.data.layouts.folders import folders_in, images_below, images_in, no_images
from aexad.data.masks import is_binary
from aexad.data.tables import GOOD, Entry
from aexad.runtime.errors import DataError

MASK_SUFFIXES = ("_mask", "_label", "_gt")
SUFFIX = re.compile(rf"({'|'.join(MASK_SUFFIXES)})\Z", re.IGNORECASE)
PART = re.compile(rf"(.+)({'|'.join(MASK_SUFFIXES)})[-_]?\d+", re.IGNORECASE)
"""The name of one of several masks of an image: ``x_mask1``, ``x_mask2``."""


class Layout(NamedTuple):
    """A layout of any kind, as :mod:`aexad.data.layouts.registry` needs it."""

    form: str
    """How the layout is recognised, for messages."""
    categories: Callable[[Path], list[str]]
    """List the categories in a folder, sorted; empty if the folder has another layout."""
    entries: Callable[[Path, str, list[str]], list[Entry]]
    """List all images of a category; deviations from the layout are added to the list."""


@dataclass(frozen=True)
class FolderLayout:
    """A layout by names of folders; the normal training images are in ``train/<normal>``."""

    form: str
    test: str = "test"
    masks: tuple[str, ...] = ("ground_truth",)
    """Folders of masks; the first that exists is used."""
    normal: str = GOOD
    """Folder of normal images, in the training and in the test folder."""
    validation: str | None = None
    """Folder of the validation images that the data set provides (default: it provides none)."""
    required: tuple[str, ...] = ()
    """Folders without which a folder is no category of this layout, besides the training images."""

    def categories(self, root: Path) -> list[str]:
        """As for :class:`Layout`."""
        required = (f"train/{self.normal}", *self.required)
        return [
            path.name
            for path in folders_in(root)
            if all((path / name).is_dir() for name in required)
        ]

    def entries(self, root: Path, category: str, problems: list[str]) -> list[Entry]:
        """As for :class:`Layout`."""
        folder, normal = root / category, self.normal
        train, test = folder / "train", folder / self.test
        entries = normal_entries(root, category, "train", train / normal, problems)
        if self.validation is not None:
            held_out = folder / self.validation / normal
            entries += normal_entries(root, category, "validation", held_out, problems)
        problems += [
            f"{path}: not in the folder of a defect type; move it to {self.test}/<defect type>"
            for path in images_in(test)
        ]
        candidates = [folder / name for name in self.masks]
        masks = next((path for path in candidates if path.is_dir()), candidates[0])
        trained = [
            path
            for path in folders_in(train)
            if path.name != normal and (masks / path.name).is_dir()
        ]
        problems += [
            f"{path}: only train/{normal}, and anomalies with masks in {masks.name}/<defect type>, "
            f"are used for training; move it there, to {self.test}, or away"
            for path in (*folders_in(train), *images_in(train))
            if path.name != normal and path not in trained
        ]
        types = [path for path in folders_in(test) if path != masks]
        if all(path.name == normal for path in types):
            problems.append(f"{test}: no folder of a defect type; there is nothing to test")
        for path in types:
            if path.name == normal:
                entries += normal_entries(root, category, "test", path, problems)
        defects = [("train", path) for path in trained]
        defects += [("test", path) for path in types if path.name != normal]
        return entries + _defect_entries(root, category, defects, masks, problems)


MVTEC_AD = FolderLayout("<category>/train/good")


def normal_entries(
    root: Path,
    category: str,
    split: str,
    folder: Path,
    problems: list[str],
    skipped: Collection[Path] = (),
) -> list[Entry]:
    """List the normal images in a folder; a folder without images is added to ``problems``.

    Images in the folders ``skipped`` below it, for example a folder of defects, are not listed.
    """
    images = images_below(folder, *skipped)
    if not images:
        problems.append(no_images(folder))
    masks = masks_beside(images)
    return [
        Entry(category, split, GOOD, relative(image, root), "")
        for image in images
        if image not in masks
    ]


def masks_beside(images: list[Path]) -> dict[Path, Path]:
    """Files among photographs that are masks of others, and the photograph of each.

    The mask of ``x.jpg`` may lie beside it as ``x.png`` or as ``x_mask.png``, ``x_label.png`` or
    ``x_gt.png``. It must have two levels at most.
    """
    photographs: dict[tuple[Path, str], list[Path]] = defaultdict(list)
    for image in images:
        photographs[image.parent, stem_of(image)].append(image)
    found = {}
    for image in images:
        stems = dict.fromkeys((photograph_stem(image), stem_of(image)))
        others = [each for stem in stems for each in photographs.get((image.parent, stem), [])]
        others = [each for each in others if each != image]
        if others and is_mask(image) and not is_mask(others[0]):
            found[image] = others[0]
    return found


def is_mask(path: Path) -> bool:
    """Whether a file looks like a mask: it can be read, and has two levels at most."""
    try:
        return is_binary(path)
    except DataError:  # the error is reported when the image is read
        return False


def _defect_entries(
    root: Path, category: str, folders: list[tuple[str, Path]], masks: Path, problems: list[str]
) -> list[Entry]:
    """List the images in folders of defect types, each with its split, and find their masks."""
    entries = []
    taken: dict[Path, Path] = {}
    for split, folder in folders:
        images = images_below(folder)
        if not images:
            problems.append(no_images(folder))
        by_stem = masks_by_stem(masks / folder.name, images)
        for image in images:
            candidates, places = by_stem[stem_of(image)], (folder, masks / folder.name)
            mask = only_mask(image, candidates, places, taken, problems)
            paths = relative(image, root), relative(mask, root) if mask else ""
            entries.append(Entry(category, split, folder.name, *paths))
    return entries


def masks_by_stem(folder: Path, images: Sequence[Path]) -> defaultdict[str, list[Path]]:
    """Masks in a folder by stem of the image: ``STEM_mask.EXT`` and ``STEM.EXT`` belong to it.

    Several masks of one image are a pattern of their names, see
    :func:`aexad.data.masks.mask_files`.
    """
    masks = defaultdict(list)
    stems = {stem_of(image) for image in images}
    of_one = {folder / image.stem: stem_of(image) for image in images}
    of_one = {path: stem for path, stem in of_one.items() if images_in(path)}
    for path, stem in of_one.items():
        masks[stem].append(path / "*")
    for mask in images_below(folder):
        stem = stem_of(mask)
        if mask.parent in of_one:
            continue
        if part := PART.fullmatch(stem):
            name = f"{glob.escape(part[1] + part[2])}*[0-9]{mask.suffix}"
            joined = mask.with_name(name)
            if joined not in masks[part[1]]:
                masks[part[1]].append(joined)
        # A mask with the name of an image belongs to this image alone.
        for image_stem in {stem} if stem in stems else {stem, photograph_stem(mask)}:
            masks[image_stem].append(mask)
    return masks


def stem_of(path: Path) -> str:
    """The name without its ending, in Unicode's composed form."""
    return composed(path.stem)


def photograph_stem(mask: Path) -> str:
    """The stem of the photograph of a mask ``STEM_mask``; of another file, its own stem."""
    return SUFFIX.sub("", stem_of(mask))


def composed(name: str) -> str:
    """A name in Unicode's composed form (macOS decomposes accents)."""
    return unicodedata.normalize("NFC", name)


def only_mask(
    image: Path,
    masks: list[Path],
    places: tuple[Path, Path],
    taken: dict[Path, Path],
    problems: list[str],
) -> Path | None:
    """The mask of an image; if it has no mask of its own or several, ``problems`` grows.

    ``places`` are the folders of the images and of their masks; ``taken`` are the images of masks
    so far, to which this one is added.
    """
    masks, folder = in_same_sub_folder(image, masks, places), places[1]
    if len(masks) == 1:
        (mask,) = masks
        if mask in taken:
            problems.append(f"{image}: has the same mask as {taken[mask]}; rename or remove one")
        taken[mask] = image
        return mask
    if masks:
        names = ", ".join(relative(mask, folder) for mask in masks)
        problems.append(f"{image}: has {len(masks)} masks ({names}); keep one")
    else:
        mask = folder / f"{image.stem}_mask.png"
        problems.append(f"{image}: has no mask; add {mask}, or remove the image")
    return None


def in_same_sub_folder(image: Path, masks: list[Path], places: tuple[Path, Path]) -> list[Path]:
    """The masks in the sub-folder of the image's name, where stems repeat; else all of them."""
    images, folder = places
    below = image.parent.relative_to(images)
    return [mask for mask in masks if mask.parent.relative_to(folder) == below] or masks


def relative(path: Path, root: Path) -> str:
    """The path of a file as the index holds it."""
    return path.relative_to(root).as_posix()
