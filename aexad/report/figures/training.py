"""The training loss by epoch, in its parts where it has any."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from aexad.config.benchmark import Run
from aexad.evaluation.run_files import read_curve, read_runs
from aexad.report.figures.base import Drawing, Group, Look
from aexad.report.labels import listed
from aexad.report.style import add_legend, draw_lines, draw_points, grid_of, literal, name_ticks

PARTS = {"loss_normal": "normal pixels", "loss_anomalous": "anomalous pixels"}
WHOLE = {"loss": "all images"}
"""Of a loss that is one number for a batch, whose parts would be shares of its images."""
PARTS_OF = {
    "fcdd": {"loss_normal": "normal images", "loss_anomalous": "images with a defect"},
    "bgad": WHOLE,
    "supersimplenet": WHOLE,
}
"""By the kind of the loss; others have :data:`PARTS`."""


def training_drawings(group: Group) -> Iterator[Drawing]:
    """``training``: each kind of loss, because losses of different sizes flatten each other.

    The figures after the first have the kind at the end of their names.
    """
    if not group.runs:
        return
    curves = training_curves(group)
    for i, (kind, own) in enumerate(curves.groupby("kind", sort=False)):
        methods = listed([group.shown(name) for name in own["method"].unique()])
        parts = PARTS_OF.get(str(kind), PARTS)
        loss = "training loss" if len(parts) == 1 else "two parts of the training loss"
        yield group.drawing(
            "training",
            f"Training curves, {kind}",
            f"{group.phrase} The {loss} by epoch, one line per training "
            "(category, method and seed), on a log scale; a mark is at the last epoch. Methods "
            "that differ in the heat map alone share one training: it has the name of the first "
            "of them. Each kind of loss has a figure of its own. Methods with different losses "
            "differ in level by definition: compare the shapes.",
            f"Line plots of the training loss by epoch on {' and on '.join(parts.values())}, one "
            f"row of panels per category, one line per method ({methods}).",
            partial(training_figure, own, group.look),
            end=re.sub(r"[^\w.-]+", "_", f"_{kind}") if i else "",
        )


def training_curves(group: Group) -> pd.DataFrame:
    """The loss of each training by epoch.

    Returns
    -------
    DataFrame
        Columns category, method, seed, kind (of the loss), epoch, loss_normal, loss_anomalous,
        loss. Methods that share a training have one curve, under the first of them.
    """
    known = read_runs(group.runs, group.results, "provenance.json", _training)
    trainings = dict(zip(group.runs, known, strict=True))
    first: dict[str, str] = {}
    curves = []
    for method in group.trained_methods():
        for run in group.runs_of(method):
            trainer, kind = trainings[run]
            shown = first.setdefault(trainer, method)
            curve = read_curve(group.folder(run) / "training.csv")
            curves.append(
                curve.assign(category=run.category, method=shown, seed=run.seed, kind=kind)
            )
    table = pd.concat(curves).drop_duplicates(["category", "method", "seed", "epoch"])
    return table.assign(loss=table["loss_normal"] + table["loss_anomalous"])


def _training(provenance: dict[str, Any], run: Run) -> tuple[str, str]:
    """The method that trained the model of a run, and the kind of its loss."""
    recipe = provenance["recipe"]
    # Old runs record neither their trainer nor whether they rebuild images, which they do.
    rebuilds = provenance.get("rebuilds", True)
    kind = f"{recipe.get('reduction', 'sum')} of squared errors" if rebuilds else recipe["model"]
    return provenance.get("method", run.method), kind.replace("_", " ")


def training_figure(curves: pd.DataFrame, look: Look) -> Figure:
    """Draw one row of panels per category, one panel per part of the loss, one line per run.

    Parameters
    ----------
    curves : DataFrame
        The rows of :func:`training_curves` of one kind of loss.
    look : Look
        Style and title of the methods.
    """
    categories = list(curves["category"].unique())
    parts = PARTS_OF.get(str(curves["kind"].iloc[0]), PARTS)
    count = len(categories) * len(parts)
    figure, panels = grid_of(count, len(parts), height=1.5, margin=0.7, sharex=True)
    for i, axes in enumerate(panels):
        category, part = categories[i // len(parts)], list(parts)[i % len(parts)]
        # A part that a loss does not have is empty or 0, which a log scale cannot show.
        rows = curves[(curves["category"] == category) & (curves[part] > 0)]
        how = {"units": "seed", "markers": False, "linewidth": 0.9, "alpha": 0.8}
        if not rows.empty:
            draw_lines(axes, rows, "epoch", part, look.styles, **how)
            last = rows.groupby(["method", "seed"]).tail(1)
            draw_points(axes, last, "epoch", part, look.styles, s=14)
        _finish(axes)
        if i < len(parts):
            axes.set_title(parts[part])
        if i % len(parts) == 0:
            axes.set_ylabel(f"{literal(category)}\nloss")
        if i >= count - len(parts):
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
