"""The tables of a benchmark: one for each metric and scenario, and the summary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from aexad.data.catalogue import Dataset
from aexad.reporting.averages import over_categories, over_seeds
from aexad.reporting.captions import data_phrase, reading_phrase
from aexad.reporting.cells import (
    Notes,
    Value,
    method_cells,
    number_cells,
    of_all_categories,
    of_category,
)
from aexad.reporting.folder import replaced_folder
from aexad.reporting.labels import METRIC, METRICS, Metric
from aexad.reporting.table import Cell, Table, write_table

MEAN = "mean"
ABOUT = {"encoder": "Encoder", "pretrained": "Pre-trained", "tuning": "Tuning"}

Row = dict[str, Any]


def build_tables(
    metrics: pd.DataFrame, methods: pd.DataFrame, titles: Mapping[str, str]
) -> list[Table]:
    """Build the summary and, for each metric and scenario, the table of categories x methods.

    Parameters
    ----------
    metrics : DataFrame
        Rows of ``metrics.csv``.
    methods : DataFrame
        Rows of ``methods.csv``.
    titles : mapping of str to str
        Data set: its title, for the captions.

    Returns
    -------
    list of Table
        ``summary``, then ``<metric>_<scenario>`` in the order of
        :data:`~aexad.reporting.labels.METRICS`; metrics that no run has are left out.
    """
    metrics = metrics[metrics["metric"].isin(METRIC)]
    tables = [summary_table(metrics, methods, titles)]
    for metric in METRICS:
        of_metric = metrics[metrics["metric"] == metric.name]
        for _, part in of_metric.groupby("scenario", sort=False):
            tables.append(metric_table(metric, part, methods, titles))
    return tables


def write_tables(
    metrics: pd.DataFrame, methods: pd.DataFrame, catalogue: Mapping[str, Dataset], folder: Path
) -> None:
    """Write every table as ``.csv``, ``.md`` and ``.tex``; ``folder`` holds nothing else then."""
    titles = {name: dataset.title for name, dataset in catalogue.items()}
    with replaced_folder(folder) as new:
        for table in build_tables(metrics, methods, titles):
            write_table(table, new)


def metric_table(
    metric: Metric, metrics: pd.DataFrame, methods: pd.DataFrame, titles: Mapping[str, str]
) -> Table:
    """One metric under one scenario: categories x methods, then the mean, for each data set.

    ``metrics`` holds the rows of that metric and scenario alone.
    """
    cells, means = over_seeds(metrics), over_categories(metrics)
    names = list(metrics["method"].unique())
    datasets = list(metrics["dataset"].unique())
    notes = Notes()
    header = [Cell("Category"), Cell("n"), *method_cells(names, methods, notes)]
    blocks: list[list[tuple[Cell, ...]]] = []
    records: list[Row] = []
    for dataset in datasets:
        of_dataset = cells[cells["dataset"] == dataset]
        categories = [
            (str(category), part, of_category, True)
            for category, part in of_dataset.groupby("category", sort=False)
        ]
        part = means[means["dataset"] == dataset]
        mean = [(MEAN, part, of_all_categories, _same_cover(part))]
        for rows in (categories, mean):
            block = []
            for label, part, meaning, comparable in rows:
                values = _by_method(part, names, meaning)
                words = (Cell(label), Cell(_images(part)))
                block.append((*words, *number_cells(values, notes, comparable)))
                records.append(_record(dataset, label, part, names))
            blocks.append(block)
    if len(datasets) > 1:
        header.insert(0, Cell("Data set"))
        owners = [Cell(titles.get(dataset, dataset)) for dataset in datasets for _ in range(2)]
        blocks = [
            [(owner, *row) for row in block] for owner, block in zip(owners, blocks, strict=True)
        ]
    scenario = str(metrics["scenario"].iloc[0])
    return Table(
        name=f"{metric.name}_{scenario}",
        title=f"{metric_title(metric)}, {scenario}",
        caption=f"{metric.definition[0].upper()}{metric.definition[1:]}. "
        f"{data_phrase(metrics, titles)} n: test images behind a value in one seed. "
        + reading_phrase(metrics),
        header=tuple(header),
        blocks=tuple(tuple(block) for block in blocks),
        words=len(header) - len(names) - 1,
        notes=notes.all(),
        values=_frame(records),
    )


def summary_table(metrics: pd.DataFrame, methods: pd.DataFrame, titles: Mapping[str, str]) -> Table:
    """Methods x metrics, macro means over categories; a block for each data set and scenario."""
    means = over_categories(metrics)
    present = [metric for metric in METRICS if metric.name in set(means["metric"])]
    about = methods.set_index("method")
    groups = list(means.groupby(["dataset", "scenario"], sort=False))
    notes = Notes()
    blocks: list[tuple[tuple[Cell, ...], ...]] = []
    records: list[Row] = []
    for keys, part in groups:
        dataset, scenario = map(str, keys)
        names = list(part["method"].unique())
        columns = []
        for metric in present:
            of_metric = part[part["metric"] == metric.name]
            values = _by_method(of_metric, names, of_all_categories)
            columns.append(number_cells(values, notes, _same_cover(of_metric)))
        where = [Cell(titles.get(dataset, dataset)), Cell(scenario)] if len(groups) > 1 else []
        rows = []
        heads = method_cells(names, methods, notes)
        for name, head, *numbers in zip(names, heads, *columns, strict=True):
            described = [Cell(about.loc[name, key]) for key in ABOUT]
            rows.append((*where, head, *described, *numbers))
            of_method = part[part["method"] == name]
            records.append(
                {
                    "dataset": dataset,
                    "scenario": scenario,
                    "method": name,
                    **{key: about.loc[name, key] for key in ABOUT},
                    "categories": of_method["of"].max(),
                    "seeds": of_method["seeds"].max(),
                    **_numbers(of_method, "metric", [metric.name for metric in present]),
                }
            )
        blocks.append(tuple(rows))
    header = [*(("Data set", "Scenario") if len(groups) > 1 else ()), "Method", *ABOUT.values()]
    return Table(
        name="summary",
        title="Summary",
        caption="Means over the categories, each of which weighs the same; X-AUC, F1 and IoU are "
        "over the anomalous test images alone. "
        f"{data_phrase(metrics, titles)} {reading_phrase(metrics)}",
        header=tuple(Cell(text) for text in [*header, *(metric.label for metric in present)]),
        blocks=tuple(blocks),
        words=len(header),
        notes=notes.all(),
        values=_frame(records),
    )


def metric_title(metric: Metric) -> str:
    """A metric's label, with its full name where that says more."""
    label = metric.label[0].upper() + metric.label[1:]
    return label + (f" ({metric.title})" if metric.title != metric.label else "")


