"""The digest of code changes with what a verb may run, and with nothing else."""

import shutil
from pathlib import Path

import pytest

from aexad.runtime import provenance
from aexad.runtime.provenance import ROOT, code_digest

VERBS = (
    "aexad.data.augment",
    "aexad.training.train",
    "aexad.explain.inference",
    "aexad.evaluation.evaluate",
    "aexad.report.tables.write",
)


class Library:
    """A copy of the library that tests may edit."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(
            ROOT / "aexad", root / "aexad", ignore=shutil.ignore_patterns("__pycache__")
        )
        self.before = self.digests()

    def digests(self, **renamed: str) -> dict[str, str]:
        for cached in ("_parsed", "_imports", "_tree_digest", "_own_digest", "code_digest"):
            getattr(provenance, cached).cache_clear()
        return {verb: code_digest(renamed.get(verb, verb), root=self.root) for verb in VERBS}

    def path(self, module: str) -> Path:
        return self.root.joinpath(*module.split(".")).with_suffix(".py")

    def edit(self, module: str, old: str, new: str) -> None:
        text = self.path(module).read_text()
        assert old in text, f"{module} has no {old!r}"
        self.path(module).write_text(text.replace(old, new, 1))

    def move(self, module: str, to: str) -> None:
        """Move a module, and name its new place wherever it is imported."""
        self.path(to).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(self.path(module), self.path(to))
        package, _, name = module.rpartition(".")
        new_package, _, new_name = to.rpartition(".")
        for path in (self.root / "aexad").rglob("*.py"):
            text = path.read_text().replace(f"from {module} import", f"from {to} import")
            moved = f"from {new_package} import {new_name} as {name}"
            path.write_text(text.replace(f"from {package} import {name}\n", f"{moved}\n"))

    def changed(self) -> set[str]:
        after = self.digests()
        return {verb for verb in VERBS if after[verb] != self.before[verb]}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path)


def test_moving_a_module_changes_nothing(library: Library) -> None:
    library.move("aexad.explain.heatmap", "aexad.explain.heat_and_maps")
    library.move("aexad.data.layouts.visa", "aexad.data.layouts.visual")
    library.move("aexad.training.loop", "aexad.training.epochs")
    assert library.changed() == set()


def test_words_for_people_change_nothing(library: Library) -> None:
    library.edit("aexad.training.loop", '"""', '"""Explained anew. ')
    library.edit("aexad.methods.aexad", "class Decoder", "# Said better.\nclass Decoder")
    library.edit("aexad.config.recipe", 'description="', 'description="Described anew: ')
    library.edit("aexad.training.loop", 'logger.info("', 'logger.info("Told anew: ')
    library.edit(
        "aexad.training.batches",
        'raise ConfigError(\n            "',
        'raise ConfigError(\n            "Now: ',
    )
    library.edit(
        "aexad.runtime.errors",
        "class ConfigError",
        "class Another(AexadError):\n    pass\n\n\nclass ConfigError",
    )
    assert library.changed() == set()


@pytest.mark.parametrize(
    ("module", "old", "new", "users"),
    [
        ("evaluation.metrics.pro", "0.3", "0.31", {"evaluation.evaluate"}),
        ("training.batches", "1 / 3", "1 / 4", {"training.train"}),
        (
            "methods.aexad",
            "CODE_CHANNELS = 64",
            "CODE_CHANNELS = 32",
            {"training.train", "explain.inference"},
        ),
        ("data.augment", "np", "numpy", {"data.augment"}),
    ],
)
def test_changing_a_constant_concerns_the_users_of_that_code_alone(
    library: Library, module: str, old: str, new: str, users: set[str]
) -> None:
    library.edit(f"aexad.{module}", old, new)
    assert library.changed() == {f"aexad.{user}" for user in users}


def test_changing_the_heat_map_never_trains_again(library: Library) -> None:
    library.edit("aexad.explain.heatmap", "_DEVIATIONS = 4", "_DEVIATIONS = 3")
    assert "aexad.explain.inference" in library.changed()
    assert "aexad.training.train" not in library.changed()


def test_taking_a_name_from_another_module_counts(library: Library) -> None:
    """Two modules that are both imported: which of them a name comes from is part of the code."""
    library.edit(
        "aexad.training.loop", "from aexad.explain.resize import", "from aexad.training.step import"
    )
    assert "aexad.training.train" in library.changed()


def test_imports_inside_functions_count() -> None:
    reached, waiting = set(), ["aexad.evaluation.evaluate"]
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += provenance._imports(module, ROOT)
    assert "aexad.evaluation.metrics.pro" in reached
