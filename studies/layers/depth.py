"""Recipes that differ only in the depth of their features, and what their scores say."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aexad.config.methods import Method
from aexad.config.recipe import Recipe
from aexad.report.method_roles import TRANSFORMER
from aexad.report.text.sentences import sentence
from studies.layers.recipes import TEMPLATES

FEWEST = 3
"""The fewest blocks that make a line against depth."""


class Sweep(NamedTuple):
    """One Transformer by depth."""

    encoder: str
    lines: dict[int | None, dict[int, str]]
    """Input size (None: the working size): block, and the method that takes that block alone."""

    @property
    def methods(self) -> list[str]:
        """All methods of the sweep."""
        return [method for line in self.lines.values() for method in line.values()]

    @property
    def longest(self) -> int | None:
        """The input size with the most blocks; of several, the largest."""
        return max(self.lines, key=lambda size: (len(self.lines[size]), size or 0))


def sweeps(
    recipes: Mapping[str, Method], names: Sequence[str], families: Mapping[str, str]
) -> list[Sweep]:
    """Find the sweeps over depth among ``names``, in the order of their first methods.

    The recipes of a sweep differ only in the block and in the input size; at one input size at
    least, there are :data:`FEWEST` blocks.

    Parameters
    ----------
    recipes : mapping of str to Method
    names : sequence of str
    families : mapping of str to str
        Method: family of its encoder.
    """
    by_recipe: dict[str, Sweep] = {}
    for name in names:
        recipe = recipes.get(name)
        if not isinstance(recipe, Recipe) or len(recipe.features or []) != 1:
            continue
        if families.get(name) != TRANSFORMER or recipe.features is None:
            continue
        rest = json.dumps(
            recipe.model_dump(exclude={"title", "features", "input_size"}), sort_keys=True
        )
        sweep = by_recipe.setdefault(rest, Sweep(recipe.encoder or "", {}))
        sweep.lines.setdefault(recipe.input_size, {}).setdefault(recipe.features[0], name)
    return [
        Sweep(sweep.encoder, _ordered(sweep.lines))
        for sweep in by_recipe.values()
        if max(map(len, sweep.lines.values())) >= FEWEST
    ]


def depth_sentence(sweep: Sweep, means: Mapping[str, float], label: str) -> str:
    """Say which block is best by a metric, and what the last block reaches.

    Parameters
    ----------
    sweep : Sweep
    means : mapping of str to float
        Method: its macro mean of the metric; methods without a value are left out.
    label : str
        What the metric is called.

    Returns
    -------
    str
        One sentence; empty where fewer than two blocks have a value.
    """
    points = [
        (means[method], block, size)
        for size, blocks in sweep.lines.items()
        for block, method in blocks.items()
        if method in means and not math.isnan(means[method])
    ]
    if len({block for _, block, _ in points}) < 2:
        return ""
    names = ("value", "block", "size")
    best = dict(zip(names, max(points, key=lambda point: point[:2]), strict=True))
    deepest = dict(zip(names, max(points, key=lambda point: (point[1], point[0])), strict=True))
    values = {"encoder": sweep.encoder, "label": label, "best": best, "deepest": deepest}
    return sentence("depth", TEMPLATES, **values)


def _ordered(lines: dict[int | None, dict[int, str]]) -> dict[int | None, dict[int, str]]:
    return {
        size: dict(sorted(lines[size].items()))
        for size in sorted(lines, key=lambda size: size or 0)
        if len(lines[size]) > 1
    }
