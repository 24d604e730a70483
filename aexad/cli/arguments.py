"""Options that several verbs share, the values they accept, and the files they name."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from aexad.config.scenarios import SCENARIOS
from aexad.runtime.errors import ConfigError

if TYPE_CHECKING:
    from aexad.config.catalogue import Dataset, Tile
    from aexad.config.recipe import Recipe

Verb = Callable[[argparse.Namespace], Path | None]
"""A function that runs one verb; it returns the file or folder that it wrote."""
AddVerb = Callable[[Verb], argparse.ArgumentParser]
"""Enter a verb under the name of its function; its options are added to the returned parser."""


def add_dataset(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """Add the options that name a data set and the folder of its files."""
    parser.add_argument("--dataset", required=required, help="name of a data set in the catalogue")
    add_catalogue(parser)
    add_data(parser)


def add_catalogue(parser: argparse.ArgumentParser) -> None:
    """Add the option for further data sets."""
    parser.add_argument(
        "--datasets",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="file of data sets, in addition to the built-in ones and config/datasets.yaml",
    )


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the option for the folder of all data sets."""
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of the data sets")


def add_method(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Add the options that name a method; without a default, it must be named."""
    known = "name of a method ('aexad methods' lists them)"
    if default:
        known += f"; default: {default}"
    parser.add_argument("--method", required=default is None, default=default, help=known)
    add_methods(parser)


def add_methods(parser: argparse.ArgumentParser) -> None:
    """Add the option for further recipes."""
    parser.add_argument(
        "--methods",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help="file or folder of recipes, in addition to the built-in ones and config/methods",
    )


def add_scenario(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose labelled anomalies."""
    parser.add_argument("--scenario", choices=SCENARIOS, default="standard")
    add_seed(parser)


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Add the option for the seed of all random draws."""
    parser.add_argument("--seed", type=seed, default=0, help="seed of all random draws; default: 0")


def add_split(parser: argparse.ArgumentParser) -> None:
    """Add the option for a split."""
    parser.add_argument("--split", type=Path, required=True, help="the split, .csv")


def add_output(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the option for the file or folder that the verb writes."""
    parser.add_argument("-o", "--output", type=Path, required=True, help=what)


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Add the option for the folder of encoder weights."""
    parser.add_argument("--weights-dir", type=Path, help="folder of <timm name>.safetensors")


def add_machine(parser: argparse.ArgumentParser, threads: int | None) -> None:
    """Add the options for weights, device and threads; ``threads`` is the default, None all."""
    add_weights(parser)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--threads",
        type=positive,
        default=threads,
        help=f"CPU threads (default: {threads or 'all'})",
    )


def add_country(parser: argparse.ArgumentParser) -> None:
    """Add the option for the country, which decides the CO2 of a kWh."""
    parser.add_argument(
        "--country", help="three-letter ISO code, for CO2; default: energy is not measured"
    )


def recipe_of(args: argparse.Namespace) -> Recipe:
    """Read the recipe of ``--method``."""
    from aexad.config.builtin import method_paths
    from aexad.config.methods import read_recipe

    return read_recipe(method_paths(args.methods), args.method)


def dataset_of(args: argparse.Namespace) -> Dataset:
    """Read the catalogue's entry of ``--dataset``."""
    from aexad.config.builtin import catalogue_paths
    from aexad.config.catalogue import read_dataset

    return read_dataset(catalogue_paths(args.datasets), args.dataset)


def root_of(args: argparse.Namespace, dataset: Dataset) -> Path:
    """Folder of the files of a data set."""
    root: Path = args.data / (dataset.files or args.dataset)
    return root


def check_exists(path: Path, what: str) -> None:
    """Refuse a path that does not exist; ``what`` describes the path that is needed."""
    if not path.exists():
        raise ConfigError(f"{path}: no such file or folder; name {what}")


def check_output(path: Path) -> None:
    """Refuse a file that cannot be written, before a long computation and not after it."""
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder; name a file in it")
    folder = next(folder for folder in path.absolute().parents if folder.exists())
    if not folder.is_dir():
        raise ConfigError(f"{path}: {folder} is a file, not a folder; name another path")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(f"{path}: {folder} is read-only; make it writable, or name another path")


def usable_cores() -> int:
    """The number of CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def seed(text: str) -> int:
    """Read a whole number from 0 to 2**32 - 1, the seeds of a benchmark."""
    value = _whole_number(text, least=0)
    if value >= 2**32:
        raise argparse.ArgumentTypeError(f"'{text}' is not below {2**32}")
    return value


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    return _whole_number(text, least=1)


def tile(text: str) -> Tile:
    """Read the side of a tile in pixels, or ``whole``."""
    try:
        return "whole" if text == "whole" else _whole_number(text, least=16)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, nor 'whole'") from None


def share(text: str) -> float:
    """Read a number between 0 and 1, both excluded."""
    value = _number(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number between 0 and 1")
    return value


def above_zero(text: str) -> float:
    """Read a finite number above 0."""
    value = _number(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return value


def finite(text: str) -> float:
    """Read a number that is neither infinite nor NaN."""
    value = _number(text)
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"'{text}' is not a finite number")
    return value


def pair(text: str) -> tuple[str, str]:
    """Read DATASET=FOLDER."""
    name, _, folder = text.partition("=")
    if not name or not folder:
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form DATASET=FOLDER")
    return name, folder


def _whole_number(text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least {least}")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
