"""The command line: one verb for each rule of the workflow, each usable by hand."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aexad.cli import app, data, evaluation, explain, report, training
from aexad.cli.arguments import above_zero, pair, positive, seed, share
from aexad.runtime.signals import Stopped, signals_raised, user_message

SCENARIOS = ("standard", "anomalies_only", "one_class")
DESCRIPTION = "Explainable image anomaly detection: each verb is one step of the benchmark."


def parser() -> argparse.ArgumentParser:
    """The parser of all verbs."""
    top = argparse.ArgumentParser("aexad", description=DESCRIPTION)
    top.add_argument("--debug", action="store_true", help="show the traceback of an error")
    every = top.add_subparsers(dest="verb", required=True, metavar="VERB", title="verbs")

    def verb(run: Callable[[argparse.Namespace], Path]) -> argparse.ArgumentParser:
        one = every.add_parser(run.__name__, help=run.__doc__, description=run.__doc__)
        one.set_defaults(run=run)
        one.add_argument("--log", type=Path, help="also write messages to this file")
        return one

    one = verb(data.fetch)
    _dataset(one)
    one.add_argument("--source", type=Path, help="a local folder or archive to take it from")
    one = verb(data.index)
    _dataset(one)
    one.add_argument("--output", type=Path, required=True, help="the index, .csv")
    one = verb(data.check)
    one.add_argument("folder", type=Path, help="a data set's folder, with its categories")
    one.add_argument("--datasets", type=Path, default=Path("config/datasets.yaml"))
    layout = one.add_mutually_exclusive_group()
    layout.add_argument("--dataset", help="its name in the catalogue: categories and counts too")
    layout.add_argument("--adaptor", help="its layout; none: recognised")
    one = verb(data.split)
    _dataset(one)
    _scenario(one)
    one.add_argument("--category", required=True)
    one.add_argument("--index", type=Path, required=True, help="the data set's index, .csv")
    one.add_argument("--output", type=Path, required=True, help="the split, .csv")
    one = verb(data.augment)
    _dataset(one)
    _scenario(one)
    one.add_argument("--split", type=Path, required=True, help="the split, .csv")
    one.add_argument("--output", type=Path, required=True, help="the training set, .npz")
    one = verb(training.train)
    _network(one)
    one.add_argument("--seed", type=seed, required=True)
    one.add_argument("--training-set", type=Path, required=True, help="from augment, .npz")
    one.add_argument("--output", type=Path, required=True, help="folder of the run")
    one.add_argument(
        "--feature-memory-mb",
        type=positive,
        help="for a frozen encoder's features; none: a quarter",
    )
    one.add_argument(
        "--checkpoint-epochs", type=positive, default=10, help="from one checkpoint to the next"
    )
    one = verb(training.share)
    one.add_argument("--run-folder", type=Path, required=True, help="of the method that has it")
    one.add_argument("--output", type=Path, required=True, help="folder of the run")
    one = verb(explain.infer)
    _dataset(one)
    _network(one)
    one.add_argument("--model", type=Path, required=True, help="from train, .safetensors")
    one.add_argument("--split", type=Path, required=True, help="the split, .csv")
    one.add_argument(
        "--output",
        type=Path,
        required=True,
        help="the maps, .npz; inference.json beside them says what it took",
    )
    one = verb(evaluation.evaluate)
    one.add_argument("--maps", type=Path, required=True, help="a run's maps.npz, or a folder")
    one.add_argument(
        "--masks", type=Path, required=True, help="the run's split.csv, or the category's folder"
    )
    one.add_argument("--output", type=Path, required=True, help="folder of the results")
    one.add_argument("--native", action="store_true", help="at each mask's own size")
    _dataset(one, required=False)
    one = verb(report.panels)
    _dataset(one)
    one.add_argument("--run-folder", type=Path, required=True, help="with maps.npz, per_image.csv")
    one.add_argument("--split", type=Path, required=True, help="the split, .csv")
    one.add_argument("--count", type=positive, default=6, help="how many test images")
    one.add_argument("--output", type=Path, required=True, help="folder of the panels")
    one = verb(report.strips)
    _dataset(one)
    one.add_argument("--run-folder", type=Path, required=True, help="with maps.npz")
    one.add_argument("--split", type=Path, required=True, help="the split, .csv")
    _explored(one)
    one.add_argument("--output", type=Path, required=True, help="folder of the strips")
    for run in (report.collect, report.tables, report.figures, report.report):
        _benchmark(verb(run))
    one = verb(report.explorer)
    _benchmark(one)
    _explored(one)
    _own_images(verb)
    return top


def _own_images(verb: Callable[..., argparse.ArgumentParser]) -> None:
    one = verb(app.fit)
    one.add_argument(
        "folder", type=Path, help="a category in MVTec AD's layout, or a folder of good images"
    )
    one.add_argument("--defects", type=Path, help="with good images: a folder of images of defects")
    one.add_argument(
        "--masks", type=Path, help="of the defects; none: STEM_mask.png beside each of them"
    )
    one.add_argument("--method", required=True, help="its name among the methods")
    one.add_argument("--methods", type=Path, default=Path("config/methods.yaml"))
    one.add_argument("-o", "--output", type=Path, required=True, help="the model, .safetensors")
    one.add_argument(
        "--labelled", type=positive, help="defects of each type to train on; none: all"
    )
    one.add_argument(
        "--false-alarms", type=share, default=0.01, help="share of good images above the threshold"
    )
    one.add_argument("--size", type=positive, default=224, help="working size in pixels")
    one.add_argument("--seed", type=seed, default=0)
    _machine(one, threads=None)
    one = verb(app.explain)
    one.add_argument("model", type=Path, help="from fit or export, or the folder of a run")
    one.add_argument("images", type=Path, help="an image, or a folder of images")
    one.add_argument("-o", "--output", type=Path, required=True, help="folder of what is found")
    one.add_argument("--json", action="store_true", help="one JSON object a line and image")
    one.add_argument(
        "--threshold",
        type=above_zero,
        help="score above which an image is anomalous, not the model's",
    )
    one.add_argument("--batch-size", type=positive, default=16, help="images at once")
    _machine(one, threads=None)
    one = verb(app.export)
    one.add_argument("model", type=Path, help="from fit, or the folder of a run")
    one.add_argument("-o", "--output", type=Path, required=True, help="the model, .onnx")
    _weights(one)


def _weights(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--weights-dir", type=Path, help="folder of <timm name>.safetensors")


def _machine(verb: argparse.ArgumentParser, threads: int | None) -> None:
    _weights(verb)
    verb.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    verb.add_argument(
        "--threads",
        type=positive,
        default=threads,
        help=f"CPU threads; none: {threads or 'all'}",
    )


def _dataset(verb: argparse.ArgumentParser, required: bool = True) -> None:
    verb.add_argument("--dataset", required=required, help="its name in the catalogue")
    verb.add_argument("--datasets", type=Path, default=Path("config/datasets.yaml"))
    verb.add_argument("--data", type=Path, default=Path("data"), help="folder of the data sets")


def _scenario(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--scenario", choices=SCENARIOS, default="standard")
    verb.add_argument("--seed", type=seed, default=0)


def _network(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--method", required=True, help="its name among the methods")
    verb.add_argument("--methods", type=Path, default=Path("config/methods.yaml"))
    _machine(verb, threads=1)
    verb.add_argument(
        "--country", help="three-letter ISO code, for the CO2; none: energy is not measured"
    )


def _explored(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--count", type=positive, default=200, help="most test images of a category")


def _benchmark(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--benchmark", required=True, help="its name among the benchmarks")
    verb.add_argument("--benchmarks", type=Path, default=Path("config/benchmarks"))
    verb.add_argument("--datasets", type=Path, default=Path("config/datasets.yaml"))
    verb.add_argument("--methods", type=Path, default=Path("config/methods.yaml"))
    verb.add_argument("--data", type=Path, default=Path("data"), help="folder of the data sets")
    verb.add_argument("--results", type=Path, default=Path("results"))
    verb.add_argument(
        "--published",
        type=Path,
        default=Path("config/published"),
        help="folder of the sources' numbers; where it is missing, they are left out",
    )
    verb.add_argument(
        "--partial", action="store_true", help="of the runs that are there, gaps marked"
    )
    verb.add_argument(
        "--source",
        action="append",
        default=[],
        type=pair,
        metavar="DATASET=FOLDER",
        help="local folder of a data set whose categories the catalogue does not list",
    )


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; whatever stops it is one line on the standard error stream.

    Returns
    -------
    int
        0; 1 after an error; 128 + n after signal n, as a shell counts.
    """
    args = parser().parse_args(arguments)
    # Networks ask for large blocks of memory over and over, and large pages make that faster. Torch
    # looks at this when it first allocates.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    with _messages() as logger, signals_raised():
        try:
            if args.log is not None:
                logger.addHandler(_log_file(args.log))
            start = time.perf_counter()
            written = args.run(args)
            seconds = time.perf_counter() - start
            logger.info("%s: wrote %s in %.1f s", args.verb, written, seconds)
        except Stopped as stopped:
            logger.error("%s", f"{args.verb}: {stopped}")
            return 128 + stopped.signal
        except Exception as error:
            line = user_message(error)
            if args.debug or line is None:
                logger.exception("stopped by an exception")  # into the log file alone
            if args.debug:
                raise
            logger.error("%s", line or _defect(error, args.log))
            return 1
    return 0


def _defect(error: Exception, log: Path | None) -> str:
    """One line about an error that is ours."""
    what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    where = f"the traceback is in {log}" if log else "'python -m aexad --debug VERB …' shows where"
    return f"a defect of aexad itself ({what}); {where}; please report it"


@contextmanager
def _messages() -> Iterator[logging.Logger]:
    """Warnings and errors go to the screen; handlers that are added go with the block."""
    logger = logging.getLogger("aexad")
    logger.setLevel(logging.INFO)
    before = list(logger.handlers)
    screen = logging.StreamHandler(sys.stderr)
    screen.setLevel(logging.WARNING)
    screen.setFormatter(logging.Formatter("aexad: %(message)s"))
    screen.addFilter(lambda record: record.exc_info is None)
    logger.addHandler(screen)
    try:
        yield logger
    finally:
        for handler in [each for each in logger.handlers if each not in before]:
            logger.removeHandler(handler)
            with suppress(OSError):  # a log on a full disk stays short
                handler.close()


class _LogFile(logging.FileHandler):
    """A log that cannot be written hides no message: the screen has it, and no traceback."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        pass


def _log_file(path: Path) -> logging.Handler:
    """All messages go to the file ``path``, and the tracebacks of defects of ours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = _LogFile(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    return handler
