"""Verbs from the runs of a benchmark to its tables, figures and page."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from aexad.cli.data import root_of

if TYPE_CHECKING:
    from aexad.report.inputs import Inputs


def collect(args: argparse.Namespace) -> Path:
    """Gather the metrics of a benchmark's runs into one table."""
    from aexad.report.collect import write_collection

    inputs = read_inputs(args)
    folder = args.results / args.benchmark
    write_collection(
        inputs.runs, args.results, folder, inputs.external, inputs.missing, inputs.method_titles
    )
    return folder


def tables(args: argparse.Namespace) -> Path:
    """Write the tables of a benchmark (.csv, .md, .tex), and its summary in words."""
    from aexad.report.tables.write import write_tables
    from aexad.report.text.summary import summarise, to_markdown
    from aexad.runtime.files import write_text

    inputs = read_inputs(args)
    folder = args.results / args.benchmark
    measured = inputs.read_results(args.results, folder, args.published)
    write_tables(measured, folder / "tables")
    write_text(folder / "summary.md", to_markdown(inputs.benchmark.title, summarise(measured)))
    return folder / "tables"


def figures(args: argparse.Namespace) -> Path:
    """Draw the figures of a benchmark (.svg, .png)."""
    from aexad.report.collect import read_collection
    from aexad.report.figures.write import write_figures

    inputs = read_inputs(args)
    folder = args.results / args.benchmark
    write_figures(
        inputs.runs,
        *read_collection(folder),
        inputs.catalogue,
        results=args.results,
        data=args.data,
        gallery=inputs.benchmark.gallery,
        folder=folder / "figures",
    )
    return folder / "figures"


def report(args: argparse.Namespace) -> Path:
    """Put summary, tables, figures and panels of a benchmark on one page."""
    from aexad.report.html.page import write_report

    inputs = read_inputs(args)
    folder = args.results / args.benchmark
    write_report(
        inputs.benchmark,
        inputs.runs,
        inputs.catalogue,
        inputs.read_results(args.results, folder, args.published),
        results=args.results,
        folder=folder,
    )
    return folder / "report.html"


def explorer(args: argparse.Namespace) -> Path:
    """Make a page that shows every test image of a benchmark under any two methods."""
    from aexad.report.collect import read_methods
    from aexad.report.html.explorer.page import write_explorer

    inputs = read_inputs(args)
    folder = args.results / args.benchmark
    write_explorer(
        inputs.benchmark,
        inputs.runs,
        inputs.catalogue,
        read_methods(folder / "methods.csv"),
        results=args.results,
        data=args.data,
        count=args.count,
        folder=folder / "explorer",
    )
    return folder / "explorer" / "index.html"


def read_inputs(args: argparse.Namespace) -> Inputs:
    from aexad.report.inputs import choose

    return choose(
        args.benchmarks / f"{args.benchmark}.yaml",
        args.datasets,
        args.methods,
        dict(args.source),
        args.results,
        args.partial,
    )


def panels(args: argparse.Namespace) -> Path:
    """Draw input, reconstruction, error, heat map, binary map and truth of test images."""
    from aexad.report.images.panels import draw_panels

    return _drawn(args, draw_panels)


def strips(args: argparse.Namespace) -> Path:
    """Draw small pictures of a run's test images, for the explorer."""
    from aexad.report.images.strips import draw_strips

    return _drawn(args, draw_strips)


def _drawn(args: argparse.Namespace, draw: Callable[..., object]) -> Path:
    from aexad.config.catalogue import read_dataset

    dataset = read_dataset(args.datasets, args.dataset)
    root = root_of(args, dataset)
    draw(args.run_folder, args.split, root, dataset.stored, args.count, args.output)
    return args.output
