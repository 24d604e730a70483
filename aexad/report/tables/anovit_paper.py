"""Tables 1 to 5 of the AnoViT paper: l2-CAE, AnoViT, and how much better AnoViT is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from aexad.report.labels import METRIC
from aexad.report.results import Results
from aexad.report.stats.aggregate import over_categories, over_seeds
from aexad.report.tables.format import MEAN, emphases, method_notes, words
from aexad.report.tables.published_columns import ANOVIT, Source, published_table, rows_of
from aexad.report.tables.table import Column, Table
from aexad.report.text.captions import caption
from aexad.report.text.numbers import mean_text, number

SCENARIO = "one_class"
DEVIATION = "std"
THEIRS = ("l2_cae", "anovit")
OVERALL = "Mean ± standard deviation over the classes or categories."
BY_CATEGORY = "The last rows: mean, and standard deviation over the classes or categories."


class Layout(NamedTuple):
    """One table of the paper; ``dataset`` None stands for all that have no table of their own."""

    number: int
    metric: str
    dataset: str | None


LAYOUTS = (
    Layout(2, "image_auroc", "mnist"),
    Layout(3, "image_auroc", "cifar10"),
    Layout(4, "image_auroc", None),
    Layout(5, "pixel_auroc", None),
)
OWN_TABLE = ("mnist", "cifar10")
"""Data sets without masks, each of which has a table of its own."""


def anovit_tables(results: Results) -> Iterator[Table]:
    """Yield the paper's tables, as far as the benchmark has runs of both methods for them."""
    methods = [*results.roles.l2_cae, *results.roles.anovit]
    if not results.roles.l2_cae or not results.roles.anovit:
        return
    overall, tables = [], []
    for layout in LAYOUTS:
        rows = _rows_of(results, layout, methods)
        parts = [
            _numbers(results, layout, str(dataset), part, methods)
            for dataset, part in rows.groupby("dataset", sort=False)
        ]
        if not parts:
            continue
        for part in parts:
            mean, deviation = part.iloc[-2].copy(), part.iloc[-1]
            mean["row"] = METRIC[layout.metric].label
            mean[[f"{name}_std" for name in methods]] = deviation[methods].to_numpy()
            overall.append(mean)
        label = METRIC[layout.metric].label
        about = f"{label[0].upper()}{label[1:]}. {BY_CATEGORY}"
        tables.append(
            _table(results, layout.number, label, about, pd.concat(parts, ignore_index=True), rows)
        )
    if overall:
        rows = rows_of(results, SCENARIO, ("image_auroc", "pixel_auroc"), methods)
        yield _table(
            results, 1, "means", OVERALL, pd.DataFrame(overall).reset_index(drop=True), rows
        )
    yield from tables


def relative_improvement(new: float, old: float) -> float:
    """By how many per cent ``new`` is above ``old``; NaN where one is NaN, or ``old`` is 0.

    >>> round(relative_improvement(0.98, 0.938), 2)
    4.48
    """
    return 100 * (new - old) / old if old else math.nan


def _rows_of(results: Results, layout: Layout, methods: list[str]) -> pd.DataFrame:
    """The rows of a table; a data set with a limit belongs where its base does."""
    rows = rows_of(results, SCENARIO, (layout.metric,), methods)
    bases = rows["dataset"].map(lambda name: results.bases.get(name, name))
    own = bases == layout.dataset if layout.dataset else ~bases.isin(OWN_TABLE)
    valued = rows.loc[rows["value"].notna(), "dataset"]
    return rows[own & rows["dataset"].isin(valued)]


