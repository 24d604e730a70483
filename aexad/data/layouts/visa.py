"""VisA as it is handed on: a table says which images are trained on and which are tested.

Source: Zou et al., "SPot-the-Difference" (2022). ``split_csv/1cls.csv`` has the columns object,
split, label, image and mask; images lie in ``<category>/Data/Images/Normal|Anomaly``, masks in
``<category>/Data/Masks/Anomaly``. A pixel of a mask is the number of its defect, so any but 0 is
anomalous: :func:`aexad.data.images.load_mask` knows such masks by that folder.
"""

from __future__ import annotations

import csv
from pathlib import Path, PurePosixPath

from aexad.data.layouts.mvtec import GOOD, Entry
from aexad.runtime.errors import DataError

TABLE = "split_csv/1cls.csv"
COLUMNS = ("object", "split", "label", "image", "mask")
FORM = f"{TABLE} with the columns {', '.join(COLUMNS)} (VisA)"
SPLITS, LABELS = ("train", "test"), ("normal", "anomaly")
DEFECT = "anomaly"
"""VisA does not tell types of defects apart."""


def categories(root: Path) -> list[str]:
    """The objects of the table, sorted; none if there is no table."""
    if not (root / TABLE).is_file():
        return []
    return sorted({row["object"] for row in _rows(root)})


def entries(root: Path, category: str, problems: list[str]) -> list[Entry]:
    """All images that the table lists of a category; what is wrong with it goes to ``problems``."""
    found = []
    rows = [row for row in _rows(root) if row["object"] == category]
    if not rows:
        problems.append(f"{root / TABLE}: no row of '{category}'; restore the table")
    for row in rows:
        wrong = _problem(row)
        if wrong:
            problems.append(f"{root / TABLE}: {row['image'] or 'a row'}: {wrong}")
            continue
        defect = DEFECT if row["label"] == "anomaly" else GOOD
        mask = row["mask"] if defect == DEFECT else ""
        found.append(Entry(category, row["split"], defect, row["image"], mask))
    return found


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
    """What makes a row of no use."""
    if row["split"] not in SPLITS or row["label"] not in LABELS:
        return (
            f"split '{row['split']}' and label '{row['label']}' are not of {', '.join(SPLITS)} and "
            f"{', '.join(LABELS)}; restore the table"
        )
    if row["label"] == "anomaly" and row["split"] == "train":
        return "an anomaly is to be trained on as if it were normal; restore the table"
    if row["label"] == "anomaly" and not row["mask"]:
        return "an anomaly has no mask; restore the table"
    paths = [PurePosixPath(row["image"]), PurePosixPath(row["mask"])]
    if not row["image"] or any(path.is_absolute() or ".." in path.parts for path in paths):
        return "its path does not lie in the data set's folder; restore the table"
    return None
