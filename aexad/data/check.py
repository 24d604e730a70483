"""``check``: what an examination of a data set found, as tables for the screen."""

from __future__ import annotations

from pathlib import Path

from tabulate import tabulate

from aexad.config.catalogue import Dataset
from aexad.config.schema import nearest
from aexad.data.layouts.registry import ADAPTORS, recognised
from aexad.data.validate import Examination, counted, examine
from aexad.runtime.errors import ConfigError, DataError

UNMARKED = "this mask of a defect marks nothing; correct it, or remove it and its image"


def entry_for(folder: Path, adaptor: str | None) -> Dataset:
    """The entry of a folder that is in no catalogue; without an adaptor, that of its layout.

    Raises
    ------
    aexad.runtime.errors.ConfigError
        No such adaptor.
    aexad.runtime.errors.DataError
        Without one: the folder has none of the known layouts.
    """
    if adaptor is not None and adaptor not in ADAPTORS:
        raise ConfigError(f"no adaptor '{adaptor}'; {nearest(adaptor, list(ADAPTORS))}")
    return Dataset.model_validate({"title": folder.name, "adaptor": adaptor or recognised(folder)})


def check(folder: Path, name: str, dataset: Dataset) -> None:
    """Examine a data set, and print what it holds and all that is wrong with it.

    Raises
    ------
    aexad.runtime.errors.DataError
        There are problems; or the folder holds no category.
    """
    found = examine(folder, name, dataset)
    print(f"{folder} as {dataset.adaptor}\n\n{counts_table(found)}")
    if table := problems_table(found):
        print(f"\n{table}")
    if count := sum(len(problems) for problems in found.problems.values()):
        raise DataError(f"{folder}: {count} problem{'s' * (count > 1)}, listed above; correct them")


def counts_table(found: Examination) -> str:
    """The images of each category, and its problems."""
    rows = []
    for category, problems in found.problems.items():
        entries = [entry for entry in found.entries if entry.category == category]
        if category or problems:
            counts = counted(entries)
            rows.append(
                {
                    "category": category or "(all)",
                    **counts.model_dump(),
                    "types": len({entry.defect for entry in entries if entry.mask}),
                    "problems": len(problems),
                    "warnings": len(found.unmarked.get(category, [])),
                }
            )
    return tabulate(rows, headers="keys", disable_numparse=True)


def problems_table(found: Examination) -> str:
    """A row for each problem and each warning; nothing if there is none."""
    rows = [
        (category or "(all)", "problem", problem)
        for category, problems in found.problems.items()
        for problem in problems
    ]
    rows += [
        (category, "warning", f"{mask}: {UNMARKED}")
        for category, masks in found.unmarked.items()
        for mask in masks
    ]
    headers = ["category", "kind", "what, where, what to do"]
    return tabulate(rows, headers=headers, disable_numparse=True) if rows else ""
