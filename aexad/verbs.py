"""The verbs of the command line: each reads files, calls one part of the library, writes files.

A verb returns the file or folder that it wrote. It imports what it needs when it runs, so that
``--help`` and the verbs without a network start at once.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from aexad.errors import ConfigError

if TYPE_CHECKING:
    from aexad.benchmark import Benchmark, Run
    from aexad.data.catalogue import Dataset
    from aexad.recipe import Method
    from aexad.reporting.measurements import Measurements


def fetch(args: argparse.Namespace) -> Path:
    """Download, draw or link a data set."""
    from aexad.data.catalogue import read_dataset
    from aexad.data.download import fetch as fetch_dataset

    dataset = read_dataset(args.datasets, args.dataset)
    return fetch_dataset(args.dataset, dataset, args.data / args.dataset, args.source)


def index(args: argparse.Namespace) -> Path:
    """List a data set's images and masks, every file checked."""
    from aexad.data.catalogue import read_dataset
    from aexad.data.index import build_index
    from aexad.files import write_csv

    dataset = read_dataset(args.datasets, args.dataset)
    write_csv(args.output, build_index(args.data / args.dataset, args.dataset, dataset))
    return args.output


def split(args: argparse.Namespace) -> Path:
    """Choose the labelled anomalies of one category, scenario and seed."""
    from aexad.data.catalogue import read_dataset
    from aexad.data.index import read_index
    from aexad.data.split import split as make_split
    from aexad.files import write_csv

    labelled = read_dataset(args.datasets, args.dataset).labelled_per_defect(args.category)
    table = make_split(read_index(args.index), args.category, args.scenario, labelled, args.seed)
    write_csv(args.output, table)
    return args.output


def augment(args: argparse.Namespace) -> Path:
    """Make the training set of a split: copies and pasted defects."""
    from aexad.data.augmentation import augment as make_training_set
    from aexad.data.catalogue import read_dataset
    from aexad.data.split import read_split
    from aexad.files import write_npz

    size = read_dataset(args.datasets, args.dataset).size
    table = read_split(args.split)
    root = args.data / args.dataset
    write_npz(args.output, make_training_set(table, root, size, args.scenario, args.seed))
    return args.output


def train(args: argparse.Namespace) -> Path:
    """Train one method on one training set."""
    from aexad.provenance import peak_memory_mb, versions
    from aexad.recipe import read_recipe

    recipe = read_recipe(args.methods, args.method)

    from aexad.device import use_device
    from aexad.energy import energy_of
    from aexad.files import sha256_of, write_csv, write_json
    from aexad.models import build_model, save_model
    from aexad.training import read_training_set
    from aexad.training import train as train_model

    device = use_device(args.device, args.threads)
    data = read_training_set(args.training_set)
    model = build_model(recipe, data.size, args.seed, args.weights_dir)
    with energy_of(args.country) as energy:
        trained = train_model(model, data, device)
    save_model(model, args.output / "model.safetensors")
    write_csv(args.output / "training.csv", trained.history)
    provenance = {
        "method": args.method,
        "seed": args.seed,
        "recipe": recipe.training,
        "encoder": model.encoder,
        "parameters": model.parameters,
        "seconds": trained.seconds,
        "energy": energy,
        "peak_mb": peak_memory_mb(),
        "device": str(device),
        "threads": args.threads,
        "versions": versions(),
        "data_sha256": sha256_of(args.training_set),
    }
    write_json(args.output / "provenance.json", provenance)
    return args.output


def infer(args: argparse.Namespace) -> Path:
    """Explain the test images of a split with a trained model."""
    from aexad.provenance import peak_memory_mb
    from aexad.recipe import read_recipe

    settings = read_recipe(args.methods, args.method).heat_map

    import time

    import numpy as np

    from aexad.data.split import read_split
    from aexad.device import use_device
    from aexad.energy import energy_of
    from aexad.files import write_json, write_npz
    from aexad.inference import infer as make_maps
    from aexad.models import load_model

    device = use_device(args.device, args.threads)
    model = load_model(args.model, args.weights_dir)
    root = args.data / args.dataset
    table = read_split(args.split)
    with energy_of(args.country) as energy:
        start = time.perf_counter()
        maps = make_maps(model, table, root, settings, device)
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
    root = args.data / args.dataset
    evaluate_those = evaluate_split_maps if args.maps.is_dir() else evaluate_run
    evaluate_those(args.maps, args.masks, root, args.output, size)
    return args.output


