"""The verb ``evaluate``: heat maps against masks."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Literal

from aexad.cli.data import check_there, root_of
from aexad.runtime.errors import ConfigError


def evaluate(args: argparse.Namespace) -> Path:
    """Score heat maps against masks: a run's, or anyone's."""
    from aexad.config.catalogue import read_dataset
    from aexad.evaluation.evaluate import evaluate_run
    from aexad.evaluation.external_maps import evaluate_maps, evaluate_split_maps
    from aexad.runtime.scratch import forget_trained

    size: Literal["model", "native"] = "native" if args.native else "model"
    check_there(args.maps, "a run's maps.npz, or a folder of maps")
    check_there(args.masks, "the run's split.csv, or the category's folder")
    if args.masks.is_dir():
        evaluate_maps(args.maps, args.masks, args.output, size)
        return args.output
    if args.dataset is None:
        raise ConfigError(f"{args.masks} is a split; say of which data set, with --dataset")
    root = root_of(args, read_dataset(args.datasets, args.dataset))
    evaluate_those = evaluate_split_maps if args.maps.is_dir() else evaluate_run
    evaluate_those(args.maps, args.masks, root, args.output, size)
    forget_trained(args.output)
    return args.output
