"""Verbs from the runs of a benchmark to its tables, figures and page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aexad.reporting.chosen import Chosen


def collect(args: argparse.Namespace) -> Path:
    """Gather the metrics of a benchmark's runs into one table."""
    from aexad.reporting.collect import write_collection

    chosen = _choose(args)
    folder = args.results / args.benchmark
    write_collection(chosen.runs, args.results, folder, chosen.foreign, chosen.missing)
    return folder


def tables(args: argparse.Namespace) -> Path:
    """Write the tables of a benchmark (.csv, .md, .tex), and its summary in words."""
    from aexad.files import write_text
    from aexad.reporting.summary import summarise, to_markdown
    from aexad.reporting.tables import write_tables

    chosen = _choose(args)
    folder = args.results / args.benchmark
    measured = chosen.measurements(args.results, folder, args.published)
    write_tables(measured, folder / "tables")
    write_text(folder / "summary.md", to_markdown(chosen.benchmark.title, summarise(measured)))
    return folder / "tables"


def figures(args: argparse.Namespace) -> Path:
    """Draw the figures of a benchmark (.svg, .png)."""
    from aexad.reporting.collect import read_collection
    from aexad.reporting.figures import write_figures

    chosen = _choose(args)
    folder = args.results / args.benchmark
    write_figures(
        chosen.runs,
        *read_collection(folder),
        chosen.catalogue,
        chosen.methods,
        results=args.results,
        data=args.data,
        gallery=chosen.benchmark.gallery,
        folder=folder / "figures",
    )
    return folder / "figures"


def report(args: argparse.Namespace) -> Path:
    """Put summary, tables, figures and panels of a benchmark on one page."""
    from aexad.reporting.page import write_report

    chosen = _choose(args)
    folder = args.results / args.benchmark
    write_report(
        chosen.benchmark,
        chosen.runs,
        chosen.catalogue,
        chosen.measurements(args.results, folder, args.published),
        results=args.results,
        folder=folder,
    )
    return folder / "report.html"


def explorer(args: argparse.Namespace) -> Path:
    """Make a page that shows every test image of a benchmark under any two methods."""
    from aexad.reporting.collect import read_methods
    from aexad.reporting.explorer.page import write_explorer

    chosen = _choose(args)
    folder = args.results / args.benchmark
    write_explorer(
        chosen.benchmark,
        chosen.runs,
        chosen.catalogue,
        read_methods(folder / "methods.csv"),
        results=args.results,
        data=args.data,
        count=args.count,
        folder=folder / "explorer",
    )
    return folder / "explorer" / "index.html"


def choice(args: argparse.Namespace) -> Path:
    """Say whether a recipe can be chosen without test images: the table ``choice``."""
    from aexad.reporting.choice import write_choice
    from aexad.reporting.collect import read_collection

    chosen = _choose(args)
    folder = args.results / args.benchmark
    metrics, _ = read_collection(folder)
    titles = {name: dataset.full_title for name, dataset in chosen.catalogue.items()}
    write_choice(chosen.runs, metrics, chosen.methods, titles, args.results, folder / "choice")
    return folder / "choice"


def _choose(args: argparse.Namespace) -> Chosen:
    from aexad.reporting.chosen import choose

    return choose(
        args.benchmarks / f"{args.benchmark}.yaml",
        args.datasets,
        args.methods,
        dict(args.source),
        args.results,
        args.partial,
    )