def _numbers(
    results: Results, layout: Layout, dataset: str, metrics: pd.DataFrame, methods: list[str]
) -> pd.DataFrame:
    """One row for each category of a data set, then its mean and standard deviation."""
    cells, means = over_seeds(metrics), over_categories(metrics)
    rows = [*cells["category"].unique(), MEAN, DEVIATION]
    by_method = cells.groupby("method", sort=False)["mean"]
    spread = by_method.agg(_deviation).rename("mean")
    whole = means["every_seed"] & (means["categories"] == means["categories"].max())
    values = pd.concat(
        [
            cells.assign(ranked=cells["mean"].where(cells["every_seed"])),
            means.assign(ranked=means["mean"].where(whole), category=MEAN),
            spread.reset_index().assign(category=DEVIATION),
        ]
    )
    mean, std, ranked = (
        values.pivot_table(index="category", columns="method", values=key, dropna=False).reindex(
            index=rows, columns=methods
        )
        for key in ("mean", "std", "ranked")
    )
    where = {"dataset": [results.bases.get(dataset, dataset)], "metric": [layout.metric]}
    source = Source(ANOVIT, f"table{layout.number}")
    published = published_table(results, source, pd.DataFrame(where))
    published = published.pivot_table(index="category", columns="method", values="value").reindex(
        index=rows, columns=THEIRS
    )
    data = pd.DataFrame({"dataset": results.titles.get(dataset, dataset), "row": rows}, index=rows)
    for name in methods:
        data[name], data[f"{name}_std"] = mean[name], std[name]
        data[f"{name}_ranked"] = ranked[name]
    old = mean[results.roles.l2_cae].bfill(axis=1).iloc[:, 0]
    for name in results.roles.anovit:
        data[f"{name}_improvement"] = _improvements(mean[name], old)
    data[[f"{name}_published" for name in THEIRS]] = published
    data["improvement_published"] = _improvements(published["anovit"], published["l2_cae"])
    return data.reset_index(drop=True)


def _deviation(values: pd.Series) -> float:
    """The sample standard deviation of the known values; NaN below two."""
    known = values.dropna().to_numpy()
    return float(known.std(ddof=1)) if len(known) > 1 else math.nan


def _improvements(new: pd.Series, old: pd.Series) -> pd.Series:
    """The improvement of each row; the row of standard deviations has none."""
    found = [relative_improvement(*pair) for pair in zip(new, old, strict=True)]
    return pd.Series(found, new.index).mask(new.index == DEVIATION)


def _table(
    results: Results, number_: int, title: str, about: str, data: pd.DataFrame, rows: pd.DataFrame
) -> Table:
    """Print the numbers; published columns are left out if they are empty."""
    methods = [*results.roles.l2_cae, *results.roles.anovit]
    theirs = [f"{name}_published" for name in THEIRS]
    published = bool(data[theirs].notna().any(axis=None))
    if not published:
        data = data.drop(columns=[*theirs, "improvement_published"])
    titles, ranked = results.method_titles, [f"{name}_ranked" for name in methods]
    best = [emphases(list(values)) for values in data[ranked].to_numpy()]
    data = data.drop(columns=ranked)
    columns = [
        words("Data set", data["dataset"]),
        words("Metric" if title == "means" else "Category", data["row"]),
    ]
    for i, (name, note) in enumerate(
        zip(methods, method_notes(methods, results.methods), strict=True)
    ):
        texts = [mean_text(*each) for each in data[[name, f"{name}_std"]].to_numpy()]
        columns.append(Column(titles[name], texts, [row[i] for row in best], header_note=note))
    for name in results.roles.anovit:
        texts = [_percent(value) for value in data[f"{name}_improvement"]]
        columns.append(Column(f"{titles[name]}: improvement [%]", texts))
    if published:
        for name in THEIRS:
            texts = [
                "" if math.isnan(value) else number(value) for value in data[f"{name}_published"]
            ]
            columns.append(Column(f"{results.published.label(name)} (published)", texts))
        texts = [_percent(value) for value in data["improvement_published"]]
        columns.append(Column("improvement (published) [%]", texts))
    return Table(
        name=f"anovit_table{number_}",
        title=f"l2-CAE and AnoViT, {title} (AnoViT, table {number_})",
        caption=caption("anovit", results, rows, published=published, about=about),
        columns=columns,
        data=data,
        blocks_of=[0] * len(data) if title == "means" else list(data["dataset"]),
    )


def _percent(value: float) -> str:
    return "" if math.isnan(value) else f"{value:+.1f}"
