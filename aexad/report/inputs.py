"""What the report of a benchmark is of: its runs, sorted by what is there of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from aexad.config.benchmark import (
    Benchmark,
    Run,
    Settings,
    completed_runs,
    read_benchmark,
    trained_runs,
)
from aexad.config.catalogue import Dataset, read_catalogue
from aexad.config.methods import Method, read_methods
from aexad.plan.runs import runs_of
from aexad.report.published import Published, read_published
from aexad.report.results import Results, read_results


class Inputs(NamedTuple):
    """A benchmark, and the runs that its report is of."""

    benchmark: Benchmark
    runs: list[Run]
    """Those that trained a model."""
    external: list[Run]
    """Those of somebody else's maps."""
    missing: list[Run]
    """Those that a partial report does without."""
    catalogue: dict[str, Dataset]
    methods: dict[str, Method]

    @property
    def method_titles(self) -> dict[str, str]:
        """Method: the name that tables and figures show."""
        return {name: method.title or name for name, method in self.methods.items()}

    def read_results(self, results: Path, folder: Path, published: Path) -> Results:
        """What its runs reached; without a folder ``published``, beside nothing."""
        return read_results(
            folder,
            [*self.runs, *self.external],
            results,
            self.methods,
            self.catalogue,
            read_published(published) if published.is_dir() else Published(),
            missing=len(self.missing),
        )


def choose(
    benchmark: Path,
    datasets: Sequence[Path],
    methods: Sequence[Path],
    sources: Mapping[str, str],
    results: Path,
    partial: bool,
) -> Inputs:
    """Read a benchmark's file, and find its runs.

    Parameters
    ----------
    benchmark : Path
        File of the benchmark.
    datasets, methods : sequence of Path
        Files of data sets; files and folders of recipes.
    sources : mapping of str to str
        Data set: its local folder, where the catalogue does not list its categories.
    results : Path
        The results folder.
    partial : bool
        Whether runs that are not there may be missing.
    """
    catalogue, recipes = read_catalogue(*datasets), read_methods(*methods)
    content = read_benchmark(benchmark.parent, benchmark.stem)
    settings = Settings(sources=dict(sources))
    every = runs_of(content, catalogue, recipes, settings, str(benchmark))
    runs = completed_runs(every, results) if partial else every
    own = trained_runs(runs, recipes)
    return Inputs(
        content,
        own,
        [run for run in runs if run not in own],
        [run for run in every if run not in runs],
        catalogue,
        recipes,
    )
