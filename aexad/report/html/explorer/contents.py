"""The contents of the explorer: its test images, methods and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd

from aexad.config.benchmark import Run
from aexad.config.catalogue import Dataset
from aexad.data.tables import GOOD, read_split
from aexad.report.images.grid import COLOUR_MAP, DEVIATIONS
from aexad.report.images.pictures import image_label
from aexad.report.images.strips import shown_images, steps_of, strip_names
from aexad.report.labels import METRIC
from aexad.report.method_roles import shown_titles
from aexad.report.run_files import read_per_image
from aexad.runtime.errors import DataError

METRICS = ("iou", "xauc", "f1")
"""Metrics of single images, in the order of the menu; the score comes after them."""
NUMBERS = (*METRICS, "score", "k")
AREA = "anomalous_pixels"
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Weights of red, green and blue, as in the filter of the page."""
DIGITS = 4  # significant digits


class Group(NamedTuple):
    """Runs that differ only in the method, so that they have the same test images."""

    runs: list[Run]
    shown: pd.DataFrame
    """The images that the explorer shows (image, mask, defect), in the order of their strips."""

    @property
    def folder(self) -> str:
        """Data set and category, as in the paths of photographs."""
        return f"{self.runs[0].dataset}/{self.runs[0].category}"

    @property
    def strips(self) -> list[str]:
        """File names of the strips of the images."""
        return strip_names(list(self.shown["image"]))


def read_groups(runs: Sequence[Run], results: Path, count: int) -> list[Group]:
    """Group runs by their split, with at most ``count`` test images; see :func:`shown_images`."""
    by_split: dict[Path, list[Run]] = {}
    for run in runs:
        by_split.setdefault(run.data_folder, []).append(run)
    return [
        Group(same, shown_images(read_split(results / folder / "split.csv"), count))
        for folder, same in by_split.items()
    ]


def photographs_of(groups: Sequence[Group]) -> dict[str, pd.DataFrame]:
    """List the images of all groups of a data set and category, each image once.

    Returns
    -------
    dict of str to DataFrame
        ``<data set>/<category>``: columns image, mask (empty: none), defect, and name (file name
        of the photograph), sorted by image.
    """
    tables: dict[str, list[pd.DataFrame]] = {}
    for group in groups:
        tables.setdefault(group.folder, []).append(group.shown)
    photographs = {}
    for folder, parts in tables.items():
        table = pd.concat(parts).drop_duplicates("image").sort_values("image", ignore_index=True)
        photographs[folder] = table.assign(name=strip_names(list(table["image"])))
    return photographs


def page_data(
    groups: Sequence[Group],
    photographs: Mapping[str, pd.DataFrame],
    results: Path,
    catalogue: Mapping[str, Dataset],
    methods: pd.DataFrame,
) -> dict[str, Any]:
    """Collect the data of the page for its script, as values of JSON.

    Columns instead of rows, and positions instead of names, keep the data small.

    Raises
    ------
    DataError
        If the ``per_image.csv`` of a run is missing or damaged, or lacks an image that is shown.
    """
    names = list(dict.fromkeys(run.method for group in groups for run in group.runs))
    titles = shown_titles(methods)
    rebuilds = dict(zip(methods["method"], methods["rebuilds"], strict=True))
    datasets = dict.fromkeys(group.runs[0].dataset for group in groups)
    areas = _areas(groups, results)
    return {
        "deviations": [float(end or 0) for end in (DEVIATIONS.range.vmin, DEVIATIONS.range.vmax)],
        "brightness": brightness(),
        "metrics": {name: METRIC[name].label for name in METRICS},
        "steps": {name: steps_of(rebuilds.get(name) != "no") for name in names},
        "good": GOOD,
        "datasets": {name: catalogue[name].full_title for name in datasets},
        "methods": {name: titles.get(name, name) for name in names},
        "photographs": {
            folder: [
                {
                    "image": row["image"],
                    "label": image_label(row["image"]),
                    "name": row["name"],
                    "defect": row["defect"],
                    "mask": bool(row["mask"]),
                    "area": int(areas.get((folder, row["image"]), 0)),
                }
                for row in table.to_dict("records")
            ]
            for folder, table in photographs.items()
        },
        "groups": [_group(group, photographs[group.folder], results) for group in groups],
    }


def brightness(levels: int = 61) -> list[float]:
    """The luminance of the colours of heat maps, from the lowest to the highest value."""
    colours = mpl.colormaps[COLOUR_MAP](np.linspace(0, 1, levels))[:, :3]
    return [round(float(value), 4) for value in colours @ LUMINANCE]


def _areas(groups: Sequence[Group], results: Path) -> dict[tuple[str, str], float]:
    """The anomalous pixels of each image, by folder and image; the masks are the same for all."""
    areas = {}
    for group in groups:
        table = read_per_image(results / group.runs[0].folder / "per_image.csv", [AREA])
        for image, area in table[AREA].fillna(0).items():
            areas[group.folder, str(image)] = float(area)
    return areas


def _group(group: Group, photographs: pd.DataFrame, results: Path) -> dict[str, Any]:
    first, images = group.runs[0], list(group.shown["image"])
    return {
        "dataset": first.dataset,
        "category": first.category,
        "scenario": first.scenario,
        "seed": first.seed,
        "photographs": pd.Index(photographs["image"]).get_indexer(images).tolist(),
        "strips": group.strips,
        "runs": {run.method: _numbers(run, images, results) for run in group.runs},
    }


def _numbers(run: Run, images: list[str], results: Path) -> dict[str, list[float | None]]:
    path = results / run.folder / "per_image.csv"
    table = read_per_image(path, NUMBERS)
    if lost := [image for image in images if image not in table.index]:
        raise DataError(
            f"{path}: no row for {lost[0]}, a test image of split.csv; make it again with "
            "'aexad evaluate'"
        )
    return {name: [_rounded(value) for value in table.loc[images, name]] for name in NUMBERS}


def _rounded(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None
