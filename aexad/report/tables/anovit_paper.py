"""Tables 1 to 5 of the AnoViT paper: l2-CAE, AnoViT, and by how much the one beats the other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from aexad.report.labels import METRIC
from aexad.report.results import Results
from aexad.report.stats.aggregate import over_categories, over_seeds
from aexad.report.stats.tests import mean_and_deviation
from aexad.report.tables.categories import MEAN
from aexad.report.tables.format import Notes, Value, emphases, method_cells, printed
from aexad.report.tables.selection import ANOVIT, published_cells, rows_of
from aexad.report.tables.table import Cell, Table, plain_table
from aexad.report.text.captions import data_phrase, reading_phrase
from aexad.report.text.numbers import number

SCENARIO = "one_class"
DEVIATION = "std"
THEIRS = ("l2_cae", "anovit")


class Layout(NamedTuple):
    """One table of the paper; ``datasets`` None are those that no other table has."""

    number: int
    metric: str
    dataset: str | None


LAYOUTS = (
    Layout(2, "image_auroc", "mnist"),
    Layout(3, "image_auroc", "cifar10"),
    Layout(4, "image_auroc", None),
    Layout(5, "pixel_auroc", None),
)
OF_IMAGES = ("mnist", "cifar10")
"""Data sets without masks, each of which has a table of its own."""


class Line(NamedTuple):
    """A row: what each method reached (mean and deviation), and what the paper prints of it."""

    words: tuple[str, ...]
    measured: dict[str, Value]
    published: dict[str, float]


def anovit_tables(measured: Results) -> Iterator[Table]:
    """Those of the paper's tables that the benchmark has runs of both methods for."""
    roles = measured.roles
    if not roles.l2_cae or not roles.anovit:
        return
    overall = [
        line
        for layout in LAYOUTS
        for dataset in _datasets(measured, layout)
        for line in _overall(measured, layout, dataset)
    ]
    if overall:
        yield _table(
            measured, 1, "means", ("Data set", "Metric"), [overall],
            "Mean ± standard deviation over the classes or categories.",
            rows_of(measured, SCENARIO, ("image_auroc", "pixel_auroc"), _methods(measured)),
        )  # fmt: skip
    for layout in LAYOUTS:
        datasets = _datasets(measured, layout)
        blocks = [_lines(measured, layout, dataset) for dataset in datasets]
        if not datasets:
            continue
        rows = _rows(measured, layout)
        yield _table(
            measured, layout.number, METRIC[layout.metric].label, ("Data set", "Category"), blocks,
            f"{METRIC[layout.metric].label[0].upper()}{METRIC[layout.metric].label[1:]}. The last "
            "rows: mean, and standard deviation over the classes or categories.",
            rows[rows["dataset"].isin(datasets)],
        )  # fmt: skip


def relative_improvement(new: float, old: float) -> float:
    """By how many per cent ``new`` is above ``old``; NaN where one is, or ``old`` is 0.

    >>> round(relative_improvement(0.98, 0.938), 2)
    4.48
    """
    return 100 * (new - old) / old if old else math.nan


def _methods(measured: Results) -> list[str]:
    return [*measured.roles.l2_cae, *measured.roles.anovit]


def _rows(measured: Results, layout: Layout) -> pd.DataFrame:
    return rows_of(measured, SCENARIO, (layout.metric,), _methods(measured))


def _datasets(measured: Results, layout: Layout) -> list[str]:
    """The data sets of a table; one with a limit belongs where its base does."""
    rows = _rows(measured, layout)
    there = rows.loc[rows["value"].notna(), "dataset"].unique()
    bases = {str(name): measured.bases.get(str(name), str(name)) for name in there}
    if layout.dataset is None:
        return [name for name, base in bases.items() if base not in OF_IMAGES]
    return [name for name, base in bases.items() if base == layout.dataset]


def _published(measured: Results, layout: Layout, dataset: str) -> pd.Series:
    """What the paper prints of the whole data set, by category and method."""
    cells = published_cells(measured, ANOVIT)
    base = measured.bases.get(dataset, dataset)
    cells = cells[(cells["table"] == f"table{layout.number}") & (cells["dataset"] == base)]
    return cells[cells["metric"] == layout.metric].set_index(["category", "method"])["value"]


