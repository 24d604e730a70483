"""The figure of the numbers: metric by category and method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from aexad.report.figures.base import Drawing, Group
from aexad.report.labels import HEADLINE, METRIC, listed
from aexad.report.stats.aggregate import over_categories, over_seeds
from aexad.report.style import TEXT_WIDTH, MethodStyle, add_legend, literal
from aexad.report.text.captions import of_masks
from aexad.report.text.numbers import number

COLUMNS = 3


def metric_drawings(group: Group) -> Iterator[Drawing]:
    """``metrics``: every headline metric that any run has."""
    means = over_categories(group.metrics)
    spoken = []
    for metric in HEADLINE:
        values = means[(means["metric"] == metric) & means["mean"].notna()]
        pairs = [f"{m} {number(v)}" for m, v in zip(values["method"], values["mean"], strict=True)]
        if pairs:
            spoken.append(f"{METRIC[metric].label}: {listed(pairs)}")
    several = len(set(group.metrics["seed"])) > 1
    look = group.look
    yield Drawing(
        name=f"metrics_{group.where}",
        title=f"Metrics by category and method: {group.place}",
        caption=f"{group.phrase} A mark is a method"
        + ("'s mean over the seeds, a small pale mark one seed" if several else "")
        + "; the lowest row is the mean over the categories. Higher is better. The axes do not "
        f"start at 0 and differ from panel to panel.{look.note}",
        alt=f"Dot plots of the metrics by category and method. Means over the categories: "
        f"{'; '.join(spoken)}.",
        draw=lambda: metric_figure(of_masks(group.metrics), look.styles, look.names),
    )


def metric_figure(
    metrics: pd.DataFrame, styles: Mapping[str, MethodStyle], names: Mapping[str, str]
) -> Figure:
    """Draw small multiples: a panel a metric, a row a category, a mark a method.

    Large marks are means over seeds, small pale ones the seeds; the lowest row is the macro mean.
    The axes do not start at 0, because marks, unlike bars, are compared by position.

    Parameters
    ----------
    metrics : DataFrame
        Rows of ``metrics.csv`` of one data set and scenario.
    styles : mapping of str to MethodStyle
        The look of each method, in the order of drawing.
    names : mapping of str to str
        Method: its name in the legend.
    """
    present = [name for name in HEADLINE if (metrics["metric"] == name).any()]
    categories = list(metrics["category"].unique())
    height = max(0.3, 0.06 * len(styles) + 0.12) * (len(categories) + 1)
    rows = -(-len(present) // COLUMNS)
    columns = min(COLUMNS, len(present))
    figure = Figure(figsize=(TEXT_WIDTH, rows * (height + 0.6) + 0.5), layout="constrained")
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes in panels.flat[len(present) :]:
        axes.set_visible(False)
    for axes, name in zip(panels.flat, present, strict=False):
        _panel(axes, metrics[metrics["metric"] == name], categories, styles)
        axes.set_title(METRIC[name].label)
    handles = [
        Line2D([], [], color=style.colour, marker=style.marker, linestyle="", label=names[method])
        for method, style in styles.items()
    ]
    add_legend(figure, handles)
    return figure


def _panel(
    axes: Axes,
    metrics: pd.DataFrame,
    categories: Sequence[str],
    styles: Mapping[str, MethodStyle],
) -> None:
    cells, means = over_seeds(metrics), over_categories(metrics)
    line = {category: i for i, category in enumerate(categories)}
    offsets = 0.7 * (np.arange(len(styles)) - (len(styles) - 1) / 2) / max(len(styles), 2)
    for (method, style), offset in zip(styles.items(), offsets, strict=True):
        mean = cells[cells["method"] == method]
        axes.scatter(
            [*mean["mean"], *means.loc[means["method"] == method, "mean"]],
            [*(mean["category"].map(line) + offset), len(categories) + offset],
            s=20,
            color=style.colour,
            marker=style.marker,
            edgecolors="white",
            linewidths=0.4,
            zorder=3,
        )
        if len(set(metrics["seed"])) > 1:
            seeds = metrics[metrics["method"] == method]
            heights = seeds["category"].map(line) + offset
            axes.scatter(
                seeds["value"], heights, s=7, color=style.colour, alpha=0.45, linewidths=0, zorder=2
            )
    _note_undefined(axes, cells, line)
    axes.set_xlim(*_limits(metrics["value"]))
    axes.set_ylim(len(categories) + 0.5, -0.5)
    axes.set_yticks(range(len(categories) + 1), [*map(literal, categories), "mean"])
    axes.grid(visible=False, axis="y")
    for row in range(0, len(categories), 2):
        axes.axhspan(row - 0.5, row + 0.5, color="#F3F3F3", linewidth=0, zorder=0)
    axes.axhline(len(categories) - 0.5, color="#888888", linewidth=0.8)
    axes.tick_params(length=0)
    axes.locator_params(axis="x", nbins=4)
    axes.spines[["left", "bottom"]].set_visible(False)


def _note_undefined(axes: Axes, cells: pd.DataFrame, line: Mapping[str, int]) -> None:
    for category, part in cells.groupby("category", sort=False):
        if part["mean"].isna().all():
            axes.text(
                0.5,
                line[str(category)],
                "undefined",
                transform=axes.get_yaxis_transform(),
                ha="center",
                va="center",
                color="#777777",
                fontstyle="italic",
            )


def _limits(values: pd.Series) -> tuple[float, float]:
    """A little more than the range of the values; all of these metrics lie in [0, 1]."""
    low, high = (0.0, 1.0) if values.isna().all() else (values.min(), values.max())
    margin = max(0.06 * (high - low), 0.01)
    return max(low - margin, -0.03), min(high + margin, 1.03)
