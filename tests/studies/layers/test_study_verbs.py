"""The verbs of the study, as its Snakefile calls them, on a small tree of results."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from fake_results import DEPTHS, Tree, make_tree

from aexad.archive.imported import IMPORTED
from aexad.cli.parser import main, parser
from aexad.config.builtin import method_paths
from aexad.config.methods import read_methods
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


def call(verb: str, tree: Tree, *options: str, status: int = 0) -> None:
    root = tree.results.parent
    places = ["--benchmark", "demo", "--benchmarks", root, "--results", tree.results]
    settings = ["--methods", root / "recipes.yaml", "--datasets", root / "datasets.yaml"]
    arguments = [verb, *map(str, [*places, *settings]), *options]
    assert main(arguments, parser("studies.layers", "The study.", [verbs])) == status


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


def test_imported_runs_have_numbers_alone(
    tree: Tree, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(tree.results.parent, tmp_path, dirs_exist_ok=True)
    results = tmp_path / "results"
    (results / "runs").rename(results / "imported")
    recipes = read_methods(*method_paths([tmp_path / "recipes.yaml"]))
    for run in tree.runs:
        folder = results / run.imported_folder
        for name in ("maps.npz", "criteria.json"):
            (folder / name).unlink()
        write_json(folder / IMPORTED, {"recipe": recipes[run.method].model_dump()})
    there = tree._replace(results=results, benchmark=results / "demo")
    call("tables", there)
    call("figures", there, "--data", str(tree.data))
    drawn = written(there.benchmark / "study" / "figures")
    assert drawn == {
        "captions.json",
        "depth_photographs_standard.png",
        "depth_photographs_standard.svg",
    }
    call("selection", there, status=1)
    assert "there are none" in caplog.text


@pytest.mark.parametrize("verb", ["heat-maps", "false-marks"])
def test_a_data_set_in_tiles_is_refused_in_one_line(
    verb: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "datasets.yaml").write_text("large: {title: L, adaptor: mvtec_layout, tile: 64}")
    options = ["--dataset", "large", "--datasets", tmp_path / "datasets.yaml", "--output", "a.csv"]
    places = {
        "heat-maps": ["--run-folder", "run", "--probe", "probe", "--split", "split.csv"],
        "false-marks": ["run"],
    }
    arguments = [verb, *map(str, [*places[verb], *options])]
    read = parser("studies.layers", "The study.", [verbs])
    assert main(arguments, read) == 1
    assert "data set 'large': its models see tiles" in caplog.text
    with pytest.raises(SystemExit):
        main([*arguments, "--device", "cuda"], read)
