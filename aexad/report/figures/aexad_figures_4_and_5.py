"""F1 and IoU against the threshold of the binary map (AE-XAD, figures 4 and 5)."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from aexad.evaluation.evaluate import named_at
from aexad.evaluation.metrics import SWEEP
from aexad.report.figures.base import Drawing, Group
from aexad.report.labels import METRIC, listed
from aexad.report.stats.aggregate import over_seeds
from aexad.report.style import add_legend, grid_of, literal
from aexad.report.text.numbers import number

FIGURES = {"f1": "aexad_figure4", "iou": "aexad_figure5"}
COLUMNS = 4


def threshold_drawings(group: Group) -> Iterator[Drawing]:
    """``aexad_figure4`` (F1) and ``aexad_figure5`` (IoU), where there are masks."""
    for metric, name in FIGURES.items():
        if group.known(metric) and group.known(named_at(metric, SWEEP[-1])):
            yield _drawing(group, metric, name)


def threshold_curves(metrics: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The metric at each threshold, averaged over the seeds.

    Parameters
    ----------
    metrics : DataFrame
        Rows of ``metrics.csv`` of one data set and scenario.
    metric : str
        ``f1`` or ``iou``.

    Returns
    -------
    DataFrame
        Columns category, method, a, mean.
    """
    at = {named_at(metric, a): a for a in SWEEP}
    cells = over_seeds(metrics[metrics["metric"].isin(at)])
    cells = cells.assign(a=cells["metric"].map(at)).sort_values("a", kind="stable")
    return cells[["category", "method", "a", "mean"]].reset_index(drop=True)


def threshold_figure(group: Group, metric: str) -> Figure:
    """Draw a panel a category, a line a method; one vertical scale for all panels."""
    curves = threshold_curves(group.metrics, metric)
    categories = list(group.metrics["category"].unique())
    figure, panels = grid_of(len(categories), COLUMNS, height=1.5, margin=0.6)
    for axes, category in zip(panels, categories, strict=True):
        for method, style in group.look.styles.items():
            line = curves[(curves["category"] == category) & (curves["method"] == method)]
            axes.plot(
                line["a"],
                line["mean"],
                color=style.colour,
                linestyle=style.line,
                marker=style.marker,
                markersize=3,
                linewidth=1,
            )
        axes.set_title(literal(category))
        axes.set_xticks(SWEEP, [f"{a:g}" for a in SWEEP], fontsize=7)
        axes.tick_params(length=2)
    panels[0].set_ylim(0, min(1.0, 1.06 * curves["mean"].max() or 1.0))
    figure.supylabel(METRIC[metric].label, fontsize=8)
    figure.supxlabel("a, of the threshold mean + a · std", fontsize=8)
    own = set(curves["method"])
    handles = [
        Line2D([], [], color=style.colour, marker=style.marker, linestyle=style.line, label=name)
        for method, name in group.look.names.items()
        if method in own
        for style in [group.look.styles[method]]
    ]
    add_legend(figure, handles)
    return figure


def _drawing(group: Group, metric: str, name: str) -> Drawing:
    label = METRIC[metric].label
    curves = threshold_curves(group.metrics, metric)
    means = curves.pivot_table(index="method", columns="a", values="mean", sort=False)
    best = [
        f"{group.shown(str(method))} {number(row.max())} at a = {row.idxmax():g}"
        for method, row in means.iterrows()
        if row.notna().any()
    ]
    return Drawing(
        name=f"{name}_{group.where}",
        title=f"{label} against the threshold: {group.place}",
        caption=f"{group.phrase} {label} of the heat map binarised at its mean + a · standard "
        f"deviation (figure {name[-1]} of AE-XAD); the tables are at a = 1. Mean over the "
        f"anomalous test images and the seeds. Higher is better.{group.look.note}",
        alt=f"Line plots of {label} against a from {SWEEP[0]:g} to {SWEEP[-1]:g}, a panel for each "
        f"category. Highest mean over the categories: {listed(best, most=8)}.",
        draw=lambda: threshold_figure(group, metric),
    )
