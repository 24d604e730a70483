"""Verbs from a URL or a folder to the training set of a run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from aexad.runtime.errors import ConfigError

if TYPE_CHECKING:
    from aexad.config.catalogue import Dataset


def fetch(args: argparse.Namespace) -> Path:
    """Download, draw or link a data set."""
    from aexad.config.catalogue import read_dataset
    from aexad.data.sources.fetch import fetch as fetch_dataset

    dataset = read_dataset(args.datasets, args.dataset)
    name = dataset.files or args.dataset
    return fetch_dataset(name, dataset, args.data / name, args.source)


def index(args: argparse.Namespace) -> Path:
    """List a data set's images and masks, every file checked."""
    from aexad.config.catalogue import read_dataset
    from aexad.data.index import build_index
    from aexad.runtime.files import write_csv

    dataset = read_dataset(args.datasets, args.dataset)
    write_csv(args.output, build_index(root_of(args, dataset), args.dataset, dataset))
    return args.output


def check(args: argparse.Namespace) -> Path:
    """Show all problems of a data set's folder at once, before hours are spent on it."""
    from aexad.config.catalogue import expanded, read_dataset
    from aexad.data.check import check as check_folder
    from aexad.data.check import entry_for

    folder: Path = expanded(args.folder)
    check_there(folder, "the folder that holds the categories")
    if args.dataset is not None:
        dataset = read_dataset(args.datasets, args.dataset)
    else:
        dataset = entry_for(folder, args.adaptor)
    check_folder(folder, args.dataset or folder.name, dataset)
    return folder


def split(args: argparse.Namespace) -> Path:
    """Choose the labelled anomalies of one category, scenario and seed."""
    from aexad.config.catalogue import read_dataset
    from aexad.data.index import read_index
    from aexad.data.split import split as make_split
    from aexad.runtime.files import write_csv

    dataset = read_dataset(args.datasets, args.dataset)
    table = make_split(read_index(args.index), dataset, args.category, args.scenario, args.seed)
    write_csv(args.output, table)
    return args.output


def augment(args: argparse.Namespace) -> Path:
    """Make the training set of a split: copies and pasted defects."""
    import numpy as np

    from aexad.config.catalogue import read_dataset
    from aexad.data.augment import augment as make_training_set
    from aexad.data.split import read_split
    from aexad.runtime.files import write_npz
    from aexad.runtime.scratch import on_scratch

    dataset = read_dataset(args.datasets, args.dataset)
    table, root = read_split(args.split), root_of(args, dataset)
    arrays = make_training_set(table, root, dataset.stored, args.scenario, args.seed)
    with on_scratch(args.output) as path:
        write_npz(path, arrays | {"size": np.array([dataset.size])})
    return args.output


def root_of(args: argparse.Namespace, dataset: Dataset) -> Path:
    """Where the files of a data set lie."""
    root: Path = args.data / (dataset.files or args.dataset)
    return root


def check_there(path: Path, what: str) -> None:
    """Refuse a path that does not exist; ``what`` says which one is wanted."""
    if not path.exists():
        raise ConfigError(f"{path}: no such file or folder; name {what}")
