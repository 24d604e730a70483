"""The verbs of the study: criteria and heat maps of one run; tables and figures of a benchmark."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from aexad.cli.arguments import (
    AddVerb,
    add_data,
    add_dataset,
    add_machine,
    add_method,
    add_output,
    add_split,
    add_weights,
    dataset_of,
    positive,
    recipe_of,
    root_of,
)
from aexad.cli.report import add_benchmark, read_inputs
from aexad.config.scenarios import SCENARIOS
from aexad.runtime.errors import ConfigError

if TYPE_CHECKING:
    from aexad.config.catalogue import Dataset


def add_verbs(add: AddVerb) -> None:
    """Enter the verbs of this file."""
    parser = add(criteria)
    add_dataset(parser)
    add_method(parser)
    add_machine(parser, threads=1)
    parser.add_argument("--scenario", choices=SCENARIOS, default="standard")
    parser.add_argument("--model", type=Path, required=True, help="from train, .safetensors")
    add_split(parser)
    add_output(parser, "the criteria, .json")
    parser = add(heat_maps)
    add_dataset(parser)
    _add_cpu(parser)
    parser.add_argument("--run-folder", type=Path, required=True, help="folder of a run of AE-XAD")
    parser.add_argument("--probe", type=Path, required=True, help="folder of a run of the probe")
    add_split(parser)
    add_output(
        parser,
        "metrics of every heat map, .csv; the metrics of each image go to NAME_images.csv",
    )
    parser = add(false_marks)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folder of a run")
    add_dataset(parser)
    _add_cpu(parser)
    add_output(parser, "the shares, .csv; their figure goes to NAME.png")
    for run in (selection, tables, figures):
        parser = add(run)
        add_benchmark(parser)
        if run is figures:
            add_data(parser)


def _add_cpu(parser: argparse.ArgumentParser) -> None:
    """Add the options of verbs that compute on the CPU."""
    add_weights(parser)
    parser.add_argument("--threads", type=positive, default=1, help="CPU threads (default: 1)")


def _whole_images(args: argparse.Namespace) -> Dataset:
    """The data set, whose models must have seen whole images."""
    dataset = dataset_of(args)
    if dataset.tile is not None:
        raise ConfigError(
            f"data set '{args.dataset}': its models see tiles, but this verb makes maps of whole "
            "images; name a data set without 'tile'"
        )
    return dataset


def criteria(args: argparse.Namespace) -> Path:
    """Compute selection criteria of a trained model from training images only."""
    from aexad.data.tables import read_split
    from aexad.runtime.device import use_device
    from aexad.runtime.files import write_json
    from aexad.training.model_store import load_model
    from studies.layers.selection_criteria import criteria as criteria_of

    settings = recipe_of(args).heat_map
    device = use_device(args.device, args.threads)
    model = load_model(args.model, args.weights_dir)
    dataset = dataset_of(args)
    table, root = read_split(args.split), root_of(args, dataset)
    values = criteria_of(
        model,
        table,
        root,
        args.scenario,
        dataset.stored,
        settings,
        device,
        dataset.levels,
        dataset.tile,
    )
    write_json(args.output, values)
    return args.output


def heat_maps(args: argparse.Namespace) -> Path:
    """Try other heat maps of a run, and their product with the probe's map; nothing is trained."""
    from aexad.runtime.device import use_device
    from aexad.runtime.files import write_csv
    from studies.layers.heat_map_trials import trials

    use_device("cpu", args.threads)
    dataset = _whole_images(args)
    places = args.run_folder, args.probe, args.split, root_of(args, dataset)
    means, images = trials(*places, args.weights_dir, dataset.size, dataset.levels)
    write_csv(args.output, means)
    write_csv(args.output.with_name(f"{args.output.stem}_images.csv"), images)
    return args.output


def false_marks(args: argparse.Namespace) -> Path:
    """Count normal pixels that AE-XAD's error, the probe and both mark, in runs of aexad_probe."""
    import pandas as pd

    from aexad.data.tables import read_split
    from aexad.report.style import save_figure, styled
    from aexad.runtime.device import use_device
    from aexad.runtime.files import write_csv
    from studies.layers.false_marks import RECALLS, false_marks_figure
    from studies.layers.false_marks import false_marks as false_marks_of

    use_device("cpu", args.threads)
    dataset = _whole_images(args)
    root, tables = root_of(args, dataset), []
    for run in args.runs:
        table = read_split(run.parent / "split.csv")
        shares = false_marks_of(run, table, root, args.weights_dir, dataset.size, dataset.levels)
        shares.insert(0, "category", Path(table["image"].iloc[0]).parts[0])
        tables.append(shares)
    table = pd.concat(tables)
    write_csv(args.output, table)
    with styled():
        figure = false_marks_figure(table, RECALLS[0])
        save_figure(figure, args.output.with_suffix(".png"))
    return args.output


def selection(args: argparse.Namespace) -> Path:
    """Write the table of how well each criterion selects a recipe."""
    from aexad.report.collect import read_collection
    from studies.layers.model_selection import write_choice

    inputs = read_inputs(args)
    folder = args.results / args.benchmark
    metrics, _ = read_collection(folder)
    titles = {name: dataset.full_title for name, dataset in inputs.catalogue.items()}
    output = folder / "study" / "selection"
    # Imported runs have no criteria: their models are not here.
    write_choice(inputs.pictured, metrics, inputs.methods, titles, args.results, output)
    return output


def tables(args: argparse.Namespace) -> Path:
    """Write the tables of the study, and what they say about depth."""
    from studies.layers.tables import write_study_tables

    inputs = read_inputs(args)
    folder = args.results / args.benchmark
    results = inputs.read_results(args.results, folder, Path("config/published"))
    write_study_tables(results, folder / "study" / "tables")
    return folder / "study" / "tables"


def figures(args: argparse.Namespace) -> Path:
    """Draw the figures of the study."""
    from aexad.report.collect import read_collection
    from studies.layers.figures import write_study_figures

    inputs = read_inputs(args)
    folder = args.results / args.benchmark
    write_study_figures(
        inputs.runs,
        *read_collection(folder),
        inputs.catalogue,
        inputs.methods,
        results=args.results,
        data=args.data,
        folder=folder / "study" / "figures",
    )
    return folder / "study" / "figures"
