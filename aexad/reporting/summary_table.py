"""The summary: methods x metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from aexad.reporting.averages import over_categories
from aexad.reporting.captions import data_phrase, of_masks, reading_phrase
from aexad.reporting.cells import (
    Notes,
    by_method,
    method_cells,
    number_cells,
    of_all_categories,
    same_categories,
)
from aexad.reporting.labels import METRICS
from aexad.reporting.table import Cell, Table, plain_columns, plain_table

ABOUT = {"encoder": "Encoder", "pretrained": "Pre-trained", "tuning": "Tuning"}
CAPTION = "Means over the categories, each of which weighs the same"
ANOMALOUS = "; X-AUC, F1 and IoU are over the anomalous test images alone."
WITHOUT_MASKS = "; metrics of pixels are left out, because the data have no masks."


def summary_table(metrics: pd.DataFrame, methods: pd.DataFrame, titles: Mapping[str, str]) -> Table:
    """Methods x metrics, macro means over categories; a block for each data set and scenario.

    Parameters
    ----------
    metrics, methods : DataFrame
        Rows of ``metrics.csv`` and ``methods.csv``.
    titles : mapping of str to str
        Data set: its title.
    """
    masked = of_masks(metrics)
    means = over_categories(masked)
    present = [metric for metric in METRICS if metric.name in set(means["metric"])]
    names = [metric.name for metric in present]
    groups = list(means.groupby(["dataset", "scenario"], sort=False))
    several = len(groups) > 1
    about = methods.set_index("method")
    notes = Notes()
    blocks, records = [], []
    for keys, part in groups:
        dataset, scenario = map(str, keys)
        where = (Cell(titles.get(dataset, dataset)), Cell(scenario)) if several else ()
        rows = _rows(part, names, methods, notes)
        blocks.append(tuple((*where, *row) for row in rows))
        records += [
            {"dataset": dataset, "scenario": scenario, **_record(of_method, about, names)}
            for _, of_method in part.groupby("method", sort=False)
        ]
    reading = ANOMALOUS if len(masked) == len(metrics) else WITHOUT_MASKS
    words = [*(("Data set", "Scenario") if several else ()), "Method", *ABOUT.values()]
    return Table(
        name="summary",
        title="Summary",
        caption=f"{CAPTION}{reading} {data_phrase(metrics, titles)} {reading_phrase(metrics)}",
        header=tuple(Cell(text) for text in [*words, *(metric.label for metric in present)]),
        blocks=tuple(blocks),
        words=len(words),
        notes=notes.all(),
        numbers=plain_table(records),
    )


def _rows(
    means: pd.DataFrame, metrics: Sequence[str], methods: pd.DataFrame, notes: Notes
) -> list[tuple[Cell, ...]]:
    """One row a method; best and runner-up are those of each column."""
    names = list(means["method"].unique())
    about = methods.set_index("method")
    columns = [method_cells(names, methods, notes)]
    columns += [[Cell(about.loc[name, key]) for name in names] for key in ABOUT]
    for metric in metrics:
        of_metric = means[means["metric"] == metric]
        values = by_method(of_metric, names, of_all_categories)
        columns.append(number_cells(values, notes, same_categories(of_metric)))
    return list(zip(*columns, strict=True))


def _record(of_method: pd.DataFrame, about: pd.DataFrame, metrics: Sequence[str]) -> dict[str, Any]:
    method = of_method["method"].iloc[0]
    return {
        "method": method,
        **{key: about.loc[method, key] for key in ABOUT},
        "categories": of_method["of"].max(),
        "seeds": of_method["seeds"].max(),
        **plain_columns(of_method, "metric", metrics),
    }
