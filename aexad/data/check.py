"""``check``: show the images of a data set and all its problems as tables on the screen."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tabulate import tabulate

from aexad.config.catalogue import Dataset
from aexad.config.schema import nearest
from aexad.data.layouts.registry import LAYOUTS, recognise
from aexad.data.masks import mask_files
from aexad.data.validate import PROBLEM, WARNING, count_images, grouped, validate
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
