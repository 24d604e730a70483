"""The table of features against hand values, and the pairs behind it."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest
from miniature import RECIPES, miniature

from aexad.config.recipe import HeatMap, Recipe
from aexad.report.results import Results
from aexad.report.tables.table import to_markdown
from aexad.report.text.summary import summarise
from studies.layers.features_table import features_phrase, layers_table

VIT = "vit_tiny_patch16_224.augreg_in21k_ft_in1k"


def study() -> Results:
    """The miniature, in which ``vit`` says its features and lacks the seeds 1 and 2."""
    results = miniature()
    few = (results.metrics["method"] != "vit") | (results.metrics["seed"] == 0)
    fewer = (results.images["method"] != "vit") | (results.images["seed"] == 0)
    methods = results.methods.copy()
    own = methods["method"] == "vit"
    methods.loc[own, ["input_size", "grid", "channels"]] = ["448", "28", "192"]
    shallow = Recipe(encoder=VIT, features=[2], input_size=448, token_norm=True)
    return replace(
        results,
        metrics=results.metrics[few],
        images=results.images[fewer],
        methods=methods,
        recipes=RECIPES | {"vit": shallow},
    )


def test_every_cell_of_the_table_of_features() -> None:
    (table,) = layers_table(study())
    rows = [[cell.text + cell.mark for cell in row] for row in table.blocks[0]]
    # The plain autoencoder is no recipe of AE-XAD. X-AUC of the CNN: 0.6, 0.7, 0.8 by seed.
    assert rows == [
        [
            "cnn", "stage of 28x28", "n/a", "n/a", "250", "3",
            "0.700 ± 0.100", "0.500 ± 0.000", "0.450 ± 0.000", "0.500 ± 0.100",
            "–", "–", "–", "–", "10.0", "3.00",
        ],
        [
            "vit", "block 2; normed", "448", "28x28", "250", "1",
            "0.600", "0.400", "0.500", "0.600",
            # On seed 0: X-AUC a 0.9 - 0.7, b 0.3 - 0.5; F1 a 0, b -0.2; IoU a 0, b 4 x 0.2, -0.3.
            "+0.000a", "-0.100a", "+0.050 [-0.089, +0.187]b", "+0.200c", "30.0", "1.00",
        ],
    ]  # fmt: skip
    assert [note.text for note in table.notes] == [
        "No interval: all resampled values are equal.",
        "Without two seeds in every category: interval of the chance of the test images alone.",
        "No interval: a: the values of single images are not known.",
    ]
    numbers = table.numbers.set_index("method")
    assert numbers.loc["vit", "f1_difference"] == pytest.approx(-0.1)
    assert math.isnan(numbers.loc["cnn", "iou_difference"])
    assert "the method less cnn" in table.caption
    assert "vit only 1" in table.caption
    assert "block 2; normed" in to_markdown(table)


def with_unfiltered(results: Results) -> Results:
    """The same with the maps of ``cnn`` and ``vit`` once more, unfiltered: IoU + 0.1 and + 0.3."""
    more = {"cnn": 0.1, "vit": 0.3}
    recipes, metrics, images, methods = dict(results.recipes), [], [], []
    for name, gain in more.items():
        new = f"{name}-raw"
        recipe = recipes[name]
        assert isinstance(recipe, Recipe)
        recipes[new] = recipe.model_copy(update={"heat_map": HeatMap(filter="none")})
        rows = results.metrics[results.metrics["method"] == name].assign(method=new)
        rows["value"] += gain * (rows["metric"] == "iou")
        own = results.images[results.images["method"] == name]
        metrics.append(rows)
        images.append(own.assign(method=new, iou=own["iou"] + gain))
        about = results.methods[results.methods["method"] == name]
        methods.append(about.assign(method=new, title=new))
    return replace(
        results,
        recipes=recipes,
        metrics=pd.concat([results.metrics, *metrics]),
        images=pd.concat([results.images, *images]),
        methods=pd.concat([results.methods, *methods]),
    )


def test_another_heat_map_is_set_beside_the_same_of_the_cnn() -> None:
    (table,) = layers_table(with_unfiltered(study()))
    numbers = table.numbers.set_index("method")["iou_difference"]
    assert numbers["vit"] == pytest.approx(0.05)
    assert numbers["vit-raw"] == pytest.approx(0.05 + 0.3 - 0.1)
    assert numbers["cnn-raw"] != numbers["cnn-raw"]  # it is what vit-raw is set beside
    assert "block 2; normed; no filter" in to_markdown(table)
    assert "less the same model with the method's own heat map" in table.caption


def test_the_summary_says_so_for_each_heat_map() -> None:
    first, second, third = summarise(with_unfiltered(study())).findings[0].sentences[:3]
    assert first.startswith("vit (Transformer) in place of cnn (CNN)")
    assert "IoU +0.050" in first
    assert second.startswith("vit-raw (Transformer) in place of cnn-raw (CNN)")
    assert "IoU +0.250" in second
    assert third.startswith("X-AUC: ")


def test_without_features_in_a_recipe_there_is_no_such_table() -> None:
    assert list(layers_table(miniature())) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"encoder": VIT}, "last block"),
        ({"encoder": "coatnet_0_rw_224.sw_in1k", "features": [2]}, "level 2"),
        ({"encoder": VIT, "features": [2, 0]}, "blocks 0, 2"),
        ({"encoder": "resnet18.tv_in1k", "features": [3]}, "stage 3"),
        ({"encoder": "pixels", "feature_channels": 8}, "pixels; to 8 channels"),
        ({"encoder": VIT, "heat_map": {"extent": "runs"}}, "last block; filter by runs"),
        (
            {"encoder": VIT, "heat_map": {"filter": "none", "extent": "runs"}},
            "last block; no filter",
        ),
        (
            {"encoder": VIT, "features": [1], "token_shifts": 2, "projection": "convolution"},
            "block 1; shifted 2x2; one convolution",
        ),
    ],
)
def test_features_in_words(options: dict[str, object], words: str) -> None:
    families = {VIT: "Transformer", "resnet18.tv_in1k": "CNN", "pixels": "none"}
    family = families.get(str(options["encoder"]), "hybrid")
    assert features_phrase(Recipe(**options), family) == words  # type: ignore[arg-type]
