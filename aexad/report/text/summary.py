"""The summary: half a page in plain words, made of the numbers alone.

It answers, for each data set and scenario: which method is best by which metric, by how much and
whether that is chance; where the Transformer loses; what it costs. It is ``summary.md``, and the
first thing in ``report.html``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import pandas as pd

from aexad.report.labels import DAGGER, METRIC, TRADED, listed
from aexad.report.method_roles import not_pretrained, same_heat_maps
from aexad.report.results import Results
from aexad.report.stats.aggregate import category_means, on_common_seeds, over_categories
from aexad.report.stats.by_defect import best_of, losses, told
from aexad.report.stats.intervals import Intervals
from aexad.report.stats.tests import LEVEL, Interval, NoTest, wilcoxon_holm
from aexad.report.text.headline import Answer, answers, cautions
from aexad.report.text.numbers import quantity, signed

ASKED = ("xauc", "f1", "iou", "pro")
MOST_PAIRS = 3
"""Pairs of methods that are named; the others are counted."""


class Summary(NamedTuple):
    """What ``summary.md`` and the page say: findings by data set and scenario, then cautions."""

    findings: list[Answer]
    cautions: list[str]


def summarise(measured: Results) -> Summary:
    """Put the numbers into words."""
    best = answers(
        measured.metrics, measured.methods, measured.titles, intervals=measured.intervals
    )
    groups = measured.metrics.groupby(["dataset", "scenario"], sort=False)
    findings = [
        Answer(
            answer.where,
            [
                *_question(measured, part, str(keys[0]), str(keys[1])),
                *answer.sentences,
                *_tests(part),
                *_losses(measured, part, str(keys[0]), str(keys[1])),
                *_costs(measured, part),
            ],
        )
        for answer, (keys, part) in zip(best, groups, strict=True)
    ]
    limits = [measured.limits] if measured.limits else []
    return Summary(findings, [*cautions(measured.metrics, measured.methods), *limits])


def to_markdown(title: str, summary: Summary) -> str:
    """The text of ``summary.md``."""
    parts = [f"# {title}"]
    for where, sentences in summary.findings:
        parts += [f"## {where}", "\n".join(f"- {_escaped(each)}" for each in sentences)]
    return "\n\n".join([*parts, *map(_escaped, summary.cautions)]) + "\n"


def _question(measured: Results, metrics: pd.DataFrame, dataset: str, scenario: str) -> list[str]:
    """What the first Transformer in place of the CNN changes, all else being equal.

    A sentence for each heat map that both have.
    """
    names = list(metrics["method"].unique())
    roles = measured.roles
    cnn = next((name for name in roles.cnns if name in names), None)
    transformer = next((name for name in [*roles.frozen, *roles.trained] if name in names), None)
    if cnn is None or transformer is None:
        return []
    pairs = same_heat_maps(measured.recipes, names, transformer, cnn)
    told = [
        _in_place_of(measured, metrics, new, old, measured.intervals[dataset, scenario])
        for new, old in sorted(pairs.items(), key=lambda pair: pair[0] != transformer)
    ]
    return [sentence for sentence in told if sentence]


def _in_place_of(
    measured: Results, metrics: pd.DataFrame, new: str, old: str, intervals: Intervals
) -> str:
    """One sentence: the differences by all metrics; empty where there are none."""
    said = []
    both = metrics[metrics["method"].isin([old, new])]
    for metric in ASKED:
        means = category_means(both, metric).dropna()
        if means.empty:
            continue
        difference = float((means[new] - means[old]).mean())
        found = intervals.difference(metric, new, old)
        sure = f"{signed(found.low)} to {signed(found.high)}" if isinstance(found, Interval) else ""
        said.append(f"{METRIC[metric].label} {signed(difference)}" + (f" ({sure})" if sure else ""))
    random = not_pretrained([old, new], measured.methods)
    named_new, named_old = (name + DAGGER * (name in random) for name in (new, old))
    text = f"{named_new} (Transformer) in place of {named_old} (CNN), in brackets 95 % intervals"
    return f"{text}: {listed(said)}." if said else ""


def _tests(metrics: pd.DataFrame) -> list[str]:
    """Which differences hold over the categories, or why that could not be tested."""
    significant, reasons, tested = [], [], 0
    for metric in TRADED:
        if not metrics.loc[metrics["metric"] == metric, "value"].notna().any():
            continue
        found = wilcoxon_holm(category_means(metrics, metric))
        if isinstance(found, NoTest):
            reasons.append(found.reason)
            continue
        tested += len(found)
        significant += [
            f"{pair.first} and {pair.second} by {METRIC[metric].label} (p {pair.adjusted:.3f})"
            for pair in sorted(found, key=lambda pair: pair.adjusted)
            if pair.adjusted < LEVEL
        ]
    if reasons:
        return [f"Over the categories: no test possible, because {reasons[0]}."]
    if not tested:
        return []
    if not significant:
        return [
            f"Over the categories none of {tested} pairs of methods and metrics differs "
            "significantly (Wilcoxon's signed ranks, Holm's correction)."
        ]
    return [
        f"Over the categories {len(significant)} of {tested} pairs differ significantly "
        "(Wilcoxon's signed ranks, Holm's correction): "
        f"{listed(significant, most=MOST_PAIRS)}."
    ]


def _losses(measured: Results, metrics: pd.DataFrame, dataset: str, scenario: str) -> list[str]:
    """The best Transformer against the best CNN, both by IoU."""
    roles = measured.roles
    transformers = [*roles.frozen, *roles.trained]
    means = _means(on_common_seeds(metrics, [*roles.cnns, *transformers]), "iou")
    cnn, transformer = best_of(roles.cnns, means), best_of(transformers, means)
    if cnn is None or transformer is None:
        return []
    images = measured.images
    images = images[(images["dataset"] == dataset) & (images["scenario"] == scenario)]
    found = losses(images, transformer, cnn)
    return [] if found is None else told(found)


def _costs(measured: Results, metrics: pd.DataFrame) -> list[str]:
    """Seconds and CO2 of a training, from the cheapest to the dearest method."""
    seconds = _means(metrics, "training_seconds")
    known = sorted((value, name) for name, value in seconds.items() if not math.isnan(value))
    if not known:
        return []
    (least, cheapest), (most, dearest) = known[0], known[-1]
    text = f"One training takes {quantity(least)} s with {cheapest}"
    if cheapest != dearest:
        text += f" and {quantity(most)} s with {dearest}"
    emitted = _means(metrics, "training_co2_g")
    grams = [(name, emitted.get(name, math.nan)) for _, name in (known[0], known[-1])]
    if all(math.isnan(value) for _, value in grams):
        rows = metrics[metrics["metric"] == "training_co2_g"]
        reasons = list(dict.fromkeys(reason for reason in rows["reason"] if reason))
        return [f"{text}; its CO2 is not known: {listed(reasons)}." if reasons else f"{text}."]
    said = [
        f"{quantity(value)} g with {name}"
        for name, value in dict(grams).items()
        if not math.isnan(value)
    ]
    return [f"{text}; CO2 {listed(said)}."]


def _means(metrics: pd.DataFrame, metric: str) -> dict[str, float]:
    rows = metrics[metrics["metric"] == metric]
    if rows.empty:
        return {}
    means = over_categories(rows)
    return {
        str(name): float(value) for name, value in zip(means["method"], means["mean"], strict=True)
    }


def _escaped(text: str) -> str:
    """Underscores inside words are literal in Markdown; the dagger needs nothing."""
    return text.replace("*", "\\*").replace(f" {DAGGER}", DAGGER)