def collect(args: argparse.Namespace) -> Path:
    """Gather the metrics of a benchmark's runs into one table."""
    from aexad.reporting.collect import write_collection

    chosen = _read_benchmark(args)
    folder = args.results / args.benchmark
    write_collection(chosen.runs, args.results, folder, chosen.foreign, chosen.missing)
    return folder


def tables(args: argparse.Namespace) -> Path:
    """Write the tables of a benchmark (.csv, .md, .tex), and its summary in words."""
    from aexad.files import write_text
    from aexad.reporting.summary import summarise, to_markdown
    from aexad.reporting.tables import write_tables

    chosen = _read_benchmark(args)
    folder = args.results / args.benchmark
    measured = _measurements(args, chosen)
    write_tables(measured, folder / "tables")
    write_text(folder / "summary.md", to_markdown(chosen.benchmark.title, summarise(measured)))
    return folder / "tables"


def figures(args: argparse.Namespace) -> Path:
    """Draw the figures of a benchmark (.svg, .png)."""
    from aexad.reporting.collect import read_collection
    from aexad.reporting.figures import write_figures

    chosen = _read_benchmark(args)
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

    size = read_dataset(args.datasets, args.dataset).size
    root = args.data / args.dataset
    draw_panels(args.run_folder, args.split, root, size, args.count, args.output)
    return args.output


def report(args: argparse.Namespace) -> Path:
    """Put summary, tables, figures and panels of a benchmark on one page."""
    from aexad.reporting.page import write_report

    chosen = _read_benchmark(args)
    folder = args.results / args.benchmark
    write_report(
        chosen.benchmark,
        chosen.runs,
        chosen.catalogue,
        _measurements(args, chosen),
        results=args.results,
        folder=folder,
    )
    return folder / "report.html"


def _check_there(path: Path, what: str) -> None:
    if not path.exists():
        raise ConfigError(f"{path}: no such file or folder; name {what}")


class _Chosen(NamedTuple):
    """A benchmark, and the runs that its report is of."""

    benchmark: Benchmark
    runs: list[Run]
    """Those that trained a model."""
    foreign: list[Run]
    """Those of somebody else's maps."""
    missing: list[Run]
    """Those that a partial report does without."""
    catalogue: dict[str, Dataset]
    methods: dict[str, Method]


def _read_benchmark(args: argparse.Namespace) -> _Chosen:
    from aexad.benchmark import Settings, read_benchmark, there, trained
    from aexad.data.catalogue import read_catalogue
    from aexad.recipe import read_methods

    catalogue = read_catalogue(args.datasets)
    benchmark = read_benchmark(args.benchmarks, args.benchmark)
    settings = Settings(sources=dict(args.source))
    where = f"{args.benchmarks / args.benchmark}.yaml"
    methods = read_methods(args.methods)
    every = benchmark.runs(catalogue, methods, settings, where)
    runs = there(every, args.results) if args.partial else every
    own = trained(runs, methods)
    return _Chosen(
        benchmark,
        own,
        [run for run in runs if run not in own],
        [run for run in every if run not in runs],
        catalogue,
        methods,
    )


def _measurements(args: argparse.Namespace, chosen: _Chosen) -> Measurements:
    from aexad.reporting.measurements import read_measurements
    from aexad.reporting.published import Published, read_published

    return read_measurements(
        args.results / args.benchmark,
        [*chosen.runs, *chosen.foreign],
        args.results,
        chosen.methods,
        chosen.catalogue,
        read_published(args.published) if args.published.is_dir() else Published(),
        missing=len(chosen.missing),
    )
