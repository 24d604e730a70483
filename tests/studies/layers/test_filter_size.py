"""The figure of the filter's size: pieces by hand, and IoU by heat map."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_results import Tree, make_tree

from aexad.config.recipe import HeatMap, Recipe
from aexad.data.images import load_image
from aexad.data.masks import load_mask
from aexad.report.collect import read_methods_table, read_metrics
from aexad.report.figures.base import Group, read_groups
from aexad.report.style import styled
from aexad.runtime.errors import DataError
from aexad.runtime.files import write_npz
from studies.layers.filter_size import (
    exchanged,
    filter_size_drawings,
    heat_map_table,
    image_table,
    on_common_places,
)

CNN, VIT = "aexad-resnet18", "aexad-vit_tiny"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return make_tree(tmp_path, categories=("brick",), methods=(CNN, VIT), seeds=(0, 1))


def group_of(tree: Tree) -> Group:
    metrics = read_metrics(tree.benchmark / "metrics.csv")
    methods = read_methods_table(tree.benchmark / "methods.csv")
    return next(read_groups(tree.runs, metrics, methods, tree.catalogue, tree.results, tree.data))


def test_pieces_are_counted_in_the_binarised_raw_error(tree: Tree) -> None:
    group = group_of(tree)
    run = group.runs_of(CNN, seed=0)[0]
    path = group.folder(run) / "maps.npz"
    with np.load(path) as stored:
        maps = {name: stored[name] for name in stored.files}
    pixels = [load_image(group.root / image, group.size) for image in maps["image"]]
    rebuilt = np.stack(pixels)
    # One square, and two pixels that touch it and each other at their corners alone.
    rebuilt[:, 4:8, 4:8] ^= 255
    rebuilt[:, 8, 8] ^= 255
    rebuilt[:, 9, 9] ^= 255
    rebuilt[1::2, 20, 20] ^= 255  # in every other image a speck far from them
    write_npz(path, maps | {"reconstruction": rebuilt, "k": np.arange(len(rebuilt))})
    found = image_table(group, (CNN, VIT)).set_index(["method", "seed", "image"]).loc[CNN, 0]
    split = group.split(run).set_index("image")
    order = {str(image): place for place, image in enumerate(maps["image"])}
    assert set(found.index) == {name for name in order if split["defect"][name] != "good"}
    assert len(found) == 6
    for image, row in found.iterrows():
        assert row["k"] == order[str(image)]
        assert row["pieces"] == 1 + order[str(image)] % 2
    with pytest.raises(DataError, match="levels 1 to 2"):  # which 8 bits do not have
        image_table(replace(group, levels=(1, 2)), (CNN, VIT))


def test_each_map_is_also_filtered_with_the_k_of_the_other_method(tree: Tree) -> None:
    group = group_of(tree)
    for run in group.runs:
        path = group.folder(run) / "maps.npz"
        with np.load(path) as stored:
            maps = {name: stored[name] for name in stored.files}
        masks = group.split(run).set_index("image")["mask"]
        rebuilt = np.stack([load_image(group.root / image, group.size) for image in maps["image"]])
        for image, pixels in zip(maps["image"], rebuilt, strict=True):
            if masks[image]:
                pixels[load_mask(group.root / masks[image], group.size)] ^= 255
        k = np.full(len(rebuilt), 1 if run.method == CNN else 30)
        write_npz(path, maps | {"reconstruction": rebuilt, "k": k})
    images = image_table(group, (CNN, VIT))
    assert len(images) == 2 * 2 * 6
    assert (images[CNN] > 0.95).all()  # a k of 1 blurs no more than the corners of a defect
    assert (images[VIT] < 0.9).all()
    means = exchanged(group, images, (CNN, VIT))
    assert list(means.index) == [f"k of {CNN}", f"k of {VIT}†"]
    assert means.iloc[0].tolist() == pytest.approx([images[CNN].mean()] * 2)
    assert means.iloc[1].tolist() == pytest.approx([images[VIT].mean()] * 2)

    fewer = replace(group, runs=[run for run in group.runs if (run.method, run.seed) != (VIT, 1)])
    images = image_table(fewer, (CNN, VIT)).set_index("seed")
    assert images.loc[0, VIT].notna().all()
    assert images.loc[1, VIT].isna().all()


def test_iou_by_heat_map_compares_the_two_models(tree: Tree) -> None:
    group = group_of(tree)
    recipes = dict(tree.recipes)
    extra = []
    for name, value, heat_map in (
        (CNN, 0.25, HeatMap(filter="none")),
        (VIT, 0.5, HeatMap(filter="none")),
        (VIT, 0.75, HeatMap(extent="runs")),  # the CNN has no such heat map
    ):
        recipe = recipes[name]
        assert isinstance(recipe, Recipe)
        new = f"{name}-{heat_map.filter}-{heat_map.extent}"
        recipes[new] = recipe.model_copy(update={"heat_map": heat_map})
        rows = group.metrics[(group.metrics["method"] == name) & (group.metrics["metric"] == "iou")]
        extra.append(rows.assign(method=new, value=value))
    more = replace(group, metrics=pd.concat([group.metrics, *extra]))
    found = heat_map_table(on_common_places(more, recipes, (CNN, VIT)), recipes, (CNN, VIT))
    words = ["mean extent of pieces", "no filter"]
    assert list(found.index) == words
    assert found.loc["no filter"].tolist() == [0.25, 0.5]
    own = group.metrics[group.metrics["metric"] == "iou"].groupby("method")["value"].mean()
    assert found.loc["mean extent of pieces"].tolist() == pytest.approx([own[CNN], own[VIT]])
    (drawing,) = filter_size_drawings(more, recipes)
    assert "no filter: aexad-resnet18 0.250 and aexad-vit_tiny† 0.500" in drawing.alt
    with styled():
        left, right = drawing.draw().axes
    assert left.get_ylabel().startswith("half size k")
    assert [text.get_text() for text in right.get_yticklabels()] == [
        *words,
        f"k of {CNN}",
        f"k of {VIT}†",
    ]


def test_heat_maps_are_compared_on_their_common_seeds(tree: Tree) -> None:
    group = group_of(tree)
    recipes = dict(tree.recipes)
    known = group.metrics[group.metrics["metric"] == "iou"]
    rows = [known.assign(value=known["seed"] * 0.5)]
    for name, seeds in ((CNN, [0, 1]), (VIT, [1])):  # a partial report: one seed is still to come
        recipe = recipes[name]
        assert isinstance(recipe, Recipe)
        new = f"{name}-unfiltered"
        recipes[new] = recipe.model_copy(update={"heat_map": HeatMap(filter="none")})
        own = rows[0][(rows[0]["method"] == name) & rows[0]["seed"].isin(seeds)]
        rows.append(own.assign(method=new))
    alike = on_common_places(replace(group, metrics=pd.concat(rows)), recipes, (CNN, VIT))
    found = heat_map_table(alike, recipes, (CNN, VIT))
    assert found.loc["no filter"].tolist() == [0.5, 0.5]
    assert found.loc["mean extent of pieces"].tolist() == [0.5, 0.5]


def test_heat_maps_are_compared_on_their_common_categories(tmp_path: Path) -> None:
    tree = make_tree(tmp_path, methods=(CNN, VIT), seeds=(0,))
    group = group_of(tree)
    rows = group.metrics[group.metrics["metric"] == "iou"]
    hard = rows["category"] == "brick"
    rows = rows.assign(value=np.where(hard, 0.25, 0.75))
    recipes = tree.recipes
    absent = rows["method"].eq(VIT) & ~hard  # a partial report: one run is still to come
    more = replace(group, metrics=rows[~absent])
    found = heat_map_table(on_common_places(more, recipes, (CNN, VIT)), recipes, (CNN, VIT))
    assert found.loc["mean extent of pieces"].tolist() == [0.25, 0.25]
    imported = ("grass", VIT)  # it has values, but no maps
    here = [run for run in group.runs if (run.category, run.method) != imported]
    pictured = replace(group, runs=here, metrics=rows)
    assert on_common_places(pictured, recipes, (CNN, VIT)).categories == ["brick"]


def test_one_heat_map_gives_one_panel_and_another_filter_no_figure(tree: Tree) -> None:
    group = replace(group_of(tree), native=True)  # the maps have another size than the masks
    (drawing,) = filter_size_drawings(group, tree.recipes)
    assert "Right" not in drawing.caption
    with styled():
        assert len(drawing.draw().axes) == 1
    for run in tree.runs:
        path = tree.results / run.folder / "maps.npz"
        with np.load(path) as stored:
            maps = {name: stored[name] for name in stored.files}
        write_npz(path, maps | {"settings": np.array([HeatMap(filter="none").model_dump_json()])})
    assert list(filter_size_drawings(group_of(tree), tree.recipes)) == []