def _by_method(
    part: pd.DataFrame, names: Sequence[str], meaning: Callable[[pd.Series], Value]
) -> list[Value]:
    rows = {name: row for name, (_, row) in zip(part["method"], part.iterrows(), strict=True)}
    missing = Value(float("nan"), float("nan"), "Not run.")
    return [meaning(rows[name]) if name in rows else missing for name in names]


def _same_cover(part: pd.DataFrame) -> bool:
    """Whether all methods' means are over the same categories: else none of them is the best."""
    return len(set(part["cover"])) == 1


def _images(part: pd.DataFrame) -> str:
    low, high = part["low"].min(), part["high"].max()
    return str(high) if low == high else f"{low}–{high}"


def _record(dataset: str, category: str, part: pd.DataFrame, names: Sequence[str]) -> Row:
    return {
        "dataset": dataset,
        "category": category,
        "seeds": part["seeds"].max(),
        "images": part["high"].max(),
        **_numbers(part, "method", names),
    }


def _numbers(part: pd.DataFrame, key: str, names: Sequence[str]) -> Row:
    """``<name>`` and ``<name>_std``, at full precision."""
    rows = part.set_index(key)
    numbers: Row = {}
    for name in names:
        known = name in rows.index
        numbers[name] = rows.loc[name, "mean"] if known else None
        numbers[f"{name}_std"] = rows.loc[name, "std"] if known else None
    return numbers


def _frame(records: list[Row]) -> pd.DataFrame:
    """The records as a table; with a single seed the columns of the spread are left out."""
    frame = pd.DataFrame(records)
    spread = [name for name in frame if str(name).endswith("_std") and frame[name].isna().all()]
    return frame.drop(columns=spread)
