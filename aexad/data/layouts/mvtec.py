"""The layout of MVTec AD: where images and masks lie.

``<category>/train/good``, ``<category>/test/<good or defect type>`` and
``<category>/ground_truth/<defect type>``, where masks have the names that
:mod:`aexad.data.layouts.pairing` expects. A data set may also hold anomalies to be trained on, in
``<category>/train/<defect type>`` with masks in the same ``ground_truth``: then the labelled
anomalies are drawn from these, and the test set stays whole. Layouts that differ only in the names
of folders are a :class:`FolderLayout` too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from aexad.data.layouts.folders import folders_in, images_below, images_in, no_images
from aexad.data.layouts.pairing import masks_beside, masks_by_stem, only_mask, relative, stem_of
from aexad.data.tables import GOOD, Entry


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
