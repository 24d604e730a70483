"""Methods by their names: recipes, and maps of somebody else; ``config/methods.yaml``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, model_validator

from aexad.config.recipe import Recipe
from aexad.config.schema import Strict, inherited, nearest, read_yaml, validate
from aexad.runtime.errors import ConfigError


class ExternalMaps(Strict):
    """A method of somebody else, known by its heat maps alone: it is evaluated, not trained."""

    title: str | None = Field(
        None, min_length=1, description="name that tables and figures show; default: the name"
    )
    maps: str = Field(
        description="folder of the maps of one run; {dataset}, {category}, {scenario} and {seed} "
        "in it are filled in"
    )

    @model_validator(mode="after")
    def _known_placeholders(self) -> ExternalMaps:
        self.folder(dataset="", category="", scenario="", seed="")
        return self

    def folder(self, **run: object) -> str:
        """The folder of one run: its data set, category, scenario and seed are filled in."""
        try:
            return self.maps.format(**run)
        except (KeyError, IndexError, ValueError):
            names = ", ".join(f"{{{name}}}" for name in run)
            raise ValueError(f"maps may hold {names} and no other braces") from None

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Every scenario: its test images are what matters."""
        return ("standard", "anomalies_only", "one_class")


Method = Recipe | ExternalMaps


def read_methods(path: str | Path) -> dict[str, Method]:
    """Read every method of ``config/methods.yaml``; ``base:`` inherits from another entry."""
    entries = read_yaml(path)
    resolved = {name: inherited(name, entries, f"{path}: method") for name in entries}
    for name, entry in resolved.items():  # a title names one method: it is not inherited
        entry |= {"title": entries[name].get("title")}
    methods: dict[str, Method] = {}
    for name, entry in resolved.items():
        where = f"{path}: method '{name}'"
        if "maps" in entry:
            methods[name] = validate(ExternalMaps, entry, where)
        else:
            methods[name] = validate(Recipe, entry, where)
    return methods


def read_recipe(path: str | Path, method: str) -> Recipe:
    """The recipe of one method; an unknown name is an error that names its nearest neighbour."""
    methods = read_methods(path)
    if method not in methods:
        raise ConfigError(f"{path}: no method '{method}'; {nearest(method, list(methods))}")
    recipe = methods[method]
    if isinstance(recipe, ExternalMaps):
        raise ConfigError(f"{path}: method '{method}' is maps of somebody else; only 'evaluate' it")
    return recipe


def trained_as(methods: Mapping[str, Method]) -> dict[str, str]:
    """For each method that is trained, the one whose model it uses.

    Recipes that differ in the heat map alone have the same model: that of the first of them.
    """
    first: dict[str, str] = {}
    shared: dict[str, str] = {}
    for name, method in methods.items():
        if isinstance(method, Recipe):
            key = json.dumps(method.training, sort_keys=True)
            shared[name] = first.setdefault(key, name)
    return shared


class PublishedMethod(Strict):
    """A method of a source, in ``config/published/methods.yaml``."""

    label: str = Field(description="what tables call it")
    ours: list[str] = Field([], description="the methods of config/methods.yaml that repeat it")
