"""The verbs of the command line: each reads files, calls one part of the library, writes files.

A verb returns the file or folder that it wrote. It imports what it needs when it runs, so that
``--help`` and the verbs without a network start at once.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from aexad.errors import ConfigError

if TYPE_CHECKING:
    from aexad.data.catalogue import Dataset
    from aexad.reporting.chosen import Chosen


def fetch(args: argparse.Namespace) -> Path:
    """Download, draw or link a data set."""
    from aexad.data.catalogue import read_dataset
    from aexad.data.download import fetch as fetch_dataset

    dataset = read_dataset(args.datasets, args.dataset)
    name = dataset.files or args.dataset
    return fetch_dataset(name, dataset, args.data / name, args.source)


def index(args: argparse.Namespace) -> Path:
    """List a data set's images and masks, every file checked."""
    from aexad.data.catalogue import read_dataset
    from aexad.data.index import build_index
    from aexad.files import write_csv

    dataset = read_dataset(args.datasets, args.dataset)
    write_csv(args.output, build_index(_root(args, dataset), args.dataset, dataset))
    return args.output


def split(args: argparse.Namespace) -> Path:
    """Choose the labelled anomalies of one category, scenario and seed."""
    from aexad.data.catalogue import read_dataset
    from aexad.data.index import read_index
    from aexad.data.split import split as make_split
    from aexad.files import write_csv

    dataset = read_dataset(args.datasets, args.dataset)
    table = make_split(read_index(args.index), dataset, args.category, args.scenario, args.seed)
    write_csv(args.output, table)
    return args.output


def augment(args: argparse.Namespace) -> Path:
    """Make the training set of a split: copies and pasted defects."""
    import numpy as np

    from aexad.data.augmentation import augment as make_training_set
    from aexad.data.catalogue import read_dataset
    from aexad.data.split import read_split
    from aexad.files import write_npz

    dataset = read_dataset(args.datasets, args.dataset)
    table, root = read_split(args.split), _root(args, dataset)
    arrays = make_training_set(table, root, dataset.stored, args.scenario, args.seed)
    write_npz(args.output, arrays | {"size": np.array([dataset.size])})
    return args.output


def train(args: argparse.Namespace) -> Path:
    """Train one method on one training set; a training that was interrupted goes on."""
    from aexad.provenance import code_digest, peak_memory_mb, versions
    from aexad.recipe import read_recipe

    recipe = read_recipe(args.methods, args.method)

    from aexad.device import peak_gpu_memory_mb, use_device
    from aexad.energy import INTERRUPTED, energy_of
    from aexad.files import sha256_of, write_csv, write_json
    from aexad.locks import only_one
    from aexad.models import build_model, save_model
    from aexad.training import train as train_model
    from aexad.training.checkpoint import Checkpoints
    from aexad.training.data import read_training_set

    with only_one(args.output, "training"):
        device = use_device(args.device, args.threads)
        data = read_training_set(args.training_set)
        model = build_model(recipe, data.size, args.seed, args.weights_dir)
        origin = {
            "recipe": recipe.training,
            "seed": args.seed,
            "encoder": model.encoder,
            "data_sha256": sha256_of(args.training_set),
            "library": code_digest("aexad.training"),
        }
        path = args.output / "checkpoint.safetensors"
        checkpoints = Checkpoints(path, args.checkpoint_epochs, origin)
        with energy_of(args.country) as energy:
            trained = train_model(
                model,
                data,
                device,
                feature_memory_mb=args.feature_memory_mb,
                checkpoints=checkpoints,
            )
        if trained.resumed_after and energy["kwh"] is not None:
            energy = {"kwh": None, "co2_g": None, "reason": INTERRUPTED}
        save_model(model, args.output / "model.safetensors")
        write_csv(args.output / "training.csv", trained.history)
        provenance = {
            **origin,
            "method": args.method,
            "parameters": model.parameters,
            "seconds": trained.seconds,
            "energy": energy,
            "training": trained.settings,
            "peak_mb": peak_memory_mb(),
            "peak_gpu_mb": peak_gpu_memory_mb(device),
            "device": str(device),
            "threads": args.threads,
            "versions": versions(),
        }
        write_json(args.output / "provenance.json", provenance)
        checkpoints.remove()
    return args.output


