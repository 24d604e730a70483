"""The catalogue of data sets, ``config/datasets.yaml``: where each comes from, what it holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from aexad.config.schema import Strict, inherited, nearest, read_yaml, validate
from aexad.runtime.errors import ConfigError

ORIGIN = frozenset({"adaptor", "download", "torchvision", "source"})
"""Keys of an entry that say which files it has."""


Layout = Literal["mvtec_layout", "btad", "visa", "mvtec_ad_2", "class_folders", "textures"]
Address = Annotated[str, Field(pattern=r"^https?://")]


class Download(Strict):
    """An archive on the network, accepted by its digest alone."""

    url: Address = Field(description="address of the archive")
    mirrors: list[Address] = Field(
        default_factory=list, description="further addresses, tried in turn where one fails"
    )
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="digest of the archive")
    size_gb: float | None = Field(
        None,
        gt=0,
        description="of the archive, to check the room on the disk before the server is asked; "
        "none: not known, what the server says counts",
    )


class Counts(Strict):
    """How many images a category has, where that is known."""

    train: int = Field(0, ge=0, description="normal training images")
    validation: int = Field(0, ge=0, description="normal images that the data set sets apart")
    good: int = Field(0, ge=0, description="normal test images")
    anomalous: int = Field(0, ge=0, description="test images with a defect")


class Evaluation(Strict):
    """Where maps and masks meet."""

    size: Literal["model", "native"] = Field(
        "model",
        description="model: masks come to the working size; native: maps to each mask's own size",
    )


class Limit(Strict):
    """How many images a run has, so that a small machine can try it; drawn by the run's seed."""

    train: int = Field(
        ge=1, description="normal training images of a category; validation images in proportion"
    )
    test: int = Field(ge=2, description="test images of a category, its kinds in proportion")


class Dataset(Strict):
    """One data set: its form, its origin, and how the benchmark uses it."""

    title: str = Field(description="name, for tables and captions")
    adaptor: Layout = Field(
        description="textures: drawn here from scikit-image's photographs; else the layout on disk"
    )
    categories: list[str] | None = Field(
        None,
        min_length=1,
        description="none: every folder of the data set with a train/good inside, or every class",
    )
    files: str | None = Field(
        None, description="data set whose files it uses instead of its own; 'base' sets it"
    )
    download: Download | None = Field(None, description="none: embedded, or a local source only")
    torchvision: Literal["MNIST", "CIFAR10"] | None = Field(
        None, description="data set of torchvision, which downloads and checks it"
    )
    source: str | None = Field(None, description="a local folder or archive, used instead of it")
    instructions: str | None = Field(
        None, description="how to get what has no download; told where there is no source"
    )
    counts: dict[str, Counts] = Field(
        default_factory=dict, description="images of each category; others are refused by index"
    )
    licence: str = Field("see the data's owner", description="printed when it is fetched")
    citation: str | None = Field(None, description="what to cite when results are published")
    size: int = Field(224, ge=16, le=2048, multiple_of=16, description="working size in pixels")
    stored_size: int | None = Field(
        None,
        ge=4,
        description="of class_folders: pixels that images have before the model and maps after it; "
        "none: the working size",
    )
    validation: float = Field(
        0, ge=0, lt=1, description="share of the normal training images that is not trained on"
    )
    limit: Limit | None = Field(None, description="none: all images")
    labelled: int = Field(3, ge=1, description="labelled anomalies of each defect type (k)")
    labelled_of: dict[str, int] = Field(
        default_factory=dict, description="k of single categories that have too few defects"
    )

    evaluation: Evaluation = Evaluation()

    @field_validator("source")
    @classmethod
    def _at_home(cls, value: str | None) -> str | None:
        return value and str(expanded(value))

    @field_validator("labelled_of", "counts")
    @classmethod
    def _of_known_categories(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        known = info.data.get("categories")
        for category, of_one in value.items():
            if known and category not in known:
                raise ValueError(f"no category '{category}'; {nearest(category, known)}")
            if info.field_name == "labelled_of" and of_one < 1:
                raise ValueError(f"'{category}' needs at least 1 labelled anomaly of each type")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Dataset:
        if self.adaptor == "textures" and (self.download or self.source):
            raise ValueError("textures are drawn here: neither 'download' nor 'source' applies")
        if self.adaptor != "class_folders" and (self.torchvision or self.stored_size):
            raise ValueError("'torchvision' and 'stored_size' apply to class_folders alone")
        if self.adaptor == "class_folders" and (
            self.labelled_of or self.evaluation.size == "native"
        ):
            raise ValueError("class_folders have no masks: no 'labelled_of', no native evaluation")
        if self.torchvision and self.download:
            raise ValueError("'download' and 'torchvision' are two origins; keep one")
        if self.stored > self.size:
            raise ValueError(f"'stored_size' {self.stored} is larger than 'size' {self.size}")
        return self

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Scenarios that its images allow: classes have no labelled anomalies."""
        if self.adaptor == "class_folders":
            return ("one_class",)
        return ("standard", "anomalies_only", "one_class")

    @property
    def stored(self) -> int:
        """Size in pixels of the images in a training set, and of the maps of the test images."""
        return self.stored_size or self.size

    @property
    def full_title(self) -> str:
        """The title, and where there is a limit: that."""
        if self.limit is None:
            return self.title
        limit = f"{self.limit.train} training and {self.limit.test} test images"
        return f"{self.title} limited to {limit} a category"

    def labelled_per_defect(self, category: str) -> int:
        """The number k of labelled anomalies that each defect type of ``category`` gives."""
        return self.labelled_of.get(category, self.labelled)


def expanded(path: str | os.PathLike[str]) -> Path:
    """The path with a leading ``~`` as the home folder; that of an unknown user stays as it is."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def read_catalogue(path: str | Path) -> dict[str, Dataset]:
    """Read every entry of ``config/datasets.yaml``; ``base:`` inherits from another entry.

    What has a base uses the files of it, so two entries of one origin are fetched once.
    """
    entries = read_yaml(path)
    where = f"{path}: data set"
    return {
        name: validate(Dataset, _resolved(name, entries, where), f"{where} '{name}'")
        for name in entries
    }


def read_dataset(path: str | Path, name: str) -> Dataset:
    """One entry; an unknown name is an error that names its nearest neighbour."""
    catalogue = read_catalogue(path)
    if name not in catalogue:
        raise ConfigError(f"{path}: no data set '{name}'; {nearest(name, list(catalogue))}")
    return catalogue[name]


def _resolved(name: str, entries: dict[str, Any], where: str) -> dict[str, Any]:
    """The keys of an entry with those of its base, and whose files it uses."""
    content, entry, root = inherited(name, entries, where), entries[name], name
    while "base" in entries[root]:
        root = entries[root]["base"]
    if root == name:
        return content
    if others := sorted(ORIGIN & set(entry)):
        raise ConfigError(
            f"{where} '{name}': its base '{entry['base']}' gives the files, so "
            f"{', '.join(others)} cannot differ; remove that, or 'base'"
        )
    return {"files": root} | content
