"""Settings (``config/config.yaml``) and benchmarks (``config/benchmarks/*.yaml``).

A benchmark selects data sets, categories, scenarios, seeds and methods. The catalogue and the
recipes alone define a run, so two benchmarks that name the same run share it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, field_validator, model_validator

from aexad.config.methods import ExternalMaps, Method
from aexad.config.scenarios import SCENARIOS, Scenario
from aexad.config.schema import Strict, nearest, read_yaml, validate, yaml_files
from aexad.runtime.errors import ConfigError
from aexad.runtime.files import expanded

_NAME = r"[.]*[A-Za-z0-9_][A-Za-z0-9_.-]*"
"""Not of dots alone: ``..`` would be the folder above. ``-b`` would be an option."""
# Allowed names: they are folders, and the wildcards of the workflow.
NAMES = {
    "dataset": r"[A-Za-z0-9_][A-Za-z0-9_-]*",
    "category": _NAME,
    "scenario": "|".join(SCENARIOS),
    "seed": "[0-9]+",
    "method": _NAME,
}
FOLDERS = ("runs", "imported", "index", "weights")
"""Folders of ``results/`` that no benchmark may be called."""
METRICS_FILE = "metrics.json"
"""The file of a run that is written last."""


class Run(NamedTuple):
    """One run of a method; its fields are the wildcards of the workflow."""

    dataset: str
    category: str
    scenario: str
    seed: int
    method: str

    @property
    def data_folder(self) -> Path:
        """Folder below ``results/`` of what all methods share: the split."""
        return Path("runs", self.dataset, self.category, self.scenario, f"seed{self.seed}")

    @property
    def folder(self) -> Path:
        """Folder of the run below ``results/``."""
        return self.data_folder / self.method

    @property
    def imported_folder(self) -> Path:
        """Folder below ``results/`` of the same run, imported from an archive."""
        return Path("imported", *self.folder.parts[1:])

    def folder_in(self, results: Path) -> Path:
        """The folder with the results of the run: the imported one if it alone has metrics."""
        return results / (self.imported_folder if self.is_imported(results) else self.folder)

    def is_made(self, results: Path) -> bool:
        """Whether the run was made here, to its end."""
        return (results / self.folder / METRICS_FILE).is_file()

    def is_imported(self, results: Path) -> bool:
        """Whether the run was imported, and not made here."""
        imported = results / self.imported_folder / METRICS_FILE
        return imported.is_file() and not self.is_made(results)


def _names(value: Any) -> Any:
    """Accept ``a,b`` from the command line, one name, or a list; the number ``3`` is a name too."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    values = value if isinstance(value, list) else [value]
    return [str(each) if type(each) is int else each for each in values]


Listed = Annotated[list[str], BeforeValidator(_names)]
Names = Annotated[Listed, Field(min_length=1)]