def share(args: argparse.Namespace) -> Path:
    """Copy the model of a method that differs in the heat map alone."""
    from aexad.files import copy_file

    for name in ("training.csv", "provenance.json", "model.safetensors"):
        copy_file(args.run_folder / name, args.output / name)
    return args.output


def infer(args: argparse.Namespace) -> Path:
    """Explain the test images of a split with a trained model."""
    from aexad.provenance import peak_memory_mb
    from aexad.recipe import read_recipe

    settings = read_recipe(args.methods, args.method).heat_map

    import time

    import numpy as np

    from aexad.data.catalogue import read_dataset
    from aexad.data.split import read_split
    from aexad.device import use_device
    from aexad.energy import energy_of
    from aexad.files import write_json, write_npz
    from aexad.inference import infer as make_maps
    from aexad.models import load_model

    device = use_device(args.device, args.threads)
    model = load_model(args.model, args.weights_dir)
    dataset = read_dataset(args.datasets, args.dataset)
    table, root = read_split(args.split), _root(args, dataset)
    with energy_of(args.country) as energy:
        start = time.perf_counter()
        maps = make_maps(model, table, root, settings, device, dataset.stored)
        seconds = time.perf_counter() - start
    # With the maps, not with the model: an edit of the heat map never trains again.
    write_npz(args.output, maps | {"settings": np.array([settings.model_dump_json()])})
    cost = {
        "images": len(maps["image"]),
        "seconds": seconds,
        "energy": energy,
        "peak_mb": peak_memory_mb(),
        "device": str(device),
        "threads": args.threads,
    }
    write_json(args.output.with_name("inference.json"), cost)
    return args.output


def evaluate(args: argparse.Namespace) -> Path:
    """Score heat maps against masks: a run's, or anyone's."""
    from aexad.data.catalogue import read_dataset
    from aexad.evaluation import evaluate_run
    from aexad.foreign_maps import evaluate_maps, evaluate_split_maps

    size: Literal["model", "native"] = "native" if args.native else "model"
    _check_there(args.maps, "a run's maps.npz, or a folder of maps")
    _check_there(args.masks, "the run's split.csv, or the category's folder")
    if args.masks.is_dir():
        evaluate_maps(args.maps, args.masks, args.output, size)
        return args.output
    if args.dataset is None:
        raise ConfigError(f"{args.masks} is a split; say of which data set, with --dataset")
    root = _root(args, read_dataset(args.datasets, args.dataset))
    evaluate_those = evaluate_split_maps if args.maps.is_dir() else evaluate_run
    evaluate_those(args.maps, args.masks, root, args.output, size)
    return args.output


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
        results=args.results,
        data=args.data,
        gallery=chosen.benchmark.gallery,
        folder=folder / "figures",
    )
    return folder / "figures"


def panels(args: argparse.Namespace) -> Path:
    """Draw input, reconstruction, error, heat map, binary map and truth of test images."""
    from aexad.data.catalogue import read_dataset
    from aexad.reporting.panels import draw_panels

    dataset = read_dataset(args.datasets, args.dataset)
    root = _root(args, dataset)
    draw_panels(args.run_folder, args.split, root, dataset.stored, args.count, args.output)
    return args.output


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


def _root(args: argparse.Namespace, dataset: Dataset) -> Path:
    """Where the files of a data set lie."""
    root: Path = args.data / (dataset.files or args.dataset)
    return root


def _check_there(path: Path, what: str) -> None:
    if not path.exists():
        raise ConfigError(f"{path}: no such file or folder; name {what}")


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
