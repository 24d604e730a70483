"""Tables 1 to 5 of the AnoViT paper: l2-CAE, AnoViT, and by how much the one beats the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from aexad.report.labels import METRIC
from aexad.report.results import Results
from aexad.report.stats.aggregate import over_categories, over_seeds
from aexad.report.tables.format import emphases, mean_text, method_notes, words
from aexad.report.tables.published_columns import ANOVIT, MEAN, published_cells, rows_of
from aexad.report.tables.table import Column, Table
from aexad.report.text.captions import data_phrase, reading_phrase
from aexad.report.text.numbers import number

SCENARIO = "one_class"
DEVIATION = "std"
THEIRS = ("l2_cae", "anovit")


class Layout(NamedTuple):
    """One table of the paper; ``dataset`` None: every data set that has no table of its own."""

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


def anovit_tables(results: Results) -> Iterator[Table]:
    """The paper's tables, as far as the benchmark has runs of both methods for them."""
    if not results.roles.l2_cae or not results.roles.anovit:
        return
    tables = {
        layout: {dataset: _rows(results, layout, dataset) for dataset in _datasets(results, layout)}
        for layout in LAYOUTS
    }
    overall = [
        _overall(rows, METRIC[layout.metric].label)
        for layout, datasets in tables.items()
        for rows in datasets.values()
    ]
    if overall:
        data = pd.concat(overall, ignore_index=True)
        about = "Mean ± standard deviation over the classes or categories."
        metrics = rows_of(results, SCENARIO, ("image_auroc", "pixel_auroc"), _methods(results))
        yield _table(results, 1, "means", ("Data set", "Metric"), data, about, metrics)
    for layout, datasets in tables.items():
        if not datasets:
            continue
        label = METRIC[layout.metric].label
        data = pd.concat(datasets.values(), ignore_index=True)
        about = (
            f"{label[0].upper()}{label[1:]}. The last rows: mean, and standard deviation over the "
            "classes or categories."
        )
        metrics = rows_of(results, SCENARIO, (layout.metric,), _methods(results))
        metrics = metrics[metrics["dataset"].isin(datasets)]
        yield _table(results, layout.number, label, ("Data set", "Category"), data, about, metrics)


def relative_improvement(new: float, old: float) -> float:
    """By how many per cent ``new`` is above ``old``; NaN where one is, or ``old`` is 0.

    >>> round(relative_improvement(0.98, 0.938), 2)
    4.48
    """
    return 100 * (new - old) / old if old else math.nan


def _methods(results: Results) -> list[str]:
    return [*results.roles.l2_cae, *results.roles.anovit]


def _datasets(results: Results, layout: Layout) -> list[str]:
    """The data sets of a table; a limited data set belongs to the table of its base."""
    rows = rows_of(results, SCENARIO, (layout.metric,), _methods(results))
    names = map(str, rows.loc[rows["value"].notna(), "dataset"].unique())
    bases = {name: results.bases.get(name, name) for name in names}
    if layout.dataset is None:
        return [name for name, base in bases.items() if base not in OF_IMAGES]
    return [name for name, base in bases.items() if base == layout.dataset]


def _rows(results: Results, layout: Layout, dataset: str) -> pd.DataFrame:
    """The categories of one data set, their mean, and their standard deviation.

    Columns dataset (its title), row, ``<method>`` and ``<method>_std`` of both methods,
    ``<method>_published`` of both methods of the paper.
    """
    names = _methods(results)
    metrics = rows_of(results, SCENARIO, (layout.metric,), names)
    metrics = metrics[metrics["dataset"] == dataset]
    categories, means = over_seeds(metrics), over_categories(metrics)
    deviations = categories.groupby("method")["mean"].agg(lambda values: values.std())
    rows = pd.concat(
        [
            categories,
            means.assign(category=MEAN),
            deviations.reset_index().assign(category=DEVIATION),
        ]
    )
    base = results.bases.get(dataset, dataset)
    cells = published_cells(results, ANOVIT, f"table{layout.number}")
    cells = cells[(cells["dataset"] == base) & (cells["metric"] == layout.metric)]
    theirs = cells.set_index(["category", "method"])["value"].to_dict()
    title = results.titles.get(dataset, dataset)
    records = []
    for category, part in rows.groupby("category", sort=False):
        ours = part.set_index("method").reindex(names)
        record = {"dataset": title, "row": category}
        for name in names:
            record |= {name: ours["mean"][name], f"{name}_std": ours["std"][name]}
        records.append(
            record
            | {f"{name}_published": theirs.get((category, name), math.nan) for name in THEIRS}
        )
    return pd.DataFrame(records)


def _overall(rows: pd.DataFrame, label: str) -> pd.DataFrame:
    """The row of a data set in table 1: mean ± standard deviation over the classes."""
    means = rows[rows["row"] == MEAN].assign(row=label)
    deviation = rows[rows["row"] == DEVIATION].iloc[0]
    spreads = [str(name) for name in rows if str(name).endswith("_std")]
    return means.assign(**{name: deviation[name.removesuffix("_std")] for name in spreads})


def _table(
    results: Results,
    layout: int,
    title: str,
    headers: tuple[str, str],
    data: pd.DataFrame,
    about: str,
    metrics: pd.DataFrame,
) -> Table:
    names, titles = _methods(results), results.method_titles
    theirs = [f"{name}_published" for name in THEIRS]
    published = data[theirs]
    data = data.drop(columns=theirs)
    spread = data["row"] == DEVIATION
    old = data[results.roles.l2_cae].bfill(axis=1).iloc[:, 0]
    ranked = [
        [""] * len(names) if is_spread else emphases(list(values))
        for is_spread, values in zip(spread, data[names].to_numpy(), strict=True)
    ]
    columns = [words(headers[0], data["dataset"]), words(headers[1], data["row"])]
    for i, (name, note) in enumerate(zip(names, method_notes(names, results.methods), strict=True)):
        texts = map(mean_text, data[name], data[f"{name}_std"])
        emphasis = [row[i] for row in ranked]
        columns.append(Column(titles[name], list(texts), emphasis, header_note=note))

    def improvement(key: str, header: str, new: pd.Series, old: pd.Series) -> None:
        data[key] = list(map(relative_improvement, new.mask(spread), old))
        columns.append(Column(header, _blank(data[key], "{:+.1f}".format)))

    for name in results.roles.anovit:
        header = f"{titles[name]}: improvement [%]"
        improvement(f"{name}_improvement", header, data[name], old)
    printed = bool(published.notna().any(axis=None))
    if printed:
        for name, key in zip(THEIRS, theirs, strict=True):
            data[key] = published[key]
            header = f"{results.published.label(name)} (published)"
            columns.append(Column(header, _blank(data[key], number)))
        improvement(
            "improvement_published", "improvement (published) [%]", data[theirs[1]], data[theirs[0]]
        )
    return Table(
        name=f"anovit_table{layout}",
        title=f"l2-CAE and AnoViT, {title} (AnoViT, table {layout})",
        caption=f"{about} Relative improvement: (AnoViT - l2-CAE) / l2-CAE. "
        f"{data_phrase(metrics, results.titles, titles)} "
        f"{reading_phrase(metrics, published=printed)}",
        columns=columns,
        data=data,
        blocks_of=list(data["dataset"]) if layout > 1 else (),
    )


def _blank(values: pd.Series, text: Callable[[float], str]) -> Sequence[str]:
    """The printed values; an empty text for NaN."""
    return ["" if math.isnan(value) else text(value) for value in values]
