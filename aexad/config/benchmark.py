"""Which runs a benchmark is made of: settings (``config/config.yaml``) and the benchmark files.

A benchmark only *selects*: data sets, categories, scenarios, seeds, methods. What a run is follows
from the catalogue and the recipes alone, so two benchmarks that name the same run share it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, field_validator

from aexad.config.catalogue import expanded
from aexad.config.methods import ExternalMaps, Method
from aexad.config.schema import Strict, nearest, read_yaml, validate
from aexad.runtime.errors import ConfigError

# What the names may be: they are folders, and the workflow's wildcards.
NAMES = {
    "dataset": r"[A-Za-z0-9_-]+",
    "category": r"[A-Za-z0-9_.-]+",
    "scenario": "standard|anomalies_only|one_class",
    "seed": "[0-9]+",
    "method": r"[A-Za-z0-9_.-]+",
}
Scenario = Literal["standard", "anomalies_only", "one_class"]


class Run(NamedTuple):
    """One training run; its fields are the wildcards of the workflow."""

    dataset: str
    category: str
    scenario: str
    seed: int
    method: str

    @property
    def data_folder(self) -> Path:
        """What all methods share, below ``results/``: the split."""
        return Path("runs", self.dataset, self.category, self.scenario, f"seed{self.seed}")

    @property
    def folder(self) -> Path:
        """The run's own folder, below ``results/``."""
        return self.data_folder / self.method


def _names(value: Any) -> Any:
    """``a,b`` of the command line, a single name, or a list; ``3`` is a name too, of a digit."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    values = value if isinstance(value, list) else [value]
    return [str(each) if type(each) is int else each for each in values]


Listed = Annotated[list[str], BeforeValidator(_names)]
Names = Annotated[Listed, Field(min_length=1)]


class Settings(Strict):
    """``config/config.yaml``; each key can be set for one call with ``--config key=value``."""

    benchmark: str = Field("report", description="a file of config/benchmarks, without .yaml")
    categories: Names | None = Field(None, description="only these categories; none: all")
    methods: Names | None = Field(None, description="only these methods; none: all")
    data: str = Field("data", description="folder of the data sets")
    sources: dict[str, str] = Field(
        default_factory=dict, description="data set: local folder or archive to take it from"
    )
    weights_dir: str | None = Field(
        None, description="folder of <timm name>.safetensors; none: AEXAD_WEIGHTS, if that is set"
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a GPU where one is")
    partial: bool = Field(
        False, description="tables and pages of the runs that are there, gaps marked"
    )
    panels: int = Field(6, ge=1, le=100, description="test images that each run draws as panels")
    explorer: int = Field(
        200, ge=1, le=10_000, description="most test images of a category in the explorer"
    )
    threads: int = Field(
        1, ge=1, le=256, description="CPU threads of one training or inference job"
    )
    feature_memory_mb: int | None = Field(
        None,
        ge=1,
        le=10_000_000,
        description="memory of one training for the features of a frozen encoder; what exceeds it "
        "lies in a file; none: a quarter of what is free",
    )
    checkpoint_epochs: int = Field(
        10,
        ge=1,
        le=100_000,
        description="a training that was killed loses so many epochs at most",
    )
    country: str | None = Field(
        None,
        pattern="^[A-Z]{3}$",
        description="three-letter ISO code of where the machine stands, for the CO2 of its "
        "electricity (with aexad[energy]); none: energy is not measured",
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
    """Runs: all methods on all data sets, in all scenarios, with all seeds."""

    datasets: dict[str, Literal["all"] | Listed] = Field(
        min_length=1, description="data set: its categories, or all"
    )
    scenarios: list[Scenario] = Field(["standard"], min_length=1)
    seeds: list[Annotated[int, Field(ge=0, lt=2**32)]] = Field([0], min_length=1)
    methods: list[str] = Field(min_length=1, description="names of config/methods.yaml")

    @field_validator("methods", "seeds", "scenarios")
    @classmethod
    def _distinct(cls, value: list[Any]) -> list[Any]:
        twice = sorted({str(item) for item in value if value.count(item) > 1})
        if twice:
            raise ValueError(f"named twice: {', '.join(twice)}")
        return value


class Benchmark(Selection):
    """``config/benchmarks/<name>.yaml``."""

    title: str
    description: str = ""
    also: list[Selection] = Field(
        [], description="further runs, where some methods have other data sets, scenarios or seeds"
    )
    gallery: int = Field(4, ge=1, le=20, description="test images a category in the gallery")


def trained_runs(runs: Sequence[Run], known_methods: Mapping[str, Method]) -> list[Run]:
    """The runs that train a model: all but those of somebody else's maps."""
    return [run for run in runs if not isinstance(known_methods[run.method], ExternalMaps)]


def completed_runs(runs: Sequence[Run], results: Path) -> list[Run]:
    """The runs that have been evaluated; none at all is an error that says how to make one."""
    found = [run for run in runs if (results / run.folder / "metrics.json").is_file()]
    if not found:
        target = results / runs[0].folder / "metrics.json"
        raise ConfigError(f"partial: no run is there yet; make one, as with 'snakemake {target}'")
    return found


def read_benchmark(folder: str | Path, name: str) -> Benchmark:
    """Read ``<folder>/<name>.yaml``; an unknown name is an error that says what there is."""
    path = Path(folder) / f"{name}.yaml"
    if not path.is_file():
        there = [file.stem for file in Path(folder).glob("*.yaml")]
        raise ConfigError(f"{path}: no benchmark '{name}'; {nearest(name, there)}")
    return validate(Benchmark, read_yaml(path), str(path))
