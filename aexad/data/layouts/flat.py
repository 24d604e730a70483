"""Folders without a layout: one of good images, one of images with a defect, one of their masks."""

from __future__ import annotations

import os
from pathlib import Path

from aexad.data.layouts.folders import images_in, no_images
from aexad.data.layouts.mvtec import GOOD, Entry, masks_by_stem, only_mask, relative, stem_of

DEFECT = "defect"
"""The defect type of every image with a defect: flat folders do not distinguish types."""


def flat_entries(
    good: Path, defects: Path | None, masks: Path | None, problems: list[str]
) -> tuple[Path, list[Entry]]:
    """List the images of flat folders; images without exactly one mask are added to ``problems``.

    Parameters as for :func:`aexad.data.index.flat_index`.

    Returns
    -------
    tuple of Path and list of Entry
        The folder that all paths are relative to, and the images; its name is the category.
    """
    folders = [folder.resolve() for folder in (good, defects, masks) if folder is not None]
    root = Path(os.path.commonpath(folders))
    normal = images_in(folders[0])
    if not normal:
        problems.append(no_images(folders[0]))
    entries = [Entry(root.name, "train", GOOD, relative(path, root), "") for path in normal]
    if defects is not None:
        for image, mask in _with_masks(folders[1], folders[-1], problems):
            paths = relative(image, root), relative(mask, root)
            entries.append(Entry(root.name, "test", DEFECT, *paths))
    return root, entries


def _with_masks(defects: Path, masks: Path, problems: list[str]) -> list[tuple[Path, Path]]:
    """Each image with a defect and its mask, which may lie in the same folder."""
    same_folder = masks == defects
    by_stem = masks_by_stem(masks)
    images = [
        path for path in images_in(defects) if not (same_folder and path.stem.endswith("_mask"))
    ]
    if not images:
        problems.append(no_images(defects))
    pairs = []
    for image in images:
        stem = stem_of(image)
        # An image of the same stem may be the photograph itself: STEM_mask.EXT has precedence.
        suffixed = [path for path in by_stem[stem] if stem_of(path) == f"{stem}_mask"]
        candidates = suffixed if suffixed or same_folder else by_stem[stem]
        mask = only_mask(image, candidates, masks, problems)
        if mask is not None:
            pairs.append((image, mask))
    return pairs
