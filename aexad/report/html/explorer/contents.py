"""What the explorer shows, and what it says of it: which images, which methods, which numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aexad.config.benchmark import Run
from aexad.config.catalogue import Dataset
from aexad.data.index import GOOD
from aexad.data.split import read_split
from aexad.report.images.pictures import image_label
from aexad.report.images.strips import METHOD_STEPS, shown_images, strip_names
from aexad.report.labels import DAGGER, METRIC
from aexad.report.method_roles import not_pretrained
from aexad.report.run_files import read_per_image
from aexad.runtime.errors import DataError

METRICS = ("iou", "xauc", "f1")
"""Of single images, in the order in which the page offers them; the score comes after them."""
NUMBERS = (*METRICS, "score", "k")
DIGITS = 4  # significant ones


class Photograph(NamedTuple):
    """A test image that the explorer shows; its strip is ``name`` below the category's folder."""

    image: str
    mask: str  # empty: none
    defect: str
    name: str


class Group(NamedTuple):
    """Runs of all methods on the same test images."""

    runs: list[Run]
    """One or more that differ in the method alone."""
    images: list[str]
    """Those shown, in the order of their strips."""

    @property
    def place(self) -> tuple[str, str]:
        """Data set and category."""
        return self.runs[0].dataset, self.runs[0].category


class Contents(NamedTuple):
    """All that is shown."""

    groups: list[Group]
    photographs: dict[tuple[str, str], list[Photograph]]
    """Data set and category: the images of all their groups, each once."""


def read_contents(runs: Sequence[Run], results: Path, count: int) -> Contents:
    """Find the images that each run shows, ``count`` at most; see :func:`shown_images`."""
    together: dict[Path, list[Run]] = {}
    for run in runs:
        together.setdefault(run.data_folder, []).append(run)
    groups, rows = [], dict[tuple[str, str], dict[str, tuple[str, str]]]()
    for folder, same in together.items():
        shown = shown_images(read_split(results / folder / "split.csv"), count)
        group = Group(same, list(shown["image"]))
        groups.append(group)
        known = rows.setdefault(group.place, {})
        for image, mask, defect in zip(shown["image"], shown["mask"], shown["defect"], strict=True):
            known[image] = (mask, defect)
    photographs = {}
    for place, known in rows.items():
        images = sorted(known)
        photographs[place] = [
            Photograph(image, *known[image], name)
            for image, name in zip(images, strip_names(images), strict=True)
        ]
    return Contents(groups, photographs)


def described(
    contents: Contents, results: Path, catalogue: Mapping[str, Dataset], methods: pd.DataFrame
) -> dict[str, Any]:
    """What the page's script needs to know, as values of JSON.

    Columns instead of rows, and places instead of names, keep it small: two numbers a metric and
    image would be six with their keys.

    Raises
    ------
    DataError
        If a run's ``per_image.csv`` is missing or damaged, or lacks an image that is shown.
    """
    names = list(dict.fromkeys(run.method for group in contents.groups for run in group.runs))
    random = not_pretrained(names, methods)
    return {
        "metrics": {name: METRIC[name].label for name in METRICS},
        "steps": METHOD_STEPS,
        "good": GOOD,
        "datasets": {dataset: catalogue[dataset].full_title for dataset, _ in contents.photographs},
        "methods": {name: name + DAGGER * (name in random) for name in names},
        "photographs": {
            f"{dataset}/{category}": [
                {
                    "image": each.image,
                    "label": image_label(each.image),
                    "name": each.name,
                    "defect": each.defect,
                    "mask": bool(each.mask),
                }
                for each in photographs
            ]
            for (dataset, category), photographs in contents.photographs.items()
        },
        "groups": [
            {
                **{key: getattr(group.runs[0], key) for key in ("dataset", "category", "scenario")},
                "seed": group.runs[0].seed,
                "photographs": _places(group, contents),
                "strips": strip_names(group.images),
                "runs": {run.method: _numbers(run, group.images, results) for run in group.runs},
            }
            for group in contents.groups
        ],
    }


def _places(group: Group, contents: Contents) -> list[int]:
    place = {each.image: i for i, each in enumerate(contents.photographs[group.place])}
    return [place[image] for image in group.images]


def _numbers(run: Run, images: Sequence[str], results: Path) -> dict[str, list[float | None]]:
    path = results / run.folder / "per_image.csv"
    try:
        table = read_per_image(path).loc[list(images), list(NUMBERS)].astype("float64")
    except (KeyError, ValueError) as error:
        told = " ".join(str(error).split())
        raise DataError(f"{path}: not of the split beside it ({told}); evaluate again") from None
    return {name: [_rounded(value) for value in table[name]] for name in NUMBERS}


def _rounded(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None
