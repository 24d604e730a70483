"""The documentation names files, functions and changes: all of them exist and work."""

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "docs/results/*.md", "studies/*/*.md", "config/**/*.md")
    for path in ROOT.glob(pattern)
)
FOLDERS = ("aexad", "benchmarks", "config", "docs", "profiles", "studies", "tests", "workflow")

# Heading of a diff in docs/architecture.md: a program that is run in a copy with that diff.
CHECKS = {
    "Add a data set": """
from aexad.config.benchmark import read_benchmark
from aexad.config.catalogue import read_catalogue
assert read_catalogue("config/datasets.yaml")["bolts"].labelled == 3
assert read_benchmark("config/benchmarks", "bolts").seeds == [0, 1, 2]
""",
    "Add a layout of data sets": """
from pathlib import Path
from aexad.config.catalogue import Dataset
from aexad.data.layouts.registry import recognise
Path("mine/bolt/train/normal").mkdir(parents=True)
assert recognise(Path("mine")) == "normal_folders"
assert Dataset(title="Mine", adaptor="normal_folders").adaptor == "normal_folders"
""",
    "Add an encoder": """
from aexad.config.methods import read_methods
methods = read_methods("config/methods/mine.yaml")
assert methods["aexad-convnext_t-e30"].epochs == 30
assert methods["aexad-convnext_t-e30"].encoder == "convnext_tiny.fb_in22k_ft_in1k"
""",
    "Add a method": """
import torch
from aexad.config.recipe import Recipe
from aexad.methods.model import build_model
recipe = Recipe(model="linear_decoder", encoder="test_resnet.r160_in1k", weights="none", loss="mse")
network = build_model(recipe, 32, seed=0).network
assert network(torch.rand(2, 3, 32, 32)).shape == (2, 3, 32, 32)
assert list(network.trained_state())[-1] == "to_colours.bias"
""",
    "Add a metric": """
import json
import numpy as np
from aexad.evaluation.evaluate import ImageRow, write_evaluation
from aexad.report.labels import METRICS
mask = np.zeros((8, 8), dtype=bool)
mask[:2] = True
rows = [(ImageRow("1.png", "dent", 1.0, 1), (mask + 0.5, mask)),
        (ImageRow("2.png", "good", 0.0, 1), (np.zeros((8, 8)), np.zeros_like(mask)))]
write_evaluation(rows, "model", ".")
assert json.load(open("metrics.json"))["metrics"]["pro_05"] == {"value": 1.0, "n": 2}
assert "pro_05" in [metric.name for metric in METRICS]
""",
    "Add a table": """
from miniature import miniature
from aexad.report.tables.write import build_tables
(table,) = [table for table in build_tables(miniature()) if table.name == "image_counts"]
assert table.data["image"].tolist() == [5, 5]
""",
    "Add a figure": """
from pathlib import Path
from fake_results import make_tree
from aexad.report.collect import read_methods_table, read_metrics
from aexad.report.figures.base import read_groups
from aexad.report.figures.write import drawings
tree = make_tree(Path.cwd() / "tree", categories=("brick",), methods=("ae",), epochs=1)
metrics, methods = (tree.benchmark / name for name in ("metrics.csv", "methods.csv"))
groups = read_groups(tree.runs, read_metrics(metrics), read_methods_table(methods),
                     tree.catalogue, tree.results, tree.data)
figures = {drawing.name: drawing for group in groups for drawing in drawings(group, 1)}
assert figures["scores_textures_standard"].draw().axes[0].get_xlabel() == "score"
""",
}
DIFFS = dict(re.findall(r"^### (.+?)\n.*?^```diff\n(.*?)^```", ARCHITECTURE, re.S | re.M))


@pytest.fixture
def copy(tmp_path):
    """A copy of what the diffs change and the checks import."""
    without = shutil.ignore_patterns("__pycache__")
    for folder in ("aexad", "config", "tests/report"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=without)
    return tmp_path


def test_every_diff_is_checked():
    assert list(DIFFS) == list(CHECKS)
    assert ARCHITECTURE.count("```diff") == len(CHECKS)


@pytest.mark.parametrize("heading", CHECKS)
def test_a_diff_of_the_page_applies_and_does_what_it_says(heading, copy):
    apply = ["git", "apply", "--recount", "-C1", "--whitespace=nowarn"]
    for file in re.split(r"^(?=--- )", DIFFS[heading], flags=re.M)[1:]:
        subprocess.run(apply, input=file, text=True, cwd=copy, check=True)
    environment = {"PYTHONPATH": f"{copy}:{copy / 'tests/report'}", "HF_HUB_OFFLINE": "1"}
    subprocess.run([sys.executable, "-c", CHECKS[heading]], cwd=copy, check=True, env=environment)


def named(pattern):
    """What the pages name in backticks by a pattern, and the pages that name it."""
    return sorted(
        {
            (str(page.relative_to(ROOT)), name)
            for page in PAGES
            if page.name not in ("CHANGELOG.md", "extending.md")  # old names; names of the reader
            for name in re.findall(rf"`({pattern})`", page.read_text())
        }
    )


def test_every_path_of_the_pages_exists():
    paths = named(rf"(?:{'|'.join(FOLDERS)})/[\w./-]*")
    assert len(paths) > 60
    assert [(page, path) for page, path in paths if not (ROOT / path).exists()] == []


def test_every_function_of_the_pages_exists():
    names = named(r"(?:aexad|studies)\.[\w.]+")
    assert len(names) > 50
    assert [(page, name) for page, name in names if not is_defined(name)] == []


def is_defined(name):
    """Whether a dotted name is a module, or an attribute below one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            thing = getattr(thing, part, None)
        return thing is not None
    return False
