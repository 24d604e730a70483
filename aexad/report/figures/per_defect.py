"""IoU by type and by size of the defect: where a Transformer encoder loses, and where it gains."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from aexad.data.images import image_size
from aexad.report.figures.base import Drawing, Group, cnn_and_transformer
from aexad.report.labels import listed
from aexad.report.style import TEXT_WIDTH, add_legend, literal, name_ticks

EDGES = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 100.0)
"""Classes of a defect's area, in per cent of the image."""
FEWEST = 3  # images behind a mean over a class


def defect_drawings(group: Group) -> Iterator[Drawing]:
    """``per_defect``, for the methods that stand for the two kinds of encoder."""
    pair = cnn_and_transformer(group)
    if pair is None or not group.known("iou"):
        return
    images = anomalous_images(group, pair)
    types = by_type(images)
    lead = (types[pair[1]] - types[pair[0]]).sort_values(kind="stable")
    cnn, transformer = (group.shown(method) for method in pair)
    worst = [f"{kind} of {category} ({value:+.2f})" for category, kind, value in _tuples(lead)]
    yield Drawing(
        name=f"per_defect_{group.where}",
        title=f"IoU by defect type and by defect area: {group.place}",
        caption=f"{group.phrase} {cnn} and {transformer}, the first method of each kind of "
        "encoder. Left: mean IoU over the anomalous test images of a type (in brackets how many, "
        "over all seeds), ordered from where the Transformer loses most. Right: each image "
        "against the share of the image that its defect covers; the lines join the means of the "
        f"classes {_classes()} that have at least {FEWEST} images.{group.look.note}",
        alt=f"Left, a dot plot of IoU by defect type for {cnn} and {transformer}; right, IoU "
        f"against the defect's area. IoU of {transformer} minus that of {cnn}, lowest first: "
        f"{listed(worst, most=6)}.",
        draw=lambda: defect_figure(group, pair, images),
    )


def anomalous_images(group: Group, pair: tuple[str, str]) -> pd.DataFrame:
    """IoU of each anomalous test image of all seeds.

    Returns
    -------
    DataFrame
        Columns category, seed, image, defect, area (per cent of the image), and one a method: IoU.
    """
    rows = group.per_image(pair)
    rows = rows[rows["anomalous_pixels"] > 0]
    rows = rows.assign(area=100 * rows["anomalous_pixels"] / _pixels(group, rows["image"]))
    key = ["category", "seed", "image", "defect", "area"]
    table = rows.pivot_table(index=key, columns="method", values="iou")[list(pair)]
    return table.dropna().rename_axis(None, axis=1).reset_index()


def by_type(images: pd.DataFrame) -> pd.DataFrame:
    """Mean IoU of each method, by category and defect type, and ``images``: how many."""
    grouped = images.groupby(["category", "defect"])
    methods = list(images.columns[5:])
    return grouped[methods].mean().assign(images=grouped.size())


def by_area(images: pd.DataFrame, method: str) -> pd.DataFrame:
    """Mean area and mean IoU in each class of :data:`EDGES` with enough images."""
    classes = pd.cut(images["area"], EDGES)
    grouped = images.groupby(classes, observed=True)
    means = grouped[["area", method]].mean().set_axis(["area", "iou"], axis=1)
    return means[grouped.size() >= FEWEST]


def defect_figure(group: Group, pair: tuple[str, str], images: pd.DataFrame) -> Figure:
    """Draw the types as pairs of dots, and the areas as a scatter with the means of its classes."""
    types = by_type(images)
    types = types.loc[(types[pair[1]] - types[pair[0]]).sort_values(kind="stable").index]
    height = max(2.6, 0.17 * len(types) + 1.0)
    figure = Figure(figsize=(TEXT_WIDTH, height + 0.3), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1))
    _types_panel(left, types, group, pair)
    for method in pair:
        style = group.look.styles[method]
        right.scatter(
            images["area"],
            images[method],
            s=9,
            marker=style.marker,
            color=style.colour,
            alpha=0.35,
            linewidths=0,
        )
        means = by_area(images, method)
        right.plot(
            means["area"],
            means["iou"],
            color=style.colour,
            marker=style.marker,
            linestyle=style.line,
            markeredgecolor="white",
            markeredgewidth=0.5,
            linewidth=1.6,
        )
    right.set_xscale("log")
    name_ticks(right.xaxis, *right.get_xlim())
    right.set_xlabel("area of the defect, % of the image")
    right.set_ylabel("IoU")
    right.tick_params(length=2)
    highest = 1.05 * float(images[list(pair)].to_numpy().max()) or 1.0
    left.set_xlim(0, highest)
    right.set_ylim(0, highest)
    handles = [
        Line2D([], [], color=style.colour, marker=style.marker, linestyle=style.line, label=name)
        for method in pair
        for style, name in [(group.look.styles[method], group.shown(method))]
    ]
    add_legend(figure, handles)
    return figure


def _types_panel(axes: Axes, types: pd.DataFrame, group: Group, pair: tuple[str, str]) -> None:
    lines = np.arange(len(types))
    axes.hlines(lines, types[pair[0]], types[pair[1]], color="#AAAAAA", linewidth=1.2)
    for method in pair:
        style = group.look.styles[method]
        axes.scatter(types[method], lines, s=20, color=style.colour, marker=style.marker, zorder=3)
    names = [
        literal(f"{category}, {kind} ({n})")
        for (category, kind), n in zip(types.index, types["images"], strict=True)
    ]
    axes.set_yticks(lines, names, fontsize=7)
    axes.set_ylim(len(types) - 0.5, -0.5)
    axes.set_xlabel("mean IoU")
    axes.grid(visible=False, axis="y")
    axes.tick_params(length=0)


def _pixels(group: Group, images: pd.Series) -> np.ndarray:
    """How many pixels each image has at the size that ``evaluate`` compares at."""
    if not group.native:
        return np.full(len(images), group.size**2)
    sizes = {image: image_size(group.root / image) for image in images.unique()}
    return images.map(
        {image: height * width for image, (height, width) in sizes.items()}
    ).to_numpy()


def _tuples(values: pd.Series) -> Iterator[tuple[Any, ...]]:
    """Rows of index and value."""
    return values.reset_index().itertuples(index=False, name=None)


def _classes() -> str:
    inner = [f"{low:g} to {high:g} %" for low, high in pairwise(EDGES[1:-1])]
    return listed([f"below {EDGES[1]:g} %", *inner, f"above {EDGES[-2]:g} %"])
