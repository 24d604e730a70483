"""The command line: one verb for each rule of the workflow, each usable by hand."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aexad import verbs
from aexad.errors import AexadError

DESCRIPTION = "Explainable image anomaly detection: each verb is one step of the benchmark."


def parser() -> argparse.ArgumentParser:
    """The parser of all verbs."""
    top = argparse.ArgumentParser("aexad", description=DESCRIPTION)
    top.add_argument("--debug", action="store_true", help="show the traceback of an error")
    every = top.add_subparsers(dest="verb", required=True, metavar="VERB", title="verbs")

    def verb(run: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
        one = every.add_parser(run.__name__, help=run.__doc__, description=run.__doc__)
        one.set_defaults(run=run)
        one.add_argument("--log", type=Path, help="also write messages to this file")
        return one

    one = verb(verbs.fetch)
    _dataset(one)
    one.add_argument("--source", type=Path, help="a local folder or archive to take it from")
    one = verb(verbs.index)
    _dataset(one)
    one.add_argument("--output", type=Path, required=True, help="the index, .csv")
    one = verb(verbs.split)
    _dataset(one)
    _scenario(one)
    one.add_argument("--category", required=True)
    one.add_argument("--index", type=Path, required=True, help="the data set's index, .csv")
    one.add_argument("--output", type=Path, required=True, help="the split, .csv")
    one = verb(verbs.augment)
    _dataset(one)
    _scenario(one)
    one.add_argument("--split", type=Path, required=True, help="the split, .csv")
    one.add_argument("--output", type=Path, required=True, help="the training set, .npz")
    one = verb(verbs.train)
    _network(one)
    one.add_argument("--seed", type=int, required=True)
    one.add_argument("--training-set", type=Path, required=True, help="from augment, .npz")
    one.add_argument("--output", type=Path, required=True, help="folder of the run")
    one = verb(verbs.infer)
    _dataset(one)
    _network(one)
    one.add_argument("--model", type=Path, required=True, help="from train, .safetensors")
    one.add_argument("--split", type=Path, required=True, help="the split, .csv")
    one.add_argument("--output", type=Path, required=True, help="the maps, .npz")
    one = verb(verbs.evaluate)
    one.add_argument("--maps", type=Path, required=True, help="a run's maps.npz, or a folder")
    one.add_argument(
        "--masks", type=Path, required=True, help="the run's split.csv, or the category's folder"
    )
    one.add_argument("--output", type=Path, required=True, help="folder of the results")
    one.add_argument("--native", action="store_true", help="at each mask's own size")
    _dataset(one, required=False)
    one = verb(verbs.panels)
    _dataset(one)
    one.add_argument("--run-folder", type=Path, required=True, help="with maps.npz, per_image.csv")
    one.add_argument("--split", type=Path, required=True, help="the split, .csv")
    one.add_argument("--count", type=int, default=6, help="how many test images")
    one.add_argument("--output", type=Path, required=True, help="folder of the panels")
    for run in (verbs.collect, verbs.tables, verbs.figures, verbs.report):
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


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; an error of the user's side is one line on the standard error stream."""
    args = parser().parse_args(arguments)
    with _messages(args.log) as logger:
        try:
            args.run(args)
        except AexadError as error:
            if args.debug:
                raise
            logger.error("%s", error)
            return 1
    return 0


@contextmanager
def _messages(path: Path | None) -> Iterator[logging.Logger]:
    """Warnings and errors go to the screen, and all messages to the file ``path``, if any."""
    logger = logging.getLogger("aexad")
    logger.setLevel(logging.INFO)
    screen: logging.Handler = logging.StreamHandler(sys.stderr)
    screen.setLevel(logging.WARNING)
    screen.setFormatter(logging.Formatter("aexad: %(message)s"))
    handlers = [screen]
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(path, mode="w", encoding="utf-8"))
        handlers[-1].setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for handler in handlers:
        logger.addHandler(handler)
    try:
        yield logger
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()
