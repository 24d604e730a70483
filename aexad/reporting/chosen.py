"""What the report of a benchmark is of: its runs, sorted by what is there of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from aexad.benchmark import Benchmark, Run, Settings, read_benchmark, there, trained
from aexad.data.catalogue import Dataset, read_catalogue
from aexad.recipe import Method, read_methods
from aexad.reporting.measurements import Measurements, read_measurements
from aexad.reporting.published import Published, read_published


class Chosen(NamedTuple):
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

    def measurements(self, results: Path, folder: Path, published: Path) -> Measurements:
        """What its runs reached; without a folder ``published``, beside nothing."""
        return read_measurements(
            folder,
            [*self.runs, *self.foreign],
            results,
            self.methods,
            self.catalogue,
            read_published(published) if published.is_dir() else Published(),
            missing=len(self.missing),
        )


def choose(
    benchmark: Path,
    datasets: Path,
    methods: Path,
    sources: Mapping[str, str],
    results: Path,
    partial: bool,
) -> Chosen:
    """Read a benchmark's file, and find its runs.

    Parameters
    ----------
    benchmark, datasets, methods : Path
        Their files.
    sources : mapping of str to str
        Data set: its local folder, where the catalogue does not list its categories.
    results : Path
        The results folder.
    partial : bool
        Whether runs that are not there may be missing.
    """
    catalogue, recipes = read_catalogue(datasets), read_methods(methods)
    content = read_benchmark(benchmark.parent, benchmark.stem)
    settings = Settings(sources=dict(sources))
    every = content.runs(catalogue, recipes, settings, str(benchmark))
    runs = there(every, results) if partial else every
    own = trained(runs, recipes)
    return Chosen(
        content,
        own,
        [run for run in runs if run not in own],
        [run for run in every if run not in runs],
        catalogue,
        recipes,
    )
