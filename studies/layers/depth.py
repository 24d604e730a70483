"""Recipes that differ in the depth of their features alone: told by the recipes, not by names."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aexad.config.methods import Method
from aexad.config.recipe import Recipe
from aexad.report.method_roles import TRANSFORMER
from aexad.report.text.numbers import number

FEWEST = 3
"""Blocks that make a line against depth."""


class Sweep(NamedTuple):
    """One Transformer by depth."""

    encoder: str
    lines: dict[int | None, dict[int, str]]
    """Input size (None: the working size): block, and the method whose features are of it alone."""

    @property
    def methods(self) -> list[str]:
        """All methods of it."""
        return [method for line in self.lines.values() for method in line.values()]

    @property
    def longest(self) -> int | None:
        """The input size of the most blocks; of several, the largest."""
        return max(self.lines, key=lambda size: (len(self.lines[size]), size or 0))


def sweeps(
    recipes: Mapping[str, Method], names: Sequence[str], families: Mapping[str, str]
) -> list[Sweep]:
    """The sweeps among ``names``, in the order of their first methods.

    Of a sweep, all recipes are the same but for one block and the input size, and at one input size
    at least there are :data:`FEWEST` blocks.
    """
    found: dict[str, Sweep] = {}
    for name in names:
        recipe = recipes.get(name)
        if not isinstance(recipe, Recipe) or len(recipe.features or []) != 1:
            continue
        if families.get(name) != TRANSFORMER or recipe.features is None:
            continue
        rest = json.dumps(
            recipe.model_dump(exclude={"title", "features", "input_size"}), sort_keys=True
        )
        sweep = found.setdefault(rest, Sweep(recipe.encoder or "", {}))
        sweep.lines.setdefault(recipe.input_size, {}).setdefault(recipe.features[0], name)
    return [
        Sweep(sweep.encoder, _ordered(sweep.lines))
        for sweep in found.values()
        if max(map(len, sweep.lines.values())) >= FEWEST
    ]


def told_by_depth(sweep: Sweep, means: Mapping[str, float], label: str) -> str:
    """One sentence: which block is best by a metric, and what the last one reaches.

    ``means`` has the metric's macro mean by method; methods without one are passed over. An empty
    text where fewer than two blocks have one.
    """
    points = [
        (means[method], block, size)
        for size, blocks in sweep.lines.items()
        for block, method in blocks.items()
        if method in means and not math.isnan(means[method])
    ]
    if len({block for _, block, _ in points}) < 2:
        return ""
    best, last = max(points), max(points, key=lambda point: (point[1], point[0]))

    def named(point: tuple[float, int, int | None]) -> str:
        return f"block {point[1]}" + (f" from {point[2]} pixels" if point[2] else "")

    text = f"Of {sweep.encoder}, {named(best)} has the highest {label}, {number(best[0])}"
    if best[1] == last[1]:
        return f"{text}; none deeper was tried."
    return f"{text}; the deepest, {named(last)}, has {number(last[0])}."


def _ordered(lines: dict[int | None, dict[int, str]]) -> dict[int | None, dict[int, str]]:
    return {
        size: dict(sorted(lines[size].items()))
        for size in sorted(lines, key=lambda size: size or 0)
        if len(lines[size]) > 1
    }
