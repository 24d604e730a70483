"""Tables of categories x methods: of one metric or several, with published values to compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from aexad.report.labels import QUANTITY, Metric
from aexad.report.method_roles import titles_of
from aexad.report.stats.aggregate import over_categories, over_seeds, same_categories
from aexad.report.tables.format import emphases, mean_text, method_notes, undefined_note, words
from aexad.report.tables.published_columns import MEAN, PublishedColumns
from aexad.report.tables.table import Column, Table
from aexad.report.text.captions import data_phrase, reading_phrase
from aexad.report.text.numbers import printer

ROW = ["dataset", "metric", "category"]


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
    published: PublishedColumns | None = None,
) -> Table:
    """Categories x methods, then the mean, for each data set and metric.

    Parameters
    ----------
    name, title : str
    about : str
        The start of the caption; which data are in the table and how to read it follows.
    metrics : DataFrame
        Rows of ``metrics.csv`` of one scenario; all their methods are columns, all their metrics
        have rows, in the order of :data:`~aexad.report.labels.QUANTITY`.
    methods : DataFrame
        Rows of ``methods.csv``.
    titles : mapping of str to str
        Data set: its title.
    published : PublishedColumns, optional
        Published columns. Best and runner-up are those of the measured ones: other machines, splits
        and seeds are behind the published numbers.
    """
    names = list(metrics["method"].unique())
    means = _means(metrics)
    rows = means.groupby(ROW, sort=False)
    data = rows.agg(
        seeds=("seeds", "max"), low=("low", "min"), images=("high", "max")
    ).reset_index()
    cells = [part.set_index("method").reindex(names) for _, part in rows]  # one frame for each row
    texts = [printer(QUANTITY[metric]) for metric in data["metric"]]
    columns = _words(data, titles)
    # Costs are not of images.
    counted = not all(QUANTITY[metric].lower for metric in data["metric"])
    if counted:
        pairs = zip(data["low"], data["images"], strict=True)
        columns.append(
            Column("n", [str(high) if low == high else f"{low}–{high}" for low, high in pairs])
        )
    data = data.drop(columns="low")
    ranked = [
        _emphases(part, QUANTITY[data["metric"][i]], texts[i]) for i, part in enumerate(cells)
    ]
    method_titles, notes = titles_of(methods), method_notes(names, methods)
    for i, method in enumerate(names):
        data[method] = [part["mean"][method] for part in cells]
        data[f"{method}_std"] = [part["std"][method] for part in cells]
        measured = zip(data[method], data[f"{method}_std"], texts, strict=True)
        columns.append(
            Column(
                method_titles[method],
                [mean_text(*value) for value in measured],
                [row[i] for row in ranked],
                [part["note"].fillna("Not run.")[method] for part in cells],
                header_note=notes[i],
            )
        )
    for method, label in (published.labels if published else {}).items():
        values, missing = zip(*published.values(method, data), strict=True)  # type: ignore[union-attr]
        data[f"{method}_published"] = values
        printed = [mean_text(value, text=text) for value, text in zip(values, texts, strict=True)]
        columns.append(Column(f"{label} (published)", printed, notes=missing))
    images = "n: test images behind a value in one seed. " * counted
    return Table(
        name=name,
        title=title,
        caption=f"{about} {data_phrase(metrics, titles, method_titles)} {images}"
        + reading_phrase(metrics, published=published is not None),
        columns=columns,
        data=data,
        # The categories of a data set and metric are one block, their mean is the next.
        blocks_of=list(zip(data["dataset"], data["metric"], data["category"] == MEAN, strict=True)),
    )


def metric_title(metric: Metric) -> str:
    """A metric's label, with its full name where that says more."""
    label = metric.label[0].upper() + metric.label[1:]
    return label + (f" ({metric.title})" if metric.title != metric.label else "")


def _means(metrics: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds of each category, then over the categories, for each data set and metric."""
    parts = [
        means.assign(note=[undefined_note(row) for row in means.to_dict("records")])
        for means in (over_seeds(metrics), over_categories(metrics).assign(category=MEAN))
    ]
    rows = pd.concat(parts)
    datasets = {name: i for i, name in enumerate(rows["dataset"].unique())}
    order = {name: i for i, name in enumerate(QUANTITY)}
    rows = rows[rows["metric"].isin(order)]
    place = rows["dataset"].map(datasets) * len(order) + rows["metric"].map(order)
    return rows.loc[:].assign(place=place).sort_values("place", kind="stable")


def _emphases(part: pd.DataFrame, metric: Metric, text: Callable[[float], str]) -> Sequence[str]:
    """Best and runner-up of one row; none where the means are over different categories."""
    if part["cover"].notna().any() and not same_categories(part):
        return [""] * len(part)
    return emphases(list(part["mean"]), text, metric.lower, list(part["seeds"].fillna(0)))


def _words(data: pd.DataFrame, titles: Mapping[str, str]) -> list[Column]:
    """Columns for data set and metric, where there are several, and for the category."""
    columns = [words("Category", data["category"])]
    if len(data["metric"].unique()) > 1:
        columns.insert(0, words("Metric", [QUANTITY[name].label for name in data["metric"]]))
    if len(data["dataset"].unique()) > 1:
        columns.insert(0, words("Data set", [titles.get(name, name) for name in data["dataset"]]))
    return columns
