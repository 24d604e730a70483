"""Every method against the convolutional reference: difference, interval, test."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from aexad.report.labels import METRIC, TRADED
from aexad.report.results import Results
from aexad.report.stats.aggregate import category_means, over_categories, seeds_of
from aexad.report.stats.intervals import METHOD, Intervals
from aexad.report.stats.tests import NoTest, friedman_nemenyi, wilcoxon_holm
from aexad.report.tables.format import (
    defined,
    group_columns,
    groups_of,
    interval_text,
    no_interval,
    p_text,
    words,
)
from aexad.report.tables.table import Column, Table
from aexad.report.text.captions import data_phrase
from aexad.report.text.numbers import UNDEFINED, signed
from aexad.report.text.sentences import sentence


def significance_table(results: Results) -> Iterator[Table]:
    """``significance``, if a convolutional reference has something to be compared with."""
    reference = results.roles.reference
    if reference is None:
        return
    metrics = results.metrics[results.metrics["metric"].isin(TRADED)]
    groups = {
        (str(dataset), str(scenario)): part
        for (dataset, scenario), part in metrics.groupby(["dataset", "scenario"], sort=False)
        if {reference} < set(part["method"])
    }
    rows = [
        {"dataset": where[0], "scenario": where[1], "metric": metric} | row
        for where, part in groups.items()
        for metric in TRADED
        for row in _against(reference, part, metric, results.intervals[where])
    ]
    if not rows:
        return
    data, titles = pd.DataFrame(rows), results.method_titles
    tested = [
        Column(header, [p_text(p) for p in data[key]], notes=list(data["test_note"]))
        for key, header in (("p", "p (Wilcoxon)"), ("p_holm", "p (Holm)"))
    ]
    intervals = zip(data["low"], data["high"], strict=True)
    friedman = [
        _friedman(part, [results.titles.get(where[0], where[0]), where[1]] * (len(groups) > 1))
        for where, part in groups.items()
    ]
    yield Table(
        name="significance",
        title="Significance",
        caption=sentence(
            "significance_caption",
            reference=titles[reference],
            method=METHOD,
            one_seed=min(map(len, seeds_of(metrics).values()), default=0) <= 1,
            friedman=friedman,
            data=data_phrase(metrics, results.titles, titles),
        ),
        columns=[
            *group_columns(data, results.titles, of=pd.concat(groups.values())),
            words("Metric", [METRIC[name].label for name in data["metric"]]),
            words("Method", [titles[name] for name in data["method"]]),
            Column("Difference", [defined(value, signed) for value in data["difference"]]),
            Column(
                "95 % interval",
                [interval_text(*ends) or UNDEFINED for ends in intervals],
                notes=list(data["interval_note"]),
            ),
            *tested,
        ],
        data=data,
        blocks_of=groups_of(data, "metric"),
    )


def _against(
    reference: str, metrics: pd.DataFrame, metric: str, intervals: Intervals
) -> list[dict[str, Any]]:
    """One metric: every other method with a value in the reference's categories."""
    rows = metrics[metrics["metric"] == metric]
    cover = over_categories(rows).set_index("method")["cover"].to_dict()
    others = [
        str(name)
        for name in cover
        if name != reference and cover[name] == cover.get(reference, "") != ""
    ]
    if not others:
        return []
    # Each pair on its common seeds: the reference has a column for each of the other methods.
    pairs = [(name, f"{reference} for {name}") for name in others]
    means = pd.concat(
        [
            category_means(rows[rows["method"].isin([name, reference])], metric).rename(
                columns={reference: same_seeds}
            )
            for name, same_seeds in pairs
        ],
        axis=1,
    )
    tests = wilcoxon_holm(means, pairs)
    found = []
    for i, (name, same_seeds) in enumerate(pairs):
        interval = intervals.difference(metric, name, reference)
        p = (math.nan, math.nan) if isinstance(tests, NoTest) else tests[i][2:]
        found.append(
            {
                "method": name,
                "difference": float((means[name] - means[same_seeds]).mean()),
                "low": interval.low,
                "high": interval.high,
                "p": p[0],
                "p_holm": p[1],
                "interval_note": no_interval(interval),
                "test_note": f"N{str(tests)[1:]}." if isinstance(tests, NoTest) else "",
            }
        )
    return found


def _friedman(metrics: pd.DataFrame, where: list[str]) -> str:
    """Friedman's test of each metric, or why there is none."""
    found: Mapping[str, Any] = {
        METRIC[metric].label: friedman_nemenyi(category_means(metrics, metric)) for metric in TRADED
    }
    reasons = [each.reason if isinstance(each, NoTest) else "" for each in found.values()]
    return sentence("friedman", where=where, tests=found, reasons=reasons, p_text=p_text)
