"""Verbs from a URL or a folder to the training set of a run."""

from __future__ import annotations

import argparse
from pathlib import Path

from aexad.cli.arguments import (
    AddVerb,
    add_catalogue,
    add_dataset,
    add_output,
    add_scenario,
    add_split,
    check_exists,
    dataset_of,
    root_of,
)


def add_verbs(add: AddVerb) -> None:
    """Enter the verbs of this file."""
    parser = add(fetch)
    add_dataset(parser)
    parser.add_argument("--source", type=Path, help="local folder or archive of the data set")
    parser = add(index)
    add_dataset(parser)
    parser.add_argument("--category", help="list one category; default: all")
    add_output(parser, "the index, .csv")
    parser = add(check)
    parser.add_argument(
        "folder", type=Path, help="folder of a data set with its categories, or of one category"
    )
    add_catalogue(parser)
    layout = parser.add_mutually_exclusive_group()
    layout.add_argument(
        "--dataset", help="name of a data set in the catalogue, to check categories and counts too"
    )
    layout.add_argument("--adaptor", help="layout of the folder; default: recognised")
    parser = add(masks)
    parser.add_argument(
        "annotations",
        type=Path,
        help="file or folder of annotations: LabelMe, COCO, Pascal VOC, YOLO or CVAT",
    )
    parser.add_argument(
        "--images", type=Path, help="folder of the images; default: the folder of the annotations"
    )
    parser.add_argument(
        "--labels", default="", help="labels to draw, separated by commas; default: all"
    )
    add_output(parser, "folder of the masks, STEM_mask.png")
    parser = add(split)
    add_dataset(parser)
    add_scenario(parser)
    parser.add_argument("--category", required=True)
    parser.add_argument("--index", type=Path, required=True, help="index of the data set, .csv")
    add_output(parser, "the split, .csv")
    parser = add(augment)
    add_dataset(parser)
    add_scenario(parser)
    add_split(parser)
    add_output(parser, "the training set, .npz")


def fetch(args: argparse.Namespace) -> Path:
    """Download, draw or link a data set."""
    from aexad.data.sources.fetch import fetch as fetch_dataset

    dataset = dataset_of(args)
    name = dataset.files or args.dataset
    return fetch_dataset(name, dataset, args.data / name, args.source)


def index(args: argparse.Namespace) -> Path:
    """List images and masks of a data set; check every file."""
    from aexad.data.index import build_index
    from aexad.runtime.files import write_csv

    dataset = dataset_of(args)
    if args.category:
        dataset = dataset.model_copy(update={"categories": [args.category]})
    write_csv(args.output, build_index(root_of(args, dataset), args.dataset, dataset))
    return args.output


def check(args: argparse.Namespace) -> Path:
    """Show all problems of the folder of a data set."""
    from aexad.data.check import check as check_folder
    from aexad.data.check import entry_for
    from aexad.runtime.files import expanded

    folder: Path = expanded(args.folder)
    check_exists(folder, "the folder that holds the categories")
    if not args.dataset and (folder / "train/good").is_dir():  # a single category
        category = folder.resolve()
        dataset = entry_for(category.parent, args.adaptor or "mvtec_layout")
        one = dataset.model_copy(update={"categories": [category.name]})
        check_folder(category.parent, category.name, one)
        return folder
    dataset = dataset_of(args) if args.dataset else entry_for(folder, args.adaptor)
    check_folder(folder, args.dataset or folder.name, dataset)
    return folder


def masks(args: argparse.Namespace) -> Path:
    """Draw masks from annotations (boxes, polygons) of images; boxes are filled."""
    from aexad.data.annotations.drawing import draw_masks

    source: Path = args.annotations
    images = args.images or (source if source.is_dir() else source.parent)
    labels = [label.strip() for label in args.labels.split(",") if label.strip()]
    print(f"{args.output}: {draw_masks(source, images, args.output, labels)}")
    return args.output


def split(args: argparse.Namespace) -> Path:
    """Choose the labelled anomalies of one category, scenario and seed."""
    from aexad.data.split import split as make_split
    from aexad.data.tables import read_index
    from aexad.runtime.files import write_csv

    dataset = dataset_of(args)
    chosen = args.category, args.scenario, args.seed, root_of(args, dataset)
    table = make_split(read_index(args.index), dataset, *chosen)
    write_csv(args.output, table)
    return args.output


def augment(args: argparse.Namespace) -> Path:
    """Make the training set of a split: copies and pasted defects."""
    import numpy as np

    from aexad.data.augment import augment as make_training_set
    from aexad.data.tables import read_split
    from aexad.runtime.files import write_npz
    from aexad.runtime.scratch import on_scratch

    dataset = dataset_of(args)
    table, root = read_split(args.split), root_of(args, dataset)
    arrays = make_training_set(
        table,
        root,
        dataset.stored,
        args.scenario,
        args.seed,
        levels=dataset.levels,
        tile=dataset.tile,
    )
    with on_scratch(args.output) as path:
        write_npz(path, arrays | {"size": np.array([dataset.size])})
    return args.output
