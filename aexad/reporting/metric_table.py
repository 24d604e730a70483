"""The table of one metric: categories x methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import pandas as pd

from aexad.reporting.averages import over_categories, over_seeds
from aexad.reporting.captions import data_phrase, reading_phrase
from aexad.reporting.cells import (
    Notes,
    Value,
    by_method,
    method_cells,
    number_cells,
    of_all_categories,
    of_category,
    same_categories,
)
from aexad.reporting.labels import Metric
from aexad.reporting.table import Cell, Table, plain_columns, plain_table

MEAN = "mean"


class Line(NamedTuple):
    """A row of the table: the means of all methods in one category, or over all of them."""

    dataset: str
    label: str
    means: pd.DataFrame
    meaning: Callable[[pd.Series], Value]
    comparable: bool


def metric_table(
    metric: Metric, metrics: pd.DataFrame, methods: pd.DataFrame, titles: Mapping[str, str]
) -> Table:
    """One metric under one scenario: categories x methods, then the mean, for each data set.

    Parameters
    ----------
    metric : Metric
        The metric.
    metrics : DataFrame
        The rows of ``metrics.csv`` of that metric and one scenario.
    methods : DataFrame
        Rows of ``methods.csv``.
    titles : mapping of str to str
        Data set: its title.
    """
    names = list(metrics["method"].unique())
    scenario = str(metrics["scenario"].iloc[0])
    several = len(set(metrics["dataset"])) > 1
    notes = Notes()
    header = [Cell("Category"), Cell("n"), *method_cells(names, methods, notes)]
    lines = list(_lines(metrics))
    blocks = []
    # A data set's categories are one block, its mean is the next.
    for _, block in groupby(lines, lambda line: (line.dataset, line.meaning)):
        rows = [_cells(line, names, notes) for line in block]
        blocks.append(tuple(rows))
    if several:
        header.insert(0, Cell("Data set"))
        owner = iter([Cell(titles.get(line.dataset, line.dataset)) for line in lines])
        blocks = [tuple((next(owner), *row) for row in block) for block in blocks]
    return Table(
        name=f"{metric.name}_{scenario}",
        title=f"{metric_title(metric)}, {scenario}",
        caption=f"{metric.definition[0].upper()}{metric.definition[1:]}. "
        f"{data_phrase(metrics, titles)} n: test images behind a value in one seed. "
        + reading_phrase(metrics),
        header=tuple(header),
        blocks=tuple(blocks),
        words=2 if several else 1,
        notes=notes.all(),
        numbers=plain_table([_record(line, names) for line in lines]),
    )


def metric_title(metric: Metric) -> str:
    """A metric's label, with its full name where that says more."""
    label = metric.label[0].upper() + metric.label[1:]
    return label + (f" ({metric.title})" if metric.title != metric.label else "")


def _lines(metrics: pd.DataFrame) -> Iterator[Line]:
    means = over_categories(metrics)
    for name, cells in over_seeds(metrics).groupby("dataset", sort=False):
        dataset = str(name)
        for category, part in cells.groupby("category", sort=False):
            yield Line(dataset, str(category), part, of_category, comparable=True)
        part = means[means["dataset"] == dataset]
        yield Line(dataset, MEAN, part, of_all_categories, same_categories(part))


def _cells(line: Line, names: Sequence[str], notes: Notes) -> tuple[Cell, ...]:
    values = by_method(line.means, names, line.meaning)
    low, high = line.means["low"].min(), line.means["high"].max()
    images = str(high) if low == high else f"{low}–{high}"
    return (Cell(line.label), Cell(images), *number_cells(values, notes, line.comparable))


def _record(line: Line, names: Sequence[str]) -> dict[str, Any]:
    return {
        "dataset": line.dataset,
        "category": line.label,
        "seeds": line.means["seeds"].max(),
        "images": line.means["high"].max(),
        **plain_columns(line.means, "method", names),
    }
