"""F1 and IoU against the threshold of the binary map (AE-XAD, figures 4 and 5)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from aexad.evaluation.evaluate import named_at
from aexad.evaluation.metrics import SWEEP
from aexad.report.figures.base import Drawing, Group
from aexad.report.labels import METRIC, listed
from aexad.report.stats.aggregate import over_seeds
from aexad.report.style import add_legend, draw_lines, grid_of, literal
from aexad.report.text.numbers import number

FIGURES = {"f1": "aexad_figure4", "iou": "aexad_figure5"}
COLUMNS = 4


def threshold_drawings(group: Group) -> Iterator[Drawing]:
    """``aexad_figure4`` (F1) and ``aexad_figure5`` (IoU), where there are masks."""
    for metric, name in FIGURES.items():
        if not (group.known(metric) and group.known(named_at(metric, SWEEP[-1]))):
            continue
        label, curves = METRIC[metric].label, threshold_curves(group.metrics, metric)
        means = curves.pivot_table(index="method", columns="a", values="mean", sort=False)
        best = [
            f"{group.shown(str(method))} {number(row.max())} at a = {row.idxmax():g}"
            for method, row in means.iterrows()
            if row.notna().any()
        ]
        yield group.drawing(
            name,
            f"{label} against the threshold",
            f"{group.phrase} {label} of the heat map binarised at its mean + a · standard "
            f"deviation (figure {name[-1]} of AE-XAD); the tables are at a = 1. Mean over the "
            "anomalous test images and the seeds. Higher is better.",
            f"Line plots of {label} against a from {SWEEP[0]:g} to {SWEEP[-1]:g}, one panel per "
            f"category. Highest mean over the categories: {listed(best, most=8)}.",
            partial(threshold_figure, group, curves, label),
        )


def threshold_curves(metrics: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Average a metric over the seeds, at each threshold.

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


def threshold_figure(group: Group, curves: pd.DataFrame, label: str) -> Figure:
    """Draw one panel per category, one line per method; all panels have one vertical scale."""
    categories = list(group.metrics["category"].unique())
    share = {"sharex": True, "sharey": True}
    figure, panels = grid_of(len(categories), COLUMNS, height=1.5, margin=0.6, **share)
    how = {"markersize": 4, "linewidth": 1, "markeredgewidth": 0.4}
    for axes, category in zip(panels, categories, strict=True):
        rows = curves[curves["category"] == category]
        draw_lines(axes, rows, "a", "mean", group.look.styles, **how)
        axes.set_title(literal(category))
        axes.set_ylabel(label if axes in panels[::COLUMNS] else "")
        axes.set_xticks(SWEEP, [f"{a:g}" for a in SWEEP], fontsize=7)
    panels[0].set_ylim(0, min(1.0, 1.06 * curves["mean"].max() or 1.0))
    figure.supxlabel("a, of the threshold mean + a · std", fontsize=8)
    add_legend(figure, group.look.handles(curves["method"]))
    return figure
