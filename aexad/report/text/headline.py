"""The headline in plain words: the answer in three lines, and the best method by each metric.

Everything is decided on the printed digits, so that a reader finds each number and each difference
in the tables.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from aexad.config.methods import Method
from aexad.config.recipe import Recipe
from aexad.report.labels import DAGGER, METRIC, counted, listed
from aexad.report.method_roles import not_pretrained, shown_titles, titles_of, without_family
from aexad.report.results import Results
from aexad.report.stats.aggregate import (
    GROUP,
    category_means,
    of_masks,
    on_common_seeds,
    over_categories,
    over_seeds,
    same_categories,
)
from aexad.report.stats.intervals import Intervals
from aexad.report.stats.tests import CATEGORIES, Interval
from aexad.report.text.numbers import DIGITS, number
from aexad.report.text.sentences import sentence

ANSWERED = ("xauc", "iou")
"""Metrics that decide the answer: of the heat map, and of its binary map."""
RANKED = ("xauc", "iou", "pro")
WITHOUT_MASKS = ("image_auroc",)
MOST_NAMED = 4


class Finding(NamedTuple):
    """What the numbers of one data set and scenario say."""

    where: str
    sentences: list[str]
    """The details."""
    answer: Sequence[str] = ()
    """The three lines before the details: answer, certainty, limits."""


def headlines(
    metrics: pd.DataFrame,
    methods: pd.DataFrame,
    titles: Mapping[str, str],
    intervals: Mapping[tuple[str, str], Intervals],
) -> list[Finding]:
    """Say for each data set and scenario which method is best by X-AUC, IoU and PRO.

    On a data set without masks: by image AUROC.

    Parameters
    ----------
    metrics, methods : DataFrame
        Rows of ``metrics.csv`` and ``methods.csv``.
    titles : mapping of str to str
        Data set: its title.
    intervals : mapping
        Data set and scenario: its intervals, which say how certain each lead is.
    """
    names = shown_titles(methods)
    findings = []
    for (dataset, scenario), part in metrics.groupby(GROUP, sort=False):
        known = set(of_masks(part)["metric"])
        ranked = [name for name in RANKED if name in known]
        ranked = ranked or [name for name in WITHOUT_MASKS if name in known]
        certain = intervals[str(dataset), str(scenario)]
        sentences = [
            _finding(metric, part[part["metric"] == metric], certain, names) for metric in ranked
        ]
        findings.append(Finding(f"{titles.get(str(dataset), dataset)}, {scenario}", sentences))
    return findings


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
    dataset, scenario = metrics[GROUP].iloc[0]
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
        "inputs": _unequal_inputs(results.recipes, [new, old]),
        "limits": results.limits,
    }
    return [sentence(f"answer_{line}", **values) for line in ("verdict", "certainty", "limits")]


def _unequal_inputs(recipes: Mapping[str, Method], names: Sequence[str]) -> list[str]:
    """The sizes that the encoders resize images to, in words; none where they are equal."""
    known = [recipe for name in names if isinstance(recipe := recipes.get(name), Recipe)]
    sizes = [recipe.input_size for recipe in known]
    if len(sizes) < len(names) or len(set(sizes)) == 1:
        return []
    return [f"{size} pixels" if size else "the data set's size" for size in sizes]


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


def cautions(metrics: pd.DataFrame, methods: pd.DataFrame) -> list[str]:
    """Say what the reader must know first: random or unknown encoders, number of seeds."""
    names = list(metrics["method"].unique())
    random, titles = not_pretrained(names, methods), titles_of(methods)
    encoder = dict(zip(methods["method"], methods["encoder"], strict=True))
    unknown = [titles[name] for name in without_family(methods)]
    seeds = metrics["seed"].nunique()
    texts = [
        sentence(
            "encoders",
            random=[f"{titles[name]}{DAGGER} ({encoder[name]})" for name in random],
            methods=len(names),
            known="not known" not in encoder.values(),
        )
    ]
    if unknown:
        texts.append(
            "Whether the encoder is a CNN or a Transformer was not recorded for "
            f"{listed(unknown, most=MOST_NAMED)}; comparisons of CNN and Transformer leave out "
            "such methods."
        )
    if seeds == 1:
        return [*texts, "One seed: how far chance moves these numbers was not measured."]
    return [*texts, f"{counted(seeds, 'seed')} of each training, unless a table says otherwise."]


def _by_xauc(metrics: pd.DataFrame) -> list[str]:
    """The methods with an X-AUC, the highest mean over the categories of all of them first."""
    means = category_means(metrics, ANSWERED[0]).dropna(axis="columns", how="all").dropna().mean()
    return [str(name) for name in means.dropna().sort_values(ascending=False).index]


def _finding(
    metric: str, metrics: pd.DataFrame, intervals: Intervals, titles: Mapping[str, str]
) -> str:
    """Rank the methods that have all seeds; compare the others with the best of them."""
    means = over_categories(metrics).set_index("method")
    means = means[means["mean"].notna()]
    complete = means[means["every_seed"]]
    fewer = [str(name) for name in means.index[~means["every_seed"]]]
    values = {str(name): float(number(value)) for name, value in complete["mean"].items()}
    unranked = ""
    if complete.empty:
        unranked = "no method has every seed of the others"
    elif not same_categories(complete):
        unranked = "the methods have values in different categories"
    best = max(values.values(), default=0.0)
    first = [name for name in values if values[name] == best]
    rest = sorted((name for name in values if name not in first), key=lambda name: -values[name])
    facts: dict[str, Any] = {"lead": None, "wins": [], "ties": False, "fewer": []}
    if not unranked:
        facts |= _wins(metrics[metrics["method"].isin(complete.index)], titles)
        facts["fewer"] = _with_fewer_seeds(metric, fewer, first[0], metrics, titles)
        if rest and len(first) == 1:
            facts["lead"] = intervals.difference(metric, first[0], rest[0]).interval
    return sentence(
        "finding",
        label=METRIC[metric].label,
        defined=len(means) > 0,
        unranked=unranked,
        best=best,
        first=[titles[name] for name in first],
        rest=[
            (titles[name], values[name], complete["mean"][first[0]] - complete["mean"][name])
            for name in rest
        ],
        most_named=MOST_NAMED,
        **facts,
    )


def _with_fewer_seeds(
    metric: str, names: Sequence[str], best: str, metrics: pd.DataFrame, titles: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Compare methods with fewer seeds with the best of the others, on their common seeds."""
    compared = []
    for name in names:
        both = metrics[metrics["method"].isin([name, best])]
        means = category_means(both, metric)
        if means.empty or means.isna().any(axis=None):
            continue
        lead = round(float((means[name] - means[best]).mean()), DIGITS)
        # The fewest of a category: a run may be missing in one of them alone.
        seeds = int(on_common_seeds(both).groupby("category")["seed"].nunique().min())
        compared.append({"title": titles[name], "lead": lead, "seeds": seeds})
    return compared


def _wins(metrics: pd.DataFrame, titles: Mapping[str, str]) -> dict[str, Any]:
    """In how many categories each method is best."""
    cells = over_seeds(metrics)
    cells = cells[cells["mean"].notna()]
    cells = cells.assign(mean=[float(number(value)) for value in cells["mean"]])
    top = cells.groupby("category")["mean"].transform("max")
    wins = Counter(cells.loc[cells["mean"] == top, "method"])
    categories = cells["category"].nunique()
    named = [(titles[name], count) for name, count in wins.most_common()]
    return {"categories": categories, "wins": named, "ties": wins.total() > categories}
