"""The plan of one call of the workflow: all that the Snakefile needs to know, as tested Python."""

from __future__ import annotations

import hashlib
import math
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from aexad.archive.imported import (
    command_differences,
    imported_runs,
    other_splits,
    recipe_differences,
)
from aexad.archive.manifest import SPLIT, ArchivedRun, read_manifest, read_record
from aexad.config.benchmark import (
    METRICS_FILE,
    NAMES,
    Benchmark,
    Run,
    Settings,
    completed_runs,
    read_benchmark,
    trained_runs,
)
from aexad.config.builtin import catalogue_paths, method_paths
from aexad.config.catalogue import TITLE_KEYS, Dataset, read_catalogue
from aexad.config.kinds import kind_of
from aexad.config.methods import Command, ExternalMaps, Method, read_methods, trained_as
from aexad.config.own_code import library_modules, own_digest
from aexad.config.recipe import Recipe
from aexad.config.schema import nearest, validate
from aexad.config.weights import weights_record
from aexad.data.index import listing_digest
from aexad.data.layouts.visa import TABLE
from aexad.plan.runs import RESULTS, runs_of
from aexad.runtime.errors import ConfigError, DataError
from aexad.runtime.files import sha256_of
from aexad.runtime.provenance import code_digest

_ANY = Run._make(f"{{{wildcard}}}" for wildcard in Run._fields)
RUN_DATA, RUN = f"{RESULTS}/{_ANY.data_folder}", f"{RESULTS}/{_ANY.folder}"
"""Folders of the split and of the results of a run, with the wildcards of the workflow."""
DEVICE = "aexad.runtime.device"
TEXTURES = "aexad.data.sources.textures"
LARGE_GB = 1
NOTHING = "a^"
"""A pattern that no name matches."""
AROUND_COMMAND = 30
"""Minutes of a job besides its command: to write the split for it, and to read its maps."""
CLASSES = "classes"
"""Name of the list that all classes share."""


