"""The answer of a benchmark in three lines: what is better, how sure that is, and its limits."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from aexad.report.labels import METRIC, counted
from aexad.report.results import Results
from aexad.report.stats.aggregate import category_means
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
        mean X-AUC is compared with the next.
    """
    pair = pair or _two_best(metrics)
    if pair is None:
        return []
    new, old = pair
    dataset, scenario = metrics[["dataset", "scenario"]].iloc[0]
    intervals = results.intervals[str(dataset), str(scenario)]
    differences: list[dict[str, Any]] = []
    for metric in ANSWERED:
        value, interval = intervals.difference(metric, new, old)
        if math.isnan(value):
            continue
        means = category_means(metrics[metrics["method"].isin([new, old])], metric).mean()
        known = interval if isinstance(interval, Interval) else None
        differences.append(
            {
                "metric": METRIC[metric].label,
                "new": means[new],
                "old": means[old],
                "value": value,
                "interval": known,
                "sign": (known.low > 0) - (known.high < 0) if known else 0,
            }
        )
    if not differences:
        return []
    titles, categories = shown_titles(results.methods), metrics["category"].nunique()
    signs = {each["sign"] for each in differences} - {0}
    images = metrics.groupby("category")["n"].max().sum()
    about = results.methods.set_index("method").loc[[new, old]]
    random = [titles[name] for name in (new, old) if about.loc[name, "pretrained"] == "no"]
    values: dict[str, Any] = {
        "new": titles[new],
        "old": titles[old],
        "differences": differences,
        "verdict": {(): "level", (1,): "better", (-1,): "worse"}.get(tuple(signs), "mixed"),
        "images": counted(int(images), "test image"),
        "categories": counted(categories, "category", "categories"),
        "seeds": counted(metrics["seed"].nunique(), "seed"),
        "few": categories < CATEGORIES,
        "fewest": CATEGORIES,
        "random": random if len(random) == 1 else [],
        "limits": results.limits,
    }
    return [sentence(f"answer_{line}", **values) for line in ("verdict", "certainty", "limits")]


def _two_best(metrics: pd.DataFrame) -> tuple[str, str] | None:
    """The methods of the highest and of the second highest mean X-AUC."""
    means = category_means(metrics, ANSWERED[0]).dropna().mean().sort_values(ascending=False)
    return (str(means.index[0]), str(means.index[1])) if len(means) > 1 else None
