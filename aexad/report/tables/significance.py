"""Every method against the convolutional reference: difference, interval, test."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from aexad.report.labels import METRIC, TRADED
from aexad.report.results import Results
from aexad.report.stats.aggregate import category_means, over_categories, seeds_of
from aexad.report.stats.intervals import METHOD, Intervals
from aexad.report.stats.tests import Interval, NoTest, Pair, friedman_nemenyi, wilcoxon_holm
from aexad.report.tables.format import Notes
from aexad.report.tables.table import Cell, Table, plain_table
from aexad.report.text.captions import data_phrase
from aexad.report.text.numbers import UNDEFINED, signed

HEADER = ("Metric", "Method", "Difference", "95 % interval", "p (Wilcoxon)", "p (Holm)")


def significance_table(measured: Results) -> Iterator[Table]:
    """``significance``, if a convolutional reference has something to be compared with."""
    reference = measured.roles.reference
    if reference is None:
        return
    rows = measured.metrics[measured.metrics["metric"].isin(TRADED)]
    groups = [
        (str(keys[0]), str(keys[1]), part)
        for keys, part in rows.groupby(["dataset", "scenario"], sort=False)
        if {reference} < set(part["method"])
    ]
    if not groups:
        return
    several = len(groups) > 1
    notes = Notes()
    blocks, records, said = [], [], []
    for dataset, scenario, part in groups:
        intervals = measured.intervals[dataset, scenario]
        where = [Cell(measured.titles.get(dataset, dataset)), Cell(scenario)] * several
        for metric in TRADED:
            found = _against(reference, part, metric, intervals)
            if not found:
                continue
            blocks.append(tuple((*where, *_row(each, notes)) for each in found))
            records += [{"dataset": dataset, "scenario": scenario} | _plain(row) for row in found]
        said.append(_friedman(part, [cell.text for cell in where]))
    if not blocks:
        return
    words = 4 if several else 2
    yield Table(
        name="significance",
        title="Significance",
        caption=f"Each method less {reference}, macro means on the seeds that both have. {METHOD} "
        f"{_of_one_seed(rows)}Wilcoxon's signed-rank test over the categories, two-sided, p also "
        f"with Holm's correction for the methods of the block. {' '.join(said)} "
        f"{data_phrase(rows, measured.titles)}",
        header=tuple(Cell(text) for text in [*["Data set", "Scenario"] * several, *HEADER]),
        blocks=tuple(blocks),
        words=words,
        notes=notes.all(),
        numbers=plain_table(records),
    )


def _against(
    reference: str, metrics: pd.DataFrame, metric: str, intervals: Intervals
) -> list[dict[str, Any]]:
    """One metric: every other method with a value in the reference's categories."""
    rows = metrics[metrics["metric"] == metric]
    cover = over_categories(rows).set_index("method")["cover"].to_dict()
    if not cover.get(reference):
        return []
    others = [str(name) for name in cover if name != reference and cover[name] == cover[reference]]
    # Each beside the reference's means over the seeds that the two have in common.
    both = {
        name: category_means(rows[rows["method"].isin([name, reference])], metric).rename(
            columns={reference: f"{reference} beside {name}"}
        )
        for name in others
    }
    if not both:
        return []
    pairs = [(name, f"{reference} beside {name}") for name in others]
    table = pd.concat(both.values(), axis=1)
    differences = {name: (table[name] - table[beside]).mean() for name, beside in pairs}
    tested = wilcoxon_holm(table, pairs)
    return [
        {
            "metric": metric,
            "method": name,
            "difference": float(differences[name]),
            "interval": intervals.difference(metric, name, reference),
            "test": tested if isinstance(tested, NoTest) else tested[place],
        }
        for place, name in enumerate(others)
    ]


def _of_one_seed(metrics: pd.DataFrame) -> str:
    if min(map(len, seeds_of(metrics).values()), default=0) > 1:
        return ""
    return "Of one seed, an interval tells the chance of the images alone. "


def _row(found: dict[str, Any], notes: Notes) -> tuple[Cell, ...]:
    interval, test = found["interval"], found["test"]
    words = Cell(METRIC[found["metric"]].label), Cell(found["method"])
    ends = (
        Cell(f"[{signed(interval.low)}, {signed(interval.high)}]")
        if isinstance(interval, Interval)
        else Cell(UNDEFINED, mark=notes.mark(f"No interval: {interval.reason}."))
    )
    if isinstance(test, Pair):
        tested = (Cell(_p(test.p)), Cell(_p(test.adjusted)))
    else:
        none = Cell(UNDEFINED, mark=notes.mark(f"{str(test)[0].upper()}{str(test)[1:]}."))
        tested = (none, none)
    return (*words, Cell(signed(found["difference"])), ends, *tested)


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    interval, test = found["interval"], found["test"]
    ends = interval if isinstance(interval, Interval) else Interval(math.nan, math.nan)
    p = (test.p, test.adjusted) if isinstance(test, Pair) else (math.nan, math.nan)
    plain = {key: found[key] for key in ("metric", "method", "difference")}
    return plain | {"low": ends.low, "high": ends.high, "p": p[0], "p_holm": p[1]}


def _friedman(metrics: pd.DataFrame, where: list[str]) -> str:
    """One sentence a metric, or one that says why there is no test of any."""
    said = []
    for metric in TRADED:
        found = friedman_nemenyi(category_means(metrics, metric))
        if isinstance(found, NoTest):
            said.append(f"{found.reason}")
            continue
        said.append(
            f"{METRIC[metric].label}: p {_p(found.p)}, Nemenyi's critical difference of mean ranks "
            f"{found.critical_difference:.2f} ({found.categories} categories)"
        )
    place = f" ({', '.join(where)})" if where else ""
    if len(set(said)) == 1:
        return f"Friedman's test{place}: no test possible, because {said[0]}."
    return f"Friedman's test{place}: {'; '.join(said)}."


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
