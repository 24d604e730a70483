"""The headline in plain words: which method is best by which metric, and by how much.

Everything is decided on the printed digits, so that a reader finds each number and each difference
in the tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from aexad.report.labels import DAGGER, METRIC, counted, listed
from aexad.report.method_roles import not_pretrained, titles_of, without_family
from aexad.report.stats.aggregate import (
    category_means,
    on_common_seeds,
    over_categories,
    over_seeds,
    same_categories,
)
from aexad.report.stats.intervals import Intervals
from aexad.report.text.captions import of_masks
from aexad.report.text.numbers import DIGITS
from aexad.report.text.sentences import sentence

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
    for (dataset, scenario), part in metrics.groupby(["dataset", "scenario"], sort=False):
        known = set(of_masks(part)["metric"])
        ranked = [name for name in RANKED if name in known]
        ranked = ranked or [name for name in WITHOUT_MASKS if name in known]
        certain = intervals[str(dataset), str(scenario)]
        sentences = [
            _finding(metric, part[part["metric"] == metric], certain, names) for metric in ranked
        ]
        findings.append(Finding(f"{titles.get(str(dataset), dataset)}, {scenario}", sentences))
    return findings


def shown_titles(methods: pd.DataFrame) -> dict[str, str]:
    """Map each method to its title, with † where the encoder was not pre-trained."""
    titles = titles_of(methods)
    random = not_pretrained(list(titles), methods)
    return {name: title + DAGGER * (name in random) for name, title in titles.items()}


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


def _finding(
    metric: str, metrics: pd.DataFrame, intervals: Intervals, titles: Mapping[str, str]
) -> str:
    """Rank the methods that have all seeds; compare the others with the best of them."""
    means = over_categories(metrics).set_index("method")
    means = means[means["mean"].notna()]
    complete = means[means["every_seed"]]
    fewer = [str(name) for name in means.index[~means["every_seed"]]]
    values = {str(name): value for name, value in complete["mean"].round(DIGITS).items()}
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
        rest=[(titles[name], values[name]) for name in rest],
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
    cells = cells[cells["mean"].notna()].assign(mean=cells["mean"].round(DIGITS))
    top = cells.groupby("category")["mean"].transform("max")
    wins = Counter(cells.loc[cells["mean"] == top, "method"])
    categories = cells["category"].nunique()
    named = [(titles[name], count) for name, count in wins.most_common()]
    return {"categories": categories, "wins": named, "ties": wins.total() > categories}
