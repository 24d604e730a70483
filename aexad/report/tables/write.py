"""The tables of a benchmark: headline, sources, and one for each metric and scenario."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from aexad.report.labels import METRICS
from aexad.report.results import Results
from aexad.report.stats.aggregate import of_masks
from aexad.report.tables.aexad_paper import aexad_tables
from aexad.report.tables.anovit_paper import anovit_tables
from aexad.report.tables.categories import metric_table
from aexad.report.tables.comparisons import comparisons_table
from aexad.report.tables.fidelity import fidelity_table
from aexad.report.tables.methods import methods_table
from aexad.report.tables.significance import significance_table
from aexad.report.tables.table import Table, write_table
from aexad.report.tables.vit_report import vit_tables
from aexad.report.tables.win_probability import win_table
from aexad.runtime.atomic_folder import replaced_folder


def build_tables(results: Results) -> list[Table]:
    """Build every table that the benchmark has runs for.

    Returns
    -------
    list of Table
        ``methods``; ``comparisons``; ``significance``; the tables of the sources and ``fidelity``;
        then ``<metric>_<scenario>`` in the order of :data:`~aexad.report.labels.METRICS`. Metrics
        that no run has are left out, and metrics of pixels where no data set has masks.
    """
    tables = [
        methods_table(results),
        *comparisons_table(results),
        *significance_table(results),
        *source_tables(results),
        *_metric_tables(results),
    ]
    return with_limits(tables, results)


def source_tables(results: Results) -> list[Table]:
    """Build the tables of the sources that the benchmark has runs for, and ``fidelity``."""
    aexad = sorted([*aexad_tables(results), *win_table(results)], key=lambda table: table.name)
    return [
        *aexad,
        *vit_tables(results),
        *anovit_tables(results),
        *fidelity_table(results),
    ]


def with_limits(tables: Iterable[Table], results: Results) -> list[Table]:
    """End the captions with the limits of the results, for example that runs are missing."""
    limits = f" {results.limits}" if results.limits else ""
    return [replace(table, caption=table.caption + limits) for table in tables]


def write_tables(results: Results, folder: Path) -> None:
    """Write every table as ``.csv``, ``.md`` and ``.tex``; ``folder`` holds nothing else then."""
    with replaced_folder(folder, "*.csv", "*.md", "*.tex") as new:
        for table in build_tables(results):
            write_table(table, new)


def _metric_tables(results: Results) -> list[Table]:
    tables, rows = [], of_masks(results.metrics)
    for metric in METRICS:
        for _, part in rows[rows["metric"] == metric.name].groupby("scenario", sort=False):
            # Data sets without any value are left out, unless no data set has one.
            valued = part.loc[part["value"].notna(), "dataset"]
            shown = part[part["dataset"].isin(valued)] if len(valued) else part
            tables.append(metric_table(results, metric, shown))
    return tables
