"""VisA as its owners publish it: a table says which images are for training and which for tests.

Source: Zou et al., "SPot-the-Difference" (2022). ``split_csv/1cls.csv`` has the columns object,
split, label, image and mask; images are in ``<category>/Data/Images/Normal|Anomaly``, masks in
``<category>/Data/Masks/Anomaly``. A pixel of a mask is the number of its defect, so any number but
0 is anomalous.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path, PurePosixPath

from aexad.data.layouts.mvtec import Layout
from aexad.data.masks import ANY
from aexad.data.tables import GOOD, Entry
from aexad.runtime.errors import DataError

TABLE = "split_csv/1cls.csv"
COLUMNS = ("object", "split", "label", "image", "mask")
SPLITS, LABELS = ("train", "test"), ("normal", "anomaly")
DEFECT = "anomaly"
"""VisA does not distinguish types of defects."""


def _categories(root: Path) -> list[str]:
    return sorted({row["object"] for row in _rows(root)}) if (root / TABLE).is_file() else []


def _entries(root: Path, category: str, problems: list[str]) -> list[Entry]:
    rows = [row for row in _rows(root) if row["object"] == category]
    if not rows:
        problems.append(f"{root / TABLE}: no row of '{category}'; restore the table")
    images = Counter(row["image"] for row in rows if row["image"])
    problems += [
        f"{root / TABLE}: {image}: is in {count} rows; restore the table"
        for image, count in images.items()
        if count > 1
    ]
    listed = []
    for row in rows:
        if problem := _problem(row):
            problems.append(f"{root / TABLE}: {row['image'] or 'a row'}: {problem}")
        elif row["label"] == "anomaly":
            listed.append(Entry(category, row["split"], DEFECT, row["image"], row["mask"], ANY))
        else:
            listed.append(Entry(category, row["split"], GOOD, row["image"], ""))
    return listed


def _rows(root: Path) -> list[dict[str, str]]:
    path = root / TABLE
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            if not set(COLUMNS) <= set(table.fieldnames or ()):
                raise DataError(
                    f"{path}: its columns are {', '.join(table.fieldnames or ['none'])} and not "
                    f"{', '.join(COLUMNS)}; restore it from the archive"
                )
            return [{key: (row[key] or "").strip() for key in COLUMNS} for row in table]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot be read ({reason}); restore it from the archive") from None


def _problem(row: dict[str, str]) -> str | None:
    """Why a row cannot be used."""
    for key, allowed in {"split": SPLITS, "label": LABELS}.items():
        if row[key] not in allowed:
            return f"{key} '{row[key]}' is not one of {', '.join(allowed)}; restore the table"
    if row["label"] == "anomaly" and row["split"] == "train":
        return "an anomaly would be used for training as if it were normal; restore the table"
    if row["label"] == "anomaly" and not row["mask"]:
        return "an anomaly has no mask; restore the table"
    paths = [PurePosixPath(row["image"]), PurePosixPath(row["mask"])]
    if not row["image"] or any(path.is_absolute() or ".." in path.parts for path in paths):
        return "its path does not lie in the data set's folder; restore the table"
    return None


VISA = Layout(f"{TABLE} with the columns {', '.join(COLUMNS)} (VisA)", _categories, _entries)
