"""Folders without a layout: one of good images, one of images with a defect, one of their masks."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from aexad.data.layouts.folders import images_below, no_images
from aexad.data.layouts.mvtec import normal_entries
from aexad.data.layouts.pairing import (
    PART,
    in_same_sub_folder,
    is_mask,
    masks_beside,
    masks_by_stem,
    only_mask,
    photograph_stem,
    relative,
    stem_of,
)
from aexad.data.tables import Entry

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
        dropped = _masks_by_name(images)
        images = [path for path in images if path not in beside and path not in dropped]
    if not images:
        problems.append(no_images(image_folder))
    by_stem = masks_by_stem(mask_folder, images)
    places = image_folder, mask_folder
    photographs = set(images)
    taken: dict[Path, Path] = {}
    for image in images:
        own = [mask for mask, photograph in beside.items() if photograph == image]
        candidates = own or [path for path in by_stem[stem_of(image)] if path not in photographs]
        candidates = in_same_sub_folder(image, candidates, places)
        # STEM_mask.EXT has precedence: STEM.EXT in the folder of masks may be the photograph.
        suffixed = [path for path in candidates if stem_of(path) != stem_of(image)]
        if not own:
            candidates = suffixed if suffixed or same_folder else candidates
        if mask := only_mask(image, candidates, places, taken, problems):
            paths = relative(image, root), relative(mask, root)
            entries.append(Entry(root.name, "test", DEFECT, *paths))
    return root, entries


def _masks_by_name(images: list[Path]) -> list[Path]:
    """Files among photographs that are masks by name (``x_mask``) and have no mask of their own.

    Without a photograph ``x``, a file is a mask if it looks like one; so is one of several masks
    (``x_mask1``) of a photograph.
    """
    stems = {stem_of(path) for path in images}
    named = [path for path in images if photograph_stem(path) != stem_of(path)]
    with_mask = {photograph_stem(path) for path in named}
    several = [
        path
        for path in images
        if (part := PART.fullmatch(stem_of(path))) and part[1] in stems and is_mask(path)
    ]
    return several + [
        path
        for path in named
        if stem_of(path) not in with_mask and (photograph_stem(path) in stems or is_mask(path))
    ]
