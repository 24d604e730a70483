"""The tables of a benchmark: the summary, and one for each metric and scenario."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from aexad.data.catalogue import Dataset
from aexad.reporting.captions import of_masks
from aexad.reporting.folder import replaced_folder
from aexad.reporting.labels import METRIC, METRICS
from aexad.reporting.metric_table import metric_table
from aexad.reporting.summary_table import summary_table
from aexad.reporting.table import Table, write_table


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
        :data:`~aexad.reporting.labels.METRICS`; metrics that no run has are left out, and those of
        pixels where no data set has masks.
    """
    metrics = metrics[metrics["metric"].isin(METRIC)]
    tables = [summary_table(metrics, methods, titles)]
    masked = of_masks(metrics)
    for metric in METRICS:
        of_metric = masked[masked["metric"] == metric.name]
        for _, part in of_metric.groupby("scenario", sort=False):
            tables.append(metric_table(metric, part, methods, titles))
    return tables


def write_tables(
    metrics: pd.DataFrame, methods: pd.DataFrame, catalogue: Mapping[str, Dataset], folder: Path
) -> None:
    """Write every table as ``.csv``, ``.md`` and ``.tex``; ``folder`` holds nothing else then."""
    titles = {name: dataset.full_title for name, dataset in catalogue.items()}
    with replaced_folder(folder, "*.csv", "*.md", "*.tex") as new:
        for table in build_tables(metrics, methods, titles):
            write_table(table, new)
