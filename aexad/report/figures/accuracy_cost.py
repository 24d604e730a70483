"""X-AUC against seconds of training and inference, and against CO2 where it was measured."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure

from aexad.evaluation.run_files import read_runs
from aexad.report.figures.base import Drawing, Group
from aexad.report.figures.label_placement import place_labels
from aexad.report.labels import METRIC, counted, listed
from aexad.report.stats.aggregate import whole_means
from aexad.report.stats.intervals import METHOD, Intervals
from aexad.report.stats.tests import Interval
from aexad.report.style import add_legend, draw_points, grid_of, literal, name_ticks
from aexad.report.text.numbers import number

MEASURES = ("xauc", "image_auroc")
"""The metric against the cost: X-AUC, or without masks the image AUROC."""

MOST_NAMED = 10

AXES = {
    "training_seconds": "training, seconds per run",
    "inference_ms": "inference, milliseconds per image",
    "co2_g": "CO2 of training and inference, grams per run",
}


def cost_drawings(group: Group) -> Iterator[Drawing]:
    """``accuracy_cost``: one panel each for training, inference, and the CO2 of both."""
    metric = next((name for name in MEASURES if group.known(name)), None)
    if not group.runs or metric is None:
        return
    table = cost_table(group.metrics, metric)
    if table.empty:
        return
    table = _with_intervals(table, group, metric)
    has_interval = table["low"].notna().any()
    interval = "the bar is its 95 % interval" if has_interval else "no interval is possible"
    label = METRIC[metric].label
    spoken = [
        f"{group.shown(str(method))} {number(row['mean'])} in {row['training_seconds']:.3g} s"
        for method, row in table.iterrows()
    ]
    co2 = (
        "CO2 is an estimate by codecarbon."
        if table["co2_g"].notna().any()
        else "CO2 was not measured."
    )
    yield group.drawing(
        "accuracy_cost",
        f"{label} against its cost",
        f"{group.phrase} Mean {label} over the categories; {interval}. {METHOD} Costs are medians "
        f"over the runs of a method on the machine that made them ({_machines(group)}); log scale. "
        f"{co2} Upper left is better.",
        f"Dot plots of {label} against seconds of training and of inference. {label} and training "
        f"time: {listed(spoken, most=12)}.",
        lambda: cost_figure(table, label, group),
    )


def cost_table(metrics: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Accuracy and cost of each method whose cost is known.

    Parameters
    ----------
    metrics : DataFrame
        Rows of ``metrics.csv`` of one data set and scenario.
    metric : str
        The metric against the cost.

    Returns
    -------
    DataFrame
        By method: mean (of the metric, over the categories), and the medians over its runs of
        training_seconds, inference_ms (milliseconds per image) and co2_g (missing where a run has
        no value). Methods that lack a category are left out.
    """
    runs = metrics.pivot_table(
        index=["method", "category", "seed"],
        columns="metric",
        values="value",
        sort=False,
        dropna=False,
    ).dropna(how="all")
    names = ["training_seconds", "training_co2_g", "inference_co2_g"]
    costs = runs.reindex(columns=names).astype("float64")
    inference = metrics[metrics["metric"] == "inference_seconds"]
    milliseconds = (1000 * inference["value"] / inference["n"].where(inference["n"] > 0)).array
    keys = [inference[name] for name in runs.index.names]
    costs["inference_ms"] = pd.Series(milliseconds, index=pd.MultiIndex.from_arrays(keys))
    costs["co2_g"] = costs.pop("training_co2_g") + costs.pop("inference_co2_g")
    grouped = costs.groupby("method", sort=False)
    middle = grouped.median()  # one run that had to wait for other jobs would decide a mean
    middle["co2_g"] = middle["co2_g"].where(grouped["co2_g"].count() == grouped.size())
    accuracy = whole_means(metrics[metrics["metric"] == metric]).set_index("method")["mean"]
    return middle.assign(mean=accuracy).dropna(subset=["training_seconds", "mean"])


def cost_figure(table: pd.DataFrame, label: str, group: Group) -> Figure:
    """Draw one panel per cost, one point per method with its interval where ``low`` is known.

    More than :data:`MOST_NAMED` methods have numbers, with a key above the panels.
    """
    shown = [name for name in AXES if table[name].notna().any()]
    names = [literal(group.shown(str(method))) for method in table.index]
    key = []
    if len(names) > MOST_NAMED:
        for i, method in enumerate(table.index):
            style = group.look.styles[str(method)]
            key.append(style.handle(f"{i + 1}: {group.shown(str(method))}", line=False))
            names[i] = str(i + 1)
    height = 1.7 + 0.09 * min(len(table), MOST_NAMED)
    figure, panels = grid_of(len(shown), 1, height, 0.2, sharey=True)
    if key:
        add_legend(figure, key)
    table = table.assign(name=names).reset_index()
    for axes, cost in zip(panels, shown, strict=True):
        rows = table[table[cost].notna()]
        colours = [group.look.styles[method].colour for method in rows["method"]]
        axes.vlines(rows[cost], rows["low"], rows["high"], colors=colours, linewidth=1)
        draw_points(axes, rows, cost, "mean", group.look.styles, s=30)
        axes.set(xlabel=AXES[cost], ylabel=label)
        low, high = float(rows[cost].min()), float(rows[cost].max())
        room = max((high / low) ** 0.12, 1.25)
        axes.set_xscale("log")
        axes.set_xlim(low / room, high * room)
        axes.margins(y=0.15)
        name_ticks(axes.xaxis, low / room, high * room)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes, cost in zip(panels, shown, strict=True):
        rows = table[table[cost].notna()]
        points = list(zip(rows[cost], rows["mean"], strict=True))
        bars = list(zip(rows["low"], rows["high"], strict=True))
        place_labels(axes, points, list(rows["name"]), bars)
    return figure


def _with_intervals(table: pd.DataFrame, group: Group, metric: str) -> pd.DataFrame:
    """Add ``low`` and ``high``; missing where there is no interval."""
    # Without the counts of the runs, which no metric of MEASURES needs.
    intervals = Intervals(group.metrics, group.per_image(), lambda *run: None)
    each = {method: intervals.of(metric, method) for method in map(str, table.index)}
    known = {
        method: interval for method, interval in each.items() if isinstance(interval, Interval)
    }
    ends = pd.DataFrame.from_dict(known, orient="index", columns=list(Interval._fields))
    return table.join(ends[["low", "high"]].astype("float64"))


def _machines(group: Group) -> str:
    """Devices and threads of the trainings, each different pair once."""

    def machine(content: dict[str, object], _: object) -> str:
        return f"{content['device']}, {counted(int(str(content['threads'])), 'thread')}"

    machines = read_runs(group.runs, group.results, "provenance.json", machine)
    return "; ".join(dict.fromkeys(machines))
