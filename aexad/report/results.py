"""All that tables, summary and page are made of, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from aexad.config.benchmark import Run
from aexad.config.catalogue import Dataset
from aexad.config.methods import Method
from aexad.report.collect import read_collection, require
from aexad.report.method_roles import MethodRoles, families_of, roles_of
from aexad.report.published import Published
from aexad.report.stats.intervals import Intervals
from aexad.report.stats.tradeoff import with_tradeoffs
from aexad.runtime.errors import DataError

IMAGE_VALUES = ["score", "anomalous_pixels", "xauc", "f1", "iou"]
IMAGE_COLUMNS = [*Run._fields, "image", "defect", *IMAGE_VALUES]


@dataclass(frozen=True)
class Results:
    """What was measured, by which methods, and what the sources print."""

    metrics: pd.DataFrame
    """Rows of ``metrics.csv``."""
    methods: pd.DataFrame
    """Rows of ``methods.csv``."""
    images: pd.DataFrame
    """A row for each run and test image: :data:`IMAGE_COLUMNS`."""
    recipes: Mapping[str, Method]
    published: Published
    titles: Mapping[str, str]
    """Data set: its title, for captions."""
    bases: Mapping[str, str] = field(default_factory=dict)
    """Data set: the one whose files it uses, where it has a limit."""
    limits: str = ""
    """A sentence that every caption ends with, for example that runs are missing."""

    @cached_property
    def families(self) -> dict[str, str]:
        """Method: family of its encoder."""
        return families_of(self.methods)

    @cached_property
    def roles(self) -> MethodRoles:
        """The role of each method, over all data sets together."""
        names = list(self.metrics["method"].unique())
        return roles_of(self.recipes, names, self.families)

    @cached_property
    def intervals(self) -> dict[tuple[str, str], Intervals]:
        """Data set and scenario: the intervals of its means; drawn once, when first asked for."""
        keys = ["dataset", "scenario"]
        images = dict(list(self.images.groupby(keys, sort=False)))
        return {
            (str(where[0]), str(where[1])): Intervals(part, images.get(where, self.images[:0]))
            for where, part in self.metrics.groupby(keys, sort=False)
        }

    @cached_property
    def quantities(self) -> pd.DataFrame:
        """``metrics``, and the trade-offs made of them."""
        return with_tradeoffs(self.metrics)


def read_results(
    folder: Path,
    runs: Sequence[Run],
    results: Path,
    recipes: Mapping[str, Method],
    catalogue: Mapping[str, Dataset],
    published: Published,
    missing: int = 0,
) -> Results:
    """Read ``metrics.csv`` and ``methods.csv`` of ``folder``, and each run's ``per_image.csv``.

    ``runs`` are those behind the two tables, ``missing`` the number that was left out of them.
    """
    metrics, methods = read_collection(folder)
    whole = len(runs) + missing
    return Results(
        metrics,
        methods,
        read_images(runs, results),
        recipes,
        published,
        {name: dataset.full_title for name, dataset in catalogue.items()},
        {name: dataset.files for name, dataset in catalogue.items() if dataset.files},
        f"Partial: {len(runs)} of {whole} runs of the benchmark are there." if missing else "",
    )


def read_images(runs: Sequence[Run], results: Path) -> pd.DataFrame:
    """What each run reached on each of its test images, as :data:`IMAGE_COLUMNS`.

    Raises
    ------
    DataError
        If the file of a run is missing or is no such table.
    """
    paths = [results / run.folder / "per_image.csv" for run in runs]
    require(paths)
    tables = [_read_run(run, path) for run, path in zip(runs, paths, strict=True)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=IMAGE_COLUMNS)


def _read_run(run: Run, path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(
            path,
            dtype={"image": str, "defect": str},
            keep_default_na=False,
            na_values={name: [""] for name in IMAGE_VALUES},
        )
        return table.assign(**run._asdict())[IMAGE_COLUMNS].astype(
            dict.fromkeys(IMAGE_VALUES, "float64")
        )
    except (ValueError, KeyError, pd.errors.ParserError) as error:
        told = " ".join(str(error).split())
        raise DataError(f"{path}: cannot be used ({told}); make it with 'aexad evaluate'") from None
