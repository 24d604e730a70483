"""The tables of a benchmark: headline, sources, and one for each metric and scenario."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from aexad.report.labels import METRICS
from aexad.report.results import Results
from aexad.report.tables.aexad_paper import aexad_tables
from aexad.report.tables.anovit_paper import anovit_tables
from aexad.report.tables.categories import metric_table
from aexad.report.tables.encoders import encoders_table
from aexad.report.tables.fidelity import fidelity_table
from aexad.report.tables.significance import significance_table
from aexad.report.tables.table import Table, write_table
from aexad.report.tables.vit_report import vit_tables
from aexad.report.tables.win_probability import win_table
from aexad.report.text.captions import of_masks
from aexad.runtime.atomic_folder import replaced_folder


def build_tables(results: Results) -> list[Table]:
    """Build every table that the benchmark has runs for.

    Returns
    -------
    list of Table
        ``encoders``; ``significance``; the tables of the sources and ``fidelity``; then
        ``<metric>_<scenario>`` in the order of :data:`~aexad.report.labels.METRICS`. Metrics that
        no run has are left out, and metrics of pixels where no data set has masks.
    """
    tables = [
        encoders_table(results),
        *significance_table(results),
        *source_tables(results),
        *_metric_tables(results),
    ]
    limits = f" {results.limits}" if results.limits else ""
    return [replace(table, caption=table.caption + limits) for table in tables]


def source_tables(results: Results) -> list[Table]:
    """Every table of the sources that the benchmark has runs for, and ``fidelity``.

    Published columns stand in a table where the source has numbers of the same data set.
    """
    makers = (aexad_tables, win_table, vit_tables, anovit_tables, fidelity_table)
    sources = ("aexad", "vit", "anovit", "fidelity")
    tables = [table for make in makers for table in make(results)]
    return sorted(tables, key=lambda t: (sources.index(t.name.partition("_")[0]), t.name))


def write_tables(results: Results, folder: Path) -> None:
    """Write every table as ``.csv``, ``.md`` and ``.tex``; other such files in ``folder`` go."""
    with replaced_folder(folder, "*.csv", "*.md", "*.tex") as new:
        for table in build_tables(results):
            write_table(table, new)


def _metric_tables(results: Results) -> list[Table]:
    rows = of_masks(results.metrics)
    return [
        metric_table(metric, _with_values(part), results.methods, results.titles)
        for metric in METRICS
        for _, part in rows[rows["metric"] == metric.name].groupby("scenario", sort=False)
    ]


def _with_values(rows: pd.DataFrame) -> pd.DataFrame:
    """Leave out data sets in which a metric has no value, if another data set has one."""
    valued = set(rows.loc[rows["value"].notna(), "dataset"])
    return rows[rows["dataset"].isin(valued)] if valued else rows
