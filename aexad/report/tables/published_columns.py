"""What a table of a source compares: rows of our results, and the source's published numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from aexad.report.labels import QUANTITY
from aexad.report.published import OVERALL
from aexad.report.results import Results
from aexad.report.tables.format import MEAN
from aexad.report.text.numbers import printer

AEXAD, VIT, ANOVIT = "angiulli2025aexad", "presta2025vitaexad", "lee2022anovit"
OUR_NAMES = {"co2_g": "training_co2_g"}
"""A source's metric: ours, where the name is another."""
NOT_PUBLISHED = "Not published."


class Source(NamedTuple):
    """A table of a source."""

    source: str
    table: str


def rows_of(
    results: Results, scenario: str, metrics: Sequence[str], methods: Sequence[str]
) -> pd.DataFrame:
    """Rows of one scenario, these metrics and methods; the methods in the given order."""
    rows = results.quantities
    rows = rows[(rows["scenario"] == scenario) & rows["metric"].isin(metrics)]
    return pd.concat([rows[:0], *(rows[rows["method"] == name] for name in methods)])


def published_table(results: Results, source: Source, rows: pd.DataFrame) -> pd.DataFrame:
    """What a source's table prints on the data sets and metrics of ``rows``; our metrics' names."""
    cells = results.published.cells
    cells = cells[(cells["source"] == source.source) & (cells["table"] == source.table)]
    cells = cells.assign(metric=cells["metric"].replace(OUR_NAMES))
    return cells[cells["dataset"].isin(rows["dataset"]) & cells["metric"].isin(rows["metric"])]


def published_cells(results: Results, source: Source, rows: pd.DataFrame) -> pd.DataFrame:
    """Return one published number for each row and method of a source's table.

    Parameters
    ----------
    results : Results
    source : Source
    rows : DataFrame
        Columns dataset, metric, category; a row :data:`MEAN` is over the categories of the same
        data set and metric.

    Returns
    -------
    DataFrame
        Columns method, mean (NaN where nothing is published), text, emphasis, note; sorted by the
        source's methods, then as ``rows``.
    """
    cells, where = published_table(results, source, rows), ["dataset", "metric"]
    categories = {at: list(part["category"]) for at, part in rows.groupby(where)}
    found = []
    for method, own in cells.groupby("method", sort=False):
        values = {
            at: dict(zip(part["category"], part["value"], strict=True))
            for at, part in own.groupby(where)
        }
        for dataset, metric, category in rows.itertuples(index=False):
            at = dataset, metric
            of = [name for name in categories[at] if name != MEAN]
            value, note = _published(values.get(at, {}), category, of)
            text = printer(QUANTITY[metric])(value)
            found.append((method, value, text, "", note))
    return pd.DataFrame(found, columns=["method", "mean", "text", "emphasis", "note"])


def _published(
    values: Mapping[str, float], category: str, categories: Sequence[str]
) -> tuple[float, str]:
    """One number; a mean that is not published is that of the categories, if all are."""
    # A published mean over other categories than ours is not comparable.
    comparable = category != MEAN or set(values) - set(OVERALL) <= set(categories)
    if comparable and category in values:
        return values[category], ""
    known = [values[name] for name in categories if name in values]
    if category != MEAN or not known:
        return math.nan, NOT_PUBLISHED
    if len(known) < len(categories):
        return math.nan, f"Published for {len(known)} of these {len(categories)} categories."
    return sum(known) / len(known), ""
