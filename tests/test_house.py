"""The house's own rules, of DESIGN: what imports what, how large a room is, one set of versions."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from aexad import configuration

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "aexad").rglob("*.py"))
# The way of the data: a module imports only from its own room and those before it.
ROOMS = [
    {"errors", "files", "locks", "schema", "recipe", "workplace"},
    {"data"},
    {"benchmark", "cluster_job", "device", "energy", "provenance"},
    {"models"},
    {"losses", "random_affine", "resize"},
    {"training"},
    {"heatmaps"},
    {"inference"},
    {"metrics"},
    {"criteria", "evaluation", "foreign_maps"},
    {"calibration", "explainer"},
    {"export", "fitting"},
    {"reporting"},
    {"verbs", "stopping"},
    {"arguments"},
    {"cli", "configuration", "__main__", "__init__"},
]
ORDER = {room: number for number, rooms in enumerate(ROOMS) for room in rooms}
WITHOUT_TORCH = ("data", "metrics", "evaluation", "reporting", "heatmaps", "cli", "benchmark")


def room(path):
    return path.relative_to(ROOT / "aexad").with_suffix("").parts[0]


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
        assert name.split(".")[0] != "snakemake"
        if name.startswith("aexad."):
            other = name.split(".")[1]
            assert ORDER[other] <= ORDER[room(path)], f"{path} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_holds_one_concept(path):
    assert len(path.read_text().splitlines()) <= 300


def test_what_needs_no_network_needs_no_torch():
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in MODULES
        if room(path) in WITHOUT_TORCH
    ]
    code = f"import sys, {', '.join(modules)}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def lock():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return dict(
        re.match(r"([\w.-]+)==([\w.+-]+)", line).groups() for line in lines if line[0] != "#"
    )


def test_the_lock_pins_names_and_versions_and_names_no_host():
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    for line in text.splitlines():
        assert line.startswith("#") or re.fullmatch(r"[\w.-]+==[\w.+-]+( ; .+)?", line), line


def test_pyproject_lock_and_environment_give_the_same_versions():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {name.lower(): version for name, version in lock().items()}
    assert len(project["dependencies"]) > 10
    extras = project["optional-dependencies"]
    for requirement in project["dependencies"] + extras["development"] + extras["onnx"]:
        name, version = requirement.split("==")
        assert pinned[name.lower()] == version, name
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    assert conda == ["python=3.11", "pip"]
    assert pip["pip"] == project["dependencies"]
    assert project["requires-python"] == ">=3.11"


def test_torch_torchvision_and_timm_are_of_one_release():
    pinned = lock()
    torch, torchvision = (tuple(map(int, pinned[n].split("."))) for n in ("torch", "torchvision"))
    # torchvision 0.N.P goes with torch 2.(N - 15).P
    assert (torchvision[1] - 15, torchvision[2]) == torch[1:]


def test_schemas_and_reference_are_not_stale(tmp_path):
    configuration.write(tmp_path)
    made = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(made) == 6
    for path in made:
        kept = ROOT / path.relative_to(tmp_path)
        assert kept.read_text() == path.read_text(), f"{kept} is stale; run: make schemas"
