"""The answer in plain words, drawn from the numbers: who is best by which metric, and by how much.

Everything is decided on the printed digits, so that a reader finds each number and each difference
in the tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from aexad.report.labels import DAGGER, METRIC, counted, listed
from aexad.report.method_roles import not_pretrained, without_family
from aexad.report.stats.aggregate import (
    category_means,
    on_common_seeds,
    over_categories,
    over_seeds,
    same_categories,
    seeds_of,
)
from aexad.report.stats.intervals import Intervals
from aexad.report.stats.tests import NoTest
from aexad.report.text.captions import of_masks
from aexad.report.text.numbers import DIGITS, number, signed

ANSWERED = ("xauc", "iou", "pro")
WITHOUT_MASKS = ("image_auroc",)
MOST_NAMED = 4


class Answer(NamedTuple):
    """What the numbers of one data set and scenario say: a sentence a metric."""

    where: str
    sentences: list[str]


def answers(
    metrics: pd.DataFrame,
    methods: pd.DataFrame,
    titles: Mapping[str, str],
    intervals: Mapping[tuple[str, str], Intervals] | None = None,
) -> list[Answer]:
    """Say for each data set and scenario which method is best by X-AUC, IoU and PRO.

    Of a data set without masks: by image AUROC.

    Parameters
    ----------
    metrics, methods : DataFrame
        Rows of ``metrics.csv`` and ``methods.csv``.
    titles : mapping of str to str
        Data set: its title.
    intervals : mapping, optional
        Data set and scenario: its intervals, for how sure each lead is.
    """
    random = not_pretrained(list(metrics["method"].unique()), methods)
    metrics = metrics.assign(
        method=[name + DAGGER if name in random else name for name in metrics["method"]]
    )
    found = []
    for keys, part in metrics.groupby(["dataset", "scenario"], sort=False):
        dataset, scenario = map(str, keys)
        known = set(of_masks(part)["metric"])
        names = [name for name in ANSWERED if name in known]
        names = names or [name for name in WITHOUT_MASKS if name in known]
        sure = (intervals or {}).get((dataset, scenario))
        sentences = [_finding(name, part[part["metric"] == name], sure) for name in names]
        found.append(Answer(f"{titles.get(dataset, dataset)}, {scenario}", sentences))
    return found


def cautions(metrics: pd.DataFrame, methods: pd.DataFrame) -> list[str]:
    """What the reader must know before using the answer: random encoders, seeds."""
    names = list(metrics["method"].unique())
    random = not_pretrained(names, methods)
    seeds = len(set(metrics["seed"]))
    said = [_about_encoders(names, random, methods), *_about_families(methods)]
    if seeds == 1:
        said.append("One seed: how far chance moves these numbers was not measured.")
    else:
        said.append(f"{counted(seeds, 'seed')} of each training, unless a table says otherwise.")
    return said


EVERY_ENCODER = "Every encoder was pre-trained."


def _about_encoders(names: Sequence[str], random: Sequence[str], methods: pd.DataFrame) -> str:
    encoder = methods.set_index("method")["encoder"]
    untrained = listed([f"{name}{DAGGER} ({encoder[name]})" for name in random])
    if not random:
        unknown = "not known" in set(encoder)
        return "Every encoder that is known was pre-trained." if unknown else EVERY_ENCODER
    if len(random) == len(names):
        return f"No encoder was pre-trained; all started from random weights: {untrained}."
    return (
        f"Not pre-trained, started from random weights: {untrained}. A difference between them and "
        "the others is one of pre-training as well, so this is not a comparison of architectures "
        "alone."
    )


def _about_families(methods: pd.DataFrame) -> list[str]:
    unknown = without_family(methods)
    if not unknown:
        return []
    return [
        "Whether the encoder is a CNN or a Transformer was not recorded for "
        f"{listed(unknown, most=MOST_NAMED)}; comparisons of CNN and Transformer leave out such "
        "methods."
    ]


def _finding(metric: str, every: pd.DataFrame, intervals: Intervals | None) -> str:
    """Rank the methods that have all seeds; set the others beside the best of them."""
    seeds = seeds_of(every)
    most = max(map(len, seeds.values()), default=0)
    fewer = [name for name in every["method"].unique() if len(seeds.get(name, ())) < most]
    metrics = every[~every["method"].isin(fewer)]
    label, means = METRIC[metric].label, over_categories(metrics)
    known = means[means["mean"].notna()]
    if known.empty:
        return f"{label}: undefined for every method."
    if not same_categories(known):
        return f"{label}: not ranked, because the methods have values in different categories."
    values = dict(zip(known["method"], known["mean"].round(DIGITS), strict=True))
    best = max(values.values())
    first = [method for method, value in values.items() if value == best]
    beside = _of_fewer_seeds(metric, fewer, first[0], every)
    if len(values) == 1:
        return f"{label}: {first[0]} reaches {number(best)}.{beside}"
    rest = sorted((name for name in values if name not in first), key=lambda name: -values[name])
    text = (
        f"{label}: {first[0]} is best with {number(best)}"
        if len(first) == 1
        else f"{label}: {listed(first)} are level at {number(best)}"
    )
    if rest:
        text += ", " + _leads(best, rest, values)
        if len(first) == 1:
            text += (
                _spread(first[0], rest[0], known.set_index("method"))
                if intervals is None
                else _certainty(metric, first[0], rest[0], intervals)
            )
    return f"{text}.{_by_category(metrics)}{beside}"


def _of_fewer_seeds(metric: str, names: Sequence[str], best: str, metrics: pd.DataFrame) -> str:
    """Methods with fewer seeds beside the best of the others, on the seeds that both have."""
    said = []
    for name in names:
        both = metrics[metrics["method"].isin([name, best])]
        means = category_means(both, metric)
        if means.empty or means.isna().any(axis=None):
            continue
        lead = round(float((means[name] - means[best]).mean()), DIGITS)
        place = f"{number(abs(lead))} {'above' if lead > 0 else 'below'}" if lead else "level"
        seeds = counted(on_common_seeds(both)["seed"].nunique(), "seed")
        said.append(f"{name} {place} ({seeds})")
    return (
        f" On the seeds that both have, beside {best}: {listed(said, most=MOST_NAMED)}."
        if said
        else ""
    )


def _leads(best: float, rest: Sequence[str], values: Mapping[str, float]) -> str:
    said = [f"{number(best - values[name])} above {name} ({number(values[name])})" for name in rest]
    if len(rest) < MOST_NAMED:
        return listed(said)
    return f"{said[0]} and {said[-1]}, the last of {len(values)}"


def _spread(first: str, second: str, means: pd.DataFrame) -> str:
    """A lead that the seeds' spread could explain is called so."""
    value, spread = means["mean"].to_dict(), means["std"].to_dict()
    if value[first] - value[second] <= max(spread[first], spread[second]):  # never true of NaN
        return f"; its lead over {second} is within one standard deviation over the seeds"
    return ""


