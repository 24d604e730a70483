"""The tables of the sources, by their numbers there, measured beside published.

A table is made if the benchmark has runs for it; published columns stand in it where the source has
numbers of the same data set.
"""

from __future__ import annotations

from aexad.report.results import Results
from aexad.report.tables.aexad_paper import aexad_tables
from aexad.report.tables.anovit_paper import anovit_tables
from aexad.report.tables.fidelity import fidelity_table
from aexad.report.tables.table import Table
from aexad.report.tables.vit_report import vit_tables
from aexad.report.tables.win_probability import win_table

MAKERS = (aexad_tables, win_table, vit_tables, anovit_tables, fidelity_table)


def source_tables(measured: Results) -> list[Table]:
    """Every table of the sources that the benchmark has runs for, and ``fidelity``."""
    made = [table for make in MAKERS for table in make(measured)]
    return sorted(made, key=lambda table: _place(table.name))


def _place(name: str) -> tuple[int, str]:
    """The order of the sources, and of their numbers."""
    sources = ("aexad", "vit", "anovit", "fidelity")
    return sources.index(name.partition("_")[0]), name
