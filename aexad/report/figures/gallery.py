"""Galleries: the images on which two kinds of encoder differ most, and some of each category."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from aexad.config.benchmark import Run
from aexad.report.figures.base import Drawing, Group, cnn_and_transformer
from aexad.report.images.grid import Cell, Row, gallery_figure, input_cell, map_cell, picture_grid
from aexad.report.images.pictures import RULE, SCALE, image_label
from aexad.report.labels import listed
from aexad.report.stats.by_defect import paired_iou

ROWS = 3  # images at each end


def contrast_drawings(group: Group) -> Iterator[Drawing]:
    """``gallery``: the images with the largest differences in IoU, both ways."""
    pair = cnn_and_transformer(group)
    if pair is None or not group.known("iou"):
        return
    group = group.common(*pair)
    if not group.runs or (differs := differences(group, pair)).empty:
        return
    ends = extremes(differs, ROWS)
    cnn, transformer = (group.shown(method) for method in pair)
    spoken = [
        listed(
            [f"{image_label(image)} of {category} ({lead:+.2f})" for category, image, lead in end]
        )
        or "no image"
        for end in ends
    ]
    yield group.drawing(
        "gallery",
        "The images on which the two kinds of encoder differ most",
        f"{cnn} and {transformer} (the first method of each kind), seed {group.seed}: the {ROWS} "
        "test images of all categories on which one leads the other by the largest difference in "
        "IoU. The images are chosen by the scores, to show where the methods differ: they say "
        f"nothing about the average. {SCALE}",
        f"Photographs with the true region outlined, and both heat maps. {transformer} leads most "
        f"on {spoken[0]}; {cnn} leads most on {spoken[1]}. In brackets: IoU of {transformer} minus "
        f"IoU of {cnn}.",
        lambda: contrast_figure(group, pair, ends),
    )


def gallery_drawings(group: Group, count: int) -> Iterator[Drawing]:
    """``gallery_…_<category>`` with ``count`` test images."""
    for category in group.categories:
        seed = min(run.seed for run in group.runs if run.category == category)
        runs = [run for run in group.runs if (run.category, run.seed) == (category, seed)]

        def draw(runs: list[Run] = runs) -> Figure:
            chosen = group.choose(runs[0], count, masked=False)
            pictures = {run.method: group.pictures(run, chosen) for run in runs}
            return gallery_figure(group.photographs(chosen), pictures, group.look.titles)

        yield group.drawing(
            "gallery",
            f"The same test images of {category} under each method",
            f"Seed {seed}. A line runs around the true region, where it is known. Images without "
            f"X-AUC and IoU have their score below each map. {SCALE} {RULE}",
            f"Test images of {category} with the outline of the true defect, followed by the heat "
            f"maps of {listed([group.shown(run.method) for run in runs])}, with X-AUC and IoU "
            "below each map.",
            draw,
            end=f"_{category}",
        )


def differences(group: Group, pair: tuple[str, str]) -> pd.Series:
    """IoU of the second method minus IoU of the first on each anomalous test image.

    Returns
    -------
    Series
        By category and image; runs of the lowest seed.
    """
    rows = paired_iou(group.per_image(pair), transformer=pair[1], cnn=pair[0])
    rows = rows[rows["seed"] == group.seed]
    return rows.set_index(["category", "image"])["difference"].sort_index()


def extremes(difference: pd.Series, count: int) -> tuple[list[Any], list[Any]]:
    """Images on which the second method leads, and images on which the first does.

    Returns
    -------
    tuple of two lists
        Up to ``count`` of (category, image, difference) each, the largest differences first.
    """
    ordered = difference.sort_values(kind="stable")
    rows = list(ordered.reset_index().itertuples(index=False, name=None))
    first, second = [row for row in rows if row[2] < 0], [row for row in rows if row[2] > 0]
    return second[::-1][:count], first[:count]


def contrast_figure(
    group: Group, pair: tuple[str, str], ends: tuple[list[Any], list[Any]]
) -> Figure:
    """Draw two blocks side by side, one row per image: photograph, and map of each method."""
    sides = [
        [_cells(group, pair, category, image, i == 0) for i, (category, image, _) in enumerate(end)]
        for end in ends
    ]
    for side in sides:
        if not side:
            side.append([Cell("on no image"), None, None])
        side += [[None] * 3] * (max(map(len, sides)) - len(side))
    rows = [Row([*left, *right]) for left, right in zip(*sides, strict=True)]
    cnn, transformer = (group.shown(method) for method in pair)
    return picture_grid(rows, {0: f"{transformer} is better", 3: f"{cnn} is better"})


def _cells(
    group: Group, pair: tuple[str, str], category: str, image: str, titled: bool
) -> list[Cell | None]:
    runs = [run for method in pair for run in group.runs_of(method, group.seed, category)]
    split = group.split(runs[0])
    rows = split[split["image"] == image]
    (photo,) = group.photographs(rows)
    maps = [
        map_cell(group.pictures(run, rows)[0], photo, group.shown(run.method) if titled else "")
        for run in runs
    ]
    return [input_cell(photo, titled, f"{category}\n{image_label(image)}"), *maps]
