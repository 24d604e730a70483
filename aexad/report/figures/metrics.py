"""Every headline metric by category and method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from aexad.report.figures.base import Drawing, Group, Look
from aexad.report.labels import HEADLINE, METRIC, listed
from aexad.report.stats.aggregate import of_masks, over_seeds, whole_means
from aexad.report.style import add_legend, draw_points, grid_of, literal
from aexad.report.text.numbers import number

COLUMNS = 3


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
        "Metrics by category and method",
        f"{group.phrase} A mark is a method"
        + ("'s mean over the seeds, a small pale mark is one seed" if several else "")
        + "; the lowest row is the mean over the categories, of methods that have them all. Higher "
        "is better. The axes do not start at 0 and differ from panel to panel.",
        "Dot plots of the metrics by category and method. Means over the categories: "
        f"{'; '.join(spoken)}.",
        lambda: metric_figure(of_masks(group.metrics), group.look),
    )


def metric_figure(metrics: pd.DataFrame, look: Look) -> Figure:
    """Draw one panel per metric, one row per category, one mark per method.

    Large marks are means over seeds, small pale ones the seeds; the lowest row is the mean over the
    categories. The axes do not start at 0, because marks, unlike bars, are compared by position.

    Parameters
    ----------
    metrics : DataFrame
        Rows of ``metrics.csv`` of one data set and scenario.
    look : Look
        Style and title of the methods, in the order of drawing.
    """
    present = [name for name in HEADLINE if (metrics["metric"] == name).any()]
    methods = [name for name in look.styles if (metrics["method"] == name).any()]
    row = {str(name): i for i, name in enumerate(metrics["category"].unique())}
    share = {name: (i + 0.5) / len(methods) - 0.5 for i, name in enumerate(methods)}

    def placed(table: pd.DataFrame) -> pd.DataFrame:
        """Add ``y``: the row of the category (means over the categories: the last one)."""
        rows = table["category"].map(row) if "category" in table else len(row)
        return table.assign(y=rows + 0.7 * table["method"].map(share))

    height = max(0.3, 0.06 * len(methods) + 0.12) * (len(row) + 1)
    figure, panels = grid_of(len(present), COLUMNS, height + 0.6, 0.5, sharey=True)
    for axes, name in zip(panels, present, strict=True):
        values = metrics[metrics["metric"] == name]
        means = pd.concat([placed(over_seeds(values)), placed(whole_means(values))])
        draw_points(axes, means, "mean", "y", look.styles)
        if len(set(values["seed"])) > 1:
            pale = {"s": 7, "alpha": 0.45, "linewidth": 0, "zorder": 2}
            draw_points(axes, placed(values), "value", "y", look.styles, **pale)
        _finish(axes, values, row)
        axes.set_title(METRIC[name].label)
    add_legend(figure, look.handles(methods, line=False))
    return figure


def _finish(axes: Axes, values: pd.DataFrame, row: Mapping[str, int]) -> None:
    """Set the limits, name the rows, shade every other one, and note undefined categories."""
    for category in row:
        if values.loc[values["category"] == category, "value"].isna().all():
            middle = axes.get_yaxis_transform()
            note = axes.text(0.5, row[category], "undefined", transform=middle)
            note.set(ha="center", va="center", color="#777777", fontstyle="italic")
    undefined = values["value"].isna().all()
    low, high = (0.0, 1.0) if undefined else (values["value"].min(), values["value"].max())
    margin = max(0.06 * (high - low), 0.01)  # all of these metrics are in [0, 1]
    axes.set_xlim(max(low - margin, -0.03), min(high + margin, 1.03))
    axes.set_ylim(len(row) + 0.5, -0.5)
    axes.set_yticks(range(len(row) + 1), [*map(literal, row), "mean"])
    axes.grid(visible=False, axis="y")
    for shaded in range(0, len(row), 2):
        axes.axhspan(shaded - 0.5, shaded + 0.5, color="#F3F3F3", linewidth=0, zorder=0)
    axes.axhline(len(row) - 0.5, color="#888888", linewidth=0.8)
    axes.tick_params(length=0)
    axes.locator_params(axis="x", nbins=4)
    axes.spines[["left", "bottom"]].set_visible(False)
