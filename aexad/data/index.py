"""The index of a data set: every image with its split, defect type and mask, each path checked.

The index is the one interface between data sets and the rest: a data set of another form needs a
function that returns this table.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from aexad.config.catalogue import Dataset
from aexad.data.layouts.flat import flat_entries
from aexad.data.tables import INDEX_COLUMNS
from aexad.data.validate import (
    PROBLEM,
    WARNING,
    Finding,
    files_left_out,
    grouped,
    masks_among_photographs,
    read_files,
    unused_masks,
    validate,
    with_reading,
)
from aexad.runtime.errors import DataError
from aexad.runtime.files import expanded

WARNINGS = "warnings"
"""Attribute of an index: the warnings about its images and masks."""
MOST_SHOWN = 20  # problems of one data set that are listed; the others are counted

logger = logging.getLogger(__name__)


def marker_path(folder: str | os.PathLike[str]) -> Path:
    """The file beside a data set's folder whose existence means that the data set is complete."""
    folder = Path(folder)
    return folder.with_name(folder.name + ".json")


def build_index(root: str | os.PathLike[str], name: str, dataset: Dataset) -> pd.DataFrame:
    """List and check a data set in its layout (:mod:`aexad.data.layouts.registry`).

    Hidden files and files that are no images are ignored. Every file is read: masks are loaded, the
    integrity of images is checked (:func:`aexad.data.image_files.check_image`), so that a damaged
    file is noticed now and not hours later. A mask of a defect that marks nothing is a warning;
    pixel metrics leave its image out.

    Parameters
    ----------
    root
        Folder of the data set.
    name
        Its name in the catalogue, for messages.
    dataset
        Its entry in the catalogue (default of ``categories``: all in the folder). Categories that
        the folder lacks are left out with a warning (classes are not: the others are tested on
        them); it is an error if it has none of them.

    Returns
    -------
    pandas.DataFrame
        Strings: category, split (train, validation, test), defect (``good`` or the type), image,
        mask (empty for good images), marks (:data:`aexad.data.masks.MARKS`). Sorted by these
        columns.

    Raises
    ------
    aexad.runtime.errors.DataError
        All problems of the data set, one per line.
    """
    root = expanded(root)
    if not root.is_dir() and marker_path(root).exists():
        raise DataError(
            f"{root}: no such folder, but its marker exists; delete {marker_path(root)} and call "
            "again"
        )
    entries, findings = validate(root, name, dataset)
    _refuse(f"data set '{name}'", [text for _, kind, text in findings if kind == PROBLEM])
    index = pd.DataFrame(sorted(entries), columns=INDEX_COLUMNS, dtype=str)
    index.attrs[WARNINGS] = log_warnings(findings, f"data set '{name}'")
    return index


def flat_index(
    good: Path,
    defects: Path | None,
    masks: Path | None = None,
    dataset: Dataset | None = None,
    skipped: Collection[Path] = (),
) -> tuple[Path, pd.DataFrame]:
    """List and check flat folders, as :func:`build_index` does for a data set.

    Parameters
    ----------
    good
        Folder of normal images.
    defects
        Folder of images with a defect, or None.
    masks
        Folder of their masks: the mask of ``STEM.EXT`` is ``STEM_mask.EXT`` or ``STEM.EXT``, with
        any known ending (default: in the folder ``defects``, as ``STEM_mask.EXT`` or beside the
        photograph with another ending).
    dataset
        How masks are read, and the working size; default: as for a new data set.
    skipped
        Folders below ``good`` whose images are not listed, for example unused folders of defects
        and masks. Images in ``defects`` and ``masks`` are never listed as good.

    Returns
    -------
    tuple of Path and DataFrame
        The folder that all paths are relative to, and the index. Its ``test`` rows are the defects.

    Raises
    ------
    aexad.runtime.errors.DataError
        All problems of the folders, one per line.
    """
    problems: list[str] = []
    others = [folder for folder in (defects, masks) if folder is not None]
    skipped = [*skipped, *others]
    root, entries = flat_entries(good, defects, masks, problems, skipped)
    dataset = dataset or Dataset(title=root.name, adaptor="mvtec_layout")
    entries = with_reading(entries, dataset)
    findings = read_files(root, entries, root.name, dataset)
    for folder in dict.fromkeys([good, *others]):
        findings += files_left_out(folder, skipped=skipped)
    findings += masks_among_photographs(root, entries, root.name)
    if defects is not None and not problems:
        findings += unused_masks(root, entries, masks or defects)
    problems += [text for _, kind, text in findings if kind == PROBLEM]
    _refuse(str(root), problems)
    index = pd.DataFrame(entries, columns=INDEX_COLUMNS, dtype=str)
    index.attrs[WARNINGS] = log_warnings(findings, str(root))
    return root, index


def log_warnings(findings: Sequence[Finding], name: str = "") -> list[str]:
    """Log and return warnings; those that differ in the names of files alone are one.

    Log lines begin with ``name``, if it is given.
    """
    warnings = [finding for finding in findings if finding.kind == WARNING]
    texts = [finding.text for finding in grouped(warnings)]
    for text in texts:
        logger.warning("%s", _after(name, text))
    return texts


def _after(name: str, text: str) -> str:
    """The text behind the name, unless the name is empty or a folder that the text begins with."""
    within = text.startswith(f"{name}: ") or Path(text).is_relative_to(name)
    return text if not name or within else f"{name}: {text}"


def listing_digest(folder: str | os.PathLike[str]) -> str:
    """Digest of a folder's listing: sha256 of the sorted names and sizes of its files.

    New and missing files and other sizes change it; contents are not read. Hidden files, which the
    index ignores too, do not count.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    listing = []
    for parent, folders, files in os.walk(folder, followlinks=True):
        # A link to a folder above would be followed without end.
        above = {path.resolve() for path in (Path(parent), *Path(parent).parents)}
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and not (Path(parent, name).is_symlink() and Path(parent, name).resolve() in above)
        ]
        for path in (Path(parent, name) for name in files if not name.startswith(".")):
            size = path.stat().st_size if path.exists() else -1  # -1: a link to nothing
            listing.append((path.relative_to(folder).as_posix(), size))
    lines = [f"{size} {name}\n" for name, size in sorted(listing)]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _refuse(name: str, problems: list[str]) -> None:
    """Raise an error that lists the problems, if there are any."""
    if len(problems) == 1:
        raise DataError(_after(name, problems[0]))
    if problems:
        lines = [f"{name} has {len(problems)} problems:", *problems[:MOST_SHOWN]]
        if len(problems) > MOST_SHOWN:
            lines.append(f"and {len(problems) - MOST_SHOWN} more")
        raise DataError("\n  ".join(lines))
