"""The catalogue of data sets, ``config/datasets.yaml``: origin, layout and contents of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from aexad.config.scenarios import SCENARIOS
from aexad.config.schema import Strict, inherited, nearest, read_entries, validate
from aexad.runtime.errors import ConfigError
from aexad.runtime.files import expanded

ORIGIN = frozenset({"adaptor", "download", "torchvision", "source"})
"""Keys of an entry that decide which files it has."""

WHOLE = "whole"
Tile = Annotated[int, Field(ge=16)] | Literal["whole"]
"""Side in pixels of the tiles that an image is seen in; ``whole``: one tile holds all of it."""

Layout = Literal["mvtec_layout", "btad", "visa", "mvtec_ad_2", "class_folders", "textures"]
Address = Annotated[str, Field(pattern=r"^https?://")]


class Download(Strict):
    """An archive on the network; it is accepted only if its digest matches."""

    url: Address = Field(description="address of the archive")
    mirrors: list[Address] = Field(
        default_factory=list, description="further addresses, tried in turn when one fails"
    )
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="digest of the archive")
    size_gb: float | None = Field(
        None,
        gt=0,
        description="size of the archive, to check the disk space before the download; default: "
        "the size that the server reports",
    )


class Counts(Strict):
    """Number of images of a category, if it is known."""

    train: int = Field(0, ge=0, description="normal training images")
    validation: int = Field(
        0, ge=0, description="normal images that the data set reserves for validation"
    )
    good: int = Field(0, ge=0, description="normal test images")
    anomalous: int = Field(0, ge=0, description="images with a defect")


class Evaluation(Strict):
    """The size at which heat maps are compared with masks."""

    size: Literal["model", "native"] = Field(
        "model",
        description="model: resize masks to the working size; native: resize heat maps to masks",
    )


class Limit(Strict):
    """Largest number of images of a run, for small machines; images are drawn by the run's seed."""

    train: int = Field(
        ge=1, description="normal training images per category; validation images in proportion"
    )
    test: int = Field(
        ge=2, description="test images per category; good images and defect types in proportion"
    )


Level = Annotated[int, Field(ge=0, le=65535)]

TITLE_KEYS = ("title", "filled_boxes", "tile", "limit")
"""Keys of a data set that :attr:`Dataset.full_title` shows."""


