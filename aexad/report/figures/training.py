"""Both parts of the training loss by epoch."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from aexad.report.figures.base import Drawing, Group, Look
from aexad.report.labels import listed
from aexad.report.run_files import read_curve
from aexad.report.style import add_legend, draw_lines, draw_points, grid_of, literal, name_ticks

PARTS = {"loss_normal": "normal pixels", "loss_anomalous": "anomalous pixels"}


def training_drawings(group: Group) -> Iterator[Drawing]:
    """``training``: the loss of every run that trained a model."""
    read = [
        read_curve(group.folder(run) / "training.csv").assign(
            category=run.category, method=run.method, seed=run.seed
        )
        for run in group.runs
    ]
    if all(curve.empty for curve in read):
        return
    curves = pd.concat(read)
    methods = listed([group.shown(method) for method in group.trained_methods()])
    yield group.drawing(
        "training",
        "Training curves",
        f"{group.phrase} The two parts of the training loss by epoch, one line per seed, on a log "
        "scale; a mark is at the last epoch. Methods with different losses differ in level by "
        "definition: compare the shapes.",
        "Line plots of the training loss by epoch on normal and on anomalous pixels, one row of "
        f"panels per category, one line per method ({methods}).",
        lambda: training_figure(curves, group.look),
    )


def training_figure(curves: pd.DataFrame, look: Look) -> Figure:
    """Draw one row of panels per category, one panel per part of the loss, one line per run.

    Parameters
    ----------
    curves : DataFrame
        Columns category, method, seed, epoch, loss_normal, loss_anomalous.
    look : Look
        Style and title of the methods.
    """
    categories = list(curves["category"].unique())
    count = len(categories) * len(PARTS)
    figure, panels = grid_of(count, len(PARTS), height=1.5, margin=0.7, sharex=True)
    for i, axes in enumerate(panels):
        category, part = categories[i // len(PARTS)], list(PARTS)[i % len(PARTS)]
        # A part that a loss does not have is empty or 0, which a log scale cannot show.
        rows = curves[(curves["category"] == category) & (curves[part] > 0)]
        how = {"units": "seed", "markers": False, "linewidth": 0.9, "alpha": 0.8}
        if not rows.empty:
            draw_lines(axes, rows, "epoch", part, look.styles, **how)
            last = rows.groupby(["method", "seed"]).tail(1)
            draw_points(axes, last, "epoch", part, look.styles, s=14)
        _finish(axes)
        if i < len(PARTS):
            axes.set_title(PARTS[part])
        if i % len(PARTS) == 0:
            axes.set_ylabel(f"{literal(category)}\nloss")
        if i >= count - len(PARTS):
            axes.set_xlabel("epoch")
    add_legend(figure, look.handles(curves["method"]))
    return figure


def _finish(axes: Axes) -> None:
    if axes.has_data():
        axes.set_yscale("log")
        name_ticks(axes.yaxis, *axes.get_ylim())
    else:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no such part", transform=axes.transAxes, ha="center", color="#777777")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))
