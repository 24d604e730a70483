"""The comparisons that a benchmark is made for: its questions, each with difference and test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from aexad.config.benchmark import Comparison
from aexad.report.labels import METRIC
from aexad.report.results import Results
from aexad.report.stats.aggregate import GROUP, category_means, on_common_seeds
from aexad.report.stats.intervals import METHOD, Intervals
from aexad.report.stats.tests import Interval, NoTest, holm, wilcoxon_holm
from aexad.report.tables.format import blocks_of, group_columns, no_interval, words
from aexad.report.tables.table import Column, Table
from aexad.report.text.captions import caption
from aexad.report.text.numbers import interval_text, p_text, signed

COMPARED = ("xauc", "pro", "f1", "iou", "image_auroc")


def comparisons_table(results: Results) -> Iterator[Table]:
    """``comparisons``, if the benchmark names some and both methods of one have runs."""
    metrics = results.metrics[
        results.metrics["metric"].isin(COMPARED) & results.metrics["value"].notna()
    ]
    rows = [
        {"dataset": str(dataset), "scenario": str(scenario)} | row
        for (dataset, scenario), part in metrics.groupby(GROUP, sort=False)
        for each in results.comparisons
        for row in _compared(each, part, results.intervals[str(dataset), str(scenario)])
    ]
    if not rows:
        return
    data, titles = pd.DataFrame(rows), results.method_titles
    data.insert(data.columns.get_loc("p") + 1, "p_holm", _holm(data))
    interval_notes, test_notes = data.pop("interval_note"), data.pop("test_note")
    intervals = [interval_text(Interval(*ends)) for ends in data[["low", "high"]].to_numpy()]
    made = set(data["question"])
    pairs = data[["method", "less"]].to_numpy().ravel()
    yield Table(
        name="comparisons",
        title="Comparisons",
        caption=caption(
            "comparisons",
            results,
            metrics[metrics["method"].isin(pairs)],
            method=METHOD,
            one_seed=bool((data["seeds"] == 1).any()),
            left_out=[
                f"'{each.question}'" for each in results.comparisons if each.question not in made
            ],
        ),
        columns=[
            *group_columns(data, results.titles),
            words("Question", data["question"]),
            words("Method", [titles[name] for name in data["method"]]),
            words("Less", [titles[name] for name in data["less"]]),
            words("Metric", [METRIC[name].label for name in data["metric"]]),
            Column("Seeds", list(map(str, data["seeds"]))),
            Column("Difference", list(map(signed, data["difference"]))),
            Column("95 % interval", intervals, notes=list(interval_notes)),
            Column("Higher", [f"{row.higher} of {row.categories}" for row in data.itertuples()]),
            Column("p (Wilcoxon)", list(map(p_text, data["p"])), notes=list(test_notes)),
            Column("p (Holm)", list(map(p_text, data["p_holm"])), notes=list(test_notes)),
        ],
        data=data,
        blocks_of=blocks_of(data, *GROUP, "question", "method", "less"),
    )


def _compared(
    comparison: Comparison, metrics: pd.DataFrame, intervals: Intervals
) -> Iterator[dict[str, Any]]:
    """One row for each metric in which both methods have a value in a category."""
    pair = [comparison.method, comparison.less]
    common = on_common_seeds(metrics, pair)
    for metric in COMPARED:
        means = category_means(common, metric)
        if not set(pair) <= set(means):
            continue
        difference, interval = intervals.difference(metric, *pair)
        tests = wilcoxon_holm(means, [(comparison.method, comparison.less)])
        test = tests if isinstance(tests, NoTest) else tests[0]
        by_category = (means[comparison.method] - means[comparison.less]).dropna()
        yield comparison.model_dump() | {
            "metric": metric,
            "seeds": common.loc[common["metric"] == metric, "seed"].nunique(),
            "difference": difference,
            "low": interval.low,
            "high": interval.high,
            "higher": int((by_category > 0).sum()),
            "categories": len(by_category),
            "p": test.p,
            "interval_note": no_interval(interval),
            "test_note": f"N{str(test)[1:]}." if isinstance(test, NoTest) else "",
        }


def _holm(data: pd.DataFrame) -> pd.Series:
    """Holm's correction of p, for the tested comparisons of a data set, scenario and metric."""
    tested = data[data["p"].notna()]
    corrected = [
        pd.Series(holm(list(part)), part.index)
        for _, part in tested.groupby([*GROUP, "metric"])["p"]
    ]
    return pd.concat([pd.Series(dtype=float), *corrected]).reindex(data.index)
