"""The verbs of the study."""

from __future__ import annotations

import argparse
from pathlib import Path

from aexad.cli.data import root_of
from aexad.cli.report import read_inputs


def criteria(args: argparse.Namespace) -> Path:
    """Tell of a trained model what can be told without test images."""
    from aexad.config.catalogue import read_dataset
    from aexad.config.methods import read_recipe
    from aexad.data.split import read_split
    from aexad.runtime.device import use_device
    from aexad.runtime.files import write_json
    from aexad.training.model_store import load_model
    from studies.layers.selection_criteria import criteria as criteria_of

    settings = read_recipe(args.methods, args.method).heat_map
    device = use_device(args.device, args.threads)
    model = load_model(args.model, args.weights_dir)
    dataset = read_dataset(args.datasets, args.dataset)
    table, root = read_split(args.split), root_of(args, dataset)
    found = criteria_of(model, table, root, args.scenario, dataset.stored, settings, device)
    write_json(args.output, found)
    return args.output


def choice(args: argparse.Namespace) -> Path:
    """Say whether a recipe can be chosen without test images: the table ``choice``."""
    from aexad.report.collect import read_collection
    from studies.layers.model_selection import write_choice

    chosen = read_inputs(args)
    folder = args.results / args.benchmark
    metrics, _ = read_collection(folder)
    titles = {name: dataset.full_title for name, dataset in chosen.catalogue.items()}
    write_choice(chosen.runs, metrics, chosen.methods, titles, args.results, folder / "choice")
    return folder / "choice"
