"""VisA as its owners publish it: a table says which images are for training and which for tests.

Source: Zou et al., "SPot-the-Difference" (2022). ``split_csv/1cls.csv`` has the columns object,
split, label, image and mask; images are in ``<category>/Data/Images/Normal|Anomaly``, masks in
``<category>/Data/Masks/Anomaly``. A pixel of a mask is the number of its defect, so any number but
0 is anomalous.
"""

from __future__ import annotations

import csv
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from aexad.data.layouts.mvtec import GOOD, Entry, Layout
from aexad.runtime.errors import DataError

TABLE = "split_csv/1cls.csv"
COLUMNS = ("object", "split", "label", "image", "mask")
MASK_FOLDER = ("Data", "Masks", "Anomaly")
SPLITS, LABELS = ("train", "test"), ("normal", "anomaly")
DEFECT = "anomaly"
"""VisA does not distinguish types of defects."""


def _categories(root: Path) -> list[str]:
    return sorted({row["object"] for row in _rows(root)}) if (root / TABLE).is_file() else []


def _entries(root: Path, category: str, problems: list[str]) -> list[Entry]:
    rows = [row for row in _rows(root) if row["object"] == category]
    if not rows:
        problems.append(f"{root / TABLE}: no row of '{category}'; restore the table")
    listed = []
    for row in rows:
        if problem := _problem(row):
            problems.append(f"{root / TABLE}: {row['image'] or 'a row'}: {problem}")
        elif row["label"] == "anomaly":
            listed.append(Entry(category, row["split"], DEFECT, row["image"], row["mask"]))
        else:
            listed.append(Entry(category, row["split"], GOOD, row["image"], ""))
    return listed


def holds_defect_numbers(path: Path) -> bool:
    """Whether a mask lies in VisA's folder of masks, where pixels are numbers of defects."""
    return path.parts[-4:-1] == MASK_FOLDER


def defect_levels(image: Image.Image) -> np.ndarray:
    """Read numbers of defects: 0 for number 0, 255 for all others.

    Parameters
    ----------
    image
        A mask; the number is its only channel (for a palette: the index) or any of several.

    Returns
    -------
    numpy.ndarray
        uint8 [H, W].
    """
    if len(image.getbands()) == 1:
        marked = np.asarray(image) != 0
    else:
        marked = np.asarray(image.convert("RGB")).any(axis=2)
    return np.where(marked, np.uint8(255), np.uint8(0))


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
