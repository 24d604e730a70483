"""The command line: one verb for each rule of the workflow, each usable by hand.

A verb imports what it needs when it runs, so that ``--help`` and the verbs without a network start
at once.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from aexad.errors import AexadError, ConfigError

if TYPE_CHECKING:
    from aexad.benchmark import Benchmark, Run
    from aexad.data.catalogue import Dataset

DESCRIPTION = "Explainable image anomaly detection: each verb is one step of the benchmark."


def fetch(args: argparse.Namespace) -> None:
    """Download, draw or link a data set."""
    from aexad.data.catalogue import read_dataset
    from aexad.data.download import fetch as fetch_dataset

    dataset = read_dataset(args.datasets, args.dataset)
    fetch_dataset(args.dataset, dataset, args.data / args.dataset, args.source)


def index(args: argparse.Namespace) -> None:
    """List a data set's images and masks, every file checked."""
    from aexad.data.catalogue import read_dataset
    from aexad.data.index import build_index
    from aexad.files import write_csv

    dataset = read_dataset(args.datasets, args.dataset)
    write_csv(args.output, build_index(args.data / args.dataset, args.dataset, dataset))


def split(args: argparse.Namespace) -> None:
    """Choose the labelled anomalies of one category, scenario and seed."""
    from aexad.data.catalogue import read_dataset
    from aexad.data.index import read_index
    from aexad.data.split import split as make_split
    from aexad.files import write_csv

    labelled = read_dataset(args.datasets, args.dataset).labelled_per_defect(args.category)
    table = make_split(read_index(args.index), args.category, args.scenario, labelled, args.seed)
    write_csv(args.output, table)


def augment(args: argparse.Namespace) -> None:
    """Make the training set of a split: copies and pasted defects."""
    from aexad.data.augmentation import augment as make_training_set
    from aexad.data.catalogue import read_dataset
    from aexad.data.split import read_split
    from aexad.files import write_npz

    size = read_dataset(args.datasets, args.dataset).size
    table = read_split(args.split)
    root = args.data / args.dataset
    write_npz(args.output, make_training_set(table, root, size, args.scenario, args.seed))


def train(args: argparse.Namespace) -> None:
    """Train one method on one training set."""
    from aexad.provenance import peak_memory_mb, versions
    from aexad.recipe import read_recipe

    recipe = read_recipe(args.methods, args.method)

    from aexad.device import use_device
    from aexad.files import write_csv, write_json
    from aexad.models import build_model, save_model
    from aexad.provenance import file_digest
    from aexad.training import read_training_set
    from aexad.training import train as train_model

    device = use_device(args.device, args.threads)
    data = read_training_set(args.training_set)
    model = build_model(recipe, data.size, args.seed, args.weights_dir)
    trained = train_model(model, data, device)
    save_model(model, args.output / "model.safetensors")
    write_csv(args.output / "training.csv", trained.history)
    provenance = {
        "method": args.method,
        "seed": args.seed,
        "recipe": recipe.model_dump(),
        "encoder": model.encoder,
        "parameters": model.parameters,
        "seconds": trained.seconds,
        "peak_mb": peak_memory_mb(),
        "device": str(device),
        "threads": args.threads,
        "versions": versions(),
        "data_sha256": file_digest(args.training_set),
    }
    write_json(args.output / "provenance.json", provenance)


def infer(args: argparse.Namespace) -> None:
    """Explain the test images of a split with a trained model."""
    from aexad.recipe import read_recipe

    settings = read_recipe(args.methods, args.method).heat_map

    from aexad.data.split import read_split
    from aexad.device import use_device
    from aexad.files import write_npz
    from aexad.inference import infer as make_maps
    from aexad.models import load_model

    device = use_device(args.device, args.threads)
    model = load_model(args.model, args.weights_dir)
    root = args.data / args.dataset
    write_npz(args.output, make_maps(model, read_split(args.split), root, settings, device))


