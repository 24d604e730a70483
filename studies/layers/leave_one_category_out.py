"""The table ``confirmation``: recipes that were chosen on some categories, tried on another.

The best of many trials is partly the luckiest, so no recipe is judged on the categories on which it
was chosen: each category in turn is left out, a recipe is chosen on the others, and compared with
the CNN on the category that was left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from aexad.config.recipe import Recipe
from aexad.report.labels import METRIC
from aexad.report.results import Results
from aexad.report.stats.aggregate import GROUP, over_seeds
from aexad.report.stats.intervals import METHOD, Intervals
from aexad.report.stats.tests import DIGITS, Interval
from aexad.report.tables.format import blocks_of, group_columns, words
from aexad.report.tables.table import Column, Table
from aexad.report.text.captions import data_phrase
from aexad.report.text.numbers import number, with_interval
from aexad.report.text.sentences import sentence
from studies.layers.recipes import TEMPLATES

JUDGED = ("xauc", "f1", "iou", "pro")
FEWEST_CHOICES, FEWEST_CATEGORIES = 2, 2
NO_SEED = "The recipes have no seed in common."


def confirmation_table(results: Results) -> Iterator[Table]:
    """``confirmation``, if there is a choice of features, and a CNN to compare with."""
    recipes = {
        name: recipe
        for name in results.roles.frozen
        if isinstance(recipe := results.recipes[name], Recipe) and recipe.weights == "pretrained"
    }
    candidates, reference = list(recipes), results.roles.reference
    choices = {str(recipe.features) for recipe in recipes.values()}
    if reference is None or len(choices) < FEWEST_CHOICES:
        return
    metrics = results.metrics[results.metrics["method"].isin([*candidates, reference])]
    groups = [
        _left_out(results, str(keys[0]), str(keys[1]), part, candidates)
        for keys, part in metrics.groupby(GROUP, sort=False)
        if part["category"].nunique() >= FEWEST_CATEGORIES
    ]
    if not groups:
        return
    data = pd.concat(groups, ignore_index=True)
    titles = results.method_titles
    columns = [
        *group_columns(data, results.titles),
        words("Left out", data["left_out"]),
        words(
            "Chosen on the others",
            [titles.get(name, "–") for name in data["chosen"]],
            notes=[NO_SEED * (seeds == 0) for seeds in data["seeds"]],
        ),
        Column("Seeds", [str(seeds) for seeds in data["seeds"]]),
    ]
    for metric in JUDGED:
        columns.append(Column(METRIC[metric].label, list(map(number, data[metric]))))
        keys = [f"{metric}_{key}" for key in ("difference", "low", "high")]
        texts = [
            with_interval(difference, Interval(low, high))
            for difference, low, high in data.reindex(columns=keys).to_numpy()
        ]
        columns.append(Column("less the CNN", texts))
    shown = metrics[metrics["metric"].isin(JUDGED)]
    yield Table(
        name="confirmation",
        title="Chosen on some categories, confirmed on another",
        caption=sentence(
            "confirmation_caption",
            TEMPLATES,
            candidates=len(candidates),
            reference=titles[reference],
            method=METHOD,
            data=data_phrase(shown, results.titles, titles),
        ),
        columns=columns,
        data=data,
        blocks_of=blocks_of(data, *GROUP),
    )


def mean_ranks(metrics: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    """The mean rank of each method over categories and :data:`JUDGED`; 1 is the best.

    Parameters
    ----------
    metrics : DataFrame
        Rows of ``metrics.csv`` of one data set and scenario; only the seeds that all methods have
        in all categories count.

    Returns
    -------
    Series
        By method, in the order of ``names``; NaN for all where they have no seed in common.
    """
    rows = metrics[metrics["metric"].isin(JUDGED) & metrics["method"].isin(list(names))]
    seeds = rows[rows["value"].notna()].groupby(["method", "category"])["seed"].agg(set)
    whole = rows["method"].nunique() * rows["category"].nunique()
    common = set.intersection(*seeds) if len(seeds) == whole else set()
    cells = over_seeds(rows[rows["seed"].isin(common)])
    rounded = cells.assign(mean=cells["mean"].round(DIGITS))
    places = rounded.groupby(["category", "metric"])["mean"].rank(ascending=False)
    return places.groupby(cells["method"]).mean().reindex(list(names))


def _left_out(
    results: Results,
    dataset: str,
    scenario: str,
    metrics: pd.DataFrame,
    candidates: Sequence[str],
) -> pd.DataFrame:
    """One row for each category that is left out, then their mean."""
    images = results.images
    images = images[(images["dataset"] == dataset) & (images["scenario"] == scenario)]
    records: list[dict[str, Any]] = []
    for category in metrics["category"].unique():
        left_out = metrics["category"] == category
        ranks = mean_ranks(metrics[~left_out], candidates)
        chosen = "" if ranks.isna().all() else str(ranks.idxmin())
        comparison = _compared(
            metrics[left_out],
            results.intervals_of(metrics[left_out], images[images["category"] == category]),
            chosen,
            str(results.roles.reference),
        )
        records.append({"left_out": category, "chosen": chosen} | comparison)
    table = pd.DataFrame(records)
    means = [name for metric in JUDGED for name in (metric, f"{metric}_difference")]
    mean = {"left_out": "mean", "chosen": "", "seeds": table["seeds"].min()}
    mean |= {name: table[name].mean(skipna=False) for name in means}
    table = pd.concat([table, pd.DataFrame([mean])], ignore_index=True)
    table.insert(0, "dataset", dataset)
    table.insert(1, "scenario", scenario)
    return table


def _compared(
    metrics: pd.DataFrame, intervals: Intervals, method: str, reference: str
) -> dict[str, Any]:
    """Compare a method with the CNN on one category."""
    both = metrics[metrics["method"].isin([method, reference])]
    values = both.pivot_table(index=["metric", "seed"], columns="method", values="value")
    values = values.reindex(columns=[method, reference]).dropna()
    record: dict[str, Any] = {"seeds": values.index.unique("seed").size}
    for metric in JUDGED:
        of_metric = values[values.index.get_level_values("metric") == metric]
        record[metric] = float(of_metric[method].mean())
        difference, interval = intervals.difference(metric, method, reference)
        record |= {
            f"{metric}_difference": difference,
            f"{metric}_low": interval.low,
            f"{metric}_high": interval.high,
        }
    return record
