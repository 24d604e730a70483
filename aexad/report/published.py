"""The published numbers of ``config/published/``, checked, and which methods of ours they are of.

Nothing here is computed: what a source prints is read as it stands, or refused.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from aexad.config.methods import PublishedMethod
from aexad.config.schema import nearest, read_yaml, validate
from aexad.runtime.errors import DataError

CELL = ["source", "table", "scenario", "dataset", "category", "method", "metric"]
WIN = ["source", "table", "dataset", "row_method", "column_method", "metric"]
METHODS = "methods.yaml"
OVERALL = ("mean", "std")
"""What a source prints over its categories; every other category is one."""

_FRACTIONS = ("xauc", "f1", "iou", "pro", "pixel_auroc", "pixel_ap", "image_auroc", "image_ap")
_TRADEOFFS = ("tradeoff_xauc", "tradeoff_f1", "tradeoff_iou")
RANGES = {
    **dict.fromkeys(_FRACTIONS, (0.0, 1.0)),
    "co2_g": (0.0, 1e6),
    **dict.fromkeys(_TRADEOFFS, (0.0, math.inf)),
}
"""Metric: lowest and highest value that it can have."""


@dataclass(frozen=True)
class Published:
    """The numbers of the sources, in the order of their files.

    ``cells`` has the columns of :data:`CELL` and ``value``; ``wins`` those of :data:`WIN` and
    ``value``; ``methods`` maps a source's method to its label and to ours.
    """

    cells: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=[*CELL, "value"]).astype({"value": float})
    )
    wins: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=[*WIN, "value"]).astype({"value": float})
    )
    methods: Mapping[str, PublishedMethod] = field(default_factory=dict)

    def label(self, method: str) -> str:
        """What tables call a source's method."""
        return self.methods[method].label

    def theirs(self, ours: str) -> list[str]:
        """The sources' methods that a method of ours repeats."""
        return [name for name, method in self.methods.items() if ours in method.ours]


def read_published(folder: str | Path) -> Published:
    """Read every CSV of ``folder`` and its ``methods.yaml``.

    Raises
    ------
    aexad.runtime.errors.ConfigError
        If ``methods.yaml`` is missing or cannot be used.
    DataError
        If a file is no table of published numbers, or holds an unknown method or metric, a value
        outside its metric's range, or a cell twice; the message names file and line.
    """
    folder = Path(folder)
    path = folder / METHODS
    methods = {
        name: validate(PublishedMethod, entry, f"{path}: method '{name}'")
        for name, entry in read_yaml(path).items()
    }
    values, wins = [Published().cells], [Published().wins]
    for file in sorted(folder.glob("*.csv")):
        cells = _cells(file, methods)
        (wins if "row_method" in cells else values).append(cells)
    return Published(_joined(values, CELL, folder), _joined(wins, WIN, folder), methods)


def _cells(path: Path, methods: Mapping[str, PublishedMethod]) -> pd.DataFrame:
    """One file, its values as numbers; every cell is checked by itself."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError):
        raise DataError(f"{path}: not a CSV table; take it from the project anew") from None
    if list(table.columns) not in ([*CELL, "value"], [*WIN, "value"]):
        raise DataError(
            f"{path}: the columns are {', '.join(table.columns)}; they must be "
            f"{', '.join(CELL)}, value, or {', '.join(WIN)}, value"
        )
    values = [
        _value(row, methods, f"{path}:{line}")
        for line, row in enumerate(table.to_dict("records"), start=2)
    ]
    return table.assign(value=values)


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
    low, high = (0.0, 1.0) if "row_method" in row else RANGES[metric]
    try:
        value = float(row["value"])
    except ValueError:
        value = math.nan
    if not low <= value <= high:  # as NaN never is
        raise DataError(
            f"{where}: {metric} is '{row['value']}', outside its range {low:g} to {high:g}; "
            "correct it"
        )
    return value


def _joined(tables: list[pd.DataFrame], cell: list[str], folder: Path) -> pd.DataFrame:
    """All files as one table, in which no cell is twice."""
    whole = pd.concat(tables, ignore_index=True)
    twice = whole[whole.duplicated(cell)]
    if len(twice):
        named = ", ".join(twice.iloc[0][cell])
        raise DataError(f"{folder}: a cell is there twice ({named}); remove one of the two")
    return whole
