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
from tqdm import tqdm

from aexad.data.catalogue import Dataset, expanded
from aexad.data.class_folders import class_entries, classes_in
from aexad.data.images import check_image, load_mask
from aexad.data.layout import GOOD as GOOD  # what the index calls the defect of a normal image
from aexad.data.layout import Entry, category_entries, folders_in
from aexad.errors import DataError

COLUMNS = ["category", "split", "defect", "image", "mask"]
SPLITS = ("train", "test")
NO_MASKS = "the data set has no masks"
MOST_SHOWN = 20  # problems of one data set that are listed; the others are counted

logger = logging.getLogger(__name__)


def marker_path(folder: str | os.PathLike[str]) -> Path:
    """The file beside a data set's folder whose existence means that the data set is complete."""
    folder = Path(folder)
    return folder.with_name(folder.name + ".json")


def local_categories(folder: str | os.PathLike[str], adaptor: str = "mvtec_layout") -> list[str]:
    """The categories of a local folder: its folders with a ``train/good`` inside, sorted.

    Of ``class_folders``, the classes: the folders in ``train`` and ``test``.

    Raises
    ------
    aexad.errors.DataError
        The folder is missing, or holds no category.
    """
    folder = expanded(folder)
    if not folder.is_dir():
        raise DataError(
            f"{folder}: no such folder; name the folder that holds the categories (for an archive, "
            "list its 'categories' in config/datasets.yaml)"
        )
    if adaptor == "class_folders":
        if classes := classes_in(folder):
            return classes
        raise DataError(
            f"{folder}: no folders train/<class> and test/<class> in it (for other forms, list the "
            "'categories' in config/datasets.yaml)"
        )
    categories = sorted(path.name for path in folders_in(folder) if (path / "train/good").is_dir())
    if not categories:
        hint = " (it looks like one category: name the folder above it)"
        raise DataError(
            f"{folder}: no folder in it has the form <category>/train/good"
            f"{hint if (folder / 'train').is_dir() else ''}"
        )
    return categories


def build_index(root: str | os.PathLike[str], name: str, dataset: Dataset) -> pd.DataFrame:
    """List and check a data set in MVTec AD layout, or of class folders.

    MVTec AD's is ``<category>/train/good``, ``<category>/test/<good or defect type>`` and
    ``<category>/ground_truth/<defect type>``, where the mask of ``STEM.EXT`` is
    ``STEM_mask.EXT`` or ``STEM.EXT`` with any known ending. Class folders are ``train/<class>`` and
    ``test/<class>``: the class is the category, and each image is ``good`` in it. Hidden files and
    files that are no images are ignored. Every file is read: masks are loaded, of images the
    integrity is checked (:func:`aexad.data.images.check_image`), so that what passes here does not
    fail hours later.

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
        Strings: category, split (train, test), defect (``good`` or the type), image, mask (empty
        for good images). Sorted by all but the mask.

    Raises
    ------
    aexad.errors.DataError
        All that is wrong with the data set, one line a problem.
    """
    root = expanded(root)
    if not root.is_dir() and marker_path(root).exists():
        raise DataError(
            f"{root}: no such folder, though its marker is there; "
            f"delete {marker_path(root)} and call again"
        )
    entries: list[Entry] = []
    problems: list[str] = []
    if dataset.adaptor == "class_folders":
        entries = class_entries(root, dataset.categories, problems)
    else:
        for category in _categories(root, name, dataset):
            entries += category_entries(root, category, problems)
    progress = tqdm(entries, desc=f"checking {name}", unit="image", disable=None)
    for entry in progress:
        problems += _image_problems(root, entry)
    if problems:
        raise DataError(_report(name, problems))
    return pd.DataFrame(sorted(entries), columns=COLUMNS, dtype=str)


def read_index(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read the CSV of an index; all columns are strings, and an empty mask is an empty string.

    Raises
    ------
    aexad.errors.DataError
        No such file, not this table, without rows, or with a split other than train and test.
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
        folders[:] = [name for name in folders if not name.startswith(".")]
        for file in files:
            if not file.startswith("."):
                path = Path(parent, file)
                size = path.stat().st_size if path.exists() else -1  # -1: a link to nowhere
                listing.append((path.relative_to(folder).as_posix(), size))
    lines = [f"{size} {name}\n" for name, size in sorted(listing)]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _categories(root: Path, name: str, dataset: Dataset) -> list[str]:
    """The categories to list: of the catalogue's those that are there, in its order."""
    found = local_categories(root)
    if dataset.categories is None:
        return found
    # A folder that is there, but incomplete, is no missing category: its problems are told.
    present = [category for category in dataset.categories if (root / category).is_dir()]
    absent = [category for category in dataset.categories if category not in present]
    if not present:
        raise DataError(
            f"data set '{name}': {root} has none of the catalogue's categories "
            f"({', '.join(absent)}), but {', '.join(found)}; correct 'categories' in "
            "config/datasets.yaml, or the folder"
        )
    if absent:
        logger.warning(
            "data set '%s': %s has no folder of these categories, which are left out: %s",
            name,
            root,
            ", ".join(absent),
        )
    return present


def _image_problems(root: Path, entry: Entry) -> list[str]:
    """What is wrong with an image or its mask."""
    try:
        shape = check_image(root / entry.image)
        if entry.mask:
            load_mask(root / entry.mask, shape=shape)
    except DataError as error:
        return [str(error)]
    return []


def _report(name: str, problems: list[str]) -> str:
    if len(problems) == 1:
        return f"data set '{name}': {problems[0]}"
    shown = "".join(f"\n  {problem}" for problem in problems[:MOST_SHOWN])
    rest = len(problems) - MOST_SHOWN
    more = f"\n  and {rest} more" if rest > 0 else ""
    return f"data set '{name}' has {len(problems)} problems:{shown}{more}"