class Settings(Strict):
    """``config/config.yaml``; ``--config key=value`` sets a key for one call."""

    benchmark: str = Field("report", description="file in the folder of benchmarks, without .yaml")
    benchmarks: str = Field("config/benchmarks", description="folder of the benchmarks")
    recipes: Listed = Field(
        [], description="files or folders of recipes, in addition to config/methods"
    )
    categories: Names | None = Field(None, description="only these categories; default: all")
    methods: Names | None = Field(None, description="only these methods; default: all")
    data: str = Field(
        "data",
        description="folder of the data sets; with another folder, every run is made again",
    )
    sources: dict[str, str] = Field(
        default_factory=dict, description="local folder or archive of a data set, by its name"
    )
    download: bool = Field(False, description="allow the download of data sets of more than 1 GB")
    weights_dir: str | None = Field(
        None,
        description="folder of <timm name>.safetensors, which weights are fetched into; default: "
        "that of the environment variable AEXAD_WEIGHTS, or weights",
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a GPU if available")
    partial: bool = Field(
        False, description="tables and pages of the completed runs only; gaps are marked"
    )
    imports: bool = Field(
        True,
        description="take runs that were imported, or lie in the benchmark's archive, instead of "
        "training them",
    )
    panels: int = Field(6, ge=1, le=100, description="test images per run that are drawn as panels")
    explorer: int = Field(
        200, ge=1, le=10_000, description="most test images per category in the explorer"
    )
    threads: int = Field(
        1, ge=1, le=256, description="CPU threads of one training or inference job"
    )
    feature_memory_mb: int | None = Field(
        None,
        ge=1,
        le=10_000_000,
        description="memory of one training for the features of a frozen encoder; larger features "
        "are kept in a file; default: a quarter of the free memory",
    )
    step_memory_mb: int = Field(
        8000,
        ge=1,
        le=10_000_000,
        description="memory of one training for the values that a step keeps for the gradient; "
        "larger batches are taken in parts, whose gradients are added. Not the free memory, which "
        "varies: the size of the parts changes the last bits of a result",
    )
    checkpoint_epochs: int = Field(
        10,
        ge=1,
        le=100_000,
        description="epochs between two checkpoints, at most lost when a training is killed",
    )
    country: str | None = Field(
        None,
        pattern="^[A-Z]{3}$",
        description="three-letter ISO code of the machine's country, for the CO2 of electricity "
        "(needs aexad[energy]); default: energy is not measured",
    )

    @field_validator("data", "weights_dir")
    @classmethod
    def _home(cls, value: str | None) -> str | None:
        return None if value is None else str(expanded(value))

    @field_validator("sources")
    @classmethod
    def _homes(cls, value: dict[str, str]) -> dict[str, str]:
        return {name: str(expanded(path)) for name, path in value.items()}


class Selection(Strict):
    """A set of runs: all methods on all data sets, in all scenarios, with all seeds."""

    datasets: dict[str, Literal["all"] | Listed] = Field(
        min_length=1, description="categories of each data set, or all"
    )
    scenarios: list[Scenario] = Field(["standard"], min_length=1)
    seeds: list[Annotated[int, Field(ge=0, lt=2**32)]] = Field([0], min_length=1)
    methods: list[str] = Field(min_length=1, description="names of recipes or external maps")

    @field_validator("datasets")
    @classmethod
    def _not_empty(cls, value: dict[str, Any]) -> dict[str, Any]:
        if empty := [name for name, categories in value.items() if not categories]:
            raise ValueError(f"data set '{empty[0]}' has no categories; name some, or all of them")
        return value

    @field_validator("methods", "seeds", "scenarios")
    @classmethod
    def _distinct(cls, value: list[Any]) -> list[Any]:
        twice = sorted({str(item) for item in value if value.count(item) > 1})
        if twice:
            raise ValueError(f"named twice: {', '.join(twice)}")
        return value


class Comparison(Strict):
    """A question of a benchmark, and the two methods that are compared to answer it."""

    question: str = Field(min_length=1, description="what the difference tells, for tables")
    method: str
    less: str = Field(description="the method whose metrics are subtracted")


class Benchmark(Selection):
    """``config/benchmarks/<name>.yaml``."""

    title: str
    description: str = ""
    also: list[Selection] = Field(
        [], description="further runs with other data sets, scenarios or seeds"
    )
    comparisons: list[Comparison] = Field(
        [], description="pairs of methods whose differences answer the benchmark's questions"
    )
    without_weights: dict[str, str] = Field(
        {},
        description="method that takes the place of another one, whose pre-trained weights could "
        "not be fetched ('aexad weights')",
    )
    archive: str | None = Field(
        None,
        description="archive of runs ('aexad archive'), which are imported instead of trained",
    )
    gallery: int = Field(4, ge=1, le=20, description="test images per category in the gallery")

    @model_validator(mode="after")
    def _compares_its_methods(self) -> Benchmark:
        names = {name for each in (self, *self.also) for name in each.methods}
        for each in self.comparisons:
            for name in (each.method, each.less):
                if name not in names:
                    raise ValueError(
                        f"comparison '{each.question}': the benchmark does not run '{name}'; "
                        f"{nearest(name, names)}"
                    )
        return self


def trained_runs(runs: Sequence[Run], known_methods: Mapping[str, Method]) -> list[Run]:
    """Runs that train a model: all runs without external maps."""
    return [run for run in runs if not isinstance(known_methods[run.method], ExternalMaps)]


def completed_runs(runs: Sequence[Run], results: Path, imported: Sequence[Run] = ()) -> list[Run]:
    """Runs that have been evaluated here, and ``imported`` ones.

    Raises
    ------
    ConfigError
        There is none.
    """
    others = set(imported)
    found = [run for run in runs if run in others or run.is_made(results)]
    if not found:
        target = results / runs[0].folder / METRICS_FILE
        raise ConfigError(f"partial: no run is complete yet; make one: snakemake {target}")
    return found


def read_benchmark(folder: str | Path, name: str) -> Benchmark:
    """Read ``<folder>/<name>.yaml``; an unknown name is an error with the nearest known name."""
    if not re.fullmatch(_NAME, name) or name in FOLDERS:
        raise ConfigError(
            f"benchmark '{name}': its results are in results/{name}, and the name may have only "
            f"letters, digits and _ . - (no - first), and not be {', '.join(FOLDERS)}; rename it"
        )
    path = Path(folder) / f"{name}.yaml"
    if not path.is_file():
        known = [file.stem for file in yaml_files(Path(folder))]
        raise ConfigError(f"{path}: no benchmark '{name}'; {nearest(name, known)}")
    return validate(Benchmark, read_yaml(path), str(path))
