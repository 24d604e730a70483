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
from aexad.evaluation.run_files import read_per_image
from aexad.report.images.grid import COLOUR_MAP, DEVIATIONS
from aexad.report.images.pictures import image_label
from aexad.report.images.strips import shown_images, steps_of, strip_names
from aexad.report.labels import METRIC
from aexad.report.method_roles import shown_titles
from aexad.runtime.errors import DataError

METRICS = ("iou", "xauc", "f1")
"""Metrics of single images, in the order of the menu; the score comes after them."""
NUMBERS = (*METRICS, "score", "k")
AREA = "anomalous_pixels"
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Weights of red, green and blue, as in the filter of the page."""
BRIGHTNESS_LEVELS = 61  # of the luminance of the colours of heat maps
DIGITS = 4  # significant digits


class SameSplit(NamedTuple):
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


def read_splits(runs: Sequence[Run], results: Path, count: int) -> list[SameSplit]:
    """The runs by their split, with at most ``count`` test images; see :func:`shown_images`."""
    by_split: dict[Path, list[Run]] = {}
    for run in runs:
        by_split.setdefault(run.data_folder, []).append(run)
    return [
        SameSplit(same, shown_images(read_split(results / folder / "split.csv"), count))
        for folder, same in by_split.items()
    ]


def photographs_of(splits: Sequence[SameSplit]) -> dict[str, pd.DataFrame]:
    """List the images of all splits of a data set and category, each image once.

    Returns
    -------
    dict of str to DataFrame
        ``<data set>/<category>``: columns image, mask (empty: none), defect, and name (file name
        of the photograph), sorted by image.
    """
    tables: dict[str, list[pd.DataFrame]] = {}
    for split in splits:
        tables.setdefault(split.folder, []).append(split.shown)
    photographs = {}
    for folder, parts in tables.items():
        table = pd.concat(parts).drop_duplicates("image").sort_values("image", ignore_index=True)
        photographs[folder] = table.assign(name=strip_names(list(table["image"])))
    return photographs


def page_data(
    splits: Sequence[SameSplit],
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
    names = list(dict.fromkeys(run.method for split in splits for run in split.runs))
    titles = shown_titles(methods)
    rebuilds = dict(zip(methods["method"], methods["rebuilds"], strict=True))
    datasets = dict.fromkeys(split.runs[0].dataset for split in splits)
    areas = _areas(splits, results)
    return {
        "deviations": [float(end or 0) for end in (DEVIATIONS.range.vmin, DEVIATIONS.range.vmax)],
        "brightness": _brightness(),
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
        "groups": [_group(split, photographs[split.folder], results) for split in splits],
    }


def _brightness() -> list[float]:
    """The luminance of the colours of heat maps, from the lowest to the highest value."""
    colours = mpl.colormaps[COLOUR_MAP](np.linspace(0, 1, BRIGHTNESS_LEVELS))[:, :3]
    return [round(float(value), 4) for value in colours @ LUMINANCE]


def _areas(splits: Sequence[SameSplit], results: Path) -> dict[tuple[str, str], float]:
    """The anomalous pixels of each image, by folder and image; the masks are the same for all."""
    areas = {}
    for split in splits:
        table = read_per_image(results / split.runs[0].folder / "per_image.csv", [AREA])
        for image, area in table[AREA].fillna(0).items():
            areas[split.folder, str(image)] = float(area)
    return areas


def _group(split: SameSplit, photographs: pd.DataFrame, results: Path) -> dict[str, Any]:
    first, images = split.runs[0], list(split.shown["image"])
    return {
        "dataset": first.dataset,
        "category": first.category,
        "scenario": first.scenario,
        "seed": first.seed,
        "photographs": pd.Index(photographs["image"]).get_indexer(images).tolist(),
        "strips": split.strips,
        "runs": {run.method: _numbers(run, images, results) for run in split.runs},
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
