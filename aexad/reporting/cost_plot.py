"""What accuracy costs: X-AUC against seconds, and against CO2 where it was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from aexad.reporting.averages import over_categories
from aexad.reporting.cells import number
from aexad.reporting.costs import read_costs
from aexad.reporting.drawing import Drawing, Group
from aexad.reporting.labels import METRIC, listed
from aexad.reporting.placing import place_labels
from aexad.reporting.style import TEXT_WIDTH, literal, name_ticks

MEASURES = ("xauc", "image_auroc")
"""What is set against the cost: X-AUC, or without masks the image AUROC."""


class Intervals(NamedTuple):
    """How sure the means are: columns method, low, high; and what these are, for the caption."""

    table: pd.DataFrame
    phrase: str


def range_over_seeds(metrics: pd.DataFrame) -> Intervals:
    """The lowest and the highest seed's mean over the categories.

    Parameters
    ----------
    metrics : DataFrame
        Rows of ``metrics.csv`` of one data set, scenario and metric.
    """
    seeds = metrics.groupby(["method", "seed"], sort=False)["value"].mean()
    table = seeds.groupby("method", sort=False).agg(["min", "max"]).reset_index()
    return Intervals(
        table.set_axis(["method", "low", "high"], axis=1), "the lowest and the highest seed"
    )


def cost_drawings(
    group: Group, intervals: Callable[[pd.DataFrame], Intervals] = range_over_seeds
) -> Iterator[Drawing]:
    """``accuracy_cost``: a panel each for training, for inference, and for the CO2 of both."""
    metric = next((name for name in MEASURES if group.known(name)), None)
    if not group.runs or metric is None:
        return
    costs = read_costs(group.runs, group.results)
    table = cost_table(costs)
    rows = group.metrics[group.metrics["metric"] == metric]
    means = over_categories(rows).set_index("method")["mean"]
    sure = intervals(rows[rows["method"].isin(table.index)])
    ends = sure.table.set_index("method")
    table = table.assign(mean=means, low=ends["low"], high=ends["high"])
    label = METRIC[metric].label
    machines = listed(
        [f"{device}, threads: {threads}" for device, threads in _machines(costs)], most=4
    )
    spoken = [
        f"{group.shown(str(method))} {number(row['mean'])} in {row['training']:.3g} s"
        for method, row in table.iterrows()
    ]
    co2 = (
        "CO2 is codecarbon's estimate."
        if table["co2_g"].notna().any()
        else "CO2 was not measured (no country set, or codecarbon not installed)."
    )
    yield Drawing(
        name=f"accuracy_cost_{group.where}",
        title=f"{label} against its cost: {group.place}",
        caption=f"{group.phrase} Mean {label} over the categories; the bar runs from "
        f"{sure.phrase}. Costs are means over the runs of a method, on the machine that made them "
        f"({machines}); log scale. {co2} Upper left is better.{group.look.note}",
        alt=f"Dot plots of {label} against seconds of training and of inference. {label} and "
        f"training time: {listed(spoken, most=12)}.",
        draw=lambda: cost_figure(table, label, group),
    )


def cost_table(costs: pd.DataFrame) -> pd.DataFrame:
    """Mean costs of a run of each method.

    Returns
    -------
    DataFrame
        By method: training (seconds), inference (milliseconds an image), co2_g (grams of training
        and inference together; missing where a run of the method has no value).
    """
    each = costs.pivot_table(
        index=["method", "dataset", "category", "scenario", "seed"],
        columns="phase",
        values=["seconds", "images", "co2_g"],
        sort=False,
        dropna=False,
    )
    table = pd.DataFrame(
        {
            "training": each["seconds", "training"],
            "inference": 1000 * each["seconds", "inference"] / each["images", "inference"],
            "co2_g": costs.groupby(
                ["method", "dataset", "category", "scenario", "seed"], sort=False
            )["co2_g"].sum(min_count=2),
        }
    )
    grouped = table.groupby("method", sort=False)
    means = grouped.mean()
    return means.assign(co2_g=means["co2_g"].where(grouped["co2_g"].count() == grouped.size()))


def cost_figure(table: pd.DataFrame, label: str, group: Group) -> Figure:
    """Draw a panel a cost, a labelled point a method."""
    axis = {
        "training": "training, seconds a run",
        "inference": "inference, milliseconds an image",
        "co2_g": "CO2 of training and inference, grams a run",
    }
    shown = [name for name in axis if table[name].notna().any()]
    height = 1.7 + 0.09 * len(table)
    figure = Figure(figsize=(TEXT_WIDTH, height * len(shown) + 0.2), layout="constrained")
    panels = figure.subplots(len(shown), 1, squeeze=False)[:, 0]
    for axes, name in zip(panels, shown, strict=True):
        rows = table[table[name].notna() & table["mean"].notna()]
        for method, row in rows.iterrows():
            style = group.look.styles[str(method)]
            axes.plot([row[name]] * 2, [row["low"], row["high"]], color=style.colour, linewidth=1)
            axes.plot(
                row[name],
                row["mean"],
                marker=style.marker,
                color=style.colour,
                markersize=5.5,
                markeredgecolor="white",
                markeredgewidth=0.4,
            )
        axes.set_xlabel(axis[name])
        axes.set_ylabel(label)
        _log_axis(axes, rows[name])
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes, name in zip(panels, shown, strict=True):
        rows = table[table[name].notna() & table["mean"].notna()]
        points = [(float(x), float(y)) for x, y in zip(rows[name], rows["mean"], strict=True)]
        place_labels(axes, points, [literal(group.shown(str(method))) for method in rows.index])
    return figure


def _log_axis(axes: Axes, values: pd.Series) -> None:
    low, high = float(values.min()), float(values.max())
    room = max((high / low) ** 0.12, 1.25) if low > 0 else 1.25
    axes.set_xscale("log")
    axes.set_xlim(low / room, high * room)
    axes.margins(y=0.15)
    name_ticks(axes.xaxis, low / room, high * room)
    axes.tick_params(length=2)


def _machines(costs: pd.DataFrame) -> list[tuple[str, int]]:
    pairs = costs[["device", "threads"]].drop_duplicates()
    return [
        (str(device), int(n)) for device, n in zip(pairs["device"], pairs["threads"], strict=True)
    ]
