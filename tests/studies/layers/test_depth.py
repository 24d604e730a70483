"""The figure by depth: the recipes of a sweep, and its points."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_results import DEPTHS, Tree, make_tree

from aexad.config.methods import ExternalMaps
from aexad.config.recipe import Recipe
from aexad.report.collect import describe_methods, read_collection
from aexad.report.figures.base import read_groups
from aexad.report.style import styled
from studies.layers.depth import Sweep, depth_sentence, sweeps
from studies.layers.depth_figures import depth_drawings, depth_figure, depth_table
from studies.layers.figures import write_study_figures
from studies.layers.tables import depth_sentences

VIT = {"encoder": "vit_tiny_patch16_224.augreg_in21k_ft_in1k"}


def recipe(**options: object) -> Recipe:
    return Recipe(**(VIT | options))  # type: ignore[arg-type]


def test_recipes_of_a_sweep_differ_only_in_block_and_input_size() -> None:
    recipes = {
        "deep": recipe(features=[11]),
        "last": recipe(),
        "first": recipe(features=[0]),
        "large": recipe(features=[2], input_size=448),
        "middle": recipe(features=[5]),
        "two": recipe(features=[0, 1]),
        "random": recipe(features=[2], weights="none"),
        "normed": recipe(features=[2], token_norm=True),
        "larger": recipe(features=[0], input_size=448),
        "alone": recipe(features=[0], input_size=336),
        "maps": ExternalMaps(maps="folder"),
    }
    families = dict.fromkeys(recipes, "Transformer")
    (found,) = sweeps(recipes, list(recipes), families)
    assert found.lines == {
        None: {0: "first", 5: "middle", 11: "deep"},
        448: {0: "larger", 2: "large"},
    }
    assert list(found.lines[None]) == [0, 5, 11]
    assert found.longest is None
    assert sweeps(recipes, [name for name in recipes if name != "deep"], families) == []
    assert sweeps(recipes, list(recipes), dict.fromkeys(recipes, "not known")) == []


def test_a_convolutional_encoder_has_no_sweep() -> None:
    recipes = {f"{i}": Recipe(encoder="resnet18.tv_in1k", features=[i]) for i in range(4)}
    assert sweeps(recipes, list(recipes), dict.fromkeys(recipes, "CNN")) == []


def test_the_summary_names_the_best_and_the_deepest_block() -> None:
    sweep = Sweep("vit", {None: {0: "a", 2: "b", 11: "c"}, 448: {2: "d"}})
    means = {"a": 0.1, "b": 0.3, "c": 0.2, "d": 0.35, "cnn": 0.9}
    assert depth_sentence(sweep, means, "IoU") == (
        "Of vit, block 2 from 448 pixels has the highest IoU, 0.350; the deepest, block 11, has "
        "0.200."
    )
    assert "block 2 has the highest" in depth_sentence(sweep, means | {"d": 0.3}, "IoU")  # a tie
    assert depth_sentence(sweep, {"a": 0.1, "b": float("nan")}, "IoU") == ""
    assert depth_sentence(sweep, {"a": 0.1, "b": 0.2}, "IoU").endswith("no deeper block was tried.")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    root = tmp_path_factory.mktemp("depth")
    return make_tree(root, methods=("aexad-resnet18", *DEPTHS), seeds=(0, 1), size=64)


def test_blocks_are_compared_on_their_common_categories_and_seeds(tree: Tree) -> None:
    results = tree.read_results()
    metrics = results.metrics.copy()
    xauc = metrics["metric"] == "xauc"
    block0, block5 = (metrics["method"] == f"aexad-block{block}" for block in (0, 5))
    second, grass = metrics["seed"] == 1, metrics["category"] == "grass"
    metrics.loc[xauc, "value"] = 0.5 + 0.4 * metrics["seed"]  # the second seed is the easier one
    metrics.loc[xauc & block0 & second, "value"] = np.nan
    metrics.loc[xauc & block5, "value"] = np.where(grass[xauc & block5], np.nan, 1.0)
    sentence = depth_sentences(replace(results, metrics=metrics))[0]
    assert "highest X-AUC, 0.500" in sentence


def test_depth_and_gallery_of_a_sweep(tree: Tree) -> None:
    metrics, methods = read_collection(tree.benchmark)
    without = metrics[(metrics["method"] != "aexad-block5") | (metrics["category"] != "grass")]
    without = without[(without["method"] != "aexad-block0") | (without["seed"] == 0)]
    places = (tree.catalogue, tree.results, tree.data)
    group = next(read_groups(tree.runs, without, methods, *places))
    (sweep,) = sweeps(tree.recipes, list(DEPTHS), dict.fromkeys(DEPTHS, "Transformer"))
    table = depth_table(group, sweep, "aexad-resnet18")
    iou = table[table["metric"] == "iou"].set_index("method")
    assert "aexad-block5" not in iou.index  # its run on one category is missing
    own = without[(without["method"] == "aexad-block2") & (without["metric"] == "iou")]
    by_seed = own.groupby("seed")["value"].mean()
    # The mean is of the seed that all have (block 0 lacks the other), the spread of its own two.
    assert iou["mean"]["aexad-block2"] == pytest.approx(by_seed[0])
    assert iou["std"]["aexad-block2"] == pytest.approx(by_seed.std())
    assert iou["centre"]["aexad-block2"] == pytest.approx(by_seed.mean())
    assert np.isnan(iou["std"]["aexad-block0"])
    with styled():
        figure = depth_figure(group, sweep, "aexad-resnet18", table)
    panel = next(axes for axes in figure.axes if axes.get_title() == "IoU")
    lines = [line for line in panel.lines if len(line.get_xdata()) == 3]
    assert list(lines[0].get_xdata()) == [0, 2, 11]
    assert lines[0].get_ydata()[1] == pytest.approx(by_seed[0])
    cnn = iou.loc["aexad-resnet18"]
    assert cnn["centre"] != pytest.approx(cnn["mean"])
    (band,) = panel.patches
    low, high = band.get_y(), band.get_y() + band.get_height()
    assert [low, high] == pytest.approx([cnn["centre"] - cnn["std"], cnn["centre"] + cnn["std"]])
    assert list(panel.lines[0].get_ydata()) == pytest.approx([cnn["mean"]] * 2)
    whiskers = panel.collections[0].get_segments()  # of blocks 0, 2 and 11
    assert np.mean(whiskers[1], axis=0) == pytest.approx([2, by_seed.mean()])
    first, second = depth_drawings(group, tree.recipes)
    assert "dashed line: mean over the seeds that all methods have" in first.caption
    assert "band: mean ± one standard deviation over all seeds of aexad-resnet18" in first.caption
    assert (first.name, second.name) == (
        "depth_textures_standard",
        "gallery_depth_textures_standard",
    )
    assert "IoU at 448 pixels: best in block 2" in first.alt
    assert "block 0, block 2, block 5, block 11 and aexad-resnet18" in second.alt
    with styled():
        pictures = second.draw()
    titles = [axes.get_title() for axes in pictures.axes if axes.get_title()]
    assert titles == [
        "input, truth",
        "block 0",
        "block 2",
        "block 5",
        "block 11",
        "aexad-resnet18",
    ]
    assert len(pictures.axes) == 2 * 2 * 6 + 1  # two categories, two images each; the scale


def test_the_study_writes_its_figures_with_captions(tree: Tree, tmp_path: Path) -> None:
    metrics, methods = read_collection(tree.benchmark)
    for folder in ("one", "two"):
        write_study_figures(
            tree.runs,
            metrics,
            methods,
            tree.catalogue,
            tree.recipes,
            results=tree.results,
            data=tree.data,
            folder=tmp_path / folder,
        )
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / f).iterdir()} for f in ("one", "two"))
    names = [f"{kind}_textures_standard" for kind in ("depth", "filter_size", "gallery_depth")]
    expected = ["captions.json", *(f"{name}.{end}" for name in names for end in ("png", "svg"))]
    assert sorted(one) == expected
    assert one == two
    assert sorted(caption["name"] for caption in json.loads(one["captions.json"])) == names


def test_size_and_channels_of_the_features_are_in_the_methods_table(tmp_path: Path) -> None:
    small = make_tree(tmp_path, categories=("brick",), methods=("aexad-resnet18", "ae"))
    path = small.results / small.runs[0].folder / "provenance.json"
    content = json.loads(path.read_text())
    content["features"] = {"channels": 128, "grid": 28, "input_size": 224}
    path.write_text(json.dumps(content))
    table = describe_methods(small.runs, small.results).set_index("method")
    columns = ["input_size", "grid", "channels"]
    assert table.loc["aexad-resnet18", columns].tolist() == ["224", "28", "128"]
    assert table.loc["ae", columns].tolist() == [""] * 3
