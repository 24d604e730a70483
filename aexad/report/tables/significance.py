"""Every method against the convolutional reference: difference, interval, test."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from aexad.report.labels import METRIC, TRADED
from aexad.report.results import Results
from aexad.report.stats.aggregate import (
    GROUP,
    category_means,
    over_categories,
    ranked_means,
    seeds_of,
)
from aexad.report.stats.intervals import METHOD, Intervals
from aexad.report.stats.tests import (
    Interval,
    NoTest,
    Pair,
    friedman_nemenyi,
    holm,
    least_corrected,
    unreachable,
    wilcoxon_holm,
)
from aexad.report.tables.format import blocks_of, group_columns, no_interval, words
from aexad.report.tables.table import Column, Table
from aexad.report.text.captions import caption
from aexad.report.text.numbers import interval_text, p_text, signed
from aexad.report.text.sentences import sentence


def significance_table(results: Results) -> Iterator[Table]:
    """``significance``, if a convolutional reference has something to be compared with."""
    reference = results.roles.reference
    metrics = results.metrics[results.metrics["metric"].isin(TRADED)]
    groups = {
        (str(dataset), str(scenario)): part
        for (dataset, scenario), part in metrics.groupby(GROUP, sort=False)
        if {reference} < set(part["method"])
    }
    rows = [
        {"dataset": where[0], "scenario": where[1], "metric": metric} | row
        for where, part in groups.items()
        for metric in TRADED
        for row in _against(str(reference), part, metric, results.intervals[where])
    ]
    if not rows:
        return
    data, titles = pd.DataFrame(rows), results.method_titles
    interval_notes, test_notes = data.pop("interval_note"), data.pop("test_note")
    least = data.pop("least").dropna()  # NaN where nothing is tested
    intervals = [interval_text(Interval(*ends)) for ends in data[["low", "high"]].to_numpy()]
    yield Table(
        name="significance",
        title="Significance",
        caption=caption(
            "significance_caption",
            results,
            metrics,
            reference=titles[str(reference)],
            method=METHOD,
            unreachable=unreachable(least),
            one_seed=min(map(len, seeds_of(metrics).values()), default=0) <= 1,
            friedman=[
                _friedman(
                    part, [results.titles.get(where[0], where[0]), where[1]] * (len(groups) > 1)
                )
                for where, part in groups.items()
            ],
        ),
        columns=[
            *group_columns(data, results.titles),
            words("Metric", [METRIC[name].label for name in data["metric"]]),
            words("Method", [titles[name] for name in data["method"]]),
            Column("Difference", list(map(signed, data["difference"]))),
            Column("95 % interval", intervals, notes=list(interval_notes)),
            Column("p (Wilcoxon)", list(map(p_text, data["p"])), notes=list(test_notes)),
            Column("p (Holm)", list(map(p_text, data["p_holm"])), notes=list(test_notes)),
        ],
        data=data,
        blocks_of=blocks_of(data, *GROUP, "metric"),
    )


def _against(
    reference: str, metrics: pd.DataFrame, metric: str, intervals: Intervals
) -> Iterator[dict[str, Any]]:
    """One metric: every other method with a value in the reference's categories."""
    rows = metrics[metrics["metric"] == metric]
    cover = over_categories(rows).set_index("method")["cover"]
    covered = cover.get(reference)
    others = [str(name) for name in cover.index[cover == covered] if name != reference]
    if not covered or not others:
        return
    # Each pair on its own common seeds and categories: a gap of one does not touch the others.
    tests: dict[str, Pair | NoTest] = {}
    for name in others:
        means = category_means(rows[rows["method"].isin([name, reference])], metric)
        found = wilcoxon_holm(means, [(name, reference)])
        tests[name] = found if isinstance(found, NoTest) else found[0]
    tested = {name: test.p for name, test in tests.items() if isinstance(test, Pair)}
    corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
    for name, test in tests.items():
        difference, interval = intervals.difference(metric, name, reference)
        yield {
            "method": name,
            "difference": difference,
            "low": interval.low,
            "high": interval.high,
            "p": test.p,
            "p_holm": corrected.get(name, math.nan),
            "least": math.nan
            if isinstance(test, NoTest)
            else least_corrected(test.categories, len(tested)),
            "interval_note": no_interval(interval),
            "test_note": f"No test possible, because {test.reason}."
            if isinstance(test, NoTest)
            else "",
        }


def _friedman(metrics: pd.DataFrame, where: list[str]) -> str:
    """Friedman's test of each metric, or the reason why it is not possible."""
    tests = {
        METRIC[metric].label: friedman_nemenyi(ranked_means(metrics, metric)) for metric in TRADED
    }
    reasons = [test.reason if isinstance(test, NoTest) else "" for test in tests.values()]
    return sentence("friedman", where=where, tests=tests, reasons=reasons)
