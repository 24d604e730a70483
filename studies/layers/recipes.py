"""The recipes that the study compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from aexad.config.benchmark import Run
from aexad.config.methods import Method
from aexad.config.recipe import Recipe

TEMPLATES = Path(__file__).parent / "templates"
"""The captions and sentences of the study."""


def chosen_from(runs: Sequence[Run], known_methods: Mapping[str, Method]) -> list[Run]:
    """The runs by which a recipe is chosen: of AE-XAD's own loss, on the seeds that all have."""
    own = [
        run
        for run in runs
        if isinstance(method := known_methods[run.method], Recipe) and method.is_aexad
    ]
    seeds: dict[tuple[str, str], dict[str, set[int]]] = {}
    for run in own:
        by_method = seeds.setdefault((run.dataset, run.scenario), {})
        by_method.setdefault(run.method, set()).add(run.seed)
    common = {where: set.intersection(*each.values()) for where, each in seeds.items()}
    return [run for run in own if run.seed in common[run.dataset, run.scenario]]