@dataclass(frozen=True)
class Plan:
    """One call of the workflow: settings, data sets, methods, and runs."""

    settings: Settings
    catalogue: dict[str, Dataset]
    methods: dict[str, Method]
    benchmark: Benchmark
    runs: list[Run]
    """The runs that this call makes: narrowed by the settings ``categories`` and ``methods``."""
    all_runs: list[Run]
    """The runs of the whole benchmark, which tables and pages cover."""
    reported: list[Run]
    """``all_runs``, or with the setting ``partial`` the completed ones among them."""
    imported: list[Run]
    """The runs of the benchmark that have no results made here, and come from an archive."""
    archived: dict[Run, ArchivedRun]
    """The imported runs that lie in the benchmark's own archive."""
    unfit_reasons: list[str]
    """Why runs of the archive, or imported ones, are made here instead: one line each."""

    @property
    def narrowed(self) -> bool:
        """Whether this call makes only some runs of the benchmark, and no tables."""
        return self.runs != self.all_runs

    @cached_property
    def trained(self) -> list[Run]:
        """The reported runs that have a model: those without external maps."""
        return trained_runs(self.reported, self.methods)

    @cached_property
    def pictured(self) -> list[Run]:
        """The reported runs with heat maps: those that were not imported."""
        return self._not_imported(self.reported)

    @property
    def panels(self) -> list[str]:
        """The folders of panels of the runs of this call."""
        return self.files(self._not_imported(self.runs), "panels")

    def _not_imported(self, runs: Sequence[Run]) -> list[Run]:
        others = set(self.imported)
        return [run for run in runs if run not in others]

    def files(self, runs: Sequence[Run], *names: str) -> list[str]:
        """The files with these names in the folders of the runs.

        Runs of the benchmark's archive have one file together: the record of the import.
        """
        others = set(self.imported)
        folders = {run: run.imported_folder if run in others else run.folder for run in runs}
        records = [self.import_record] if self.archived.keys() & folders else []
        return records + [
            f"{RESULTS}/{folder}/{name}"
            for run, folder in folders.items()
            if run not in self.archived
            for name in names
        ]

    @property
    def import_record(self) -> str:
        """The file that says what was imported from the benchmark's archive.

        It is the only output of the import: Snakemake deletes outputs before a job, and imported
        files of others must stay.
        """
        return f"{self.folder}/imported.txt"

    @cached_property
    def replaced(self) -> list[str]:
        """Folders of runs of the archive that are imported with other values than it has."""
        return [
            str(run.imported_folder)
            for run, archived in self.archived.items()
            if (metrics := RESULTS / run.imported_folder / METRICS_FILE).is_file()
            if sha256_of(metrics) != archived.files.get(METRICS_FILE)
        ]

    @property
    def import_holds(self) -> bool:
        """Whether all runs of the archive are imported, with its values."""
        return not self.replaced and all(run.is_imported(RESULTS) for run in self.archived)

    @cached_property
    def trained_as(self) -> dict[str, str]:
        """Map each method with a model to the method that trains it."""
        return trained_as(self.methods)

    @cached_property
    def patterns(self) -> dict[str, str]:
        """Patterns of the wildcards; ``external``, ``command``, ``sharing`` are special methods."""

        def of_kind(kind: type[Method]) -> str:
            return _one_of([name for name, each in self.methods.items() if isinstance(each, kind)])

        sharing = [name for name, other in self.trained_as.items() if name != other]
        special = {"external": of_kind(ExternalMaps), "command": of_kind(Command)}
        return NAMES | special | {"sharing": _one_of(sharing)}

    @property
    def folder(self) -> Path:
        """Folder of the benchmark's results."""
        return RESULTS / self.settings.benchmark

    @cached_property
    def gpus(self) -> int:
        """GPUs of one training or inference job: 1, or 0 for the CPU; a profile may change it."""
        if self.settings.device == "auto":
            return int(shutil.which("nvidia-smi") is not None)
        return int(self.settings.device == "cuda")

    def device(self, gpus: int) -> str:
        """The device of a job that has been given ``gpus`` GPUs."""
        if self.settings.device == "auto":
            return "cuda" if gpus else "cpu"
        return self.settings.device

    def missing(self) -> list[Run]:
        """Runs of the benchmark that are not completed."""
        runs = self._not_imported(self.all_runs)
        return [run for run in runs if not run.is_made(RESULTS)]

    def large_downloads(self) -> list[str]:
        """Data sets of more than 1 GB that this call would download, with their sizes."""
        made = set(self.runs if self.narrowed else self.reported)
        missing = [run for run in self.missing() if run in made]
        found = []
        for name in dict.fromkeys(self.files_of(run.dataset) for run in missing):
            download, marker = self.dataset(name).download, Path(self.settings.data, f"{name}.json")
            size = (download.size_gb if download else None) or 0
            if size > LARGE_GB and self.source(name) is None and not marker.is_file():
                found.append(f"{name} ({size:g} GB)")
        return found

    # What one method is

    def method(self, name: str) -> Method:
        """A method by its name; an unknown name is an error with the nearest known name."""
        if name not in self.methods:
            raise ConfigError(f"config/methods: no method '{name}'; {nearest(name, self.methods)}")
        return self.methods[name]

    def recipe(self, name: str) -> Recipe:
        """The recipe of a method that has a model."""
        method = self.method(name)
        if not isinstance(method, Recipe):
            raise ConfigError(f"config/methods: method '{name}' has no model of aexad")
        return method

    def command_minutes(self, name: str, attempt: int) -> int:
        """Minutes of the job of a command: its recipe's, and more at each attempt around it."""
        method = self.method(name)
        assert isinstance(method, Command)  # noqa: S101 - the wildcard's pattern
        return math.ceil(method.minutes) + AROUND_COMMAND * attempt

    def command_code(self, name: str) -> list[Any]:
        """What the result of a command depends on: our code, its recipe and its files."""
        method = self.method(name)
        assert isinstance(method, Command)  # noqa: S101 - the wildcard's pattern
        keys = method.model_dump(exclude={"title", "minutes"})
        return [code_digest("aexad.explain.command"), keys, method.digest]

    def code(self, name: str, step: Literal["train", "heat_map"]) -> list[str]:
        """Digests of the code that a step of a method runs: the library's, and one's own.

        The library finds the class of a method by its name, so that the digest of another method
        does not change with it.
        """
        recipe = self.recipe(name)
        verb = {
            "train": ["aexad.training.train"],
            "heat_map": ["aexad.explain.inference", "aexad.training.model_store"],
        }[step]
        own = recipe.own_code["train"] + (recipe.own_code["heat_map"] if step != "train" else [])
        modules = [*kind_of(recipe.model).modules, *library_modules(own)]
        library = code_digest(*verb, *modules, DEVICE)
        return [library, f"{own_digest(own)} {recipe.package}".strip()]

    def weights_records(self, name: str) -> list[str]:
        """The records of the pre-trained weights that a method needs: one or none."""
        record = weights_record(self.method(name), RESULTS)
        return [str(record)] if record else []

    def weights_options(self, encoder: str) -> str:
        """Options of the verb ``weights``: the revision that the recipes of an encoder name."""
        revisions = {
            method.weights_revision
            for method in self.methods.values()
            if isinstance(method, Recipe) and method.encoder == encoder
        } - {None}
        if len(revisions) > 1:
            named = ", ".join(sorted(map(str, revisions)))
            raise ConfigError(
                f"encoder '{encoder}': the recipes name the revisions {named}, and one file of "
                "weights serves all; name one"
            )
        return option("--revision", *revisions) if revisions else ""

    def external_folder(self, run: Mapping[str, object]) -> str:
        """Folder of the external maps of a run; ``run`` has its wildcards."""
        method = self.method(str(run["method"]))
        assert isinstance(method, ExternalMaps)  # noqa: S101 - the wildcard's pattern
        return method.folder(**run)

    def external_digest(self, run: Mapping[str, object]) -> str:
        """Digest of names, sizes and times of the external maps of a run."""
        files = [path for path in Path(self.external_folder(run)).rglob("*") if path.is_file()]
        stats = [(path, path.stat()) for path in sorted(files)]
        listing = [(str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stats]
        return hashlib.sha256(repr(listing).encode()).hexdigest()

    def recipes(self) -> dict[str, dict[str, Any]]:
        """The recipes behind the tables, which decide the role of each method."""
        names = dict.fromkeys(run.method for run in self.all_runs)
        return {name: self.methods[name].model_dump() for name in names}

    # What one data set is

    def dataset(self, name: str) -> Dataset:
        """A data set by its name; an unknown name is an error with the nearest known name."""
        if name not in self.catalogue:
            hint = nearest(name, self.catalogue)
            raise ConfigError(f"config/datasets.yaml: no data set '{name}'; {hint}")
        return self.catalogue[name]

    def files_of(self, dataset: str) -> str:
        """The data set whose files ``dataset`` uses: itself, or its base."""
        return self.dataset(dataset).files or dataset

    def source(self, dataset: str) -> str | None:
        """Local folder or archive of a data set, if it has one."""
        return self.settings.sources.get(self.files_of(dataset), self.dataset(dataset).source)

    def origin(self, dataset: str) -> list[Any]:
        """What the rule ``fetch`` depends on; a change fetches again."""
        entry, source = self.dataset(dataset), self.source(dataset)
        drawn = code_digest(TEXTURES) if entry.adaptor == "textures" else None
        if source is not None:
            return [str(Path(source).resolve()), _listed(Path(source))]
        if entry.download is None:
            return [drawn, entry.torchvision]
        # Mirrors are left out: they serve the same bytes.
        return [drawn, entry.download.model_dump(exclude={"mirrors"})]

    def content(self, dataset: str, category: str) -> Any:
        """What a run's data depends on; another address of the same data changes nothing.

        Returns
        -------
        str, list or None
            Digest of the names and sizes in a local folder, for VisA with that of its table; size
            and time of a local archive; digest of the code that draws textures; sha256 of a
            download, or torchvision's name of the data set. None: there is none of these.
        """
        entry, source = self.dataset(dataset), self.source(dataset)
        if source is not None:
            folder = Path(source, category)
            alone = folder.is_dir() and not self._is_of_classes(dataset)
            listed = _listed(folder if alone else Path(source))
            # It says which images are trained on, and lies outside of the categories.
            return [listed, _table(Path(source, TABLE))] if entry.adaptor == "visa" else listed
        if entry.adaptor == "textures":
            return code_digest(TEXTURES)
        return entry.download.sha256 if entry.download else entry.torchvision

    def index_of(self, dataset: str, category: str) -> str:
        """The file that lists a category; classes share one."""
        name = CLASSES if self._is_of_classes(dataset) else category
        return f"results/index/{dataset}/{name}.csv"

    def only_option(self, dataset: str, category: str) -> str:
        """The option of ``index`` that names the category of a list."""
        return "" if self._is_of_classes(dataset) else option("--category", category)

    def listed_as(self, dataset: str) -> dict[str, Any]:
        """The values of the keys of a data set on which its lists depend, defaults left out.

        Without ``counts``: they refuse a list and never change one, so that a number that is
        corrected makes no run due.
        """
        keys = {"adaptor", "marks", "masks"}
        if self._is_of_classes(dataset):
            keys.add("categories")
        return self.dataset(dataset).model_dump(include=keys, exclude_defaults=True)

    def _is_of_classes(self, dataset: str) -> bool:
        """Whether each category is tested on the others, which then belong to its data."""
        return self.dataset(dataset).adaptor == "class_folders"

    def described(self, *keys: str) -> dict[str, dict[str, Any]]:
        """Data set: its values of ``keys`` and of ``TITLE_KEYS``, as parameters of rules."""
        names = dict.fromkeys(run.dataset for run in self.all_runs)
        printed = {*TITLE_KEYS, *keys}
        return {name: self.catalogue[name].model_dump(include=printed) for name in names}

    # Options of verbs

    def recipe_options(self) -> str:
        """Options that name further files of recipes."""
        return " ".join(option("--methods", path) for path in self.settings.recipes)

    def benchmark_options(self) -> str:
        """Options of the verbs that report a benchmark."""
        used = {self.files_of(run.dataset) for run in self.all_runs}
        sources = [
            option("--source", f"{name}={path}")
            for name, path in self.settings.sources.items()
            if name in used
        ]
        return " ".join(
            [
                f"--benchmark {self.settings.benchmark}",
                option("--benchmarks", self.settings.benchmarks),
                self.recipe_options(),
                *sources,
                *["--partial"] * self.settings.partial,
                *["--no-imports"] * (not self.settings.imports),
            ]
        )


def plan(config: Mapping[str, Any]) -> Plan:
    """Read the configuration and plan one call of the workflow.

    Parameters
    ----------
    config
        ``config/config.yaml`` with the values of ``--config``.

    Raises
    ------
    ConfigError
        A file or value cannot be used, no run is left, or a folder of external maps is missing.
    DataError
        The local folder of a data set, whose categories must be listed, cannot be used.
    """
    settings = validate(Settings, config, "config/config.yaml or --config")
    catalogue = read_catalogue(*catalogue_paths())
    for name in settings.sources:
        if name not in catalogue:
            raise ConfigError(f"sources: no data set '{name}'; {nearest(name, catalogue)}")
    methods = read_methods(*method_paths(map(Path, settings.recipes)))
    benchmark = read_benchmark(settings.benchmarks, settings.benchmark)
    where = f"{settings.benchmarks}/{settings.benchmark}.yaml"
    runs = runs_of(benchmark, catalogue, methods, settings, where)
    whole = settings.model_copy(update={"categories": None, "methods": None})
    all_runs = runs_of(benchmark, catalogue, methods, whole, where)
    known = all_runs if settings.imports else []
    archived, others = _archived(benchmark, known, methods, where)
    rest = [run for run in known if run not in archived]
    imported, reasons = imported_runs(rest, methods, RESULTS)
    imported = [run for run in known if run in {*imported, *archived}]
    reported = completed_runs(all_runs, RESULTS, imported) if settings.partial else all_runs
    made = Plan(
        *(settings, catalogue, methods, benchmark, runs, all_runs, reported, imported),
        archived=archived,
        unfit_reasons=others + reasons,
    )
    # Checked here: where results exist, Snakemake does not look at a missing input.
    for run in set(reported) - set(made.trained) - set(imported):
        if not Path(folder := made.external_folder(run._asdict())).is_dir():
            raise ConfigError(f"method '{run.method}': no folder {folder}; correct 'maps'")
    return made


def _archived(
    benchmark: Benchmark, runs: Sequence[Run], methods: Mapping[str, Method], where: str
) -> tuple[dict[Run, ArchivedRun], list[str]]:
    """Runs in the benchmark's archive that serve here, and why others do not.

    They have today's recipe, no results made here, and no other split than the runs made here.
    """
    if benchmark.archive is None or not runs:
        return {}, []
    try:
        manifest = read_manifest(Path(benchmark.archive))
    except DataError as error:
        raise ConfigError(f"{where}: archive: {error}") from None
    others = other_splits(manifest.splits, RESULTS)
    archived = {each.run: each for each in manifest.runs}
    equal = {
        run: archived[run]
        for run in runs
        if run in archived
        if not recipe_differences(archived[run].recipe, methods[run.method])
        if not run.is_made(RESULTS)
        if not isinstance(method := methods[run.method], Command)
        or not command_differences(read_record(Path(benchmark.archive), archived[run]), method)
    }
    unfit = {run: each for run, each in equal.items() if run.data_folder in others}
    return {run: each for run, each in equal.items() if run not in unfit}, [
        f"{benchmark.archive}: made with another split than {RESULTS / folder / SPLIT}"
        for folder in dict.fromkeys(run.data_folder for run in unfit)
    ]


def option(name: str, value: object) -> str:
    """A command-line option, or an empty text without a value."""
    return f"{name} {shlex.quote(str(value))}" if value is not None else ""


def _one_of(names: Sequence[str]) -> str:
    return "|".join(name.replace(".", r"\.") for name in names) or NOTHING


@cache
def _listed(path: Path) -> Any:
    """Digest of names and sizes in a folder; size and time of an archive."""
    if path.is_dir():
        return listing_digest(path)
    return [path.stat().st_size, path.stat().st_mtime_ns] if path.is_file() else None


@cache
def _table(path: Path) -> str | None:
    """Digest of a table in a local folder; None if it does not exist."""
    return sha256_of(path) if path.is_file() else None
