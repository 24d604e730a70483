"""Tables of categories x methods: of one metric or several, with published values beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple

import pandas as pd

from aexad.report.labels import QUANTITY, Metric
from aexad.report.published import OVERALL
from aexad.report.stats.aggregate import over_categories, over_seeds, same_categories
from aexad.report.tables.format import (
    Notes,
    Value,
    by_method,
    method_cells,
    number_cells,
    of_all_categories,
    of_category,
)
from aexad.report.tables.table import Cell, Table, plain_columns, plain_table
from aexad.report.text.captions import data_phrase, reading_phrase
from aexad.report.text.numbers import printer

MEAN = "mean"
NOT_PUBLISHED = "Not published."


@dataclass(frozen=True)
class PublishedColumns:
    """Published columns: ``cells`` of one table, by our metrics' names; ``labels`` the headers."""

    cells: pd.DataFrame
    labels: Mapping[str, str]

    def value(self, dataset: str, metric: str, category: str, method: str) -> float:
        """What the source prints, NaN where it prints nothing."""
        return float(self._found.get((dataset, metric, category, method), math.nan))

    def mean(self, dataset: str, metric: str, categories: Sequence[str], method: str) -> Value:
        """The source's mean; where it prints none, that of its values, if every category has one.

        The categories are those of the measured mean beside it.
        """
        values = [self.value(dataset, metric, name, method) for name in categories]
        cells = self.cells
        of_source = cells[(cells["dataset"] == dataset) & (cells["metric"] == metric)]
        of_source = of_source[of_source["method"] == method]
        known = of_source[~of_source["category"].isin(OVERALL)]
        if set(known["category"]) <= set(categories):
            stated = self.value(dataset, metric, MEAN, method)
            if not math.isnan(stated):
                return Value(stated, math.nan)
        there = [value for value in values if not math.isnan(value)]
        if len(there) < len(values):
            note = f"Published for {len(there)} of these {len(values)} categories."
            return Value(math.nan, math.nan, note if there else NOT_PUBLISHED)
        return Value(sum(values) / len(values), math.nan)

    @cached_property
    def _found(self) -> Mapping[Any, float]:
        index = ["dataset", "metric", "category", "method"]
        return self.cells.set_index(index)["value"].to_dict()


class Line(NamedTuple):
    """A row of the table: the means of all methods in one category, or over all of them."""

    dataset: str
    metric: Metric
    label: str
    means: pd.DataFrame
    meaning: Callable[[pd.Series], Value]
    comparable: bool
    categories: tuple[str, ...]


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
    return category_table(
        f"{metric.name}_{metrics['scenario'].iloc[0]}",
        f"{metric_title(metric)}, {metrics['scenario'].iloc[0]}",
        f"{metric.definition[0].upper()}{metric.definition[1:]}.",
        metrics,
        methods,
        titles,
    )


def category_table(
    name: str,
    title: str,
    about: str,
    metrics: pd.DataFrame,
    methods: pd.DataFrame,
    titles: Mapping[str, str],
    beside: PublishedColumns | None = None,
) -> Table:
    """Categories x methods, then the mean, for each data set and metric.

    Parameters
    ----------
    name, title : str
    about : str
        The caption's beginning; what data are behind the table and how to read it follows.
    metrics : DataFrame
        Rows of ``metrics.csv`` of one scenario; all their methods are columns, all their metrics
        have rows, in the order of :data:`~aexad.report.labels.QUANTITY`.
    methods : DataFrame
        Rows of ``methods.csv``.
    titles : mapping of str to str
        Data set: its title.
    beside : PublishedColumns, optional
        Published columns. Best and runner-up are those of the measured ones: other machines, splits
        and seeds are behind the others.
    """
    names = list(metrics["method"].unique())
    notes = Notes()
    lines = list(_lines(metrics))
    words = _words(lines, titles)
    counted = not all(line.metric.lower for line in lines)  # costs are not of images
    blocks = []
    # The categories of a data set and metric are one block, their mean is the next.
    for _, block in groupby(lines, lambda line: (line.dataset, line.metric, line.meaning)):
        rows = [
            (*words[1](line), *_images(line) * counted, *_cells(line, names, notes, beside))
            for line in block
        ]
        blocks.append(tuple(rows))
    theirs = [Cell(f"{label} (published)") for label in (beside.labels.values() if beside else ())]
    return Table(
        name=name,
        title=title,
        caption=f"{about} {data_phrase(metrics, titles)} "
        + "n: test images behind a value in one seed. " * counted
        + reading_phrase(metrics, published=beside is not None),
        header=(
            *(Cell(word) for word in words[0]),
            *[Cell("n")] * counted,
            *method_cells(names, methods, notes),
            *theirs,
        ),
        blocks=tuple(blocks),
        words=len(words[0]),
        notes=notes.all(),
        numbers=plain_table([_record(line, names, beside) for line in lines]),
    )