def evaluate(args: argparse.Namespace) -> None:
    """Score heat maps against masks: a run's, or anyone's."""
    if args.maps.is_dir():
        from aexad.foreign_maps import evaluate_maps

        evaluate_maps(args.maps, args.masks, args.output, "native" if args.native else "model")
        return
    if args.dataset is None:
        raise ConfigError(f"{args.maps} is not a folder; maps of a run need --dataset too")
    from aexad.data.catalogue import read_dataset
    from aexad.evaluation import evaluate_run

    size = "native" if args.native else read_dataset(args.datasets, args.dataset).evaluation.size
    evaluate_run(args.maps, args.masks, args.data / args.dataset, args.output, size)


def collect(args: argparse.Namespace) -> None:
    """Gather the metrics of a benchmark's runs into one table."""
    from aexad.reporting.collect import write_collection

    _, runs, _ = _read_benchmark(args)
    write_collection(runs, args.results, args.results / args.benchmark)


def tables(args: argparse.Namespace) -> None:
    """Write the tables of a benchmark (.csv, .md, .tex)."""
    from aexad.reporting.collect import read_methods, read_metrics
    from aexad.reporting.tables import write_tables

    _, _, catalogue = _read_benchmark(args)
    folder = args.results / args.benchmark
    metrics, methods = read_metrics(folder / "metrics.csv"), read_methods(folder / "methods.csv")
    write_tables(metrics, methods, catalogue, folder / "tables")


def figures(args: argparse.Namespace) -> None:
    """Draw the figures of a benchmark (.svg, .png)."""
    from aexad.reporting.collect import read_methods, read_metrics
    from aexad.reporting.figures import write_figures

    benchmark, runs, catalogue = _read_benchmark(args)
    folder = args.results / args.benchmark
    write_figures(
        runs,
        read_metrics(folder / "metrics.csv"),
        read_methods(folder / "methods.csv"),
        catalogue,
        results=args.results,
        data=args.data,
        gallery=benchmark.gallery,
        folder=folder / "figures",
    )


def panels(args: argparse.Namespace) -> None:
    """Draw input, reconstruction, error, heat map, binary map and truth of test images."""
    from aexad.data.catalogue import read_dataset
    from aexad.reporting.panels import draw_panels

    size = read_dataset(args.datasets, args.dataset).size
    root = args.data / args.dataset
    draw_panels(args.run_folder, args.split, root, size, args.count, args.output)


def report(args: argparse.Namespace) -> None:
    """Put summary, tables, figures and panels of a benchmark on one page."""
    from aexad.reporting.page import write_report

    benchmark, runs, catalogue = _read_benchmark(args)
    folder = args.results / args.benchmark
    write_report(benchmark, runs, catalogue, results=args.results, folder=folder)


