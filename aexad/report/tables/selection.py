"""What a table of a source takes from the measurements, and which columns it prints itself."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from aexad.report.results import Results
from aexad.report.tables.categories import PublishedColumns

AEXAD, VIT, ANOVIT = "angiulli2025aexad", "presta2025vitaexad", "lee2022anovit"
OURS = {"co2_g": "training_co2_g"}
"""A source's metric: ours, where the name is another."""


def rows_of(
    measured: Results, scenario: str, metrics: Sequence[str], methods: Sequence[str]
) -> pd.DataFrame:
    """Rows of one scenario, these metrics and methods; the methods in the order that is given."""
    rows = measured.quantities
    rows = rows[(rows["scenario"] == scenario) & rows["metric"].isin(metrics)]
    return pd.concat([rows[:0], *(rows[rows["method"] == name] for name in methods)])


def published_cells(measured: Results, source: str) -> pd.DataFrame:
    """The cells of a source, under our metrics' names."""
    cells = measured.published.cells
    cells = cells[cells["source"] == source]
    return cells.assign(metric=cells["metric"].replace(OURS))


def published_beside(
    measured: Results, source: str, table: str, metrics: pd.DataFrame
) -> PublishedColumns | None:
    """The columns of a source's table on the data sets and metrics of ``metrics``, if any."""
    cells = published_cells(measured, source)
    cells = cells[(cells["table"] == table) & cells["dataset"].isin(set(metrics["dataset"]))]
    cells = cells[cells["metric"].isin(set(metrics["metric"]))]
    if cells.empty:
        return None
    return PublishedColumns(
        cells, {name: measured.published.label(name) for name in cells["method"].unique()}
    )
