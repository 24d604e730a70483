"""The table ``choice``: how well a recipe is chosen without test images and their labels.

Each criterion ranks the recipes without the test set; the ranks on the test set say how good the
criterion is. Criteria and metrics are of the same runs: the seeds that all recipes have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from aexad.config.benchmark import Run
from aexad.config.methods import Method, trained_as
from aexad.config.recipe import Recipe
from aexad.evaluation.run_files import read_runs
from aexad.report.labels import METRIC, counted
from aexad.report.stats.aggregate import GROUP, whole_means
from aexad.report.tables.format import blocks_of, group_columns, words
from aexad.report.tables.table import Column, Table, write_table
from aexad.report.text.captions import data_phrase
from aexad.report.text.numbers import UNDEFINED, number
from aexad.report.text.sentences import sentence
from aexad.runtime.atomic_folder import replaced_folder
from aexad.runtime.errors import ConfigError
from aexad.runtime.files import write_csv
from studies.layers.recipes import TEMPLATES, chosen_from

FEWEST = 6
"""Recipes for a rank correlation: of five, chance alone reaches 0.9 in 5 of 120 orders."""
METRICS = ("xauc", "f1", "iou", "pro")
JUDGED = ("iou", "xauc")
"""What a pick is judged by."""
EQUAL = "All are equal."


class Criterion(NamedTuple):
    """One way to choose: its words, and whether the lowest is chosen."""

    label: str
    lower: bool = False


CRITERIA = {
    "held_out_loss": Criterion("loss on held-out copies", lower=True),
    "held_out_xauc": Criterion("X-AUC on held-out copies"),
    "held_out_iou": Criterion("IoU on held-out copies"),
    "high_frequency": Criterion("high-frequency share of the features"),
}
OF_HEAT_MAPS = ["held_out_xauc", "held_out_iou"]
"""The criteria in which heat maps of one model differ."""


def read_criteria(runs: Sequence[Run], results: Path) -> pd.DataFrame:
    """The criteria of all runs as rows like those of ``metrics.csv``."""

    def rows(content: dict[str, Any], run: Run) -> list[dict[str, Any]]:
        return [
            {
                **run._asdict(),
                "metric": name,
                "value": math.nan if content[name]["value"] is None else content[name]["value"],
                "n": int(content[name]["n"]),
                "reason": str(content[name]["reason"]),
            }
            for name in CRITERIA
        ]

    tables = read_runs(runs, results, "criteria.json", rows)
    return pd.DataFrame([row for table in tables for row in table])


def write_choice(
    runs: Sequence[Run],
    metrics: pd.DataFrame,
    recipes: Mapping[str, Method],
    titles: Mapping[str, str],
    results: Path,
    folder: Path,
) -> None:
    """Write ``choice`` (.csv, .md, .tex) and ``criteria.csv`` into ``folder``.

    Other files of these kinds in ``folder`` are removed.

    Parameters
    ----------
    runs : sequence of Run
        The benchmark's runs with a model. Methods of ``recipes.chosen_from`` are compared.
    metrics : DataFrame
        Rows of ``metrics.csv``.
    """
    own = chosen_from(runs, recipes)
    if not own:
        raise ConfigError(
            "choice: the benchmark's recipes of AE-XAD's loss have no seed in common (or there are "
            "none); give them one in config/benchmarks"
        )
    criteria = read_criteria(own, results)
    with replaced_folder(folder, "*.csv", "*.md", "*.tex") as new:
        write_csv(new / "criteria.csv", criteria)
        write_table(choice_table(criteria, metrics, recipes, titles), new)


def choice_table(
    criteria: pd.DataFrame,
    metrics: pd.DataFrame,
    recipes: Mapping[str, Method],
    titles: Mapping[str, str],
) -> Table:
    """How well each criterion chooses.

    There is a block for all models, one for each pre-trained encoder with enough recipes, and one
    for the heat maps of each model. A model with several heat maps is represented by its first
    recipe in the former two.

    Parameters
    ----------
    criteria : DataFrame
        From :func:`read_criteria`.
    metrics : DataFrame
        Rows of ``metrics.csv``.
    recipes : mapping of str to Method
    titles : mapping of str to str
        Data set: its title.
    """
    records = []
    for where, part in criteria.groupby(GROUP, sort=False):
        tested = metrics[(metrics[GROUP] == list(where)).all(axis=1)]
        values = _of_methods(pd.concat([part, tested[tested["metric"].isin(METRICS)]]), part)
        records += [
            dict(zip(GROUP, where, strict=True))
            | {"recipes": among}
            | _judged(name, values.loc[names])
            for among, names, criteria_names in _sets(list(values.index), recipes)
            for name in criteria_names
        ]
    data = pd.DataFrame(records)
    method_titles = {name: recipe.title or name for name, recipe in recipes.items()}
    names = list(criteria["method"].unique())
    return Table(
        name="choice",
        title="Choice without test images",
        caption=sentence(
            "choice_caption",
            TEMPLATES,
            heat_maps=len(_of_models(names, recipes)) < len(names),
            data=data_phrase(_of_same_runs(metrics, criteria), titles, method_titles),
        ),
        columns=[
            *group_columns(data, titles),
            words("Recipes", data["recipes"]),
            words("Criterion", [CRITERIA[name].label for name in data["criterion"]]),
            words(
                "Picks",
                [method_titles.get(name, UNDEFINED) for name in data["picks"]],
                notes=[
                    EQUAL if number > 1 and not pick else ""
                    for number, pick in zip(data["n"], data["picks"], strict=True)
                ],
            ),
            *(_correlation(data, metric) for metric in METRICS),
            *(
                Column(header, list(map(number, data[key])))
                for metric in JUDGED
                for key, header in (
                    (metric, f"its {METRIC[metric].label}"),
                    (f"{metric}_below_best", "below the best"),
                )
            ),
        ],
        data=data,
        blocks_of=blocks_of(data, *GROUP, "recipes"),
    )


def _of_methods(rows: pd.DataFrame, criteria: pd.DataFrame) -> pd.DataFrame:
    """Macro means [methods, criteria and metrics], on the runs that have criteria.

    Methods without a value in a category that others have are left out.
    """
    means = whole_means(_of_same_runs(rows, criteria))
    table = means.pivot_table(index="method", columns="metric", values="mean", sort=False)
    return table.reindex(columns=[*CRITERIA, *METRICS]).dropna(subset=list(METRICS))


def _of_same_runs(rows: pd.DataFrame, criteria: pd.DataFrame) -> pd.DataFrame:
    """Select the rows of the runs that have criteria."""
    runs = [pd.MultiIndex.from_frame(table[list(Run._fields)]) for table in (rows, criteria)]
    return rows[runs[0].isin(runs[1])]


def _sets(
    names: list[str], recipes: Mapping[str, Method]
) -> list[tuple[str, list[str], list[str]]]:
    """What is chosen from: its words, the recipes, and the criteria that can tell them apart."""
    of_model = _of_models(names, recipes)
    encoders: dict[str, list[str]] = {}
    for name in of_model:
        recipe = recipes[name]
        if isinstance(recipe, Recipe) and recipe.weights == "pretrained":
            encoders.setdefault(recipe.encoder or "", []).append(name)
    every = list(CRITERIA)
    return [
        (f"all {len(of_model)}", list(of_model), every),
        *(
            (f"{len(same)} of {encoder}", same, every)
            for encoder, same in encoders.items()
            if FEWEST <= len(same) < len(of_model)
        ),
        *(
            (f"{len(same)} heat maps of {first}", same, OF_HEAT_MAPS)
            for first, same in of_model.items()
            if len(same) > 1
        ),
    ]


def _of_models(names: list[str], recipes: Mapping[str, Method]) -> dict[str, list[str]]:
    """By the first recipe of each model: all of them, which differ in the heat map alone."""
    found: dict[str, list[str]] = {}
    for name, first in trained_as({name: recipes[name] for name in names}).items():
        found.setdefault(first, []).append(name)
    return found


def _judged(criterion: str, values: pd.DataFrame) -> dict[str, Any]:
    known = values[values[criterion].notna()]
    sign = -1 if CRITERIA[criterion].lower else 1
    goodness = sign * known[criterion]
    decided = len(known) == 1 or (len(known) > 1 and np.ptp(goodness) > 0)
    pick = str(goodness.idxmax()) if decided else ""
    record: dict[str, Any] = {"criterion": criterion, "n": len(known), "picks": pick}
    for metric in METRICS:
        record[f"spearman_{metric}"] = math.nan
        if len(known) >= FEWEST and np.ptp(goodness) > 0 and np.ptp(known[metric]) > 0:
            record[f"spearman_{metric}"] = float(stats.spearmanr(goodness, known[metric]).statistic)
    for metric in JUDGED:
        reached = float(known[metric][pick]) if pick else math.nan
        record[metric] = reached
        record[f"{metric}_below_best"] = float(known[metric].max()) - reached if pick else np.nan
    return record


def _correlation(data: pd.DataFrame, metric: str) -> Column:
    """The rank correlations with a metric, and why there are none."""
    texts, notes = [], []
    for recipes, value in zip(data["n"], data[f"spearman_{metric}"], strict=True):
        few = f"{counted(recipes, 'recipe')} with a value; a rank correlation needs {FEWEST}."
        texts.append(UNDEFINED if math.isnan(value) else f"{value:+z.2f}")
        notes.append((few if recipes < FEWEST else EQUAL) if math.isnan(value) else "")
    return Column(f"rank correlation, {METRIC[metric].label}", texts, notes=notes)