def _lines(measured: Results, layout: Layout, dataset: str) -> list[Line]:
    """The categories of one data set, their mean, and their standard deviation."""
    rows = _rows(measured, layout)
    rows = rows[rows["dataset"] == dataset]
    cells, means = over_seeds(rows), over_categories(rows)
    title = measured.titles.get(dataset, dataset)
    theirs = _published(measured, layout, dataset).to_dict()

    def line(category: str, part: pd.DataFrame) -> Line:
        values = {
            str(row["method"]): Value(row["mean"], row["std"]) for row in part.to_dict("records")
        }
        printed_there = {name: float(theirs.get((category, name), math.nan)) for name in THEIRS}
        return Line((title, category), values, printed_there)

    lines = [line(str(name), part) for name, part in cells.groupby("category", sort=False)]
    lines.append(line(MEAN, means))
    deviation = line(DEVIATION, means)
    by_method = cells.groupby("method")["mean"]
    spread = {str(name): mean_and_deviation(part.tolist())[1] for name, part in by_method}
    return [
        *lines,
        deviation._replace(measured={name: Value(s, math.nan) for name, s in spread.items()}),
    ]


def _overall(measured: Results, layout: Layout, dataset: str) -> list[Line]:
    """The data set's row of table 1: mean ± standard deviation over the classes."""
    *_, mean, deviation = _lines(measured, layout, dataset)
    return [
        Line(
            (mean.words[0], METRIC[layout.metric].label),
            {
                name: Value(value.mean, deviation.measured[name].mean)
                for name, value in mean.measured.items()
            },
            mean.published,
        )
    ]


def _table(
    measured: Results,
    number: int,
    title: str,
    words: tuple[str, str],
    blocks: list[list[Line]],
    about: str,
    rows: pd.DataFrame,
) -> Table:
    theirs = any(
        not math.isnan(value)
        for block in blocks for line in block for value in line.published.values()
    )  # fmt: skip
    notes = Notes()
    names = _methods(measured)
    marked = dict(zip(names, method_cells(names, measured.methods, notes), strict=True))
    header = [Cell(word) for word in words]
    header += [marked[name] for name in names]
    header += [Cell(f"{name}: improvement [%]") for name in measured.roles.anovit]
    if theirs:
        header += [Cell(f"{measured.published.label(name)} (published)") for name in THEIRS]
        header.append(Cell("improvement (published) [%]"))
    return Table(
        name=f"anovit_table{number}",
        title=f"l2-CAE and AnoViT, {title} (AnoViT, table {number})",
        caption=f"{about} Relative improvement: (AnoViT - l2-CAE) / l2-CAE. "
        f"{data_phrase(rows, measured.titles)} {reading_phrase(rows, published=theirs)}",
        header=tuple(header),
        blocks=tuple(tuple(_row(measured, line, theirs) for line in block) for block in blocks),
        words=len(words),
        notes=notes.all(),
        numbers=plain_table([_record(measured, line, theirs) for b in blocks for line in b]),
    )


def _row(measured: Results, line: Line, theirs: bool) -> tuple[Cell, ...]:
    values = _values(measured, line)
    spread = line.words[-1] == DEVIATION
    ranks = [""] * len(values) if spread else emphases([each.mean for each in values.values()])
    cells = [Cell(word) for word in line.words]
    cells += [
        Cell(printed(value), rank) for value, rank in zip(values.values(), ranks, strict=True)
    ]
    percent = [*_improvements(measured, line).values()]
    cells += [Cell(_percent(value)) for value in percent]
    if theirs:
        cells += [Cell(_there(line.published[name])) for name in THEIRS]
        cells.append(Cell(_percent(_published_improvement(line))))
    return tuple(cells)


def _record(measured: Results, line: Line, theirs: bool) -> dict[str, Any]:
    record: dict[str, Any] = {"dataset": line.words[0], "row": line.words[1]}
    for name, value in _values(measured, line).items():
        record |= {name: value.mean, f"{name}_std": value.std}
    for name, percent in _improvements(measured, line).items():
        record[f"{name}_improvement"] = percent
    if theirs:
        record |= {f"{name}_published": line.published[name] for name in THEIRS}
        record["improvement_published"] = _published_improvement(line)
    return record


def _values(measured: Results, line: Line) -> dict[str, Value]:
    missing = Value(math.nan, math.nan)
    return {name: line.measured.get(name, missing) for name in _methods(measured)}


def _improvements(measured: Results, line: Line) -> dict[str, float]:
    values = _values(measured, line)
    olds = [values[name].mean for name in measured.roles.l2_cae]
    old = next((value for value in olds if not math.isnan(value)), math.nan)
    spread = line.words[-1] == DEVIATION
    return {
        name: math.nan if spread else relative_improvement(values[name].mean, old)
        for name in measured.roles.anovit
    }


def _published_improvement(line: Line) -> float:
    if line.words[-1] == DEVIATION:
        return math.nan
    return relative_improvement(line.published["anovit"], line.published["l2_cae"])


def _percent(value: float) -> str:
    return "" if math.isnan(value) else f"{value:+.1f}"


def _there(value: float) -> str:
    return "" if math.isnan(value) else number(value)
