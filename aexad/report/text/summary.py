"""The summary: half a page in plain words, generated from the numbers.

It says for each data set and scenario which method is best by which metric, by how much and
whether that may be chance; on which defects the Transformer is worse; and what the methods cost.
It is ``summary.md``, and the first section of ``report.html``.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import pandas as pd

from aexad.report.labels import METRIC, TRADED
from aexad.report.method_roles import first_of_each_family, same_heat_maps, shown_titles
from aexad.report.results import Results
from aexad.report.stats.aggregate import (
    GROUP,
    over_categories,
    over_seeds,
    ranked_means,
)
from aexad.report.stats.by_defect import FEWEST_IMAGES, THIRDS, by_third, by_type, paired_iou
from aexad.report.stats.tests import LEVEL, NoTest, least_corrected, unreachable, wilcoxon_holm
from aexad.report.text.headline import Finding, cautions, differences, headlines, three_lines
from aexad.report.text.numbers import DIGITS
from aexad.report.text.sentences import document, sentence

COMPARED = ("xauc", "f1", "iou", "pro")
CHANCE = ("xauc", "pixel_auroc", "image_auroc")
CHANCE_LEVEL = 0.5
"""The value of an AUROC that is no better than chance."""
MOST_PAIRS = 3
"""Pairs of methods that are named; the others are counted."""


class Summary(NamedTuple):
    """What ``summary.md`` and the page say: findings by data set and scenario, then cautions."""

    findings: list[Finding]
    cautions: list[str]


def summarise(results: Results) -> Summary:
    """Put the results of a benchmark into words."""
    metrics, methods = results.metrics, results.methods
    best = headlines(metrics, methods, results.titles, results.intervals)
    groups = metrics.groupby(GROUP, sort=False)
    findings = []
    for finding, ((dataset, scenario), part) in zip(best, groups, strict=True):
        valued = part.loc[part["value"].notna(), "method"].unique()
        chosen = first_of_each_family(methods, valued)
        pair = (chosen[1], chosen[0]) if chosen else None
        sentences = [
            *_transformer_for_cnn(results, part, str(dataset), str(scenario), pair),
            *_against_rivals(results, part, str(dataset), str(scenario)),
            *finding.sentences,
            _over_categories(part, results.method_titles),
            *_by_defect(results, str(dataset), str(scenario), pair),
            _costs(part, results.method_titles),
            _below_chance(part, results.method_titles),
        ]
        answer = three_lines(results, part, pair)
        findings.append(Finding(finding.where, [text for text in sentences if text], answer))
    limits = [results.limits] if results.limits else []
    return Summary(findings, [*cautions(metrics, methods), *limits])


def to_markdown(title: str, summary: Summary) -> str:
    """The text of ``summary.md``."""
    findings = [
        (finding.where, *(map(_escaped, part) for part in (finding.answer, finding.sentences)))
        for finding in summary.findings
    ]
    return document(
        "summary.md", title=title, findings=findings, cautions=map(_escaped, summary.cautions)
    )


def _transformer_for_cnn(
    results: Results,
    metrics: pd.DataFrame,
    dataset: str,
    scenario: str,
    pair: tuple[str, str] | None,
) -> list[str]:
    """What the Transformer of the pair in place of its CNN changes, for each heat map."""
    if pair is None:
        return []
    names, (transformer, cnn) = list(metrics["method"].unique()), pair
    pairs = same_heat_maps(results.recipes, names, transformer, cnn)
    titles, intervals = shown_titles(results.methods), results.intervals[dataset, scenario]
    sentences = []
    for new, old in sorted(pairs.items(), key=lambda pair: pair[0] != transformer):
        found = differences(metrics, intervals, new, old, COMPARED)
        values: dict[str, Any] = {"new": titles[new], "old": titles[old], "differences": found}
        sentences.append(sentence("transformer_for_cnn", **values) if found else "")
    return sentences


def _against_rivals(
    results: Results, metrics: pd.DataFrame, dataset: str, scenario: str
) -> list[str]:
    """AE-XAD against a method that rebuilds nothing, and against one without labelled defects.

    They are the first ones, in the order of the benchmark, that have AE-XAD's encoder: one that
    trains on the labelled defects, and one that ignores them.
    """
    names = list(metrics["method"].unique())
    ours = next((name for name in results.roles.cnns if name in names), None)
    if ours is None:
        return []
    methods = results.methods.set_index("method")
    rivals = methods[(methods["rebuilds"] == "no") & methods.index.isin(names)]
    rivals = rivals[rivals["encoder"] == methods.loc[ours, "encoder"]]
    titles, intervals = shown_titles(results.methods), results.intervals[dataset, scenario]
    sentences = []
    for labels in ("yes", "no"):
        same = rivals.index[rivals["labels"] == labels]
        rival = next((name for name in names if name in same), None)
        if rival is None:
            continue
        found = differences(metrics, intervals, ours, rival, COMPARED)
        if found:
            values: dict[str, Any] = {"ours": titles[ours], "rival": titles[rival]}
            values |= {"labels": labels == "yes", "differences": found}
            sentences.append(sentence("against_rival", **values))
    return sentences


def _over_categories(metrics: pd.DataFrame, titles: dict[str, str]) -> str:
    """Which differences hold over the categories, or why that could not be tested."""
    pairs: list[dict[str, Any]] = []
    reasons, least = [], []
    for metric in TRADED:
        if not metrics.loc[metrics["metric"] == metric, "value"].notna().any():
            continue
        tests = wilcoxon_holm(ranked_means(metrics, metric))
        if isinstance(tests, NoTest):
            reasons.append(tests.reason)
            continue
        least.append(least_corrected(tests[0].categories, len(tests)))
        for test in sorted(tests, key=lambda test: test.adjusted):
            named = {"first": titles[test.first], "second": titles[test.second]}
            pairs.append(named | {"metric": METRIC[metric].label, "p": test.adjusted})
    different = [pair for pair in pairs if pair["p"] < LEVEL]
    return sentence(
        "over_categories",
        reasons=reasons,
        tested=len(pairs),
        unreachable=unreachable(least),
        different=different,
        most_pairs=MOST_PAIRS,
    )


def _below_chance(metrics: pd.DataFrame, titles: dict[str, str]) -> str:
    """Where an AUROC is below one half; empty if none is."""
    found = []
    for metric in CHANCE:
        # Each method on all its seeds, as in the tables: it is compared with none of the others.
        cells = over_seeds(metrics[metrics["metric"] == metric]).set_index("category")
        for method in cells["method"].unique():
            means = cells.loc[cells["method"] == method, "mean"]
            low = means[means < CHANCE_LEVEL]
            where = [f"{category} ({value:.2f})" for category, value in low.items()]
            if where:
                found.append({"method": titles[method], "metric": metric, "where": where})
    labels = {metric: METRIC[metric].label for metric in CHANCE}
    return sentence("below_chance", found=found, labels=labels, most=MOST_PAIRS) if found else ""


def _by_defect(
    results: Results, dataset: str, scenario: str, pair: tuple[str, str] | None
) -> list[str]:
    """The IoU of the pair's Transformer less that of its CNN, by defect type and by area."""
    if pair is None:
        return []
    images = results.images
    images = images[(images["dataset"] == dataset) & (images["scenario"] == scenario)]
    pairs = paired_iou(images, *pair)
    if pairs.empty:
        return []
    return defect_sentences(pairs, *(results.method_titles[name] for name in pair))


