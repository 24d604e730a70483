"""The index of a data set: every image with its split, defect type and mask, each path checked.

The index is the one interface between data sets and the rest: whoever adds a data set of another
form writes a function that returns this table.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from aexad.config.catalogue import Dataset, expanded
from aexad.data.layouts.mvtec import (
    GOOD as GOOD,  # what the index calls the defect of a normal image
)
from aexad.data.validate import examine
from aexad.runtime.errors import DataError

COLUMNS = ["category", "split", "defect", "image", "mask"]
SPLITS = ("train", "validation", "test")
NO_MASKS = "the data set has no masks"
MOST_SHOWN = 20  # problems of one data set that are listed; the others are counted

logger = logging.getLogger(__name__)


def marker_path(folder: str | os.PathLike[str]) -> Path:
    """The file beside a data set's folder whose existence means that the data set is complete."""
    folder = Path(folder)
    return folder.with_name(folder.name + ".json")


def build_index(root: str | os.PathLike[str], name: str, dataset: Dataset) -> pd.DataFrame:
    """List and check a data set in the layout that its adaptor knows.

    MVTec AD's is ``<category>/train/good``, ``<category>/test/<good or defect type>`` and
    ``<category>/ground_truth/<defect type>``, where the mask of ``STEM.EXT`` is
    ``STEM_mask.EXT`` or ``STEM.EXT`` with any known ending. Class folders are ``train/<class>`` and
    ``test/<class>``: the class is the category, and each image is ``good`` in it. Other layouts:
    see ``aexad.data.layouts``. Hidden files and files that are no images are ignored. Every file is
    read: masks are loaded, of images the integrity is checked
    (:func:`aexad.data.images.check_image`), so that what passes here does not fail hours later.
    A mask that marks nothing of a defect is a warning; pixel metrics leave its image out.

    Parameters
    ----------
    root
        Folder of the data set.
    name
        Its name in the catalogue, for messages.
    dataset
        Its entry in the catalogue; without ``categories`` those in the folder are taken. Those that
        the folder lacks are left out with a warning (a class is not: the others are tested on it);
        it is an error if it has none of them.

    Returns
    -------
    pandas.DataFrame
        Strings: category, split (train, validation, test), defect (``good`` or the type), image,
        mask (empty for good images). Sorted by all but the mask.

    Raises
    ------
    aexad.runtime.errors.DataError
        All that is wrong with the data set, one line a problem.
    """
    root = expanded(root)
    if not root.is_dir() and marker_path(root).exists():
        raise DataError(
            f"{root}: no such folder, though its marker is there; "
            f"delete {marker_path(root)} and call again"
        )
    found = examine(root, name, dataset)
    if problems := [problem for of_one in found.problems.values() for problem in of_one]:
        raise DataError(_report(name, problems))
    if unmarked := [mask for of_one in found.unmarked.values() for mask in of_one]:
        logger.warning(
            "data set '%s': %d masks of a defect mark nothing, the first %s; pixel metrics leave "
            "these images out: correct them, or remove image and mask",
            name,
            len(unmarked),
            unmarked[0],
        )
    return pd.DataFrame(sorted(found.entries), columns=COLUMNS, dtype=str)


def read_index(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read the CSV of an index; all columns are strings, and an empty mask is an empty string.

    Raises
    ------
    aexad.runtime.errors.DataError
        No such file, not this table, without rows, or with a split that is none of :data:`SPLITS`.
    """
    table = read_table(path, COLUMNS, "index")
    check_rows(table, path, "index", "split", SPLITS)
    return table


def read_table(path: str | os.PathLike[str], columns: list[str], verb: str) -> pd.DataFrame:
    """Read a CSV of strings with exactly these columns; ``verb`` is what makes it, for messages."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; make it with 'aexad {verb}'") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError):
        raise DataError(f"{path}: not a CSV table; make it anew with 'aexad {verb}'") from None
    if list(table.columns) != columns:
        raise DataError(
            f"{path}: the columns are {', '.join(table.columns)} instead of {', '.join(columns)}; "
            f"make it anew with 'aexad {verb}'"
        )
    return table


def check_rows(
    table: pd.DataFrame,
    path: str | os.PathLike[str],
    verb: str,
    column: str,
    allowed: Sequence[str],
) -> None:
    """Refuse a table without rows, and values of ``column`` that nobody downstream would select."""
    if table.empty:
        raise DataError(f"{path}: no row below the header; make it anew with 'aexad {verb}'")
    others = table.loc[~table[column].isin(allowed), column]
    if len(others):
        raise DataError(
            f"{path}: column '{column}' holds '{others.iloc[0]}', and only {', '.join(allowed)} "
            f"have a meaning there; correct it, or make the table anew with 'aexad {verb}'"
        )


def listing_digest(folder: str | os.PathLike[str]) -> str:
    """Digest of what a folder holds: sha256 over the sorted names and sizes of its files.

    Files that come, go or change their size change it; contents are not read. Hidden files, which
    the index ignores too, do not count.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    listing = []
    for parent, folders, files in os.walk(folder, followlinks=True):
        # A link to a folder above would be followed for ever.
        above = {path.resolve() for path in (Path(parent), *Path(parent).parents)}
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and not (Path(parent, name).is_symlink() and Path(parent, name).resolve() in above)
        ]
        for file in files:
            if not file.startswith("."):
                path = Path(parent, file)
                size = path.stat().st_size if path.exists() else -1  # -1: a link to nowhere
                listing.append((path.relative_to(folder).as_posix(), size))
    lines = [f"{size} {name}\n" for name, size in sorted(listing)]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _report(name: str, problems: list[str]) -> str:
    if len(problems) == 1:
        return f"data set '{name}': {problems[0]}"
    shown = "".join(f"\n  {problem}" for problem in problems[:MOST_SHOWN])
    rest = len(problems) - MOST_SHOWN
    more = f"\n  and {rest} more" if rest > 0 else ""
    return f"data set '{name}' has {len(problems)} problems:{shown}{more}"
