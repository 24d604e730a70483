"""IoU by type and by size of the defect: where a Transformer encoder loses, and where it gains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from aexad.data.image_files import image_size
from aexad.report.figures.base import Drawing, Group, cnn_and_transformer
from aexad.report.labels import listed
from aexad.report.stats.by_defect import FEWEST_IMAGES, by_type, paired_iou
from aexad.report.style import (
    TEXT_WIDTH,
    MethodStyle,
    add_legend,
    draw_lines,
    draw_points,
    literal,
    name_ticks,
)

EDGES = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 100.0)
"""Classes of a defect's area, in per cent of the image."""
PAIR = ["cnn", "transformer"]
"""The columns with the IoU of the two methods."""


def defect_drawings(group: Group) -> Iterator[Drawing]:
    """``per_defect``, for the methods that stand for the two kinds of encoder."""
    pair = cnn_and_transformer(group)
    if pair is None or not group.known("iou"):
        return
    images = anomalous_images(group, pair)
    types = by_type(images)
    if types.empty:
        return
    cnn, transformer = (group.shown(method) for method in pair)
    worst = [
        f"{kind} of {category} ({value:+.2f})"
        for (category, kind), value in zip(types.index, types["difference"], strict=True)
    ]
    inner = [f"{low:g} to {high:g} %" for low, high in pairwise(EDGES[1:-1])]
    classes = listed([f"below {EDGES[1]:g} %", *inner, f"above {EDGES[-2]:g} %"])
    yield group.drawing(
        "per_defect",
        "IoU by defect type and by defect area",
        f"{group.phrase} {cnn} and {transformer}, the first method of each kind of encoder. Left: "
        "mean IoU over the anomalous test images of a type and the seeds (number of images in "
        f"brackets; at least {FEWEST_IMAGES}), ordered from where the Transformer loses most. "
        "Right: each image against the share of the image that its defect covers; the lines join "
        f"the means of the classes {classes} that have at least {FEWEST_IMAGES} images.",
        f"Left, a dot plot of IoU by defect type for {cnn} and {transformer}; right, IoU against "
        f"the defect's area. IoU of {transformer} minus IoU of {cnn}, lowest first: "
        f"{listed(worst, most=6)}.",
        lambda: defect_figure(group, pair, images, types),
    )


def anomalous_images(group: Group, pair: tuple[str, str]) -> pd.DataFrame:
    """The rows of :func:`paired_iou` with the column area, in per cent of the image."""
    images = paired_iou(group.per_image(pair), transformer=pair[1], cnn=pair[0])
    area = 100 * images["anomalous_pixels"] / _pixels(group, images["image"])
    return images.assign(area=area)


def by_area(images: pd.DataFrame) -> pd.DataFrame:
    """Mean area and mean IoU of both in each class of :data:`EDGES` with enough images."""
    grouped = images.groupby(pd.cut(images["area"], EDGES), observed=True)
    means = grouped[["area", *PAIR]].mean()
    return means[grouped["image"].nunique() >= FEWEST_IMAGES]


def defect_figure(
    group: Group, pair: tuple[str, str], images: pd.DataFrame, types: pd.DataFrame
) -> Figure:
    """Draw the types as pairs of dots, and the areas as a scatter with the means of its classes."""
    height = max(2.6, 0.17 * len(types) + 1.0)
    figure = Figure(figsize=(TEXT_WIDTH, height + 0.3), layout="constrained")
    left, right = figure.subplots(1, 2)
    styles = {side: group.look.styles[method] for side, method in zip(PAIR, pair, strict=True)}
    _draw_types(left, types, styles)
    points = images.melt("area", PAIR, var_name="method", value_name="iou")
    draw_points(right, points, "area", "iou", styles, s=9, alpha=0.35, linewidth=0, zorder=2)
    means = by_area(images).melt("area", PAIR, var_name="method", value_name="iou")
    if not means.empty:
        draw_lines(right, means, "area", "iou", styles, linewidth=1.6)
    right.set_xscale("log")
    name_ticks(right.xaxis, *right.get_xlim())
    right.set(xlabel="area of the defect, % of the image", ylabel="IoU")
    highest = 1.05 * float(images[PAIR].to_numpy().max()) or 1.0
    left.set_xlim(-0.03 * highest, highest)
    right.set_ylim(-0.03 * highest, highest)
    add_legend(figure, group.look.handles(pair))
    return figure


def _draw_types(axes: Axes, types: pd.DataFrame, styles: Mapping[str, MethodStyle]) -> None:
    rows = types.reset_index().assign(y=range(len(types)))
    axes.hlines(rows["y"], rows["cnn"], rows["transformer"], color="#AAAAAA", linewidth=1.2)
    points = rows.melt("y", PAIR, var_name="method", value_name="iou")
    for side, size in zip(PAIR, (48, 20), strict=True):  # of equal values, both can be seen
        draw_points(axes, points[points["method"] == side], "iou", "y", styles, s=size)
    names = [
        literal(f"{category}, {kind} ({n})")
        for category, kind, n in zip(rows["category"], rows["defect"], rows["images"], strict=True)
    ]
    axes.set_yticks(rows["y"], names, fontsize=7)
    axes.set_ylim(len(types) - 0.5, -0.5)
    axes.set_xlabel("mean IoU")
    axes.grid(visible=False, axis="y")
    axes.tick_params(length=0)


def _pixels(group: Group, images: pd.Series) -> np.ndarray:
    """Number of pixels of each image at the size at which ``evaluate`` compares."""
    if not group.native:
        return np.full(len(images), group.size**2)
    sizes = {image: np.prod(image_size(group.root / image)) for image in images.unique()}
    return images.map(sizes).to_numpy()
