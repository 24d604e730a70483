"""Tables of categories x methods: of one metric or several, with published values to compare."""

from __future__ import annotations

import pandas as pd

from aexad.report.labels import QUANTITY, Metric
from aexad.report.results import Results
from aexad.report.tables.format import (
    MEAN,
    category_cells,
    cells_of,
    group_columns,
    method_notes,
    printed_column,
    words,
)
from aexad.report.tables.published_columns import Source, published_cells
from aexad.report.tables.table import Column, Table
from aexad.report.text.captions import caption

ROW = ["dataset", "metric", "category"]


def metric_table(results: Results, metric: Metric, metrics: pd.DataFrame) -> Table:
    """One metric under one scenario: categories x methods, then the mean, for each data set.

    ``metrics`` are the rows of ``metrics.csv`` of that metric and scenario.
    """
    scenario = metrics["scenario"].iloc[0]
    title = metric.label[0].upper() + metric.label[1:]
    title += f" ({metric.title})" if metric.title != metric.label else ""
    about = f"{metric.definition[0].upper()}{metric.definition[1:]}."
    return category_table(
        results, f"{metric.name}_{scenario}", f"{title}, {scenario}", about, metrics
    )


def category_table(
    results: Results,
    name: str,
    title: str,
    about: str,
    metrics: pd.DataFrame,
    source: Source | None = None,
) -> Table:
    """Categories x methods, then the mean, for each data set and metric.

    Parameters
    ----------
    results : Results
        Titles, methods and published numbers.
    name, title : str
    about : str
        The start of the caption; which data the table shows and how to read it follows.
    metrics : DataFrame
        Rows of ``metrics.csv`` of one scenario; all their methods are columns, all their metrics
        have rows, in the order of :data:`~aexad.report.labels.QUANTITY`.
    source : Source, optional
        The published table whose columns follow. Best and runner-up are those of the measured
        ones: other machines, splits and seeds are behind the published numbers.
    """
    names, cells = list(metrics["method"].unique()), category_cells(metrics)
    datasets = {name: i for i, name in enumerate(metrics["dataset"].unique())}
    quantities = {name: i for i, name in enumerate(QUANTITY)}
    place = cells["dataset"].map(datasets) * len(quantities) + cells["metric"].map(quantities)
    cells = cells.loc[place.dropna().sort_values(kind="stable").index]
    data = cells.groupby(ROW, sort=False)[["seeds", "low", "high"]].agg(
        {"seeds": "max", "low": "min", "high": "max"}
    )
    data = data.reset_index().rename(columns={"high": "images"})
    rows, low = data[ROW], data.pop("low")
    columns = group_columns(data, results.titles)
    if len(set(data["metric"])) > 1:
        columns.append(words("Metric", [QUANTITY[each].label for each in data["metric"]]))
    columns.append(words("Category", data["category"]))
    # Costs are not of images.
    counted_images = not all(QUANTITY[each].lower for each in data["metric"])
    if counted_images:
        counts = zip(low, data["images"], strict=True)
        columns.append(Column("n", [f"{a}–{b}" if a < b else str(b) for a, b in counts]))
    for method, note in zip(names, method_notes(names, results.methods), strict=True):
        own = cells_of(rows, cells[cells["method"] == method])
        data[method], data[f"{method}_std"] = own["mean"], own["std"]
        columns.append(printed_column(results.method_titles[method], own, header_note=note))
    published = published_cells(results, source, rows) if source else cells[:0]
    for method in published["method"].unique():
        own = published[published["method"] == method]
        data[f"{method}_published"] = list(own["mean"])
        columns.append(printed_column(f"{results.published.label(method)} (published)", own))
    return Table(
        name=name,
        title=title,
        caption=caption(
            "category_table",
            results,
            metrics,
            published=not published.empty,
            about=about,
            counted_images=counted_images,
        ),
        columns=columns,
        data=data,
        # The categories of a data set and metric are one block, their mean is the next.
        blocks_of=list(zip(data["dataset"], data["metric"], data["category"] == MEAN, strict=True)),
    )
