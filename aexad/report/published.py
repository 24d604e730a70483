"""The published numbers of ``config/published/``, as printed in the sources and checked."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pandas as pd

from aexad.config.methods import PublishedMethod
from aexad.config.schema import nearest, read_yaml, validate
from aexad.runtime.errors import DataError

CELL = ["source", "table", "scenario", "dataset", "category", "method", "metric"]
WIN = ["source", "table", "dataset", "row_method", "column_method", "metric"]
METHODS = "methods.yaml"
OVERALL = ("mean", "std")
"""Entries of the column ``category`` that a source prints over its categories."""

SHARE = (0.0, 1.0)
RANGES = {
    **dict.fromkeys(("xauc", "f1", "iou", "pro", "pixel_auroc", "pixel_ap"), SHARE),
    **dict.fromkeys(("image_auroc", "image_ap"), SHARE),
    "co2_g": (0.0, 1e6),
    **dict.fromkeys(("tradeoff_xauc", "tradeoff_f1", "tradeoff_iou"), (0.0, math.inf)),
}
"""Metric: lowest and highest possible value."""


def _empty(key: list[str]) -> pd.DataFrame:
    return pd.DataFrame(columns=[*key, "value"]).astype({"value": float})


@dataclass(frozen=True)
class Published:
    """The numbers of the sources, in the order of their files.

    ``cells`` has the columns :data:`CELL` and ``value``; ``wins`` has the columns :data:`WIN` and
    ``value``; ``methods`` maps each method of a source to its label and to methods of this project.
    """

    cells: pd.DataFrame = field(default_factory=partial(_empty, CELL))
    wins: pd.DataFrame = field(default_factory=partial(_empty, WIN))
    methods: Mapping[str, PublishedMethod] = field(default_factory=dict)

    def shown_for(self, datasets: Mapping[str, str]) -> Published:
        """The numbers of single categories also under other names of their data set.

        A source's mean over its categories stays with the source's data set: another one rarely
        has the same categories.

        Parameters
        ----------
        datasets : mapping of str to str
            Data set here: name of the data set in the sources.

        Raises
        ------
        DataError
            If the sources have no data set of that name.
        """
        single = self.cells[~self.cells["category"].isin(OVERALL)]
        known = list(self.cells["dataset"].unique())
        copies = []
        for ours, theirs in datasets.items():
            if theirs not in known:
                raise DataError(
                    f"data set '{ours}': published_as names '{theirs}', of which the sources have "
                    f"no numbers; {nearest(theirs, known)}"
                )
            if ours != theirs:
                copies.append(single[single["dataset"] == theirs].assign(dataset=ours))
        return replace(self, cells=pd.concat([self.cells, *copies], ignore_index=True))

    def label(self, method: str) -> str:
        """Label of a method of a source, for tables."""
        return self.methods[method].label

    def theirs(self, ours: str) -> list[str]:
        """List the methods of the sources that a method of this project repeats."""
        return [name for name, method in self.methods.items() if ours in method.ours]


def read_published(folder: str | Path) -> Published:
    """Read ``methods.yaml`` and every CSV of ``folder``.

    Raises
    ------
    aexad.runtime.errors.ConfigError
        If ``methods.yaml`` is missing or cannot be used.
    DataError
        If a file is not a table of published numbers, or has an unknown method or metric, a value
        outside the range of its metric, or two values of one cell; the message names the file and
        the line.
    """
    folder = Path(folder)
    path = folder / METHODS
    methods = {
        name: validate(PublishedMethod, entry, f"{path}: method '{name}'")
        for name, entry in read_yaml(path).items()
    }
    tables = [_read_table(file, methods) for file in sorted(folder.glob("*.csv"))]
    joined = []
    for key in (CELL, WIN):
        same_kind = [table for table in tables if list(table.columns) == [*key, "value"]]
        table = pd.concat([_empty(key), *same_kind], ignore_index=True)
        twice = table[table.duplicated(key)]
        if len(twice):
            cell = ", ".join(twice.iloc[0][key])
            raise DataError(f"{folder}: two values of one cell ({cell}); remove one of them")
        joined.append(table)
    cells, wins = joined
    return Published(cells, wins, methods)


def _read_table(path: Path, methods: Mapping[str, PublishedMethod]) -> pd.DataFrame:
    """Read one file and check each row; the values become numbers."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError):
        raise DataError(f"{path}: not a CSV table; restore the file of the project") from None
    if list(table.columns) not in ([*CELL, "value"], [*WIN, "value"]):
        raise DataError(
            f"{path}: the columns are {', '.join(table.columns)}; they must be "
            f"{', '.join(CELL)}, value, or {', '.join(WIN)}, value"
        )
    rows = enumerate(table.to_dict("records"), start=2)
    return table.assign(value=[_value(row, methods, f"{path}:{line}") for line, row in rows])


def _value(
    row: Mapping[Hashable, str], methods: Mapping[str, PublishedMethod], where: str
) -> float:
    for key in ("method", "row_method", "column_method"):
        if key in row and row[key] not in methods:
            hint = nearest(row[key], list(methods))
            raise DataError(f"{where}: no method '{row[key]}' in {METHODS}; {hint}")
    metric = row["metric"]
    if metric not in RANGES:
        raise DataError(f"{where}: no metric '{metric}'; {nearest(metric, list(RANGES))}")
    low, high = SHARE if "row_method" in row else RANGES[metric]
    try:
        value = float(row["value"])
    except ValueError:
        value = math.nan
    if not low <= value <= high:  # also if the value is NaN
        raise DataError(
            f"{where}: {metric} is '{row['value']}', outside its range {low:g} to {high:g}; "
            "correct it"
        )
    return value
