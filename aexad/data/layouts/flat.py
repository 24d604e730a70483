"""One's own images without a layout: a folder of good ones, one of defects, one of their masks."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from aexad.data.images import check_image, load_mask
from aexad.data.index import COLUMNS
from aexad.data.layouts.mvtec import GOOD, empty_folder, images_in, mask_of, masks_by_stem, stem_of
from aexad.runtime.errors import DataError

DEFECT = "defect"
"""What every defect is called: a flat folder does not tell their types."""


def flat_index(
    good: Path, defects: Path | None, masks: Path | None = None
) -> tuple[Path, pd.DataFrame]:
    """List and check flat folders, as :func:`aexad.data.index.build_index` does a data set.

    Parameters
    ----------
    good
        Folder of normal images.
    defects
        Folder of images with a defect; none: there are none.
    masks
        Folder of their masks: of ``STEM.EXT`` it is ``STEM_mask.EXT`` or ``STEM.EXT``, with any
        known ending. None: ``STEM_mask.EXT`` beside the images.

    Returns
    -------
    tuple of Path and DataFrame
        The folder that all paths are relative to, and the index. Defects are the ``test`` rows.

    Raises
    ------
    aexad.runtime.errors.DataError
        All that is wrong, one line a problem.
    """
    folders = [each.resolve() for each in (good, defects, masks) if each is not None]
    root = Path(os.path.commonpath(folders))
    problems: list[str] = []
    rows: list[tuple[str, str, Path, Path | None]] = [
        ("train", GOOD, path, None) for path in images_in(folders[0])
    ]
    if not rows:
        problems.append(empty_folder(folders[0]))
    if defects is not None:
        found = _with_masks(folders[1], folders[-1], problems)
        rows += [("test", DEFECT, image, mask) for image, mask in found]
    for _, _, image, mask in rows:
        try:
            shape = check_image(image)
            if mask is not None and not load_mask(mask, shape=shape).any():
                problems.append(f"{mask}: marks nothing; correct it, or remove it and its image")
        except DataError as error:
            problems.append(str(error))
    if problems:
        raise DataError("\n  ".join(problems))
    entries = [
        (root.name, split, defect, image.relative_to(root), mask and mask.relative_to(root))
        for split, defect, image, mask in rows
    ]
    table = pd.DataFrame(
        [
            (*first, image.as_posix(), mask.as_posix() if mask else "")
            for *first, image, mask in entries
        ],
        columns=COLUMNS,
        dtype=str,
    )
    return root, table


def _with_masks(defects: Path, masks: Path, problems: list[str]) -> list[tuple[Path, Path]]:
    """The images of defects, each with its mask; what lacks one is added to ``problems``."""
    beside = masks == defects
    known = masks_by_stem(masks)
    images = [path for path in images_in(defects) if not (beside and path.stem.endswith("_mask"))]
    if not images:
        problems.append(empty_folder(defects))
    found = []
    for image in images:
        stem = stem_of(image)
        own = known.get(stem, [])
        marked = [path for path in own if stem_of(path) == f"{stem}_mask"]
        mask = mask_of(image, marked if marked or beside else own, masks, problems)
        if mask is not None:
            found.append((image, mask))
    return found
