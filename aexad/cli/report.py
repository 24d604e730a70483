"""Verbs from the results of runs to pictures, tables, figures and pages."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from aexad.cli.arguments import (
    AddVerb,
    add_catalogue,
    add_data,
    add_dataset,
    add_methods,
    add_output,
    add_split,
    dataset_of,
    pair,
    positive,
    root_of,
)

if TYPE_CHECKING:
    from aexad.report.inputs import Inputs


def add_verbs(add: AddVerb) -> None:
    """Enter the verbs of this file."""
    for run, count in ((panels, 6), (strips, 200)):
        parser = add(run)
        add_dataset(parser)
        parser.add_argument("--run-folder", type=Path, required=True, help="folder with maps.npz")
        add_split(parser)
        _add_count(parser, count)
        add_output(parser, f"folder of the {run.__name__}")
    for run in (collect, tables, figures, report, explorer):
        parser = add(run)
        add_benchmark(parser)
        if run in (tables, report):
            parser.add_argument(
                "--published",
                type=Path,
                default=Path("config/published"),
                help="folder of published numbers; they are left out if it does not exist",
            )
        if run in (figures, explorer):
            add_data(parser)
        if run is explorer:
            _add_count(parser, 200)


def add_benchmark(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose a benchmark and its runs."""
    parser.add_argument("--benchmark", required=True, help="name of a benchmark")
    parser.add_argument(
        "--benchmarks",
        type=Path,
        default=Path("config/benchmarks"),
        help="folder of <benchmark>.yaml; default: config/benchmarks",
    )
    add_catalogue(parser)
    add_methods(parser)
    parser.add_argument("--results", type=Path, default=Path("results"), help="default: results")
    parser.add_argument(
        "--partial", action="store_true", help="completed runs only; gaps are marked"
    )
    parser.add_argument(
        "--no-imports", dest="imports", action="store_false", help="own runs only, none imported"
    )
    parser.add_argument(
        "--source",
        action="append",
        default=[],
        type=pair,
        metavar="DATASET=FOLDER",
        help="local folder of a data set whose categories the catalogue does not list",
    )


def _add_count(parser: argparse.ArgumentParser, default: int) -> None:
    parser.add_argument(
        "--count",
        type=positive,
        default=default,
        help=f"largest number of test images; default: {default}",
    )


def panels(args: argparse.Namespace) -> Path:
    """Draw input, reconstruction, error, heat map, binary map and truth of test images."""
    from aexad.report.images.panels import draw_panels

    return _draw(args, draw_panels)


def strips(args: argparse.Namespace) -> Path:
    """Draw small pictures of the test images of a run, for the explorer."""
    from aexad.report.images.strips import draw_strips

    return _draw(args, draw_strips)


def _draw(args: argparse.Namespace, draw: Callable[..., object]) -> Path:
    dataset = dataset_of(args)
    root = root_of(args, dataset)
    folders = args.run_folder, args.split, root
    draw(*folders, dataset.stored, args.count, args.output, dataset.levels)
    return args.output


def collect(args: argparse.Namespace) -> Path:
    """Collect the metrics of all runs of a benchmark in one table."""
    from aexad.config.methods import titles_of_methods
    from aexad.report.collect import write_collection

    inputs = read_inputs(args)
    folder = args.results / args.benchmark
    titles = titles_of_methods(inputs.methods)
    write_collection(inputs.runs, args.results, folder, inputs.external, inputs.missing, titles)
    return folder


def tables(args: argparse.Namespace) -> Path:
    """Write the tables of a benchmark (.csv, .md, .tex) and its summary."""
    from aexad.report.tables.write import write_tables
    from aexad.report.text.summary import summarise, to_markdown
    from aexad.runtime.files import write_text

    inputs = read_inputs(args)
    folder = args.results / args.benchmark
    results = inputs.read_results(args.results, folder, args.published)
    write_tables(results, folder / "tables")
    write_text(folder / "summary.md", to_markdown(inputs.benchmark.title, summarise(results)))
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
        external=inputs.external,
    )
    return folder / "figures"


def report(args: argparse.Namespace) -> Path:
    """Put summary, tables, figures and panels of a benchmark on one page."""
    from aexad.report.html.page import write_report

    inputs = read_inputs(args)
    folder = args.results / args.benchmark
    results = inputs.read_results(args.results, folder, args.published)
    write_report(inputs, results, args.results, folder)
    return folder / "report.html"


def explorer(args: argparse.Namespace) -> Path:
    """Write a page that shows every test image under any two methods."""
    from aexad.report.collect import read_methods_table
    from aexad.report.html.explorer.page import write_explorer

    inputs = read_inputs(args)
    folder = args.results / args.benchmark
    write_explorer(
        inputs,
        read_methods_table(folder / "methods.csv"),
        results=args.results,
        data=args.data,
        count=args.count,
        folder=folder / "explorer",
    )
    return folder / "explorer" / "index.html"


def read_inputs(args: argparse.Namespace) -> Inputs:
    """Read the benchmark and find its runs."""
    from aexad.config.builtin import catalogue_paths, method_paths
    from aexad.report.inputs import find_inputs

    return find_inputs(
        args.benchmarks,
        args.benchmark,
        catalogue_paths(args.datasets),
        method_paths(args.methods),
        dict(args.source),
        args.results,
        args.partial,
        args.imports,
    )
