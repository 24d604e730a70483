"""X-AUC against the size of the filter, fixed for all images (AE-XAD, figure 3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from aexad.config.benchmark import Run
from aexad.data.image_files import image_size
from aexad.data.images import load_image
from aexad.data.masks import load_mask
from aexad.data.resize import resized
from aexad.evaluation.metrics import xauc_per_image
from aexad.evaluation.metrics.pixel import mean_of_defined
from aexad.evaluation.run_files import read_per_image
from aexad.explain.heatmap import smoothed
from aexad.explain.run_maps import MAPS, read_maps, read_settings
from aexad.report.figures.base import Drawing, Group, cnn_and_transformer
from aexad.report.images.unfiltered import unfiltered_map
from aexad.report.labels import listed
from aexad.report.style import add_legend, draw_lines, grid_of, literal, method_styles

SIZES = range(2, 31, 2)
"""Half sizes k of the filter."""
BEYOND = 32
"""The place of an adaptive k above the drawn range."""


class FilterCurve(NamedTuple):
    """X-AUC of one run at each of :data:`SIZES`, and with the adaptive filter.

    ``adaptive_k`` and ``adaptive_xauc`` are means over the anomalous test images.
    """

    xauc: np.ndarray
    adaptive_k: float
    adaptive_xauc: float


def filter_drawings(group: Group) -> Iterator[Drawing]:
    """``aexad_figure3``: AE-XAD with a convolutional and with a Transformer encoder."""
    alone = group.trained_methods(model="aexad", loss="aexad")[:1]
    methods = list(cnn_and_transformer(group) or alone)
    methods = [method for method in methods if _adaptive(group, method)]
    if not methods or not group.known("xauc"):
        return
    group = group.common(*methods)
    if not group.runs:
        return
    seed, titles = group.seed, [group.shown(method) for method in methods]

    def draw() -> Figure:
        curves = {
            title: {run.category: filter_curve(group, run) for run in group.runs_of(method)}
            for method, title in zip(methods, titles, strict=True)
        }
        return filter_figure(curves)

    yield group.drawing(
        "aexad_figure3",
        "X-AUC against a fixed filter size",
        f"{group.phrase} Seed {seed}: mean X-AUC over the anomalous test images when the Gaussian "
        f"filter has one half size k for all images (k = {SIZES[0]} to {SIZES[-1]}; figure 3 of "
        "AE-XAD). The mark is the adaptive filter, whose k differs from image to image, at the "
        f"mean of its k; an arrow at the edge means that this mean is above {SIZES[-1]}. The axis "
        "does not start at 0.",
        "Line plots of X-AUC against the half size k of the filter, one line per category, for "
        f"{listed(titles)}; a mark for the adaptive k.",
        draw,
    )


def filter_curve(group: Group, run: Run) -> FilterCurve:
    """Compute the curve of one run; its adaptive point is read from ``per_image.csv``."""
    folder = group.folder(run)
    settings = read_settings(folder / MAPS).heat_map
    maps = read_maps(folder / MAPS, ("image", "reconstruction"))
    split = group.split(run).set_index("image")
    values = []
    for image, reconstruction in zip(maps["image"], maps["reconstruction"], strict=True):
        row = split.loc[image]
        if not row["mask"]:
            continue
        pixels = load_image(group.root / image, group.size, group.levels)
        raw = unfiltered_map(pixels, reconstruction, settings)
        filtered = smoothed(np.stack([raw] * len(SIZES)), np.array(SIZES))
        values.append(_xauc(filtered, group, image, row["mask"], row["marks"]))
    rows = read_per_image(folder / "per_image.csv")
    rows = rows[rows["xauc"].notna()]
    means = [mean_of_defined(column) for column in np.array(values).reshape(-1, len(SIZES)).T]
    return FilterCurve(np.array(means), float(rows["k"].mean()), float(rows["xauc"].mean()))


def filter_figure(curves: Mapping[str, Mapping[str, FilterCurve]]) -> Figure:
    """Draw one panel per method, one line per category, on one scale.

    Parameters
    ----------
    curves : mapping of str to mapping of str to FilterCurve
        Title of a method: category: its curve.
    """
    styles = method_styles(list(dict.fromkeys(name for each in curves.values() for name in each)))
    figure, panels = grid_of(len(curves), 2, height=2.4, margin=0.7, sharex=True, sharey=True)
    for axes, (title, lines) in zip(panels, curves.items(), strict=True):
        table = pd.DataFrame({name: curve.xauc for name, curve in lines.items()}, index=SIZES)
        rows = table.rename_axis("k").reset_index().melt("k", var_name="method", value_name="xauc")
        draw_lines(axes, rows, "k", "xauc", styles, markers=False)
        for name, curve in lines.items():
            axes.plot(
                min(curve.adaptive_k, BEYOND),
                curve.adaptive_xauc,
                marker=styles[name].marker if curve.adaptive_k <= SIZES[-1] else ">",
                color=styles[name].colour,
                markeredgecolor="black",
                markeredgewidth=0.7,
                markersize=6,
                clip_on=False,
                zorder=3,
            )
        axes.set_title(literal(title))
        axes.set_xlabel("half size k of the filter, pixels")
        axes.set_xticks([2, *range(5, 31, 5)])
    panels[0].set_ylabel("X-AUC")
    add_legend(figure, [style.handle(name) for name, style in styles.items()])
    return figure


def _adaptive(group: Group, method: str) -> bool:
    folder = group.folder(group.runs_of(method)[0])
    return read_settings(folder / MAPS).heat_map.filter == "adaptive"


def _xauc(maps: np.ndarray, group: Group, image: str, mask: str, marks: str) -> np.ndarray:
    """X-AUC of maps [t, S, S] of one image, at the size at which ``evaluate`` compares."""
    if group.native:
        shape = image_size(group.root / image)
        truth = load_mask(group.root / mask, shape=shape, marks=marks)
        maps = np.stack([resized(each, truth.shape) for each in maps])
    else:
        truth = load_mask(group.root / mask, size=group.size, marks=marks)
    return xauc_per_image(maps, np.broadcast_to(truth, maps.shape))
