"""The digest of code changes with what a verb may run, and with nothing else."""

import re
import shutil
import subprocess
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


def clear_caches() -> None:
    for function in vars(provenance).values():
        if hasattr(function, "cache_clear"):
            function.cache_clear()


class Library:
    """A copy of the library that tests may edit."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(
            ROOT / "aexad", root / "aexad", ignore=shutil.ignore_patterns("__pycache__")
        )
        self.before = self.digests()

    def digests(self, **renamed: str) -> dict[str, str]:
        clear_caches()
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
            # From "from aexad.data import a, name" to "from aexad.data import a" and another line.
            text = re.sub(
                rf"^from {package} import ((?:\w+, )*){name}\b(?:, )?(.*)$",
                rf"from {package} import \1\2\nfrom {new_package} import {new_name} as {name}",
                text,
                flags=re.MULTILINE,
            )
            text = re.sub(r", $", "", text, flags=re.MULTILINE)
            path.write_text(re.sub(r"^from [\w.]+ import $", "", text, flags=re.MULTILINE))

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
    library.edit("aexad.training.loop", '"""', '"""Explained again. ')
    library.edit("aexad.methods.aexad", "class Decoder", "# Said better.\nclass Decoder")
    library.edit("aexad.config.recipe", 'description="', 'description="Described again: ')
    library.edit("aexad.training.loop", 'logger.info("', 'logger.info("Said again: ')
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
        (
            # The intervals of the tables are of PRO too.
            "evaluation.metrics.pro",
            "0.3",
            "0.31",
            {"evaluation.evaluate", "report.tables.write"},
        ),
        ("training.batches", "1 / 3", "1 / 4", {"training.train"}),
        (
            "methods.base",
            "loss_terms = 1",
            "loss_terms = 2",
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


def test_a_method_concerns_no_other_method(library: Library) -> None:
    library.edit("aexad.methods.aexad", "CODE_CHANNELS = 64", "CODE_CHANNELS = 32")
    assert library.changed() == set()
    assert code_digest("aexad.methods.aexad", root=library.root) != code_digest(
        "aexad.methods.aexad"
    )


def test_changing_the_heat_map_never_trains_again(library: Library) -> None:
    library.edit("aexad.explain.heatmap", "_DEVIATIONS = 4", "_DEVIATIONS = 3")
    assert "aexad.explain.inference" in library.changed()
    assert "aexad.training.train" not in library.changed()


@pytest.mark.parametrize("pictures", ["panels", "strips"])
def test_an_edit_of_a_metric_draws_no_picture_again(library: Library, pictures: str) -> None:
    library.edit("aexad.evaluation.metrics.pro", "LIMIT = ", "LIMIT = 1 - ")
    module = f"aexad.report.images.{pictures}"
    assert code_digest(module, root=library.root) == code_digest(module)


def test_a_new_key_of_settings_or_benchmarks_makes_no_training_due(library: Library) -> None:
    library.edit(
        "aexad.config.benchmark", "    gallery: int =", "    zoom: int = 1\n    gallery: int ="
    )
    library.edit(
        "aexad.config.benchmark", "    archive: str", "    footer: str = ''\n    archive: str"
    )
    assert "aexad.training.train" not in library.changed()


def test_taking_a_name_from_another_module_counts(library: Library) -> None:
    """Two modules that are both imported: which of them a name comes from is part of the code."""
    library.edit(
        "aexad.training.images",
        "from aexad.data.resize import",
        "from aexad.training.step import",
    )
    assert "aexad.training.train" in library.changed()


def reached_from(module: str) -> set[str]:
    """The modules that the digest of a module covers."""
    reached, waiting = set(), [module]
    while waiting:
        if (name := waiting.pop()) not in reached:
            reached.add(name)
            waiting += provenance._analysed(name, ROOT)[1]
    return reached


def test_imports_inside_functions_count() -> None:
    assert "aexad.evaluation.metrics.pro" in reached_from("aexad.evaluation.evaluate")


@pytest.mark.parametrize("verb", ["aexad.training.train", "aexad.evaluation.evaluate"])
def test_another_layout_of_data_sets_makes_nothing_due(verb: str) -> None:
    """How a data set is listed and fetched does not matter to what is done with its split."""
    rooms = ("aexad.data.index", "aexad.data.split", "aexad.data.layouts", "aexad.data.sources")
    assert [name for name in reached_from(verb) if name.startswith(rooms)] == []


@pytest.fixture
def small(tmp_path: Path):
    """A library of a few modules, and a function that says if an edit changes its digest."""
    files = {
        "__init__": "",
        "one": "from aexad.below import f\n",
        "two": "from aexad.below import g as f\n",
        "below": "def f(x=1):\n    return x\n\n\ndef g(x=2):\n    return x\n",
        "user": (
            "from dataclasses import dataclass\n"
            "from functools import cache\n"
            "from pathlib import Path\n\n"
            "from aexad.one import f\n"
            "import aexad.two\n\n\n"
            "@cache\n"
            "def use(x):\n"
            "    from aexad.two import f as other\n\n"
            "    return {'name': f(x), 'file': Path(__file__).parent / 'page.j2'}\n\n\n"
            "@dataclass\n"
            "class Values:\n"
            "    count: int = 3\n"
        ),
    }
    (tmp_path / "aexad/scripts").mkdir(parents=True)
    for name, text in files.items():
        (tmp_path / f"aexad/{name}.py").write_text(text)
    (tmp_path / "aexad/page.j2").write_text("{{ title }}")
    (tmp_path / "aexad/scripts/page.js").write_text("start()")
    (tmp_path / "aexad/recipes.yaml").write_text("epochs: 2")

    def changed(path: str, old: str, new: str) -> bool:
        clear_caches()
        before = code_digest("aexad.user", root=tmp_path)
        file = tmp_path / "aexad" / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))
        clear_caches()
        return code_digest("aexad.user", root=tmp_path) != before

    return changed


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        pytest.param("user.py", "'name'", "'names'", id="a string"),
        pytest.param("user.py", "count: int = 3", "count: int = 4", id="a default of a dataclass"),
        pytest.param("user.py", "@cache\n", "", id="a decorator"),
        pytest.param("user.py", "@dataclass\n", "@dataclass(frozen=True)\n", id="its arguments"),
        pytest.param("user.py", "aexad.one", "aexad.two", id="a module with the same statements"),
        pytest.param("user.py", "aexad.one import f", "aexad.below import g as f", id="another f"),
        pytest.param("user.py", "f(x)", "other(x)", id="a name imported in a function"),
        pytest.param("user.py", "functools import", "other import", id="a library"),
        pytest.param("below.py", "x=2", "x=3", id="a default of an indirectly imported function"),
        pytest.param("two.py", "import g as f", "import f", id="a re-exported name"),
        pytest.param("page.j2", "title", "name", id="a template"),
        pytest.param("scripts/page.js", "start", "stop", id="a script"),
    ],
)  # fmt: skip
def test_a_change_of_code_changes_the_digest(small, path: str, old: str, new: str) -> None:
    assert small(path, old, new)


def test_a_change_of_recipes_does_not(small) -> None:
    assert not small("recipes.yaml", "2", "3")


def test_modules_that_import_each_other_are_named_as_the_cause(small) -> None:
    with pytest.raises(ImportError, match="import each other in a circle"):
        small("below.py", "def f", "from aexad.one import f\n\n\ndef f")


def test_the_commit_of_a_checkout_and_whether_it_was_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    assert provenance.commit() == ""

    def git(*words):
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    (tmp_path / "code.py").write_text("1\n")
    git("add", ".")
    git("commit", "-m", "one")
    clean = provenance.commit()
    assert re.fullmatch("[0-9a-f]{7,40}", clean)
    (tmp_path / "code.py").write_text("2\n")
    assert provenance.commit() == f"{clean}-dirty"
