"""The catalogue of data sets, ``config/datasets.yaml``: where each comes from, what it holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from aexad.errors import ConfigError
from aexad.schema import Strict, nearest, read_yaml, validate


class Download(Strict):
    """An archive on the network, accepted by its digest alone."""

    url: str = Field(pattern=r"^https?://", description="address of the archive")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="digest of the archive")
    size_gb: float = Field(gt=0, description="of the archive, for the progress bar and the reader")


class Evaluation(Strict):
    """Where maps and masks meet."""

    size: Literal["model", "native"] = Field(
        "model",
        description="model: masks come to the working size; native: maps to each mask's own size",
    )


class Dataset(Strict):
    """One data set: its form, its origin, and how the benchmark uses it."""

    title: str = Field(description="name, for tables and captions")
    adaptor: Literal["mvtec_layout", "textures"] = Field(
        description="textures: drawn here from scikit-image's photographs; else the layout on disk"
    )
    categories: list[str] | None = Field(
        None,
        min_length=1,
        description="none: every folder of the data set with a train/good inside",
    )
    download: Download | None = Field(None, description="none: embedded, or a local source only")
    source: str | None = Field(None, description="a local folder or archive, used instead of it")
    licence: str = Field("see the data's owner", description="printed when it is fetched")
    citation: str | None = Field(None, description="what to cite when results are published")
    size: int = Field(224, ge=16, le=2048, multiple_of=16, description="working size in pixels")
    labelled: int = Field(3, ge=1, description="labelled anomalies of each defect type (k)")
    labelled_of: dict[str, int] = Field(
        default_factory=dict, description="k of single categories that have too few defects"
    )

    evaluation: Evaluation = Evaluation()

    @field_validator("source")
    @classmethod
    def _at_home(cls, value: str | None) -> str | None:
        return value and str(expanded(value))

    @field_validator("labelled_of")
    @classmethod
    def _of_known_categories(cls, value: dict[str, int], info: ValidationInfo) -> dict[str, int]:
        known = info.data.get("categories")
        for category, labelled in value.items():
            if known and category not in known:
                raise ValueError(f"no category '{category}'; {nearest(category, known)}")
            if labelled < 1:
                raise ValueError(f"'{category}' needs at least 1 labelled anomaly of each type")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Dataset:
        if self.adaptor == "textures" and (self.download or self.source):
            raise ValueError("textures are drawn here: neither 'download' nor 'source' applies")
        return self

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
    """Read every entry of ``config/datasets.yaml``."""
    return {
        name: validate(Dataset, entry or {}, f"{path}: data set '{name}'")
        for name, entry in read_yaml(path).items()
    }


def read_dataset(path: str | Path, name: str) -> Dataset:
    """One entry; an unknown name is an error that names its nearest neighbour."""
    catalogue = read_catalogue(path)
    if name not in catalogue:
        raise ConfigError(f"{path}: no data set '{name}'; {nearest(name, list(catalogue))}")
    return catalogue[name]