def parser() -> argparse.ArgumentParser:
    """The parser of all verbs."""
    top = argparse.ArgumentParser("aexad", description=DESCRIPTION)
    top.add_argument("--debug", action="store_true", help="show the traceback of an error")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB", title="verbs")

    def verb(run: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
        one = verbs.add_parser(run.__name__, help=run.__doc__, description=run.__doc__)
        one.set_defaults(run=run)
        one.add_argument("--log", type=Path, help="also write messages to this file")
        return one

    one = verb(fetch)
    _dataset(one)
    one.add_argument("--source", type=Path, help="a local folder or archive to take it from")
    one = verb(index)
    _dataset(one)
    one.add_argument("--output", type=Path, required=True, help="the index, .csv")
    one = verb(split)
    _dataset(one)
    _scenario(one)
    one.add_argument("--category", required=True)
    one.add_argument("--index", type=Path, required=True, help="the data set's index, .csv")
    one.add_argument("--output", type=Path, required=True, help="the split, .csv")
    one = verb(augment)
    _dataset(one)
    _scenario(one)
    one.add_argument("--split", type=Path, required=True, help="the split, .csv")
    one.add_argument("--output", type=Path, required=True, help="the training set, .npz")
    one = verb(train)
    _network(one)
    one.add_argument("--seed", type=int, required=True)
    one.add_argument("--training-set", type=Path, required=True, help="from augment, .npz")
    one.add_argument("--output", type=Path, required=True, help="folder of the run")
    one = verb(infer)
    _dataset(one)
    _network(one)
    one.add_argument("--model", type=Path, required=True, help="from train, .safetensors")
    one.add_argument("--split", type=Path, required=True, help="the split, .csv")
    one.add_argument("--output", type=Path, required=True, help="the maps, .npz")
    one = verb(evaluate)
    one.add_argument("--maps", type=Path, required=True, help="a run's maps.npz, or a folder")
    one.add_argument(
        "--masks", type=Path, required=True, help="the run's split.csv, or the category's folder"
    )
    one.add_argument("--output", type=Path, required=True, help="folder of the results")
    one.add_argument("--native", action="store_true", help="at each mask's own size")
    _dataset(one, required=False)
    one = verb(panels)
    _dataset(one)
    one.add_argument("--run-folder", type=Path, required=True, help="with maps.npz, per_image.csv")
    one.add_argument("--split", type=Path, required=True, help="the split, .csv")
    one.add_argument("--count", type=int, default=6, help="how many test images")
    one.add_argument("--output", type=Path, required=True, help="folder of the panels")
    for run in (collect, tables, figures, report):
        _benchmark(verb(run))
    return top


def _dataset(verb: argparse.ArgumentParser, required: bool = True) -> None:
    verb.add_argument("--dataset", required=required, help="its name in the catalogue")
    verb.add_argument("--datasets", type=Path, default=Path("config/datasets.yaml"))
    verb.add_argument("--data", type=Path, default=Path("data"), help="folder of the data sets")


def _scenario(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--scenario", choices=("standard", "anomalies_only", "one_class"), default="standard"
    )
    verb.add_argument("--seed", type=int, default=0)


def _network(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--method", required=True, help="its name among the methods")
    verb.add_argument("--methods", type=Path, default=Path("config/methods.yaml"))
    verb.add_argument("--weights-dir", type=Path, help="folder of <timm name>.safetensors")
    verb.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    verb.add_argument("--threads", type=int, default=1, help="CPU threads")


def _benchmark(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--benchmark", required=True, help="its name among the benchmarks")
    verb.add_argument("--benchmarks", type=Path, default=Path("config/benchmarks"))
    verb.add_argument("--datasets", type=Path, default=Path("config/datasets.yaml"))
    verb.add_argument("--methods", type=Path, default=Path("config/methods.yaml"))
    verb.add_argument("--data", type=Path, default=Path("data"), help="folder of the data sets")
    verb.add_argument("--results", type=Path, default=Path("results"))
    verb.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="DATASET=FOLDER",
        help="local folder of a data set whose categories the catalogue does not list",
    )


def _read_benchmark(args: argparse.Namespace) -> tuple[Benchmark, list[Run], dict[str, Dataset]]:
    from aexad.benchmark import Settings, read_benchmark
    from aexad.data.catalogue import read_catalogue
    from aexad.recipe import read_recipes

    catalogue = read_catalogue(args.datasets)
    benchmark = read_benchmark(args.benchmarks, args.benchmark)
    settings = Settings(sources=dict(source.split("=", 1) for source in args.source))
    where = f"{args.benchmarks / args.benchmark}.yaml"
    runs = benchmark.runs(catalogue, read_recipes(args.methods), settings, where)
    return benchmark, runs, catalogue


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; an error of the user's side is one line on the standard error stream."""
    args = parser().parse_args(arguments)
    _log_to(args.log)
    try:
        args.run(args)
    except AexadError as error:
        if args.debug:
            raise
        logging.getLogger("aexad").error("%s", error)
        return 1
    return 0


def _log_to(path: Path | None) -> None:
    logger = logging.getLogger("aexad")
    logger.setLevel(logging.INFO)
    logger.handlers.clear()
    screen = logging.StreamHandler(sys.stderr)
    screen.setLevel(logging.WARNING)
    screen.setFormatter(logging.Formatter("aexad: %(message)s"))
    logger.addHandler(screen)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = logging.FileHandler(path, mode="w", encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger.addHandler(file)
