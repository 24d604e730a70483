"""The verb ``evaluate``: heat maps against masks."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Literal

from aexad.cli.arguments import (
    AddVerb,
    add_dataset,
    add_output,
    check_exists,
    dataset_of,
    root_of,
)
from aexad.runtime.errors import ConfigError


def add_verbs(add: AddVerb) -> None:
    """Enter the verbs of this file."""
    parser = add(evaluate)
    parser.add_argument("--maps", type=Path, required=True, help="maps.npz of a run, or a folder")
    parser.add_argument(
        "--masks", type=Path, required=True, help="split.csv of the run, or the category's folder"
    )
    add_output(parser, "folder of the results")
    parser.add_argument(
        "--native", action="store_true", help="compare at the size of each mask, not of the maps"
    )
    add_dataset(parser, required=False)


def evaluate(args: argparse.Namespace) -> Path:
    """Compare heat maps with masks: maps of a run, or external ones."""
    from aexad.evaluation.evaluate import evaluate_run
    from aexad.evaluation.external_maps import evaluate_maps, evaluate_split_maps
    from aexad.runtime.scratch import forget_trained

    size: Literal["model", "native"] = "native" if args.native else "model"
    check_exists(args.maps, "a run's maps.npz, or a folder of maps")
    check_exists(args.masks, "the run's split.csv, or the category's folder")
    if args.masks.is_dir():
        evaluate_maps(args.maps, args.masks, args.output, size)
        return args.output
    if args.dataset is None:
        raise ConfigError(f"{args.masks} is a split; name its data set with --dataset")
    dataset = dataset_of(args)
    places = args.maps, args.masks, root_of(args, dataset), args.output
    if args.maps.is_dir():
        evaluate_split_maps(*places, size, dataset.stored)
    else:
        evaluate_run(*places, size)
    forget_trained(args.output)
    return args.output
