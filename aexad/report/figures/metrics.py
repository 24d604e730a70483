"""Every headline metric by method and category."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from aexad.report.figures.base import Drawing, Group, Look
from aexad.report.labels import HEADLINE, METRIC, listed
from aexad.report.stats.aggregate import of_masks, over_seeds, whole_means
from aexad.report.style import (
    MethodStyle,
    add_legend,
    draw_points,
    grid_of,
    literal,
    method_styles,
)
from aexad.report.text.numbers import number

COLUMNS = 4
ROW = 0.15  # inches per method


def metric_drawings(group: Group) -> Iterator[Drawing]:
    """``metrics``: every headline metric that any run has."""
    means = whole_means(group.metrics)
    spoken = []
    for metric in HEADLINE:
        values = means[(means["metric"] == metric) & means["mean"].notna()]
        pairs = [
            f"{group.shown(name)} {number(mean)}"
            for name, mean in zip(values["method"], values["mean"], strict=True)
        ]
        if pairs:
            spoken.append(f"{METRIC[metric].label}: {listed(pairs)}")
    several = len(set(group.metrics["seed"])) > 1
    yield group.drawing(
        "metrics",
        "Metrics by method and category",
        f"{group.phrase} A coloured mark is a category"
        + (", the mean over the seeds" if several else "")
        + "; the black bar is the mean over the categories, of methods that have them all. Higher "
        "is better. The axes do not start at 0 and differ from panel to panel.",
        "Dot plots of the metrics by method and category. Means over the categories: "
        f"{'; '.join(spoken)}.",
        lambda: metric_figure(of_masks(group.metrics), group.look),
    )


def metric_figure(metrics: pd.DataFrame, look: Look) -> Figure:
    """Draw one panel per metric, one row per method, one mark per category and a bar at their mean.

    The axes do not start at 0, because marks are compared by position.

    Parameters
    ----------
    metrics : DataFrame
        Rows of ``metrics.csv`` of one data set and scenario.
    look : Look
        Titles of the methods, in the order of drawing.
    """
    present = [name for name in HEADLINE if (metrics["metric"] == name).any()]
    methods = [name for name in look.titles if (metrics["method"] == name).any()]
    row = {name: i for i, name in enumerate(methods)}
    styles = method_styles([str(name) for name in metrics["category"].unique()])
    height = ROW * len(methods) + 0.45
    figure, panels = grid_of(len(present), COLUMNS, height, 0.4, sharey=True)
    for axes, name in zip(panels, present, strict=True):
        values = metrics[metrics["metric"] == name]
        cells, means = over_seeds(values), whole_means(values)
        marks = cells.assign(y=cells["method"].map(row), method=cells["category"])
        draw_points(axes, marks, "mean", "y", styles, s=13, linewidth=0, alpha=0.8)
        rows = means["method"].map(row)
        axes.scatter(means["mean"], rows, s=60, color="black", marker="|", zorder=4)
        _finish(axes, cells["mean"].dropna(), [literal(look.titles[each]) for each in row])
        axes.set_title(METRIC[name].label)
    handles = [style.handle(name, line=False) for name, style in styles.items()]
    mean = MethodStyle("black", "|", ()).handle("mean over the categories", line=False)
    add_legend(figure, [*handles, mean])
    return figure


def _finish(axes: Axes, known: pd.Series, titles: Sequence[str]) -> None:
    """Set the limits, name the rows, shade every other one, and note a metric without values."""
    if known.empty:
        note = axes.text(0.5, 0.5, "undefined", transform=axes.transAxes)
        note.set(ha="center", va="center", color="#777777", fontstyle="italic")
    low, high = (0.0, 1.0) if known.empty else (known.min(), known.max())
    margin = max(0.06 * (high - low), 0.01)  # all of these metrics are in [0, 1]
    axes.set_xlim(max(low - margin, -0.03), min(high + margin, 1.03))
    axes.set_ylim(len(titles) - 0.5, -0.5)
    axes.set_yticks(range(len(titles)), titles, fontsize=6.5)
    axes.grid(visible=False, axis="y")
    for shaded in range(0, len(titles), 2):
        axes.axhspan(shaded - 0.5, shaded + 0.5, color="#F3F3F3", linewidth=0, zorder=0)
    axes.tick_params(length=0)
    axes.locator_params(axis="x", nbins=4, steps=[1, 2, 5, 10])  # 0.25 is too long for a label
    axes.spines[["left", "bottom"]].set_visible(False)