class Dataset(Strict):
    """One data set: its layout, its origin, and how the benchmark uses it."""

    title: str = Field(description="name, for tables and captions")
    adaptor: Layout = Field(
        description="layout on disk; textures: drawn from scikit-image's photographs"
    )
    categories: list[str] | None = Field(
        None,
        min_length=1,
        description="default: every folder that contains train/good, or every class",
    )
    files: str | None = Field(None, description="data set whose files are used; set by 'base'")
    download: Download | None = Field(None, description="default: embedded, or a local source only")
    torchvision: Literal["MNIST", "CIFAR10"] | None = Field(
        None, description="data set that torchvision downloads and checks"
    )
    source: str | None = Field(
        None, description="local folder or archive, used instead of a download"
    )
    instructions: str | None = Field(
        None, description="how to get a data set without download; printed when it has no source"
    )
    counts: dict[str, Counts] = Field(
        default_factory=dict, description="images of each category; 'index' refuses other numbers"
    )
    licence: str = Field("see the data's owner", description="printed when it is fetched")
    citation: str | None = Field(None, description="what to cite when results are published")
    size: int = Field(224, ge=16, le=2048, multiple_of=16, description="working size in pixels")
    stored_size: int | None = Field(
        None,
        ge=4,
        description="class_folders only: size in pixels of stored images and maps; default: the "
        "working size",
    )
    validation: float = Field(
        0, ge=0, lt=1, description="share of the normal training images that is kept for validation"
    )
    limit: Limit | None = Field(None, description="default: all images")
    labelled: int = Field(3, ge=1, description="labelled anomalies of each defect type (k)")
    labelled_of: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict, description="k of categories that have too few defects"
    )

    marks: Literal["bright", "any"] = Field(
        "bright",
        description="pixels of a mask that are anomalous; any: every value but 0 (class numbers)",
    )
    masks: Literal["covered", "nearest"] = Field(
        "covered",
        description="masks at the working size; covered: anomalous where at least half of a pixel "
        "is, and no region vanishes; nearest: by the nearest pixel, as the sources do, which loses "
        "defects that are thinner than a pixel",
    )

    levels: tuple[Level, Level] | None = Field(
        None,
        description="images of 16 bits: the levels that become black and white; default: 0 and "
        "65535, at which images of 12 bits are nearly black",
    )
    tile: Tile | None = Field(
        None,
        description="side in pixels of overlapping tiles that images are cut into, each seen at "
        "the working size, so that proportions are kept and small defects stay large; whole: one "
        "tile holds each image, which is padded to a square by its mirror image; maps are joined, "
        "and stored at the working size; methods that are commands get squashed images; default: "
        "images are squashed to a square",
    )
    filled_boxes: bool = Field(
        False,
        description="masks are filled boxes, in which the ground around a defect counts as a "
        "defect; tables and figures say so",
    )

    published_as: str | None = Field(
        None,
        description="data set of the sources whose categories these are, for example mvtec_ad: "
        "published numbers of the categories of the same name are shown beside the measured ones",
    )

    evaluation: Evaluation = Evaluation()

    @field_validator("source")
    @classmethod
    def _at_home(cls, value: str | None) -> str | None:
        return value and str(expanded(value))

    @field_validator("levels")
    @classmethod
    def _ascending(cls, value: tuple[int, int] | None) -> tuple[int, int] | None:
        if value is not None and value[0] >= value[1]:
            raise ValueError(f"{value[0]} is not below {value[1]}")
        return value

    @field_validator("labelled_of", "counts")
    @classmethod
    def _of_known_categories(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        known = info.data.get("categories")
        for category in value:
            if known and category not in known:
                raise ValueError(f"no category '{category}'; {nearest(category, known)}")
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
        if self.adaptor == "class_folders" and self.tile:
            raise ValueError("class_folders are small images: no 'tile'")
        if self.torchvision and self.download:
            raise ValueError("'download' and 'torchvision' are two origins; keep one")
        if self.stored > self.size:
            raise ValueError(f"'stored_size' {self.stored} is larger than 'size' {self.size}")
        return self

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Scenarios that its images allow; class folders have no labelled anomalies."""
        if self.adaptor == "class_folders":
            return ("one_class",)
        return SCENARIOS

    @property
    def stored(self) -> int:
        """Size in pixels of the images in a training set, and of the maps of the test images."""
        return self.stored_size or self.size

    def reading(self, marks: str) -> str:
        """How a mask is read, for :func:`aexad.data.masks.load_mask`; ``marks`` of its layout."""
        kind = "any" if self.marks == "any" else marks
        return f"{kind}-nearest" if self.masks == "nearest" else kind

    @property
    def full_title(self) -> str:
        """The title, with what a reader of a number must know: tiles, filled boxes, a limit."""
        padded = "padded to squares" if self.tile == WHOLE else f"tiles of {self.tile} pixels"
        known = [padded] * (self.tile is not None)
        known += ["masks are filled boxes"] * self.filled_boxes
        title = f"{self.title} ({', '.join(known)})" if known else self.title
        if self.limit is None:
            return title
        limit = f"{self.limit.train} training and {self.limit.test} test images"
        return f"{title} limited to {limit} per category"

    def labelled_per_defect(self, category: str) -> int:
        """Number k of labelled anomalies of each defect type of ``category``."""
        return self.labelled_of.get(category, self.labelled)


def read_catalogue(*paths: str | Path) -> dict[str, Dataset]:
    """Read every data set of YAML files such as ``config/datasets.yaml``.

    ``base`` inherits the keys of another data set and uses its files, which are fetched once.
    """
    entries, files = read_entries(paths, "data set")
    catalogue = {}
    for name in entries:
        where = f"{files[name]}: data set"
        catalogue[name] = validate(Dataset, _resolved(name, entries, where), f"{where} '{name}'")
    return catalogue


def read_dataset(paths: Sequence[str | Path], name: str) -> Dataset:
    """Read one data set; an unknown name is an error with the nearest known name."""
    catalogue = read_catalogue(*paths)
    if name not in catalogue:
        where = " and ".join(map(str, paths))
        raise ConfigError(f"{where}: no data set '{name}'; {nearest(name, catalogue)}")
    return catalogue[name]


def _resolved(name: str, entries: dict[str, Any], where: str) -> dict[str, Any]:
    """Return the keys of an entry and of its bases; ``files`` is the entry at their root."""
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
