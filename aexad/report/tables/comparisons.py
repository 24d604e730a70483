"""The comparisons that a benchmark is made for: its questions, each with differences and tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from aexad.config.benchmark import Comparison
from aexad.report.labels import METRIC
from aexad.report.results import Results
from aexad.report.stats.aggregate import GROUP, category_means, on_common_seeds
from aexad.report.stats.intervals import METHOD, Intervals
from aexad.report.stats.tests import (
    DIGITS,
    LEVEL,
    NoTest,
    holm,
    least_corrected,
    unreachable,
    wilcoxon_holm,
)
from aexad.report.tables.format import blocks_of, group_columns, no_interval, words
from aexad.report.tables.table import BEST, Column, Table
from aexad.report.text.captions import caption
from aexad.report.text.numbers import UNDEFINED, with_interval

COMPARED = ("xauc", "pro", "f1", "iou", "image_auroc")
ROW = [*GROUP, "question", "method", "less"]
NUMBERS = ("difference", "low", "high", "higher", "categories", "p", "p_holm")
"""Columns of the ``.csv`` for each metric: ``xauc_difference`` and so on."""


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
    cells = pd.DataFrame(rows)
    cells["p_holm"] = _holm(cells)
    if cells["p"].notna().any():  # else the caption says it of all
        whys = [f" No test: {why}." * bool(why) for why in cells["untested"]]
        cells["note"] = (cells["note"] + whys).str.strip()
    data = cells.groupby(ROW, sort=False)["seeds"].max().reset_index()
    columns = []
    for metric in [name for name in COMPARED if name in set(cells["metric"])]:
        own = data[ROW].merge(cells[cells["metric"] == metric], how="left", on=ROW)
        data = data.join(own[[*NUMBERS]].add_prefix(f"{metric}_"))
        own = own.fillna({"text": UNDEFINED, "note": "Not run."})
        emphasis = [BEST * (p < LEVEL) for p in own["p_holm"]]
        columns.append(Column(METRIC[metric].label, list(own["text"]), emphasis, list(own["note"])))
    titles, made = results.method_titles, set(data["question"])
    yield Table(
        name="comparisons",
        title="Comparisons",
        caption=caption(
            "comparisons",
            results,
            metrics[metrics["method"].isin(data[["method", "less"]].to_numpy().ravel())],
            method=METHOD,
            untested=list(cells["untested"].unique()) if cells["p"].isna().all() else [],
            left_out=[
                f"'{each.question}'" for each in results.comparisons if each.question not in made
            ],
            unreachable=_unreachable(cells),
        ),
        columns=[
            *group_columns(data, results.titles),
            words("Question", data["question"]),
            words(
                "Difference",
                [f"{titles[row['method']]} − {titles[row['less']]}" for _, row in data.iterrows()],
            ),
            Column("Seeds", list(map(str, data["seeds"]))),
            *columns,
        ],
        data=data,
        blocks_of=blocks_of(data, *GROUP),
    )


def _compared(
    comparison: Comparison, metrics: pd.DataFrame, intervals: Intervals
) -> Iterator[dict[str, Any]]:
    """One cell for each metric in which both methods have a value in a category."""
    pair = [comparison.method, comparison.less]
    common = on_common_seeds(metrics, pair)
    for metric in COMPARED:
        means = category_means(common, metric)
        if not set(pair) <= set(means):
            continue
        difference, interval = intervals.difference(metric, *pair)
        tests = wilcoxon_holm(means, [(comparison.method, comparison.less)])
        by_category = (means[comparison.method] - means[comparison.less]).dropna()
        higher = int((by_category.round(DIGITS) > 0).sum())  # as in the test
        categories = len(by_category)
        yield comparison.model_dump() | {
            "metric": metric,
            "seeds": common.loc[common["metric"] == metric, "seed"].nunique(),
            "difference": difference,
            "low": interval.low,
            "high": interval.high,
            "higher": higher,
            "categories": categories,
            "p": tests.p if isinstance(tests, NoTest) else tests[0].p,
            "untested": tests.reason if isinstance(tests, NoTest) else "",
            "text": f"{with_interval(difference, interval)} {higher} of {categories}",
            "note": no_interval(interval),
        }


def _unreachable(cells: pd.DataFrame) -> float | None:
    """The least p that Holm's correction can leave, if none can be below 0.05."""
    tested = cells[cells["p"].notna()].groupby([*GROUP, "metric"])["categories"]
    return unreachable(least_corrected(int(own.max()), len(own)) for _, own in tested)


def _holm(cells: pd.DataFrame) -> pd.Series:
    """Holm's correction of p, for the tested comparisons of a data set, scenario and metric."""
    tested = cells[cells["p"].notna()]
    corrected = [
        pd.Series(holm(list(part)), part.index)
        for _, part in tested.groupby([*GROUP, "metric"])["p"]
    ]
    return pd.concat([pd.Series(dtype=float), *corrected]).reindex(cells.index)
