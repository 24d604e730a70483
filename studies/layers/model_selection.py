"""Would a recipe have been chosen well without test images and their labels? The table ``choice``.

Each criterion ranks the recipes by what was computed without the test set; the test's own ranks say
how well it does. Criteria and metrics are of the same runs: the seeds that all recipes have.
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
from aexad.report.labels import METRIC, counted
from aexad.report.run_files import read_runs
from aexad.report.stats.aggregate import over_categories
from aexad.report.tables.format import Notes
from aexad.report.tables.table import Cell, Table, plain_table, write_table
from aexad.report.text.captions import data_phrase
from aexad.report.text.numbers import UNDEFINED, number
from aexad.runtime.atomic_folder import replaced_folder
from aexad.runtime.errors import ConfigError
from aexad.runtime.files import write_csv
from studies.layers.recipes import chosen_from

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
"""Those that heat maps of one model differ in."""


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
    """Write ``choice`` (.csv, .md, .tex) and ``criteria.csv``; ``folder`` holds nothing else then.

    Parameters
    ----------
    runs : sequence of Run
        The benchmark's runs that trained a model; those of ``recipes.chosen_from`` are compared.
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
    """A block for all models, one for each pre-trained encoder that has enough, one for heat maps.

    Of a model with several heat maps, its first recipe stands among the models.
    """
    notes = Notes()
    blocks, records = [], []
    keys = ["dataset", "scenario"]
    groups = list(criteria.groupby(keys, sort=False))
    several = len(groups) > 1
    for where, part in groups:
        tested = metrics[(metrics[keys] == list(where)).all(axis=1)]
        values = _of_methods(pd.concat([part, tested[tested["metric"].isin(METRICS)]]), part)
        place = [Cell(titles.get(str(where[0]), str(where[0]))), Cell(str(where[1]))] * several
        for among, names, by in _sets(list(values.index), recipes):
            found = [_judged(name, values.loc[names]) for name in by]
            blocks.append(tuple((*place, *_row(among, each, notes)) for each in found))
            records += [
                {"dataset": where[0], "scenario": where[1], "recipes": among} | each
                for each in found
            ]
    header = [*["Data set", "Scenario"] * several, "Recipes", "Criterion", "Picks"]
    header += [f"rank correlation, {METRIC[name].label}" for name in METRICS]
    header += [text for name in JUDGED for text in (f"its {METRIC[name].label}", "below the best")]
    rows = _of_same_runs(metrics, criteria)
    names = list(criteria["method"].unique())
    apart = (
        " Heat maps of one model are chosen from apart; among the models it has the first of them."
        if len(_of_models(names, recipes)) < len(names)
        else ""
    )
    return Table(
        name="choice",
        title="Choice without test images",
        caption="Each criterion is computed from the training images alone: the labelled anomalies "
        "pasted anew, where the training did not see them; the features' spectrum on the training "
        "normals, above half the Nyquist frequency of the decoder's grid. Spearman's rank "
        "correlation of the criterion with each metric on the test images, over the recipes (the "
        "loss with its sign turned: 1 is a perfect choice, 0 none); which recipe it picks, and how "
        "far that is from the best of the same recipes. Means over the categories, on the seeds "
        f"that all recipes have.{apart} {data_phrase(rows, titles)}",
        header=tuple(Cell(text) for text in header),
        blocks=tuple(blocks),
        words=2 * several + 3,
        notes=notes.all(),
        numbers=plain_table(records),
    )


def _of_methods(rows: pd.DataFrame, criteria: pd.DataFrame) -> pd.DataFrame:
    """Macro means [methods, criteria and metrics], on the runs that have criteria.

    Methods without a value in a category that others have are left out.
    """
    own = _of_same_runs(rows, criteria)
    means = over_categories(own)
    whole = means.groupby("metric")["categories"].transform("max")
    kept = means[means["categories"] == whole]
    table = kept.pivot_table(index="method", columns="metric", values="mean", sort=False)
    return table.reindex(columns=[*CRITERIA, *METRICS]).dropna(subset=list(METRICS))


def _of_same_runs(rows: pd.DataFrame, criteria: pd.DataFrame) -> pd.DataFrame:
    """Those of ``rows`` that have a seed and a method of ``criteria``."""
    return rows[rows["seed"].isin(criteria["seed"]) & rows["method"].isin(criteria["method"])]


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
    told = len(known) == 1 or (len(known) > 1 and np.ptp(goodness) > 0)
    pick = str(goodness.idxmax()) if told else ""
    found: dict[str, Any] = {"criterion": criterion, "n": len(known), "picks": pick}
    for metric in METRICS:
        found[f"spearman_{metric}"] = math.nan
        if len(known) >= FEWEST and np.ptp(goodness) > 0 and np.ptp(known[metric]) > 0:
            found[f"spearman_{metric}"] = float(stats.spearmanr(goodness, known[metric]).statistic)
    for metric in JUDGED:
        reached = float(known[metric][pick]) if pick else math.nan
        found[metric] = reached
        found[f"{metric}_below_best"] = float(known[metric].max()) - reached if pick else np.nan
    return found


def _row(among: str, found: dict[str, Any], notes: Notes) -> tuple[Cell, ...]:
    few = found["n"] < FEWEST
    reason = f"{counted(found['n'], 'recipe')} with a value; a rank correlation needs {FEWEST}."
    undecided = found["n"] > 1 and not found["picks"]
    cells = [
        Cell(among),
        Cell(CRITERIA[found["criterion"]].label),
        Cell(found["picks"] or UNDEFINED, mark=notes.mark(EQUAL) if undecided else ""),
    ]
    for metric in METRICS:
        value = found[f"spearman_{metric}"]
        if math.isnan(value):
            cells.append(Cell(UNDEFINED, mark=notes.mark(reason if few else EQUAL)))
        else:
            cells.append(Cell(f"{value:+z.2f}"))
    judged = [found[f"{metric}{end}"] for metric in JUDGED for end in ("", "_below_best")]
    cells += [Cell(UNDEFINED if math.isnan(value) else number(value)) for value in judged]
    return tuple(cells)
