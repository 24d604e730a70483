"""Does a Transformer's recipe that is chosen on some categories hold on another? ``confirmation``.

The best of many trials is partly the luckiest, so no recipe is judged where it was chosen: each
category in turn is left out, a recipe is chosen on the others, and compared with the CNN there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from aexad.config.recipe import Recipe
from aexad.report.labels import METRIC, counted
from aexad.report.results import Results
from aexad.report.stats.aggregate import over_seeds
from aexad.report.stats.bootstrap import RESAMPLES
from aexad.report.stats.paired_comparison import paired
from aexad.report.stats.tests import Interval
from aexad.report.tables.format import Notes
from aexad.report.tables.table import Cell, Table, plain_table
from aexad.report.text.captions import data_phrase
from aexad.report.text.numbers import UNDEFINED, number, signed

JUDGED = ("xauc", "f1", "iou", "pro")
OF_IMAGES = ("xauc", "f1", "iou")
"""Those of them that are means over images, which a paired interval can be had of."""
FEWEST_CHOICES, FEWEST_CATEGORIES = 2, 2


def confirmation_table(measured: Results) -> Iterator[Table]:
    """``confirmation``, where there is a choice: recipes with features of their own, and a CNN."""
    recipes = {
        name: recipe
        for name in measured.roles.frozen
        if isinstance(recipe := measured.recipes[name], Recipe) and recipe.weights == "pretrained"
    }
    candidates, reference = list(recipes), measured.roles.reference
    choices = {str(recipe.features) for recipe in recipes.values()}
    if reference is None or len(choices) < FEWEST_CHOICES:
        return
    rows = measured.metrics[measured.metrics["method"].isin([*candidates, reference])]
    groups = [
        (str(keys[0]), str(keys[1]), part)
        for keys, part in rows.groupby(["dataset", "scenario"], sort=False)
        if part["category"].nunique() >= FEWEST_CATEGORIES
    ]
    if not groups:
        return
    several = len(groups) > 1
    notes = Notes()
    blocks, records = [], []
    for dataset, scenario, part in groups:
        found = _left_out(measured, dataset, scenario, part, candidates)
        where = [Cell(measured.titles.get(dataset, dataset)), Cell(scenario)] * several
        blocks.append(tuple((*where, *_row(each, notes)) for each in found))
        records += [{"dataset": dataset, "scenario": scenario} | each for each in found]
    header = [*["Data set", "Scenario"] * several, "Left out", "Inputs on the others", "Seeds"]
    header += [text for metric in JUDGED for text in (METRIC[metric].label, "less the CNN")]
    shown = rows[rows["metric"].isin(JUDGED)]
    yield Table(
        name="confirmation",
        title="Inputs on some categories, confirmed on another",
        caption=f"Of the {counted(len(candidates), 'recipe')} with a pre-trained Transformer, that "
        "with the best mean rank by X-AUC, F1, IoU and PRO over the other categories, on the seeds "
        f"that all recipes have; its values on the category that was left out, and those less "
        f"{reference}'s, on the seeds that both have. In brackets the 95 % interval of a paired "
        f"bootstrap over test images and seeds ({RESAMPLES} draws). The last row is the mean: what "
        "a choice on other categories is worth. "
        f"{data_phrase(shown, measured.titles)}",
        header=tuple(Cell(text) for text in header),
        blocks=tuple(blocks),
        words=2 * several + 2,
        notes=notes.all(),
        numbers=plain_table(records),
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
    places = cells.groupby(["category", "metric"])["mean"].rank(ascending=False)
    return places.groupby(cells["method"]).mean().reindex(list(names))


def _left_out(
    measured: Results,
    dataset: str,
    scenario: str,
    rows: pd.DataFrame,
    candidates: Sequence[str],
) -> list[dict[str, Any]]:
    """A record a category, and their mean."""
    images = measured.images
    images = images[(images["dataset"] == dataset) & (images["scenario"] == scenario)]
    records = []
    for category in rows["category"].unique():
        others = mean_ranks(rows[rows["category"] != category], candidates)
        chosen = "" if others.isna().all() else str(others.idxmin())
        here = rows[rows["category"] == category], images[images["category"] == category]
        records.append(
            {"left_out": category, "chosen": chosen}
            | _against(*here, chosen, str(measured.roles.reference))
        )
    table = pd.DataFrame(records)
    mean: dict[str, Any] = {"left_out": "mean", "chosen": "", "seeds": table["seeds"].min()}
    for metric in JUDGED:
        for name in (metric, f"{metric}_difference"):
            mean[name] = table[name].mean(skipna=False)
    return [*records, mean]


def _against(
    rows: pd.DataFrame, images: pd.DataFrame, method: str, reference: str
) -> dict[str, Any]:
    """One method beside the CNN on one category."""
    both = rows[rows["method"].isin([method, reference])]
    values = both.pivot_table(index=["metric", "seed"], columns="method", values="value")
    values = values.reindex(columns=[method, reference]).dropna()
    record: dict[str, Any] = {"seeds": values.index.unique("seed").size}
    for metric in JUDGED:
        means = values[values.index.get_level_values("metric") == metric].mean()
        record[metric] = float(means[method])
        record[f"{metric}_difference"] = float(means[method] - means[reference])
        if metric in OF_IMAGES and record["seeds"]:
            drawn = paired(images, metric, method, reference).interval
            known = drawn if isinstance(drawn, Interval) else Interval(math.nan, math.nan)
            record |= {f"{metric}_low": known.low, f"{metric}_high": known.high}
    return record


def _row(record: dict[str, Any], notes: Notes) -> tuple[Cell, ...]:
    lost = notes.mark("The recipes have no seed in common.") if not record["seeds"] else ""
    cells = [
        Cell(record["left_out"]),
        Cell(record["chosen"] or "–", mark=lost),
        Cell(str(record["seeds"])),
    ]
    for metric in JUDGED:
        value, difference = record[metric], record[f"{metric}_difference"]
        text = signed(difference)
        low, high = record.get(f"{metric}_low"), record.get(f"{metric}_high")
        if low is not None and high is not None and not math.isnan(low):
            text += f" [{signed(low)}, {signed(high)}]"
        cells += [Cell(UNDEFINED if math.isnan(value) else number(value)), Cell(text)]
    return tuple(cells)
