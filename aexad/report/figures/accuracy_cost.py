"""What accuracy costs: X-AUC against seconds, and against CO2 where it was measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from aexad.report.figures.base import Drawing, Group
from aexad.report.figures.label_placement import place_labels
from aexad.report.labels import METRIC, counted, listed
from aexad.report.run_files import read_runs
from aexad.report.stats.aggregate import over_categories
from aexad.report.stats.intervals import METHOD, Intervals
from aexad.report.stats.tests import Interval
from aexad.report.style import TEXT_WIDTH, add_legend, literal, name_ticks
from aexad.report.text.numbers import number

MEASURES = ("xauc", "image_auroc")
"""What is set against the cost: X-AUC, or without masks the image AUROC."""

MOST_NAMED = 10

AXES = {
    "training_seconds": "training, seconds a run",
    "inference_seconds": "inference on the test images, seconds a run",
    "co2_g": "CO2 of training and inference, grams a run",
}


def cost_drawings(group: Group) -> Iterator[Drawing]:
    """``accuracy_cost``: a panel each for training, for inference, and for the CO2 of both."""
    metric = next((name for name in MEASURES if group.known(name)), None)
    if not group.runs or metric is None:
        return
    table = cost_table(group.metrics, metric)
    if table.empty:
        return
    table = _with_intervals(table, group, metric)
    sure = "the bar is its 95 % interval" if table["low"].notna().any() else "no interval possible"
    label = METRIC[metric].label
    spoken = [
        f"{group.shown(str(method))} {number(row['mean'])} in {row['training_seconds']:.3g} s"
        for method, row in table.iterrows()
    ]
    co2 = (
        "CO2 is an estimate of codecarbon's."
        if table["co2_g"].notna().any()
        else "CO2 was not measured."
    )
    yield Drawing(
        name=f"accuracy_cost_{group.where}",
        title=f"{label} against its cost: {group.place}",
        caption=f"{group.phrase} Mean {label} over the categories; {sure}. {METHOD} Costs are "
        f"means over the runs of a method on the machine that made them ({_machines(group)}); log "
        f"scale. {co2} Upper left is better.{group.look.note}",
        alt=f"Dot plots of {label} against seconds of training and of inference. {label} and "
        f"training time: {listed(spoken, most=12)}.",
        draw=lambda: cost_figure(table, label, group),
    )


def cost_table(metrics: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Accuracy and cost of each method whose cost is known.

    Parameters
    ----------
    metrics : DataFrame
        Rows of ``metrics.csv`` of one data set and scenario.
    metric : str
        What is set against the cost.

    Returns
    -------
    DataFrame
        By method: mean (of the metric, over the categories), training_seconds,
        inference_seconds and co2_g (of a run, on average; CO2 is missing where one of the method's
        runs has no value).
    """
    runs = metrics.pivot_table(
        index=["method", "category", "seed"],
        columns="metric",
        values="value",
        sort=False,
        dropna=False,
    ).dropna(how="all")
    costs = pd.DataFrame(
        {
            "training_seconds": runs.get("training_seconds"),
            "inference_seconds": runs.get("inference_seconds"),
            "co2_g": runs["training_co2_g"] + runs["inference_co2_g"]
            if {"training_co2_g", "inference_co2_g"} <= set(runs)
            else np.nan,
        },
        index=runs.index,
    ).astype("float64")
    grouped = costs.groupby("method", sort=False)
    means = grouped.mean()
    means["co2_g"] = means["co2_g"].where(grouped["co2_g"].count() == grouped.size())
    accuracy = over_categories(metrics[metrics["metric"] == metric]).set_index("method")["mean"]
    return means.assign(mean=accuracy).dropna(subset=["training_seconds", "mean"])


def cost_figure(table: pd.DataFrame, label: str, group: Group) -> Figure:
    """Draw a panel a cost, a labelled point a method, with its interval where ``low`` is known.

    More than :data:`MOST_NAMED` methods are numbered, with a key above the panels.
    """
    shown = [name for name in AXES if table[name].notna().any()]
    names = {str(method): literal(group.shown(str(method))) for method in table.index}
    key = []
    if len(names) > MOST_NAMED:
        key = [
            Line2D([], [], linestyle="", label=f"{place}: {name}", **_mark(group, method))
            for place, (method, name) in enumerate(names.items(), start=1)
        ]
        names = {method: str(place) for place, method in enumerate(names, start=1)}
    height = 1.7 + 0.09 * min(len(table), MOST_NAMED)
    figure = Figure(figsize=(TEXT_WIDTH, height * len(shown) + 0.2), layout="constrained")
    panels = figure.subplots(len(shown), 1, squeeze=False, sharey=True)[:, 0]
    if key:
        add_legend(figure, key)
    for axes, name in zip(panels, shown, strict=True):
        for method, row in table[table[name].notna()].iterrows():
            mark = _mark(group, str(method))
            ends = [row["low"], row["high"]]
            axes.plot([row[name]] * 2, ends, color=mark["color"], linewidth=1)
            axes.plot(row[name], row["mean"], **mark)
        axes.set_xlabel(AXES[name])
        axes.set_ylabel(label)
        _log_axis(axes, table[name].dropna())
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes, name in zip(panels, shown, strict=True):
        rows = table[table[name].notna()]
        points = [(float(x), float(y)) for x, y in zip(rows[name], rows["mean"], strict=True)]
        bars = list(zip(rows["low"], rows["high"], strict=True))
        place_labels(axes, points, [names[str(method)] for method in rows.index], bars)
    return figure


def _mark(group: Group, method: str) -> dict[str, Any]:
    """How the point of a method is drawn."""
    style = group.look.styles[method]
    return {
        "color": style.colour,
        "marker": style.marker,
        "markersize": 5.5,
        "markeredgecolor": "white",
        "markeredgewidth": 0.4,
    }


def _with_intervals(table: pd.DataFrame, group: Group, metric: str) -> pd.DataFrame:
    """Add ``low`` and ``high``; missing where there is no interval."""
    intervals = Intervals(group.metrics, group.per_image())
    found = {str(method): intervals.of(metric, str(method)) for method in table.index}
    known = {m: each for m, each in found.items() if isinstance(each, Interval)}
    ends = pd.DataFrame.from_dict(known, orient="index", columns=list(Interval._fields))
    return table.join(ends.astype("float64"))


def _log_axis(axes: Axes, values: pd.Series) -> None:
    low, high = float(values.min()), float(values.max())
    room = max((high / low) ** 0.12, 1.25)
    axes.set_xscale("log")
    axes.set_xlim(low / room, high * room)
    axes.margins(y=0.15)
    name_ticks(axes.xaxis, low / room, high * room)
    axes.tick_params(length=2)


def _machines(group: Group) -> str:
    """Devices and threads of the trainings; runs that differ are all named."""

    def machine(content: dict[str, object], _: object) -> str:
        return f"{content['device']}, {counted(int(str(content['threads'])), 'thread')}"

    machines = read_runs(group.runs, group.results, "provenance.json", machine)
    return "; ".join(dict.fromkeys(machines))
