"""The headline table: every method x quality and cost, means with 95 % intervals."""

from __future__ import annotations

import math

import pandas as pd

from aexad.report.labels import HEADLINE
from aexad.report.results import Results
from aexad.report.stats.intervals import METHOD
from aexad.report.tables.format import (
    GROUP,
    defined,
    group_columns,
    groups_of,
    interval_text,
    method_column,
    no_interval,
    words,
)
from aexad.report.tables.method_means import TRAINING_COSTS, MethodMeans
from aexad.report.tables.table import Column, Table
from aexad.report.text.captions import data_phrase, emphasis_phrase, of_masks
from aexad.report.text.numbers import UNDEFINED, number, quantity

ANOMALOUS = "X-AUC, F1 and IoU are over the anomalous test images alone."
WITHOUT_MASKS = "metrics of pixels are left out, because the data have no masks."
ABOUT = {"encoder": "Encoder", "pretrained": "Pre-trained", "tuning": "Tuning"}
PARAMETERS = ["trained_parameters", "frozen_parameters"]


def encoders_table(results: Results) -> Table:
    """Methods x metrics and costs, macro means; a block for each data set and scenario."""
    metrics = results.metrics
    valued = set(metrics.loc[metrics["value"].notna(), "metric"])
    shown = [name for name in HEADLINE if name in valued]
    means = MethodMeans(metrics, [*shown, *TRAINING_COSTS])
    data = means.rows.merge(results.methods[["method", *ABOUT, *PARAMETERS]], how="left")
    parameters = data[PARAMETERS].apply(pd.to_numeric, errors="coerce").astype(float)
    data = data.drop(columns=PARAMETERS)
    data["categories"], data["seeds"] = means.highest("of"), means.highest("seeds")
    columns = [
        *group_columns(data, results.titles),
        method_column(data["method"], results.methods),
        *(words(header, data[key]) for key, header in ABOUT.items()),
    ]
    for metric in shown:
        data[metric] = means.of(metric)["mean"]
        intervals = [
            results.intervals[dataset, scenario].of(metric, method)
            for dataset, scenario, method in means.rows[[*GROUP, "method"]].to_numpy()
        ]
        data[f"{metric}_low"] = [interval.low for interval in intervals]
        data[f"{metric}_high"] = [interval.high for interval in intervals]
        ends = data[[metric, f"{metric}_low", f"{metric}_high"]].to_numpy()
        texts = [
            f"{defined(mean)} {interval_text(low, high, number)}".strip()
            for mean, low, high in ends
        ]
        notes = [
            "" if math.isnan(mean) else no_interval(interval)
            for mean, interval in zip(data[metric], intervals, strict=True)
        ]
        columns.append(means.column(metric, texts=texts, notes=notes))
    data = data.assign(**{cost: means.of(cost)["mean"] for cost in TRAINING_COSTS})
    data = data.join(parameters)
    columns += means.cost_columns()
    columns.append(
        Column("parameters [M]", [_parameters(*each) for each in parameters.to_numpy() / 1e6])
    )
    quality = metrics[metrics["metric"].isin(shown)]
    reading = ANOMALOUS if len(of_masks(metrics)) == len(metrics) else WITHOUT_MASKS
    return Table(
        name="encoders",
        title="Encoders",
        caption=f"Means over the categories, each of which weighs the same; {reading} {METHOD} "
        "Costs are those of one training, on the machine that made it; parameters: trained, and in "
        f"all. {data_phrase(quality, results.titles, results.method_titles)} "
        f"{emphasis_phrase(metrics)}; costs: the lowest.",
        columns=columns,
        data=data,
        blocks_of=groups_of(data),
    )


def _parameters(trained: float, frozen: float) -> str:
    if math.isnan(trained + frozen):
        return UNDEFINED
    return f"{quantity(trained)} of {quantity(trained + frozen)}"
