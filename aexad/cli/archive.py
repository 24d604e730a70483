"""Verbs that carry runs from one machine to another."""

from __future__ import annotations

import argparse
from pathlib import Path

from aexad.cli.arguments import AddVerb, add_methods, add_output
from aexad.cli.report import add_benchmark, read_inputs


def add_verbs(add: AddVerb) -> None:
    """Enter the verbs of this file."""
    parser = add(archive)
    add_benchmark(parser)
    add_output(parser, "zip of the runs")
    parser = add(import_runs)
    parser.add_argument("archives", type=Path, nargs="+", metavar="ARCHIVE", help="zip of runs")
    parser.add_argument("--results", type=Path, default=Path("results"), help="default: results")
    parser.add_argument("--record", type=Path, help="file to list the imported runs in")
    add_methods(parser)


def archive(args: argparse.Namespace) -> Path:
    """Write the small files of a benchmark's runs into one zip: numbers, no images, no weights."""
    from aexad.archive.writing import write_archive

    inputs = read_inputs(args)
    title = inputs.benchmark.title
    runs = inputs.runs, inputs.external
    write_archive(args.output, *runs, inputs.methods, args.results, args.benchmark, title)
    return args.output


def import_runs(args: argparse.Namespace) -> Path:
    """Take runs that were made elsewhere from archives; training goes on for the others only."""
    from aexad.archive.importing import import_archive
    from aexad.config.builtin import method_paths
    from aexad.config.methods import read_methods
    from aexad.runtime.files import sha256_of, write_text

    methods = read_methods(*method_paths(args.methods))
    record = []
    for path in args.archives:
        runs = import_archive(path, args.results, methods)
        print(f"{path}: {len(runs)} runs")
        record += [f"{sha256_of(path)}  {path}", *(str(run.imported_folder) for run in runs)]
    if args.record:
        write_text(args.record, "\n".join(record) + "\n")
    return args.results / "imported"