def _certainty(metric: str, first: str, second: str, intervals: Intervals) -> str:
    """The 95 % interval of the lead, or why there is none."""
    names = [name.removesuffix(DAGGER) for name in (first, second)]
    found = intervals.difference(metric, *names)
    if isinstance(found, NoTest):
        return f"; whether its lead over {second} is chance is not known: {found.reason}"
    ends = f"{signed(found.low)} to {signed(found.high)}"
    if round(found.low, DIGITS) > 0:
        return f"; its lead over {second} is significant (95 % interval {ends})"
    return f"; its lead over {second} is not significant (95 % interval {ends})"


def _by_category(metrics: pd.DataFrame) -> str:
    cells = over_seeds(metrics)
    cells = cells[cells["mean"].notna()].assign(mean=cells["mean"].round(DIGITS))
    categories = cells["category"].nunique()
    if categories < 2:
        return ""
    top = cells.groupby("category")["mean"].transform("max")
    wins = Counter(cells.loc[cells["mean"] == top, "method"])
    (first, most), *others = wins.most_common()
    said = [f"{first} is best in {most}", *(f"{name} in {count}" for name, count in others)]
    ties = " (ties count for each)" if wins.total() > categories else ""
    return f" Of {categories} categories, {listed(said, most=MOST_NAMED)}{ties}."
