"""``check``: show the images of a data set and all its problems as tables on the screen."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from tabulate import tabulate

from aexad.config.benchmark import NAMES
from aexad.config.catalogue import Dataset
from aexad.config.schema import nearest
from aexad.data.layouts.folders import folders_in
from aexad.data.layouts.mvtec import FolderLayout
from aexad.data.layouts.registry import LAYOUTS, layout_of, recognise
from aexad.data.masks import mask_files
from aexad.data.validate import PROBLEM, WARNING, Finding, count_images, grouped, validate
from aexad.runtime.errors import ConfigError, DataError


def entry_for(folder: Path, adaptor: str | None) -> Dataset:
    """Make a catalogue entry for a folder; without an adaptor, its layout is recognised.

    Raises
    ------
    aexad.runtime.errors.ConfigError
        The adaptor does not exist.
    aexad.runtime.errors.DataError
        The folder has none of the known layouts.
    """
    if adaptor is not None and adaptor not in LAYOUTS:
        raise ConfigError(f"no adaptor '{adaptor}'; {nearest(adaptor, list(LAYOUTS))}")
    return Dataset.model_validate({"title": folder.name, "adaptor": adaptor or recognise(folder)})


def check(folder: Path, name: str, dataset: Dataset) -> None:
    """Validate a data set, and print the numbers of its images and all its problems.

    Raises
    ------
    aexad.runtime.errors.DataError
        There are problems; or the folder holds no category.
    """
    entries, findings = validate(folder, name, dataset)
    findings += _names(sorted({entry.category for entry in entries}))
    if dataset.categories is None:
        findings += _no_categories(folder, dataset.adaptor)
    rows = []
    for category in sorted({entry.category for entry in entries} | {f.category for f in findings}):
        images = [entry for entry in entries if entry.category == category]
        kinds = Counter(finding.kind for finding in findings if finding.category == category)
        rows.append(
            {
                "category": category or "(all)",
                **count_images(images).model_dump(),
                "types": len({entry.defect for entry in images if entry.mask}),
                "problems": kinds[PROBLEM],
                "warnings": kinds[WARNING],
            }
        )
    counts = tabulate(rows, headers="keys", disable_numparse=True)
    names = [name for entry in entries for name in (entry.image, entry.mask) if name]
    files = [path for name in names for path in mask_files(folder / name)]
    endings = Counter(path.suffix.lower() for path in files)
    read = ", ".join(f"{count} {ending}" for ending, count in endings.most_common())
    print(f"{folder} as {dataset.adaptor}\n\n{counts}\n\nfiles read: {read}")
    if findings:
        texts = [(category or "(all)", kind, text) for category, kind, text in grouped(findings)]
        headers = ["category", "kind", "what, where, what to do"]
        print(f"\n{tabulate(texts, headers=headers, disable_numparse=True)}")
    if count := sum(row["problems"] for row in rows):
        raise DataError(f"{folder}: {count} problem{'s' * (count > 1)}, listed above; correct them")


def _names(categories: list[str]) -> list[Finding]:
    """Categories that a benchmark refuses, because their names are names of its folders too."""
    text = "a benchmark accepts only letters, digits and _ . - (no - first) here; rename the folder"
    refused = [name for name in categories if not re.fullmatch(NAMES["category"], name)]
    return [Finding(name, WARNING, f"name of the category: {text}") for name in refused]


def _no_categories(folder: Path, adaptor: str) -> list[Finding]:
    """Folders that are passed over, although they have a part of a category in this layout."""
    layout = layout_of(adaptor)
    if not isinstance(layout, FolderLayout):
        return []
    known, parts = layout.categories(folder), ("train", layout.test, *layout.masks)
    return [
        Finding("", WARNING, f"{path}: left out, because it has no folder train/{layout.normal}")
        for path in folders_in(folder)
        if path.name not in known and any((path / part).is_dir() for part in parts)
    ]
