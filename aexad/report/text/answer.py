"""The answer of a benchmark in three lines: what is better, how sure that is, and its limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from aexad.report.labels import METRIC
from aexad.report.method_roles import not_pretrained
from aexad.report.results import Results
from aexad.report.stats.aggregate import category_means, on_common_seeds
from aexad.report.stats.intervals import Intervals
from aexad.report.stats.tests import CATEGORIES, Interval
from aexad.report.text.headline import shown_titles
from aexad.report.text.sentences import sentence

ANSWERED = ("xauc", "iou")
"""Metrics that decide the answer: of the heat map, and of its binary map."""


def three_lines(results: Results, metrics: pd.DataFrame, pair: tuple[str, str] | None) -> list[str]:
    """The answer about one data set and scenario; empty without two methods and masks.

    Parameters
    ----------
    results : Results
    metrics : DataFrame
        Rows of ``results.metrics`` of one data set and scenario.
    pair : tuple of str, optional
        Transformer and CNN, which the question is about. Without them, the method of the highest
        mean X-AUC is compared with the next; there is no verdict, because the same test images
        chose the two.
    """
    ranked = [] if pair else _by_xauc(metrics)
    if pair is None and len(ranked) < 2:
        return []
    new, old = pair or ranked[:2]
    dataset, scenario = metrics[["dataset", "scenario"]].iloc[0]
    intervals = results.intervals[str(dataset), str(scenario)]
    found = differences(metrics, intervals, new, old, ANSWERED)
    if not found:
        return []
    both = on_common_seeds(metrics[metrics["metric"].isin(ANSWERED)], [new, old])
    behind = both[both["value"].notna()].groupby("category")
    seeds = int(behind["seed"].nunique().min())
    titles, random = shown_titles(results.methods), not_pretrained([new, old], results.methods)
    signs = {each["sign"] for each in found} - {0}
    values: dict[str, Any] = {
        "new": titles[new],
        "old": titles[old],
        "among": len(ranked),
        "chosen_by": METRIC[ANSWERED[0]].label,
        "differences": found,
        "verdict": {(): "level", (1,): "better", (-1,): "worse"}.get(tuple(signs), "mixed"),
        "images": int(behind["n"].max().sum()),
        "categories": behind.ngroups,
        "seeds": seeds,
        "one_seed": seeds == 1 or any(e["interval"] and e["interval"].images_alone for e in found),
        "fewest": CATEGORIES,
        "random": [titles[name] for name in random],
        "limits": results.limits,
    }
    return [sentence(f"answer_{line}", **values) for line in ("verdict", "certainty", "limits")]


def differences(
    metrics: pd.DataFrame, intervals: Intervals, new: str, old: str, compared: Sequence[str]
) -> list[dict[str, Any]]:
    """Compare two methods by each metric of ``compared`` that allows it, for the sentences.

    Returns
    -------
    list of dict
        metric (its label); new and old (means on common seeds); value (new less old); interval
        (None if not known); sign (1 or -1 if the interval lies above or below zero, else 0).
    """
    both, found = metrics[metrics["method"].isin([old, new])], []
    for metric in compared:
        value, interval = intervals.difference(metric, new, old)
        if math.isnan(value):
            continue
        means = category_means(both, metric).mean()
        known = interval if isinstance(interval, Interval) else None
        found.append(
            {
                "metric": METRIC[metric].label,
                "new": means[new],
                "old": means[old],
                "value": value,
                "interval": known,
                "sign": (known.low > 0) - (known.high < 0) if known else 0,
            }
        )
    return found


def _by_xauc(metrics: pd.DataFrame) -> list[str]:
    """The methods with an X-AUC, the highest mean over the categories of all of them first."""
    means = category_means(metrics, ANSWERED[0]).dropna(axis="columns", how="all").dropna().mean()
    return [str(name) for name in means.dropna().sort_values(ascending=False).index]
