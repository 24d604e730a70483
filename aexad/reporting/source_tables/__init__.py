"""The tables of the sources, by their numbers there, measured beside published.

A table is made if the benchmark has runs for it; published columns stand in it where the source has
numbers of the same data set.
"""

from __future__ import annotations

from aexad.reporting.measurements import Measurements
from aexad.reporting.source_tables.aexad_tables import aexad_tables
from aexad.reporting.source_tables.anovit_tables import anovit_tables
from aexad.reporting.source_tables.fidelity import fidelity_table
from aexad.reporting.source_tables.vit_tables import vit_tables
from aexad.reporting.source_tables.win_probability import win_table
from aexad.reporting.table import Table

MAKERS = (aexad_tables, win_table, vit_tables, anovit_tables, fidelity_table)


def source_tables(measured: Measurements) -> list[Table]:
    """Every table of the sources that the benchmark has runs for, and ``fidelity``."""
    made = [table for make in MAKERS for table in make(measured)]
    return sorted(made, key=lambda table: _place(table.name))


def _place(name: str) -> tuple[int, str]:
    """The order of the sources, and of their numbers."""
    sources = ("aexad", "vit", "anovit", "fidelity")
    return sources.index(name.partition("_")[0]), name
