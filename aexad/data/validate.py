"""Validate a data set: list its images, read every file, and collect all problems.

``index`` refuses a data set with problems; ``check`` shows them as a table.
"""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from aexad.config.catalogue import Counts, Dataset
from aexad.data.images import check_image, load_mask
from aexad.data.layouts.class_folders import class_problems
from aexad.data.layouts.mvtec import GOOD, Entry
from aexad.data.layouts.registry import ONE_CATEGORY, layout_of
from aexad.runtime.errors import DataError

PROBLEM, WARNING = "problem", "warning"

logger = logging.getLogger(__name__)


class Finding(NamedTuple):
    """A problem of a data set, or a warning: a mask of a defect that marks nothing."""

    category: str
    """Empty for the data set as a whole."""
    kind: str
    text: str


def validate(root: Path, name: str, dataset: Dataset) -> tuple[list[Entry], list[Finding]]:
    """List the images of a data set in its layout, and read every image and every mask.

    Raises
    ------
    aexad.runtime.errors.DataError
        The folder does not exist, or holds no category.
    """
    layout, categories = layout_of(dataset.adaptor), _categories(root, name, dataset)
    entries: list[Entry] = []
    problems: dict[str, list[str]] = {category: [] for category in ("", *categories)}
    if dataset.adaptor == "class_folders":
        problems[""] = class_problems(root, categories)
    for category in categories:
        listed = layout.entries(root, category, problems[category])
        expected, counts = dataset.counts.get(category), count_images(listed)
        if expected is not None and counts != expected:
            problems[category].append(
                f"{root / category}: {_described(counts)}, and the catalogue expects "
                f"{_described(expected)}; restore its files, or remove '{category}' from 'counts' "
                "in config/datasets.yaml"
            )
        entries += listed
    findings = [Finding(key, PROBLEM, text) for key, texts in problems.items() for text in texts]
    findings += read_files(root, entries, name)
    return entries, sorted(findings, key=lambda finding: finding.category)


def read_files(root: Path, entries: list[Entry], name: str) -> list[Finding]:
    """Read every image and every mask; ``name`` is shown beside the progress bar."""
    findings = []
    for entry in tqdm(entries, desc=f"checking {name}", unit="image", disable=None):
        mask = root / entry.mask
        try:
            shape = check_image(root / entry.image)
            if entry.mask and not load_mask(mask, shape=shape, marks=entry.marks).any():
                text = f"{mask}: this mask of a defect marks nothing; correct it, or remove it and "
                findings.append(Finding(entry.category, WARNING, f"{text}its image"))
        except DataError as error:
            findings.append(Finding(entry.category, PROBLEM, str(error)))
    return findings


def count_images(entries: list[Entry]) -> Counts:
    """Count the images of a category by their use."""
    uses = Counter(
        "anomalous" if entry.defect != GOOD else "good" if entry.split == "test" else entry.split
        for entry in entries
    )
    return Counts(**uses)


def local_categories(folder: Path, adaptor: str = "mvtec_layout") -> list[str]:
    """List the categories in a local folder as its layout defines them, sorted.

    Raises
    ------
    aexad.runtime.errors.DataError
        The folder does not exist, or holds no category.
    """
    if not folder.is_dir():
        raise DataError(
            f"{folder}: no such folder; name the folder that holds the categories (for an archive, "
            "list its 'categories' in config/datasets.yaml)"
        )
    layout = layout_of(adaptor)
    if categories := layout.categories(folder):
        return categories
    if adaptor == "class_folders":
        raise DataError(
            f"{folder}: no folders train/<class> and test/<class> in it (for other forms, list the "
            "'categories' in config/datasets.yaml)"
        )
    hint = ONE_CATEGORY if (folder / "train").is_dir() else ""
    raise DataError(f"{folder}: no folder in it has the form {layout.form}{hint}")


def _categories(root: Path, name: str, dataset: Dataset) -> list[str]:
    """The categories to list: those of the catalogue that exist, in its order."""
    if dataset.adaptor == "class_folders" and dataset.categories:
        return dataset.categories  # none may be missing: each is tested on all others
    local = local_categories(root, dataset.adaptor)
    if dataset.categories is None:
        return local
    # A folder that exists, but is incomplete, counts as present: its problems are reported.
    present = [category for category in dataset.categories if (root / category).is_dir()]
    absent = ", ".join(category for category in dataset.categories if category not in present)
    if not present:
        raise DataError(
            f"data set '{name}': {root} has none of the catalogue's categories ({absent}), but "
            f"{', '.join(local)}; correct 'categories' in config/datasets.yaml, or the folder"
        )
    if absent:
        logger.warning(
            "data set '%s': %s has no folder of these categories, which are left out: %s",
            *(name, root, absent),
        )
    return present


def _described(counts: Counts) -> str:
    validation = f"{counts.validation} validation, " if counts.validation else ""
    return (
        f"{counts.train} training, {validation}{counts.good} good and {counts.anomalous} anomalous"
    )