def metric_title(metric: Metric) -> str:
    """A metric's label, with its full name where that says more."""
    label = metric.label[0].upper() + metric.label[1:]
    return label + (f" ({metric.title})" if metric.title != metric.label else "")


def _words(
    lines: Sequence[Line], titles: Mapping[str, str]
) -> tuple[list[str], Callable[[Line], tuple[Cell, ...]]]:
    """The headers of the columns of words, and a line's cells below them."""
    datasets = len({line.dataset for line in lines}) > 1
    metrics = len({line.metric for line in lines}) > 1

    def cells(line: Line) -> tuple[Cell, ...]:
        texts = [titles.get(line.dataset, line.dataset)] * datasets + [line.metric.label] * metrics
        return tuple(Cell(text) for text in [*texts, line.label])

    return ["Data set"] * datasets + ["Metric"] * metrics + ["Category"], cells


def _lines(metrics: pd.DataFrame) -> Iterator[Line]:
    present = set(metrics["metric"])
    means = over_categories(metrics)
    for name, cells in over_seeds(metrics).groupby("dataset", sort=False):
        dataset = str(name)
        for metric in (each for each in QUANTITY.values() if each.name in present):
            of_metric = cells[cells["metric"] == metric.name]
            categories = tuple(str(each) for each in of_metric["category"].unique())
            for category in categories:
                part = of_metric[of_metric["category"] == category]
                yield Line(dataset, metric, category, part, of_category, True, (category,))
            part = means[(means["dataset"] == dataset) & (means["metric"] == metric.name)]
            if categories:
                same = same_categories(part)
                yield Line(dataset, metric, MEAN, part, of_all_categories, same, categories)


def _images(line: Line) -> tuple[Cell]:
    low, high = line.means["low"].min(), line.means["high"].max()
    return (Cell(str(high) if low == high else f"{low}–{high}"),)


def _cells(
    line: Line, names: Sequence[str], notes: Notes, beside: PublishedColumns | None
) -> tuple[Cell, ...]:
    text, lower = printer(line.metric), line.metric.lower
    values = by_method(line.means, names, line.meaning)
    ours = number_cells(values, notes, line.comparable, text, lower)
    theirs = _theirs(line, beside)
    return (*ours, *number_cells(theirs, notes, False, text))


def _theirs(line: Line, beside: PublishedColumns | None) -> list[Value]:
    """The published values beside a line."""
    if beside is None:
        return []
    where = (line.dataset, line.metric.name)
    if line.label == MEAN:
        return [beside.mean(*where, line.categories, method) for method in beside.labels]
    found = [beside.value(*where, line.label, method) for method in beside.labels]
    return [Value(value, math.nan, NOT_PUBLISHED * math.isnan(value)) for value in found]


def _record(line: Line, names: Sequence[str], beside: PublishedColumns | None) -> dict[str, Any]:
    methods = beside.labels if beside else ()
    return {
        "dataset": line.dataset,
        "metric": line.metric.name,
        "category": line.label,
        "seeds": line.means["seeds"].max(),
        "images": line.means["high"].max(),
        **plain_columns(line.means, "method", names),
        **{
            f"{method}_published": value.mean
            for method, value in zip(methods, _theirs(line, beside), strict=True)
        },
    }
