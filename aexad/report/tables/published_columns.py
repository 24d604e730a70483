"""What a table of a source compares: rows of our results, and the source's published numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from aexad.report.published import OVERALL
from aexad.report.results import Results

AEXAD, VIT, ANOVIT = "angiulli2025aexad", "presta2025vitaexad", "lee2022anovit"
OUR_NAMES = {"co2_g": "training_co2_g"}
"""A source's metric: ours, where the name is another."""
MEAN = "mean"
NOT_PUBLISHED = "Not published."


class PublishedColumns(NamedTuple):
    """Published numbers of one table of a source, by our metrics' names.

    ``cells`` has columns dataset, metric, category, method, value; ``labels`` maps each of the
    source's methods to the header of its column.
    """

    cells: pd.DataFrame
    labels: Mapping[str, str]

    def values(self, method: str, rows: pd.DataFrame) -> list[tuple[float, str]]:
        """The published number of each row and its footnote; NaN where nothing is published.

        Parameters
        ----------
        method : str
            One of ``labels``.
        rows : DataFrame
            Columns dataset, metric, category; a row :data:`MEAN` is over the categories of the same
            data set and metric.
        """
        own = self.cells[self.cells["method"] == method]
        found = {
            where: dict(zip(part["category"], part["value"], strict=True))
            for where, part in own.groupby(["dataset", "metric"])
        }
        categories = rows[rows["category"] != MEAN].groupby(["dataset", "metric"])["category"]
        of = {where: list(names) for where, names in categories}
        return [
            _published(
                found.get((row.dataset, row.metric), {}),
                str(row.category),
                of[row.dataset, row.metric],
            )
            for row in rows.itertuples()
        ]


def _published(
    values: Mapping[str, float], category: str, categories: Sequence[str]
) -> tuple[float, str]:
    """One number; a mean that is not published is that of the categories, if all are."""
    # A published mean over other categories than ours is not comparable.
    if category != MEAN or set(values) - set(OVERALL) <= set(categories):
        value = values.get(category, math.nan)
        if not math.isnan(value) or category != MEAN:
            return value, NOT_PUBLISHED * math.isnan(value)
    known = [values[name] for name in categories if name in values]
    if len(known) == len(categories):
        return sum(known) / len(known), ""
    note = f"Published for {len(known)} of these {len(categories)} categories."
    return math.nan, note if known else NOT_PUBLISHED


def rows_of(
    results: Results, scenario: str, metrics: Sequence[str], methods: Sequence[str]
) -> pd.DataFrame:
    """Rows of one scenario, these metrics and methods; the methods in the given order."""
    rows = results.quantities
    rows = rows[(rows["scenario"] == scenario) & rows["metric"].isin(metrics)]
    return pd.concat([rows[:0], *(rows[rows["method"] == name] for name in methods)])


def published_cells(results: Results, source: str, table: str) -> pd.DataFrame:
    """The cells of a source's table, under our metrics' names."""
    cells = results.published.cells
    cells = cells[(cells["source"] == source) & (cells["table"] == table)]
    return cells.assign(metric=cells["metric"].replace(OUR_NAMES))


def published_columns(
    results: Results, source: str, table: str, metrics: pd.DataFrame
) -> PublishedColumns | None:
    """The columns of a source's table on the data sets and metrics of ``metrics``, if any."""
    cells = published_cells(results, source, table)
    cells = cells[cells["dataset"].isin(set(metrics["dataset"]))]
    cells = cells[cells["metric"].isin(set(metrics["metric"]))]
    labels = {name: results.published.label(name) for name in cells["method"].unique()}
    return PublishedColumns(cells, labels) if labels else None