def defect_sentences(pairs: pd.DataFrame, transformer: str, cnn: str) -> list[str]:
    """Put the comparison by defect type and by area into two sentences.

    Parameters
    ----------
    pairs : DataFrame
        From :func:`~aexad.report.stats.by_defect.paired_iou`.
    transformer, cnn : str
        The titles of the two methods.
    """
    types = by_type(pairs)[["difference", "images"]]
    rows = [
        {"defect": " ".join(map(str, index)), "difference": difference, "images": images}
        for index, difference, images in types.itertuples(name=None)
    ]
    return [
        sentence(
            "defects",
            transformer=transformer,
            cnn=cnn,
            defects=len(rows),
            worse=[row for row in rows if round(row["difference"], DIGITS) < 0],
            better=[row for row in rows if round(row["difference"], DIGITS) > 0],
            fewest=FEWEST_IMAGES,
        ),
        sentence("areas", areas=list(zip(THIRDS, by_third(pairs), strict=False))),
    ]


def _costs(metrics: pd.DataFrame, titles: dict[str, str]) -> str:
    """Seconds and CO2 of one training with the fastest and the slowest method."""
    known = sorted(
        (value, name)
        for name, value in _means(metrics, "training_seconds").items()
        if not math.isnan(value)
    )
    if not known:
        return ""
    emitted = _means(metrics, "training_co2_g")
    methods: dict[str, dict[str, Any]] = {
        name: {"title": titles[name], "seconds": value, "co2": emitted.get(name, math.nan)}
        for value, name in (known[0], known[-1])
    }
    reasons = metrics.loc[metrics["metric"] == "training_co2_g", "reason"].unique()
    return sentence(
        "costs",
        methods=list(methods.values()),
        with_co2=[each for each in methods.values() if not math.isnan(each["co2"])],
        reasons=[reason for reason in reasons if reason],
    )


def _means(metrics: pd.DataFrame, metric: str) -> dict[str, float]:
    """The macro mean of each method; empty where no row has the metric."""
    means = over_categories(metrics[metrics["metric"] == metric])
    return dict(zip(means["method"], means["mean"], strict=True))


def _escaped(text: str) -> str:
    """Escape asterisks for Markdown."""
    return text.replace("*", "\\*")
