"""The runs that a report covers, and their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from aexad.archive.imported import imported_runs
from aexad.config.benchmark import (
    METRICS_FILE,
    Benchmark,
    Run,
    Settings,
    completed_runs,
    read_benchmark,
    trained_runs,
)
from aexad.config.catalogue import Dataset, read_catalogue
from aexad.config.methods import Method, read_methods
from aexad.evaluation.run_files import read_images, require
from aexad.plan.runs import runs_of
from aexad.report.collect import read_collection
from aexad.report.method_roles import collapsed_runs
from aexad.report.published import Published, read_published
from aexad.report.results import Results
from aexad.report.stats.resampling import read_counts
from aexad.runtime.errors import DataError


class Inputs(NamedTuple):
    """A benchmark and its runs: trained, external, missing."""

    benchmark: Benchmark
    runs: list[Run]
    """Runs that trained a model."""
    external: list[Run]
    """Runs with external maps."""
    missing: list[Run]
    """Runs without results, which a partial report leaves out."""
    catalogue: Mapping[str, Dataset]
    methods: Mapping[str, Method]
    imported: Sequence[Run] = ()
    """The runs, trained or external, that were imported from an archive."""

    @property
    def pictured(self) -> list[Run]:
        """Runs that were made here, so that they have heat maps and pictures."""
        others = set(self.imported)
        return [run for run in [*self.runs, *self.external] if run not in others]

    @property
    def origin(self) -> str:
        """A sentence that tells how many runs were imported; empty without any."""
        if not self.imported:
            return ""
        every, imported = len(self.runs) + len(self.external), len(self.imported)
        if every == 1:
            runs = "The run was"
        elif imported == every:
            runs = f"All {every} runs were"
        else:
            runs = f"{imported} of the {every} runs {'was' if imported == 1 else 'were'}"
        return f"{runs} made elsewhere and imported from an archive."

    def read_results(self, results: Path, folder: Path, published: Path | None = None) -> Results:
        """Read the results of the runs.

        Parameters
        ----------
        results : Path
            The results folder: each run has ``per_image.csv``.
        folder : Path
            Folder of the benchmark: ``metrics.csv`` and ``methods.csv``.
        published : Path, optional
            Folder of published numbers; nothing is compared with them if it does not exist.
        """
        metrics, methods = read_collection(folder)
        completed = [*self.runs, *self.external]
        every = len(completed) + len(self.missing)
        used = dict.fromkeys(run.dataset for run in completed)
        aliases = {
            name: alias for name in used if (alias := self.catalogue[name].published_as) is not None
        }
        partial = (
            f"Partial: {len(completed)} of {every} runs of the benchmark are complete."
            if self.missing
            else ""
        )
        return Results(
            metrics,
            methods,
            read_images(completed, results),
            self.methods,
            read_published(published).shown_for(aliases)
            if published and published.is_dir()
            else Published(),
            {name: dataset.full_title for name, dataset in self.catalogue.items()},
            {name: dataset.files for name, dataset in self.catalogue.items() if dataset.files},
            lambda run: read_counts(run.folder_in(results) / "counts.npz"),
            " ".join(filter(None, [partial, self.origin, collapsed_runs(methods)])),
            self.benchmark.comparisons,
        )


def find_inputs(
    folder: Path,
    name: str,
    datasets: Sequence[Path],
    methods: Sequence[Path],
    sources: Mapping[str, str],
    results: Path,
    partial: bool,
    imports: bool = True,
) -> Inputs:
    """Read the file of a benchmark and find its runs.

    Parameters
    ----------
    folder, name : Path and str
        Folder of the benchmarks, and the name of one.
    datasets, methods : sequence of Path
        Files of data sets; files and folders of recipes.
    sources : mapping of str to str
        Data set: its local folder, if the catalogue does not list its categories.
    results : Path
        The results folder.
    partial : bool
        Leave out runs without results.
    imports : bool
        Use imported runs where there are no own ones; without, they count as missing.

    Raises
    ------
    ConfigError
        A file or name cannot be used, or no run is left.
    DataError
        An imported run does not serve here (see :func:`aexad.archive.imported.imported_runs`) or
        may not be used, and there is no other.
    """
    catalogue, known_methods = read_catalogue(*datasets), read_methods(*methods)
    benchmark = read_benchmark(folder, name)
    settings = Settings(sources=dict(sources))
    every = runs_of(benchmark, catalogue, known_methods, settings, str(folder / f"{name}.yaml"))
    imported, problems = imported_runs(every, known_methods, results) if imports else ([], [])
    if problems and not partial:
        raise DataError(
            f"{problems[0]}: train it here with 'snakemake', or delete this folder"
            + (f" (and {len(problems) - 1} more)" if problems[1:] else "")
        )
    if not imports and not partial:  # Run.folder_in would take the imported ones
        require([results / run.folder / METRICS_FILE for run in every])
    runs = completed_runs(every, results, imported) if partial else every
    trained = trained_runs(runs, known_methods)
    external = [run for run in runs if run not in trained]
    missing = [run for run in every if run not in runs]
    return Inputs(benchmark, trained, external, missing, catalogue, known_methods, imported)
