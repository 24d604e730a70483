"""The examination of a data set: every file read, and all that is wrong told together.

``index`` refuses a data set with problems; ``check`` shows them as a table, before hours are spent.
"""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from aexad.config.catalogue import Counts, Dataset
from aexad.data.images import check_image, load_mask
from aexad.data.layouts.mvtec import GOOD, Entry
from aexad.data.layouts.registry import adaptor_of
from aexad.runtime.errors import DataError

logger = logging.getLogger(__name__)


class Examination(NamedTuple):
    """What a data set holds, and what is wrong with it."""

    entries: list[Entry]
    problems: dict[str, list[str]]
    """Of each category; those of the data set as a whole under the empty name."""
    unmarked: dict[str, list[str]]
    """Masks of a defect that mark nothing: a gap of the data that pixel metrics leave out."""


def examine(root: Path, name: str, dataset: Dataset) -> Examination:
    """List the images of a data set by its adaptor, and read every one of them and every mask.

    Raises
    ------
    aexad.runtime.errors.DataError
        The folder is missing, or holds no category.
    """
    adaptor = adaptor_of(dataset.adaptor)
    categories = _categories(root, name, dataset)
    found = Examination([], {category: [] for category in ("", *categories)}, {})
    if adaptor.whole is not None:
        found.problems[""].extend(adaptor.whole(root, categories))
    for category in categories:
        problems = found.problems[category]
        entries = adaptor.entries(root, category, problems)
        problems += _miscounted(root, category, entries, dataset.counts.get(category))
        found.entries.extend(entries)
    for entry in tqdm(found.entries, desc=f"checking {name}", unit="image", disable=None):
        try:
            shape = check_image(root / entry.image)
            if entry.mask and not load_mask(root / entry.mask, shape=shape).any():
                found.unmarked.setdefault(entry.category, []).append(str(root / entry.mask))
        except DataError as error:
            found.problems[entry.category].append(str(error))
    return found


def counted(entries: list[Entry]) -> Counts:
    """How many images of each part a category has."""
    parts = Counter(
        entry.split if entry.split != "test" else "good" if entry.defect == GOOD else "anomalous"
        for entry in entries
    )
    return Counts(**parts)


def local_categories(folder: Path, adaptor: str = "mvtec_layout") -> list[str]:
    """The categories of a local folder as its adaptor finds them, sorted.

    Raises
    ------
    aexad.runtime.errors.DataError
        The folder is missing, or holds no category.
    """
    if not folder.is_dir():
        raise DataError(
            f"{folder}: no such folder; name the folder that holds the categories (for an archive, "
            "list its 'categories' in config/datasets.yaml)"
        )
    categories = adaptor_of(adaptor).categories(folder)
    if categories:
        return categories
    if adaptor == "class_folders":
        raise DataError(
            f"{folder}: no folders train/<class> and test/<class> in it (for other forms, list the "
            "'categories' in config/datasets.yaml)"
        )
    hint = " (it looks like one category: name the folder above it)"
    raise DataError(
        f"{folder}: no folder in it has the form {adaptor_of(adaptor).form}"
        f"{hint if (folder / 'train').is_dir() else ''}"
    )


def _categories(root: Path, name: str, dataset: Dataset) -> list[str]:
    """The categories to list: of the catalogue's those that are there, in its order."""
    if dataset.adaptor == "class_folders" and dataset.categories:
        return dataset.categories  # none may be missing: each is tested on all others
    found = local_categories(root, dataset.adaptor)
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


def _miscounted(
    root: Path, category: str, entries: list[Entry], expected: Counts | None
) -> list[str]:
    found = counted(entries)
    if expected is None or found == expected:
        return []
    return [
        f"{root / category}: {_shown(found)}, and the catalogue expects {_shown(expected)}; "
        f"restore its files, or remove '{category}' from 'counts' in config/datasets.yaml"
    ]


def _shown(counts: Counts) -> str:
    held = f"{counts.validation} validation, " if counts.validation else ""
    return f"{counts.train} training, {held}{counts.good} good and {counts.anomalous} anomalous"
