"""Which features of an encoder explain anomalies: every recipe of AE-XAD, its features, its scores.

The table is there where a recipe says which stages or blocks it takes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from aexad.config.recipe import PIXELS, Recipe
from aexad.report.labels import QUANTITY
from aexad.report.method_roles import CNN, TRANSFORMER, counterpart
from aexad.report.results import Results
from aexad.report.stats.aggregate import over_categories, seeds_of
from aexad.report.stats.bootstrap import RESAMPLES
from aexad.report.stats.paired_comparison import Paired, paired
from aexad.report.stats.tests import Interval, NoTest, holm
from aexad.report.tables.format import (
    TRAINING_COSTS,
    Notes,
    comparable,
    macro_values,
    method_cells,
    number_cells,
    training_cost_columns,
)
from aexad.report.tables.table import Cell, Table, plain_table
from aexad.report.text.captions import data_phrase, emphasis_phrase
from aexad.report.text.numbers import UNDEFINED, signed

SHOWN = ("xauc", "f1", "iou", "pro")
TESTED = ("xauc", "f1", "iou")
"""The metrics that are means over images."""
KINDS = {CNN: ("stage", "stage of 28x28"), TRANSFORMER: ("block", "last block")}
"""Family of an encoder: what its features are called, and which are the default."""
WORDS = ("Method", "Features", "Input", "Tokens", "Trained", "Seeds")


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
    return "; ".join([first, *(words for words, there in options.items() if there)])


def layers_table(measured: Results) -> Iterator[Table]:
    """``layers``, a block for each data set and scenario; nothing where no recipe says features."""
    recipes = {
        name: recipe
        for name in measured.metrics["method"].unique()
        if isinstance(recipe := measured.recipes.get(name), Recipe) and recipe.is_aexad
    }
    if not any(recipe.features for recipe in recipes.values()):
        return
    rows = measured.metrics[measured.metrics["method"].isin(recipes)]
    groups = [
        _Group(measured, recipes, str(keys[0]), str(keys[1]), part)
        for keys, part in rows.groupby(["dataset", "scenario"], sort=False)
    ]
    several = len(groups) > 1
    notes = Notes()
    blocks, records = [], []
    for group in groups:
        where = [Cell(group.title), Cell(group.scenario)] * several
        blocks.append(tuple((*where, *row) for row in group.rows(notes)))
        records += group.records()
    reference = measured.roles.reference
    against = (
        f" Less the CNN: the method less {reference}, or less the same model with the method's own "
        "heat map where there is one, on the seeds that both have; in brackets the "
        f"95 % interval of a paired bootstrap over test images and seeds ({RESAMPLES} draws). p: "
        "Wilcoxon's signed ranks over the test images, two-sided, with Holm's correction for the "
        "methods of the block. Intervals and tests speak of these categories, not of others."
        if reference
        else ""
    )
    header = [*["Data set", "Scenario"] * several, *WORDS, *(QUANTITY[m].label for m in SHOWN)]
    if reference:
        for metric in TESTED:
            header += [f"{QUANTITY[metric].label} less the CNN", "p"]
    header += [QUANTITY[cost].label for cost in TRAINING_COSTS]
    yield Table(
        name="layers",
        title="Features",
        caption="What each recipe takes of its encoder, from an input of so many pixels, as a grid "
        "of so many cells; trained parameters in thousands; means over the categories ± sample "
        f"standard deviation over the seeds.{against} Costs are those of one training. "
        f"{data_phrase(rows[rows['metric'].isin(SHOWN)], measured.titles)} "
        f"{emphasis_phrase(rows)}.",
        header=tuple(Cell(text) for text in header),
        blocks=tuple(blocks),
        words=2 * several + len(WORDS),
        notes=notes.all(),
        numbers=plain_table(records),
    )


class _Group:
    """The recipes on one data set under one scenario."""

    def __init__(
        self,
        measured: Results,
        recipes: dict[str, Recipe],
        dataset: str,
        scenario: str,
        metrics: pd.DataFrame,
    ) -> None:
        self.dataset, self.scenario = dataset, scenario
        self.title = measured.titles.get(dataset, dataset)
        self.recipes, self.methods = recipes, measured.methods
        self.about = measured.methods.set_index("method")
        self.names = [str(name) for name in metrics["method"].unique()]
        self.means = over_categories(metrics[metrics["metric"].isin([*SHOWN, *TRAINING_COSTS])])
        self.seeds = {name: len(seeds) for name, seeds in seeds_of(metrics).items()}
        images = measured.images
        images = images[(images["dataset"] == dataset) & (images["scenario"] == scenario)]
        self.families = measured.families
        self.reference = measured.roles.reference
        self.pairs = {metric: self._pairs(images, metric) for metric in TESTED}
        self.adjusted = {metric: _adjusted(pairs) for metric, pairs in self.pairs.items()}

    def rows(self, notes: Notes) -> list[tuple[Cell, ...]]:
        """One row a method."""
        columns = [method_cells(self.names, self.methods, notes)]
        columns.append(
            [Cell(features_phrase(self.recipes[name], self.families[name])) for name in self.names]
        )
        columns.append([Cell(self._known(name, "input_size")) for name in self.names])
        columns.append([Cell(self._grid(name)) for name in self.names])
        columns.append([Cell(self._trained(name)) for name in self.names])
        columns.append([Cell(str(self.seeds.get(name, 0))) for name in self.names])
        columns += [
            number_cells(
                macro_values(self.means, metric, self.names),
                notes,
                comparable(self.means, metric),
            )
            for metric in SHOWN
        ]
        if self.reference:
            for metric in TESTED:
                columns += self._against(metric, notes)
        columns += training_cost_columns(self.means, self.names, notes)
        return list(zip(*columns, strict=True))

    def records(self) -> list[dict[str, Any]]:
        """The same for machines."""
        return [self._record(name) for name in self.names]

    def _pairs(self, images: pd.DataFrame, metric: str) -> dict[str, Paired]:
        if self.reference not in self.names:
            return {}
        against = {
            name: counterpart(self.recipes, self.names, name, self.reference) or self.reference
            for name in self.names
        }
        return {
            name: paired(images, metric, name, other)
            for name, other in against.items()
            if name != other
        }

    def _against(self, metric: str, notes: Notes) -> list[list[Cell]]:
        """Two columns: difference with its interval, and p."""
        differences, tests = [], []
        for name in self.names:
            pair = self.pairs[metric].get(name)
            if pair is None:
                differences.append(Cell("–"))
                tests.append(Cell("–"))
                continue
            text, mark = signed(pair.difference), ""
            if isinstance(pair.interval, Interval):
                text += f" [{signed(pair.interval.low)}, {signed(pair.interval.high)}]"
            else:
                mark = notes.mark(f"No interval: {pair.interval.reason}.")
            differences.append(Cell(text, mark=mark))
            p = self.adjusted[metric].get(name)
            if p is None:
                reason = pair.p.reason if isinstance(pair.p, NoTest) else ""
                tests.append(Cell(UNDEFINED, mark=notes.mark(f"No test: {reason}.")))
            else:
                tests.append(Cell("< 0.001" if p < 0.001 else f"{p:.3f}"))
        return [differences, tests]

    def _record(self, name: str) -> dict[str, Any]:
        recipe = self.recipes[name]
        record: dict[str, Any] = {
            "dataset": self.dataset,
            "scenario": self.scenario,
            "method": name,
            "encoder": recipe.encoder,
            "pretrained": self.about["pretrained"][name],
            "features": features_phrase(recipe, self.families[name]),
            **{key: self._number(name, key) for key in ("input_size", "grid", "channels")},
            "trained_parameters": self._number(name, "trained_parameters"),
            "seeds": self.seeds.get(name, 0),
        }
        own = self.means[self.means["method"] == name].set_index("metric")
        for metric in SHOWN:
            record[metric] = own["mean"].get(metric, math.nan)
            record[f"{metric}_std"] = own["std"].get(metric, math.nan)
        for metric in TESTED:
            pair = self.pairs[metric].get(name)
            ends = pair.interval if pair and isinstance(pair.interval, Interval) else None
            record |= {
                f"{metric}_difference": pair.difference if pair else math.nan,
                f"{metric}_low": ends.low if ends else math.nan,
                f"{metric}_high": ends.high if ends else math.nan,
                f"{metric}_p": pair.p if pair and isinstance(pair.p, float) else math.nan,
                f"{metric}_p_holm": self.adjusted[metric].get(name, math.nan),
                f"{metric}_common_seeds": pair.seeds if pair else 0,
            }
        return record | {cost: own["mean"].get(cost, math.nan) for cost in TRAINING_COSTS}

    def _known(self, name: str, key: str) -> str:
        return str(self.about[key][name]) or UNDEFINED

    def _grid(self, name: str) -> str:
        grid = self._known(name, "grid")
        return grid if grid == UNDEFINED else f"{grid}x{grid}"

    def _trained(self, name: str) -> str:
        value = self._number(name, "trained_parameters")
        return UNDEFINED if math.isnan(value) else f"{value / 1000:.0f}"

    def _number(self, name: str, key: str) -> float:
        text = str(self.about[key][name])
        return float(text) if text.isdigit() else math.nan


def _adjusted(pairs: dict[str, Paired]) -> dict[str, float]:
    """Holm's correction of the tests that could be made."""
    tested = {name: pair.p for name, pair in pairs.items() if isinstance(pair.p, float)}
    return dict(zip(tested, holm(list(tested.values())), strict=True)) if tested else {}
