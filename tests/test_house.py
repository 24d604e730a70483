"""The house's own rules, of DESIGN: what imports what, how large a room is, one set of versions."""

import ast
import re
import runpy
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from aexad.config import reference

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "aexad").rglob("*.py"))
# The way of the data: a module imports only from its own line and those above it. A module or
# package stands for all that it contains, unless a part of it has a line of its own.
ORDER = """
runtime.errors
runtime
config
archive.manifest
config.reference
data.rng
data.image_files
data.images data.masks
data.tables
data.layouts
data.annotations
data
encoders
methods
training
explain
evaluation.metrics
evaluation
archive
plan
app
report.labels report.style report.published
report.method_roles report.collect
report.stats
report.results report.inputs
report.text
report.tables.table report.tables.format
report.tables
report.images
report.figures
report.html
cli.arguments
cli
__init__ __main__
"""
LINE = {room: number for number, line in enumerate(ORDER.split("\n")) for room in line.split()}
WITHOUT_TORCH = (
    "config",
    "plan",
    "data",
    "evaluation",
    "report",
    "archive",
    "cli",
    "explain.heatmap",
)


def place(module):
    """The line of a module in :data:`ORDER`: that of its longest part that has one."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        if (room := ".".join(parts[:length])) in LINE:
            return LINE[room]
    raise AssertionError(f"aexad.{module} has no line in ORDER")


def module_of(path):
    parts = path.relative_to(ROOT / "aexad").with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_one_way(path):
    for name in imported(path):
        assert name.split(".")[0] not in ("snakemake", "studies")
        if name.startswith("aexad.") and module_of(path) != "__init__":
            other = name.removeprefix("aexad.")
            assert place(other) <= place(module_of(path)), f"{path} imports {name}"


def test_modules_do_not_import_each_other_in_a_circle():
    """The digest of a module contains the digests of its imports (aexad/runtime/provenance.py)."""
    names = {f"aexad.{module_of(path)}": path for path in MODULES}
    imports = {
        name: {
            module
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if (module := f"{node.module}.{alias.name}") in names
            or (module := node.module) in names
        }
        for name, path in names.items()
    }
    TopologicalSorter(imports).prepare()


def test_the_root_holds_no_modules():
    files = {path.name for path in (ROOT / "aexad").glob("*.py")}
    assert files == {"__init__.py", "__main__.py"}


def test_what_needs_no_network_needs_no_torch():
    modules = [
        f"aexad.{name}" for name in map(module_of, MODULES) if name.startswith(WITHOUT_TORCH)
    ]
    code = f"import sys, {', '.join(modules)}; sys.exit('torch' in sys.modules)"
    assert len(modules) > 50
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def lock_lines():
    return (ROOT / "requirements.lock").read_text().splitlines()


def lock():
    return dict(
        re.match(r"([\w.-]+)==([\w.+-]+)", line).groups() for line in lock_lines() if line[0] != "#"
    )


def test_the_lock_pins_names_and_versions_and_names_no_host():
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    for line in text.splitlines():
        assert line.startswith("#") or re.fullmatch(r"[\w.-]+==[\w.+-]+( ; .+)?", line), line


def test_pyproject_allows_the_versions_of_the_lock_and_environment_has_them():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {canonicalize_name(name): version for name, version in lock().items()}
    extras = project["optional-dependencies"]
    installed = [*project["dependencies"], *extras["fit"], *extras["workflow"]]
    rest = [*extras["explain"], *extras["onnx"], *extras["development"]]
    for requirement in map(Requirement, installed + rest):
        if requirement.name != "aexad":
            assert pinned[canonicalize_name(requirement.name)] in requirement.specifier
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    assert conda == ["python=3.11", "pip"]
    names = {canonicalize_name(Requirement(text).name) for text in installed} - {"aexad"}
    assert dict(text.split("==") for text in pip["pip"]).keys() == {
        name for name in lock() if canonicalize_name(name) in names
    }
    assert all(line in lock_lines() for line in pip["pip"])
    assert project["requires-python"] == ">=3.11.4"


def test_torch_torchvision_and_timm_are_of_one_release():
    pinned = lock()
    torch, torchvision = (tuple(map(int, pinned[n].split("."))) for n in ("torch", "torchvision"))
    # torchvision 0.N.P goes with torch 2.(N - 15).P
    assert (torchvision[1] - 15, torchvision[2]) == torch[1:]


def test_schemas_and_reference_are_not_stale(tmp_path):
    reference.write(tmp_path)
    made = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(made) == 7
    for path in made:
        kept = ROOT / path.relative_to(tmp_path)
        assert kept.read_text() == path.read_text(), f"{kept} is stale; run: make schemas"


def test_every_mutant_still_finds_the_line_that_it_breaks():
    mutants = runpy.run_path(str(ROOT / "benchmarks/mutations.py"))["MUTANTS"]
    stale = [
        f"{module}: {name}"
        for module, changes in mutants.items()
        for name, (before, _) in changes.items()
        if (ROOT / "aexad" / module).read_text(encoding="utf-8").count(before) != 1
    ]
    assert stale == []
