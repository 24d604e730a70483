"""The headline table: every method x quality and cost, means with 95 % intervals."""

from __future__ import annotations

import math

import pandas as pd

from aexad.report.labels import HEADLINE, QUANTITY, listed
from aexad.report.results import Results
from aexad.report.stats.aggregate import GROUP, of_masks
from aexad.report.stats.intervals import METHOD
from aexad.report.tables.format import (
    TRAINING_COSTS,
    blocks_of,
    cells_of,
    group_columns,
    mean_cells,
    method_column,
    method_rows,
    metric_columns,
    no_interval,
    printed_column,
    words,
)
from aexad.report.tables.table import Column, Table
from aexad.report.text.captions import caption
from aexad.report.text.numbers import UNDEFINED, number, quantity, with_interval

ABOUT = {
    "labels": "Labelled defects",
    "encoder": "Encoder",
    "pretrained": "Pre-trained",
    "tuning": "Tuning",
}
OF_BINARY_MAP = {"f1", "iou"}
SHAPE = (
    "Of the heat map binarised at its own mean + standard deviation, as in the sources. It depends "
    "on the shape of the map, not on its order alone: a saturated map marks nothing although its "
    "X-AUC is high."
)
PARAMETERS = ["trained_parameters", "frozen_parameters"]


def methods_table(results: Results) -> Table:
    """Methods x metrics and costs, macro means.

    There are two blocks for each data set and scenario: methods that train on the labelled defects,
    then methods that ignore them.
    """
    metrics = results.metrics
    valued = set(metrics.loc[metrics["value"].notna(), "metric"])
    shown = [name for name in HEADLINE if name in valued]
    rows = _in_blocks(method_rows(metrics), results.methods)
    cells = mean_cells(metrics[metrics["metric"].isin([*shown, *TRAINING_COSTS])])
    data = rows.merge(results.methods[["method", *ABOUT]], how="left")
    highest = cells.groupby(list(rows.columns))[["of", "seeds"]].max()
    data = data.join(highest.rename(columns={"of": "categories"}), on=list(rows.columns))
    columns = [
        *group_columns(data, results.titles),
        method_column(data["method"], results.methods),
        *(words(header, data[key]) for key, header in ABOUT.items()),
    ]
    for metric in shown:
        own = cells_of(rows, cells[cells["metric"] == metric])
        intervals = [
            results.intervals[dataset, scenario].of(metric, method)
            for dataset, scenario, method in rows.itertuples(index=False, name=None)
        ]
        data[metric] = own["mean"]
        data[f"{metric}_low"] = [interval.low for interval in intervals]
        data[f"{metric}_high"] = [interval.high for interval in intervals]
        found = list(zip(own["mean"], intervals, own["note"], strict=True))
        own["text"] = [with_interval(mean, interval, number) for mean, interval, _ in found]
        own["note"] = [
            note if math.isnan(mean) else f"{note} {no_interval(interval)}".strip()
            for mean, interval, note in found
        ]
        columns.append(
            printed_column(QUANTITY[metric].label, own, SHAPE * (metric in OF_BINARY_MAP))
        )
    known_costs = [name for name in TRAINING_COSTS if name in valued]
    costs, printed = metric_columns(rows, cells, known_costs, spread=False)
    data, columns = data.join(costs), [*columns, *printed]
    known = rows[["method"]].merge(results.methods, how="left")[PARAMETERS]
    data[PARAMETERS] = known.apply(pd.to_numeric, errors="coerce").astype(float)
    parameters = [_parameters(*each) for each in data[PARAMETERS].to_numpy()]
    columns.append(Column("parameters [M]", parameters))
    return Table(
        name="methods",
        title="Methods",
        caption=caption(
            "methods_caption",
            results,
            metrics[metrics["metric"].isin(shown)],
            method=METHOD,
            masks=len(of_masks(metrics)) == len(metrics),
            unknown=_unknown(metrics[~metrics["metric"].isin(valued)]),
        ),
        columns=columns,
        data=data,
        blocks_of=blocks_of(data, *GROUP, "labels"),
    )


def _in_blocks(rows: pd.DataFrame, methods: pd.DataFrame) -> pd.DataFrame:
    """Sort each data set and scenario: methods that use labelled defects come first."""
    uses = dict(zip(methods["method"], methods["labels"], strict=True))
    ignores = rows["method"].map(uses) == "no"
    group = rows.groupby(GROUP, sort=False).ngroup()
    order = pd.DataFrame({"group": group, "ignores": ignores}).sort_values(
        ["group", "ignores"], kind="stable"
    )
    return rows.loc[order.index].reset_index(drop=True)


def _parameters(trained: float, frozen: float) -> str:
    if math.isnan(trained + frozen):
        return UNDEFINED
    return f"{quantity(trained / 1e6)} of {quantity((trained + frozen) / 1e6)}"


def _unknown(metrics: pd.DataFrame) -> list[str]:
    """Costs that no run has, each with its reasons, for the caption."""
    costs = metrics[metrics["metric"].isin(TRAINING_COSTS)]
    return [
        f"{QUANTITY[str(name)].label} ({listed(sorted(set(own['reason']) - {''}))})"
        for name, own in costs.groupby("metric")
    ]
