"""Imported runs: which of them serve here in the place of a training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from aexad.archive.manifest import RECORDS, SPLIT
from aexad.config.benchmark import Run
from aexad.config.methods import Command, Method
from aexad.config.own_code import own_digest
from aexad.config.recipe import Recipe
from aexad.runtime.files import sha256_of

IMPORTED = "imported.json"
"""The file that marks an imported run and holds the recipe that it was made with."""


def recipe_differences(stored: Mapping[str, Any] | None, method: Method | None) -> list[str]:
    """Keys in which the recipe of an archived run differs from the recipe of that name here.

    External maps and commands have no recipe: a run of one never serves as a run of the other. A
    name that is not known here is compared when it is used.
    """
    if method is None or (stored is None and not isinstance(method, Recipe)):
        return []
    if stored is None or not isinstance(method, Recipe):
        return ["no recipe there" if stored is None else "no recipe here"]
    try:
        recipe = Recipe.model_validate(dict(stored))
    except ValidationError as error:
        together = "keys that do not go together here"
        problems = [problem["loc"] for problem in error.errors()]
        return sorted({str(place[0]) if place else together for place in problems})
    then, now = (recipe_of_run(each) for each in (recipe, method))
    return [key for key in now if now[key] != then[key]]


def command_differences(record: Mapping[str, Any], method: Method | None) -> list[str]:
    """Keys in which the command of an archived run differs from the command of that name here.

    Its files are compared if all of them are here. The folder of its environment is not: it differs
    between machines.

    Parameters
    ----------
    record
        The ``provenance.json`` of the run.
    method
        The recipe of that name here; without a command, there is no difference.
    """
    then = dict(record.get("recipe") or {})
    if not isinstance(method, Command) or "command" not in then:
        return []
    keys = [key for key in ("command", "uses_labels") if then.get(key) != getattr(method, key)]
    here = all(Path(file).is_file() for file in method.files)
    return keys + ["files"] * (here and method.digest not in _digests(record))


def other_code(record: Mapping[str, Any], method: Method | None) -> list[str]:
    """Python files of one's own that an archived run was made with other code of than here.

    Like aexad's own code, it does not decide whether the run serves. Files that are not here are
    not compared.
    """
    own = method.own_code["train"] if isinstance(method, Recipe) else []
    files = sorted({reference.rpartition(":")[0] for reference in own})
    here = all(Path(file).is_file() for file in files)
    return files if here and own and own_digest(own) not in _digests(record) else []


def _digests(record: Mapping[str, Any]) -> list[str]:
    return str(record.get("library", "")).split()


def recipe_of_run(recipe: Recipe) -> dict[str, Any]:
    """The keys of a recipe that the results of a run depend on."""
    return recipe.training | {"heat_map": recipe.heat_map.model_dump()}


def other_splits(splits: Mapping[str, str], results: Path) -> list[Path]:
    """Folders whose split, by the digests of an archive, is another one here.

    Runs of the archive cannot be compared there with those made here: the data sets differ, or one
    of them is not whole.
    """
    return [
        Path(folder)
        for folder, digest in splits.items()
        if (own := results / folder / SPLIT).is_file() and sha256_of(own) != digest
    ]


def imported_runs(
    runs: Sequence[Run], methods: Mapping[str, Method], results: Path
) -> tuple[list[Run], list[str]]:
    """The runs whose results are imported ones, and what is wrong with others.

    Returns
    -------
    imported : list of Run
        Runs without results of their own here, which were imported.
    problems : list of str
        Imported runs that do not serve: their recipe has changed here, or their split differs from
        the one of the runs made here. One line each.
    """
    found, problems = [], []
    for run in runs:
        if not run.is_imported(results) or run.method not in methods:
            continue
        folder = results / run.imported_folder
        try:
            stored = json.loads((folder / IMPORTED).read_text(encoding="utf-8"))["recipe"]
            changed = recipe_differences(stored, methods[run.method])
            if isinstance(methods[run.method], Command):
                record = json.loads((folder / RECORDS[0]).read_text(encoding="utf-8"))
                changed += command_differences(record, methods[run.method])
        except (OSError, ValueError, KeyError, TypeError):
            problems.append(f"{folder}: no readable {IMPORTED}")
            continue
        if changed:
            problems.append(f"{folder}: made with another recipe ({', '.join(changed)})")
        elif _differ(folder.parent / SPLIT, results / run.data_folder / SPLIT):
            problems.append(f"{folder}: made with another split than the runs made here")
        else:
            found.append(run)
    return found, problems


def _differ(imported: Path, own: Path) -> bool:
    """Whether there is an own file, and it has other bytes."""
    return own.is_file() and (not imported.is_file() or imported.read_bytes() != own.read_bytes())
