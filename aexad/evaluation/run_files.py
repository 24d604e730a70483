"""Read the files of runs; an error about a missing or damaged file says how to make it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

import pandas as pd

from aexad.config.benchmark import Run
from aexad.runtime.errors import DataError, one_line

IMAGE_VALUES = ["score", "anomalous_pixels", "xauc", "f1", "iou"]
IMAGE_COLUMNS = [*Run._fields, "image", "defect", *IMAGE_VALUES]
CURVE_COLUMNS = ["epoch", "loss_normal", "loss_anomalous"]
SHOWN = 3  # missing files that an error names

Content = TypeVar("Content")


def require(paths: Sequence[Path]) -> None:
    """Check that a file of each run exists; one error counts all that are missing."""
    missing = [path for path in paths if not path.is_file()]
    if missing:
        named = ", ".join(map(str, missing[:SHOWN]))
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        raise DataError(
            f"{len(missing)} of {len(paths)} runs have no {missing[0].name} yet: {named}{more}; "
            f"make each of them, for example with 'snakemake {missing[0]}', or set partial=true to "
            "leave out missing runs"
        )


def read_json(path: Path, convert: Callable[..., Content], *arguments: Any) -> Content:
    """Read a JSON file and convert its content.

    Parameters
    ----------
    path : Path
        The file.
    convert : callable
        Called with the content and ``arguments``.

    Raises
    ------
    DataError
        If the file is missing or is not JSON, or ``convert`` fails because it has other content.
    """
    try:
        return convert(json.loads(path.read_text(encoding="utf-8")), *arguments)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; make it with 'snakemake {path}'") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"no key {error}" if isinstance(error, KeyError) else str(error)
        raise DataError(
            f"{path}: cannot be used ({problem}); delete it and make it again"
        ) from None


def read_runs(
    runs: Sequence[Run], results: Path, name: str, convert: Callable[[Any, Run], Content]
) -> list[Content]:
    """Convert the content of the JSON file ``name`` of each run; see :func:`read_json`."""
    paths = [run.folder_in(results) / name for run in runs]
    require(paths)
    return [read_json(path, convert, run) for path, run in zip(paths, runs, strict=True)]


def read_per_image(path: Path | IO[bytes], numbers: Sequence[str] = ()) -> pd.DataFrame:
    """Read the ``per_image.csv`` of a run: one row per test image, indexed by image.

    Parameters
    ----------
    path : Path or binary stream
        The file.
    numbers : sequence of str
        Columns that must exist and hold numbers.

    Raises
    ------
    DataError
        If the file is missing, is not a CSV table, or lacks a column.
    """
    with _made_by("evaluate", path):
        table = pd.read_csv(
            path,
            dtype={"image": str, "defect": str},
            keep_default_na=False,
            na_values={name: [""] for name in (*IMAGE_VALUES, "k")},
        )
        return table.set_index("image").astype(dict.fromkeys(numbers, "float64"))


def read_curve(path: Path) -> pd.DataFrame:
    """Read the parts of the loss by epoch, :data:`CURVE_COLUMNS`, from ``training.csv``.

    A method without gradient descent has no rows.
    """
    with _made_by("train", path):
        table = pd.read_csv(path)
        if "loss" not in table:
            return pd.DataFrame(columns=CURVE_COLUMNS, dtype="float64")
        return table[CURVE_COLUMNS].astype("float64")


def read_images(runs: Sequence[Run], results: Path) -> pd.DataFrame:
    """Read the values of each test image of each run, with the columns :data:`IMAGE_COLUMNS`.

    Methods are compared image by image: all runs of one split must have its test images.
    """
    paths = [run.folder_in(results) / "per_image.csv" for run in runs]
    require(paths)
    tables = [
        read_per_image(path, IMAGE_VALUES).reset_index().assign(**run._asdict())[IMAGE_COLUMNS]
        for run, path in zip(runs, paths, strict=True)
    ]
    first: dict[Path, tuple[Path, list[str]]] = {}
    for run, path, table in zip(runs, paths, tables, strict=True):
        images = list(table["image"])
        other, expected = first.setdefault(run.data_folder, (path, images))
        if images != expected:
            raise DataError(
                f"{path}: other test images than in {other}, so the methods cannot be compared; "
                "make both runs with one split"
            )
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=IMAGE_COLUMNS)


@contextmanager
def _made_by(verb: str, path: object) -> Iterator[None]:
    """Turn the errors of reading a CSV table into one that names the verb that makes it."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; make it with 'aexad {verb}'") from None
    except (ValueError, KeyError) as error:
        problem = one_line(error)
        raise DataError(
            f"{path}: cannot be used ({problem}); make it again with 'aexad {verb}'"
        ) from None
