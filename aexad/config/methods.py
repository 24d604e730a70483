"""Methods by name: recipes, external maps and commands, from the files of ``config/methods/``."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from aexad.config.recipe import TITLE, Recipe
from aexad.config.scenarios import SCENARIOS
from aexad.config.schema import Strict, inherited, nearest, read_entries, validate
from aexad.runtime.errors import ConfigError


class ExternalMaps(Strict):
    """A method whose heat maps were made elsewhere: they are evaluated, nothing is trained."""

    title: str | None = TITLE
    maps: str = Field(
        description="folder of the heat maps of one run; {dataset}, {category}, {scenario} and "
        "{seed} are replaced by the run's"
    )

    @model_validator(mode="after")
    def _known_placeholders(self) -> ExternalMaps:
        self.folder(dataset="", category="", scenario="", seed="")
        return self

    def folder(self, **run: object) -> str:
        """Folder of one run, given its ``dataset``, ``category``, ``scenario`` and ``seed``."""
        try:
            return self.maps.format(**run)
        except (KeyError, IndexError, ValueError, AttributeError, TypeError):
            names = ", ".join(f"{{{name}}}" for name in run)
            raise ValueError(f"maps may hold {names} and no other braces") from None

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Every scenario: only the test images matter."""
        return SCENARIOS


class Command(Strict):
    """A method that a command trains and runs, in an environment of its own."""

    title: str | None = TITLE
    command: str = Field(
        min_length=1,
        description="program and options; {split}, {output}, {seed} and {device} are replaced. It "
        "trains on the folder split and writes one map per test image to the folder output",
    )
    environment: str | None = Field(
        None,
        description="folder of a virtual or conda environment whose programs are found first; "
        "default: the environment of aexad",
    )
    uses_labels: bool = Field(True, description="whether it gets the labelled defects")
    files: list[str] = Field(
        [], description="files of the program: when one of them changes, the command runs again"
    )
    minutes: float = Field(240, gt=0, le=100_000, description="after these it is stopped")

    @model_validator(mode="after")
    def _known_placeholders(self) -> Command:
        self.arguments(split="", output="", seed="", device="")
        return self

    def arguments(self, **places: object) -> list[str]:
        """Program and options, given ``split``, ``output``, ``seed`` and ``device``."""
        try:
            parts = shlex.split(self.command)
        except ValueError as error:
            raise ValueError(f"command: {str(error).lower()}; close the quotation") from None
        try:
            return [part.format(**places) for part in parts]
        except (KeyError, IndexError, ValueError, AttributeError, TypeError):
            names = ", ".join(f"{{{name}}}" for name in places)
            raise ValueError(f"command may hold {names} and no other braces") from None

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Scenarios that have the images which it gets."""
        return ("standard", "anomalies_only") if self.uses_labels else ("standard", "one_class")

    @property
    def digest(self) -> str:
        """Digest of the program's files; one that is missing counts as empty."""
        digest = hashlib.sha256()
        for name in self.files:
            path = Path(name)
            digest.update(path.read_bytes() if path.is_file() else b"")
        return digest.hexdigest()[:16]


Method = Recipe | ExternalMaps | Command


class PublishedMethod(Strict):
    """A method of a source, in ``config/published/methods.yaml``."""

    label: str = Field(description="name in tables")
    ours: list[str] = Field([], description="methods of this project that repeat it")


def read_methods(*paths: str | Path) -> dict[str, Method]:
    """Read the methods of YAML files, and of all YAML files in folders.

    ``base`` inherits the keys of another method of any of these files, except its title. Each base
    stands before the methods that inherit from it, whatever the names of their files: the first of
    those that share a model trains it (:func:`trained_as`).

    Raises
    ------
    aexad.runtime.errors.ConfigError
        A file cannot be used, a method is invalid, or two files have a method of the same name.
    """
    entries, files = read_entries(paths, "method")
    methods: dict[str, Method] = {}
    for name, entry in entries.items():
        where = f"{files[name]}: method"
        keys = inherited(name, entries, where) | {"title": entry.get("title")}
        kind: type[Recipe] | type[ExternalMaps] | type[Command] = Recipe
        if "maps" in keys or "command" in keys:
            kind = ExternalMaps if "maps" in keys else Command
        methods[name] = validate(kind, keys, f"{where} '{name}'")
    return {name: methods[name] for first in methods for name in _bases_first(first, entries)}


def read_recipe(paths: Sequence[str | Path], method: str) -> Recipe:
    """Read the recipe of one method; an unknown name is an error with the nearest known name."""
    methods, where = read_methods(*paths), " and ".join(map(str, paths))
    if method not in methods:
        raise ConfigError(f"{where}: no method '{method}'; {nearest(method, list(methods))}")
    recipe = methods[method]
    if isinstance(recipe, ExternalMaps):
        raise ConfigError(f"{where}: method '{method}' has external maps; only 'evaluate' uses it")
    if isinstance(recipe, Command):
        raise ConfigError(f"{where}: method '{method}' is a command; only 'command' runs it")
    return recipe


def read_command(paths: Sequence[str | Path], method: str) -> Command:
    """Read a method that is a command; another name or kind is an error."""
    methods = read_methods(*paths)
    found = methods.get(method)
    if not isinstance(found, Command):
        known = [name for name, each in methods.items() if isinstance(each, Command)]
        hint = nearest(method, known) if known else "no recipe has the key 'command'"
        raise ConfigError(f"{' and '.join(map(str, paths))}: no command '{method}'; {hint}")
    return found


def _bases_first(name: str, entries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The bases of an entry, the furthest first, and the entry itself."""
    base = entries[name].get("base")
    return [*(_bases_first(base, entries) if base is not None else []), name]


def trained_as(methods: Mapping[str, Method]) -> dict[str, str]:
    """Map each method with a model to the method that trains this model.

    Recipes that differ in heat map or title alone share a model: the first of them trains it.
    """
    first: dict[str, str] = {}
    shared: dict[str, str] = {}
    for name, method in methods.items():
        if isinstance(method, Recipe):
            key = json.dumps(method.training, sort_keys=True)
            shared[name] = first.setdefault(key, name)
    return shared


def titles_of_methods(methods: Mapping[str, Method]) -> dict[str, str]:
    """Map each method to its title, or to its name if it has none."""
    return {name: method.title or name for name, method in methods.items()}
