"""The tables that name images: the index of a data set, and the split of a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from aexad.data.masks import BRIGHT, MARKS
from aexad.runtime.errors import DataError

GOOD = "good"
"""The defect type of normal images."""


class Entry(NamedTuple):
    """One row of the index; paths are POSIX paths relative to the root of the data set."""

    category: str
    split: str
    """One of :data:`SPLITS`."""
    defect: str
    """:data:`GOOD`, or the defect type."""
    image: str
    mask: str
    """Empty for good images."""
    marks: str = BRIGHT
    """Which pixels of the mask are anomalous: see :func:`aexad.data.masks.load_mask`."""


INDEX_COLUMNS = list(Entry._fields)
SPLITS = ("train", "validation", "test")
SPLIT_COLUMNS = ["role", "defect", "image", "mask", "marks"]
ROLES = ("normal", "validation", "labelled", "test")
TRAINED_ROLES = {
    "standard": ("normal", "labelled"),
    "anomalies_only": ("labelled",),
    "one_class": ("normal",),
}
"""The roles that each scenario trains on."""


def read_index(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read the CSV of an index; all columns are strings, and a missing mask is an empty string.

    Raises
    ------
    aexad.runtime.errors.DataError
        As for :func:`read_table`; the table is empty, or has a split other than :data:`SPLITS`.
    """
    return read_table(path, INDEX_COLUMNS, "index", split=SPLITS, marks=MARKS)


def read_split(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read ``split.csv``; all columns are strings, and an empty mask is an empty string.

    Raises
    ------
    aexad.runtime.errors.DataError
        As for :func:`read_table`; the table is empty, or has a role other than :data:`ROLES` or
        marks other than :data:`aexad.data.masks.MARKS`.
    """
    return read_table(path, SPLIT_COLUMNS, "split", role=ROLES, marks=MARKS)


def read_table(
    path: str | os.PathLike[str], columns: list[str], verb: str, **allowed: Sequence[str]
) -> pd.DataFrame:
    """Read a CSV of strings.

    Parameters
    ----------
    path
        A CSV file.
    columns
        The columns that it must have, in this order.
    verb
        The command that writes this file, for messages.
    allowed
        The values that a column may have; with it, the table must have rows.

    Raises
    ------
    aexad.runtime.errors.DataError
        The file does not exist, is no such table, or has other values.
    """
    again = f"make it again with 'aexad {verb}'"
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, compression=None)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; make it with 'aexad {verb}'") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError):
        raise DataError(f"{path}: not a CSV table; {again}") from None
    if list(table.columns) != columns:
        raise DataError(
            f"{path}: the columns are {', '.join(table.columns)} instead of {', '.join(columns)}; "
            f"{again}"
        )
    if allowed and table.empty:
        raise DataError(f"{path}: no row below the header; {again}")
    for column, values in allowed.items():
        others = table.loc[~table[column].isin(values), column]
        if len(others):
            raise DataError(
                f"{path}: column '{column}' holds '{others.iloc[0]}', and only "
                f"{', '.join(values)} are allowed; correct it, or {again}"
            )
    return table
