"""The table ``layers``: the features and scores of each AE-XAD recipe.

The table exists where a recipe names the stages or blocks that it takes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from aexad.config.recipe import PIXELS, Recipe
from aexad.report.labels import QUANTITY
from aexad.report.method_roles import CNN, TRANSFORMER, counterpart
from aexad.report.results import Results
from aexad.report.stats.aggregate import GROUP, seeds_of
from aexad.report.stats.intervals import METHOD, Intervals
from aexad.report.tables.format import (
    TRAINING_COSTS,
    blocks_of,
    group_columns,
    mean_cells,
    method_column,
    method_rows,
    metric_columns,
    no_interval,
    words,
)
from aexad.report.tables.table import Column, Table
from aexad.report.text.captions import data_phrase, emphasis_phrase
from aexad.report.text.numbers import UNDEFINED, with_interval
from aexad.report.text.sentences import sentence
from studies.layers.recipes import TEMPLATES

SHOWN = ("xauc", "f1", "iou", "pro")
KINDS = {CNN: ("stage", "stage of 28x28"), TRANSFORMER: ("block", "last block")}
"""Family of an encoder: what its features are called, and which are the default."""
NOT_COMPARED = "–"


def features_phrase(recipe: Recipe, family: str) -> str:
    """Name the features that a recipe takes of an encoder of this family.

    >>> vit = Recipe(encoder="vit_tiny_patch16_224", features=[0, 2], facet="key")
    >>> features_phrase(vit, "Transformer")
    'blocks 0, 2; keys'
    """
    kind, default = KINDS.get(family, ("level", "default level"))
    if recipe.encoder == PIXELS:
        first = PIXELS
    elif recipe.features is None:
        first = default
    else:
        named = ", ".join(map(str, sorted(recipe.features)))
        first = f"{kind}{'s' if len(recipe.features) > 1 else ''} {named}"
    channels = recipe.feature_channels
    heat_map = recipe.heat_map
    options = {
        "keys": recipe.facet == "key",
        "normed": recipe.token_norm,
        f"shifted {recipe.token_shifts}x{recipe.token_shifts}": recipe.token_shifts > 1,
        f"to {channels} channels": channels is not None,
        "one convolution": recipe.projection == "convolution",
        "filter by runs": heat_map.filter == "adaptive" and heat_map.extent == "runs",
        "no filter": heat_map.filter == "none",
    }
    return "; ".join([first, *(option for option, is_used in options.items() if is_used)])


def layers_table(results: Results) -> Iterator[Table]:
    """``layers``, a block for each data set and scenario; none where no recipe names features."""
    recipes = {
        name: recipe
        for name in results.metrics["method"].unique()
        if isinstance(recipe := results.recipes.get(name), Recipe) and recipe.is_aexad
    }
    if not any(recipe.features for recipe in recipes.values()):
        return
    metrics = results.metrics[results.metrics["method"].isin(recipes)]
    cells = mean_cells(metrics[metrics["metric"].isin([*SHOWN, *TRAINING_COSTS])])
    rows = method_rows(metrics)
    reference = results.roles.reference
    names = list(rows["method"])
    about = results.methods.set_index("method").loc[names].reset_index()
    data = rows.assign(
        encoder=[recipes[name].encoder for name in names],
        pretrained=about["pretrained"],
        features=[features_phrase(recipes[name], results.families[name]) for name in names],
    )
    for key in ("input_size", "grid", "channels", "trained_parameters"):
        data[key] = pd.to_numeric(about[key], errors="coerce").astype(float)
    data["seeds"] = _seeds(metrics, rows)
    columns = [*group_columns(data, results.titles), *_about_columns(results, data, about)]
    numbers, printed = metric_columns(rows, cells, SHOWN)
    data, columns = data.join(numbers), columns + printed
    for metric in SHOWN:
        data = data.join(_comparisons(results, recipes, rows, metric))
        if reference:
            columns.append(
                Column(
                    f"{QUANTITY[metric].label} less the CNN",
                    list(data.pop(f"{metric}_text")),
                    notes=list(data.pop(f"{metric}_note")),
                )
            )
    costs, printed = metric_columns(rows, cells, TRAINING_COSTS, spread=False)
    shown = metrics[metrics["metric"].isin(SHOWN)]
    yield Table(
        name="layers",
        title="Features",
        caption=sentence(
            "layers_caption",
            TEMPLATES,
            reference=results.method_titles[reference] if reference else "",
            method=METHOD,
            data=data_phrase(shown, results.titles, results.method_titles),
            emphasis=emphasis_phrase(metrics),
        ),
        columns=columns + printed,
        data=data.join(costs),
        blocks_of=blocks_of(data, *GROUP),
    )


def _seeds(metrics: pd.DataFrame, rows: pd.DataFrame) -> list[int]:
    """The number of seeds of each row's method."""
    seeds = {where: seeds_of(part) for where, part in metrics.groupby(GROUP, sort=False)}
    return [len(seeds[row.dataset, row.scenario].get(row.method, ())) for row in rows.itertuples()]


def _about_columns(results: Results, data: pd.DataFrame, about: pd.DataFrame) -> list[Column]:
    """What each row's method is: features, input, grid of tokens, trained parameters, seeds."""
    thousands = data["trained_parameters"] / 1000
    return [
        method_column(data["method"], results.methods),
        words("Features", data["features"]),
        words("Input", [text or UNDEFINED for text in about["input_size"]]),
        words("Tokens", [f"{text}x{text}" if text else UNDEFINED for text in about["grid"]]),
        words(
            "Trained", [UNDEFINED if math.isnan(value) else f"{value:.0f}" for value in thousands]
        ),
        words("Seeds", data["seeds"]),
    ]


def _comparisons(
    results: Results, recipes: Mapping[str, Recipe], rows: pd.DataFrame, metric: str
) -> pd.DataFrame:
    """Compare each method with the CNN that has the same heat map, else with the reference."""
    reference, groups = results.roles.reference, []
    for (dataset, scenario), part in rows.groupby(GROUP, sort=False):
        intervals = results.intervals[str(dataset), str(scenario)]
        names = list(part["method"])
        others = dict.fromkeys(names, "")
        if reference in names:
            others = {n: counterpart(recipes, names, n, reference) or reference for n in names}
        records = [_comparison(intervals, metric, *pair) for pair in others.items()]
        groups.append(pd.DataFrame(records, index=part.index))
    return pd.concat(groups).add_prefix(f"{metric}_")


def _comparison(intervals: Intervals, metric: str, method: str, other: str) -> dict[str, Any]:
    if other in ("", method):
        numbers = dict.fromkeys(("difference", "low", "high"), math.nan)
        return numbers | {"note": "", "text": NOT_COMPARED}
    difference, interval = intervals.difference(metric, method, other)
    return {
        "difference": difference,
        "low": interval.low,
        "high": interval.high,
        "note": no_interval(interval),
        "text": with_interval(difference, interval),
    }
