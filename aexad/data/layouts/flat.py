"""Folders without a layout: one of good images, one of images with a defect, one of their masks."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from aexad.data.layouts.folders import images_below, no_images
from aexad.data.layouts.mvtec import (
    MASK_SUFFIXES,
    Entry,
    masks_beside,
    masks_by_stem,
    normal_entries,
    only_mask,
    relative,
    stem_of,
)

DEFECT = "defect"
"""The defect type of every image with a defect: flat folders do not distinguish types."""


def flat_entries(
    good: Path,
    defects: Path | None,
    masks: Path | None,
    problems: list[str],
    skipped: Collection[Path] = (),
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
    entries = normal_entries(root, root.name, "train", folders[0], problems, skipped)
    if defects is None:
        return root, entries
    image_folder, mask_folder = folders[1], folders[-1]
    same_folder = mask_folder == image_folder
    images = images_below(image_folder, mask_folder)
    beside = masks_beside(images) if same_folder else {}
    if same_folder:
        suffixed = [path for path in images if path.stem.endswith(MASK_SUFFIXES)]
        images = [path for path in images if path not in beside and path not in suffixed]
    if not images:
        problems.append(no_images(image_folder))
    by_stem = masks_by_stem(mask_folder, images)
    for image in images:
        own = [mask for mask, photograph in beside.items() if photograph == image]
        candidates = own or [path for path in by_stem[stem_of(image)] if path != image]
        # STEM_mask.EXT has precedence: STEM.EXT in the folder of masks may be the photograph.
        suffixed = [path for path in candidates if stem_of(path) != stem_of(image)]
        if not own:
            candidates = suffixed if suffixed or same_folder else candidates
        if mask := only_mask(image, candidates, mask_folder, problems):
            paths = relative(image, root), relative(mask, root)
            entries.append(Entry(root.name, "test", DEFECT, *paths))
    return root, entries
