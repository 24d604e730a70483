"""F1 and IoU against the threshold of the binary map (AE-XAD, figures 4 and 5)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from aexad.evaluation.evaluate import named_at
from aexad.evaluation.metrics import SWEEP
from aexad.report.figures.base import Drawing, Group, cnn_and_transformer
from aexad.report.labels import METRIC, listed
from aexad.report.stats.aggregate import over_seeds, whole_means
from aexad.report.style import add_legend, draw_lines, grid_of, literal
from aexad.report.text.numbers import number

FIGURES = {"f1": "aexad_figure4", "iou": "aexad_figure5"}
COLUMNS = 3
MOST_SHOWN = 7
"""More lines in one panel cannot be told apart."""


def threshold_drawings(group: Group) -> Iterator[Drawing]:
    """``aexad_figure4`` (F1) and ``aexad_figure5`` (IoU), where there are masks."""
    for metric, name in FIGURES.items():
        if not (group.known(metric) and group.known(named_at(metric, SWEEP[-1]))):
            continue
        label, curves = METRIC[metric].label, threshold_curves(group.metrics, metric)
        means = threshold_means(group.metrics, metric)
        shown, rule = shown_methods(group, list(curves["method"].unique()), means)
        curves, means = curves[curves["method"].isin(shown)], means[means.index.isin(shown)]
        best = [
            f"{group.shown(str(method))} {number(row.max())} at a = {row.idxmax():g}"
            for method, row in means.iterrows()
        ]
        yield group.drawing(
            name,
            f"{label} against the threshold",
            f"{group.phrase} {label} of the heat map binarised at its mean + a · standard "
            f"deviation (figure {name[-1]} of AE-XAD); the tables are at a = 1. Mean over the "
            f"anomalous test images and the seeds. {rule}Higher is better.",
            f"Line plots of {label} against a from {SWEEP[0]:g} to {SWEEP[-1]:g}, one panel per "
            f"category. Highest mean over the categories: {listed(best)}.",
            partial(threshold_figure, group, curves, label),
        )


def shown_methods(group: Group, names: list[str], means: pd.DataFrame) -> tuple[list[str], str]:
    """Choose the methods of the figure, at most :data:`MOST_SHOWN`.

    Parameters
    ----------
    group : Group
    names : list of str
        The methods that have a curve.
    means : DataFrame [methods, a]
        As :func:`threshold_means` returns them.

    Returns
    -------
    tuple
        The methods, and the sentence of the caption that says how they were chosen; empty for all.
    """
    if len(names) <= MOST_SHOWN:
        return names, ""
    pair = [name for name in cnn_and_transformer(group) or () if name in names]
    highest = means.max(axis="columns").drop(pair, errors="ignore")
    best = list(highest.sort_values(ascending=False, kind="stable").index[: MOST_SHOWN - len(pair)])
    titles = " and ".join(map(group.shown, pair))
    first = (
        f"{titles} (the first method of each kind of encoder), and of the others " if pair else ""
    )
    rule = (
        f"Shown of {len(names)} methods: {first}the {len(best)} with the highest mean over the "
        "categories, each at its best a. "
    )
    return [name for name in names if name in {*pair, *best}], rule


def threshold_means(metrics: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Mean over the categories by method and a, of the methods that have them all."""
    at = {named_at(metric, a): a for a in SWEEP}
    means = whole_means(metrics[metrics["metric"].isin(at)]).dropna(subset="mean")
    means = means.assign(a=means["metric"].map(at))
    return means.pivot_table(index="method", columns="a", values="mean", sort=False)


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
