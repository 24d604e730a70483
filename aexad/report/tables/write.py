"""The tables of a benchmark: the answer, those of the sources, and one a metric and scenario."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from aexad.report.labels import METRICS
from aexad.report.results import Results
from aexad.report.tables.categories import metric_table
from aexad.report.tables.encoders import encoders_table
from aexad.report.tables.significance import significance_table
from aexad.report.tables.sources import source_tables
from aexad.report.tables.table import Table, write_table
from aexad.report.text.captions import of_masks
from aexad.runtime.atomic_folder import replaced_folder


def build_tables(measured: Results) -> list[Table]:
    """Build every table that the benchmark has runs for.

    Returns
    -------
    list of Table
        ``encoders``; ``significance``; the tables of the sources and ``fidelity``; then
        ``<metric>_<scenario>`` in the order of :data:`~aexad.report.labels.METRICS`. Metrics that
        no run has are left out, and metrics of pixels where no data set has masks.
    """
    tables = [
        encoders_table(measured),
        *significance_table(measured),
        *source_tables(measured),
        *_metric_tables(measured),
    ]
    limits = f" {measured.limits}" if measured.limits else ""
    return [replace(table, caption=table.caption + limits) for table in tables]


def write_tables(measured: Results, folder: Path) -> None:
    """Write every table as ``.csv``, ``.md`` and ``.tex``; ``folder`` holds nothing else then."""
    with replaced_folder(folder, "*.csv", "*.md", "*.tex") as new:
        for table in build_tables(measured):
            write_table(table, new)


def _metric_tables(measured: Results) -> list[Table]:
    rows = of_masks(measured.metrics)
    return [
        metric_table(metric, _with_values(part), measured.methods, measured.titles)
        for metric in METRICS
        for _, part in rows[rows["metric"] == metric.name].groupby("scenario", sort=False)
    ]


def _with_values(rows: pd.DataFrame) -> pd.DataFrame:
    """Without the data sets in which a metric has no value at all, if there are others."""
    valued = set(rows.loc[rows["value"].notna(), "dataset"])
    return rows[rows["dataset"].isin(valued)] if valued else rows
