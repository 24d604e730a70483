"""The answer as a table: every method x quality and cost, means with 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from aexad.report.labels import HEADLINE, QUANTITY
from aexad.report.results import Results
from aexad.report.stats.aggregate import over_categories
from aexad.report.stats.intervals import METHOD, Intervals
from aexad.report.stats.tests import Interval
from aexad.report.tables.format import (
    TRAINING_COSTS,
    Notes,
    comparable,
    macro_values,
    method_cells,
    ranks,
    training_cost_columns,
)
from aexad.report.tables.table import Cell, Table, plain_table
from aexad.report.text.captions import data_phrase, emphasis_phrase, of_masks
from aexad.report.text.numbers import UNDEFINED, number, quantity

ANOMALOUS = "X-AUC, F1 and IoU are over the anomalous test images alone."
WITHOUT_MASKS = "metrics of pixels are left out, because the data have no masks."
ABOUT = {"encoder": "Encoder", "pretrained": "Pre-trained", "tuning": "Tuning"}
PARAMETERS = ("trained_parameters", "frozen_parameters")


def encoders_table(measured: Results) -> Table:
    """Methods x metrics and costs, macro means; a block for each data set and scenario."""
    rows = measured.metrics
    present = [name for name in HEADLINE if rows.loc[rows["metric"] == name, "value"].notna().any()]
    groups = list(rows.groupby(["dataset", "scenario"], sort=False))
    several = len(groups) > 1
    notes = Notes()
    blocks, records = [], []
    for keys, part in groups:
        dataset, scenario = map(str, keys)
        group = _Group(measured, part, measured.intervals[dataset, scenario], present)
        where = [Cell(measured.titles.get(dataset, dataset)), Cell(scenario)] * several
        blocks.append(tuple((*where, *row) for row in group.rows(notes)))
        records += [{"dataset": dataset, "scenario": scenario} | row for row in group.records()]
    reading = ANOMALOUS if len(of_masks(rows)) == len(rows) else WITHOUT_MASKS
    words = [*["Data set", "Scenario"] * several, "Method", *ABOUT.values()]
    labels = [QUANTITY[name].label for name in (*present, *TRAINING_COSTS)]
    return Table(
        name="encoders",
        title="Encoders",
        caption=f"Means over the categories, each of which weighs the same; {reading} {METHOD} "
        "Costs are those of one training, on the machine that made it; parameters: trained, and in "
        "all. "
        f"{data_phrase(rows[rows['metric'].isin(present)], measured.titles)} "
        f"{emphasis_phrase(rows)}; costs: the lowest.",
        header=tuple(Cell(text) for text in [*words, *labels, "parameters [M]"]),
        blocks=tuple(blocks),
        words=len(words),
        notes=notes.all(),
        numbers=plain_table(records),
    )


class _Group:
    """The methods of one data set and scenario."""

    def __init__(
        self,
        measured: Results,
        metrics: pd.DataFrame,
        intervals: Intervals,
        present: Sequence[str],
    ) -> None:
        self.measured, self.intervals, self.present = measured, intervals, present
        self.about = {row["method"]: row for row in measured.methods.to_dict("records")}
        self.means = over_categories(metrics[metrics["metric"].isin([*present, *TRAINING_COSTS])])
        self.names = [str(name) for name in metrics["method"].unique()]

    def rows(self, notes: Notes) -> list[tuple[Cell, ...]]:
        """One row a method; best and runner-up are those of each column."""
        columns = [method_cells(self.names, self.measured.methods, notes)]
        columns += [[Cell(self.about[name][key]) for name in self.names] for key in ABOUT]
        columns += [self._column(metric, notes) for metric in self.present]
        columns += training_cost_columns(self.means, self.names, notes)
        columns.append([Cell(self._parameters_text(name)) for name in self.names])
        return list(zip(*columns, strict=True))

    def records(self) -> list[dict[str, Any]]:
        """The same for machines: means, the ends of their intervals, costs, parameters."""
        return [self._record(name) for name in self.names]

    def _column(self, metric: str, notes: Notes) -> list[Cell]:
        values = macro_values(self.means, metric, self.names)
        places = ranks(values) if comparable(self.means, metric) else [""] * len(values)
        cells = []
        for name, value, place in zip(self.names, values, places, strict=True):
            text, note = UNDEFINED, value.note
            if not math.isnan(value.mean):
                found = self.intervals.of(metric, name)
                text = number(value.mean)
                if isinstance(found, Interval):
                    text += f" [{number(found.low)}, {number(found.high)}]"
                else:
                    note = f"{note} No interval: {found.reason}.".strip()
            cells.append(Cell(text, place, notes.mark(note)))
        return cells

    def _record(self, name: str) -> dict[str, Any]:
        own = self.means[self.means["method"] == name]
        record: dict[str, Any] = {
            "method": name,
            **{key: self.about[name][key] for key in ABOUT},
            "categories": own["of"].max(),
            "seeds": own["seeds"].max(),
        }
        means = own.set_index("metric")["mean"].to_dict()
        for metric in self.present:
            record[metric] = means.get(metric, math.nan)
            found = self.intervals.of(metric, name)
            ends = found if isinstance(found, Interval) else Interval(math.nan, math.nan)
            record |= {f"{metric}_low": ends.low, f"{metric}_high": ends.high}
        record |= {cost: means.get(cost, math.nan) for cost in TRAINING_COSTS}
        return record | dict(zip(PARAMETERS, self._parameters(name), strict=True))

    def _parameters(self, name: str) -> list[float]:
        texts = [str(self.about[name][key]) for key in PARAMETERS]
        return [float(text) if text.isdigit() else math.nan for text in texts]

    def _parameters_text(self, name: str) -> str:
        trained, frozen = (each / 1e6 for each in self._parameters(name))
        if math.isnan(trained) or math.isnan(frozen):
            return UNDEFINED
        return f"{quantity(trained)} of {quantity(trained + frozen)}"
