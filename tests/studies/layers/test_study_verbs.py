"""The verbs of the study, as its Snakefile calls them, on a small tree of results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_results import DEPTHS, Tree, make_tree

from aexad.cli.parser import main, parser
from aexad.runtime.files import write_json
from studies.layers import verbs
from studies.layers.model_selection import CRITERIA

METHODS = ("aexad-resnet18", *DEPTHS)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    root = tmp_path_factory.mktemp("verbs")
    made = make_tree(root, methods=METHODS, size=64, datasets=["photographs"])
    recipes = {
        name: {"title": name} | {key: value for key, value in options.items() if key != "skill"}
        for name, options in DEPTHS.items()
    }
    # JSON is YAML too.
    (root / "recipes.yaml").write_text(json.dumps(recipes))
    (root / "datasets.yaml").write_text(
        "photographs: {title: Photographs, adaptor: mvtec_layout, size: 64, "
        "categories: [brick, grass], source: data/photographs}"
    )
    (root / "demo.yaml").write_text(
        json.dumps({"title": "Demo", "datasets": {"photographs": "all"}, "methods": METHODS})
    )
    for number, run in enumerate(made.runs):
        criteria = {name: {"value": number, "n": 4, "reason": ""} for name in CRITERIA}
        write_json(made.results / run.folder / "criteria.json", criteria)
    return made


def call(verb: str, tree: Tree, *options: str) -> None:
    root = tree.results.parent
    places = ["--benchmark", "demo", "--benchmarks", root, "--results", tree.results]
    settings = ["--methods", root / "recipes.yaml", "--datasets", root / "datasets.yaml"]
    arguments = [verb, *map(str, [*places, *settings]), *options]
    assert main(arguments, parser("studies.layers", "The study.", [verbs])) == 0


def written(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_tables(tree: Tree) -> None:
    call("tables", tree)
    names = written(tree.benchmark / "study" / "tables")
    assert {"layers.csv", "layers.md", "layers.tex"} <= names


def test_figures(tree: Tree) -> None:
    call("figures", tree, "--data", str(tree.data))
    names = written(tree.benchmark / "study" / "figures")
    assert {"captions.json", "depth_photographs_standard.png"} <= names


def test_selection(tree: Tree) -> None:
    call("selection", tree)
    assert {"criteria.csv", "choice.md"} <= written(tree.benchmark / "study" / "selection")
