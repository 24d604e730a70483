"""Choosing on some categories and looking at another, against hand values."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest
from miniature import RECIPES, miniature

from aexad.config.recipe import Recipe
from aexad.report.results import Results
from studies.layers.leave_one_category_out import confirmation_table, mean_ranks

VIT = "vit_tiny_patch16_224.augreg_in21k_ft_in1k"


def study() -> Results:
    """The miniature with two ViTs beside the CNN: ``vit``, and ``deep``, which is what ``ae`` was.

    By all metrics ``vit`` is the better one on category a. On b, ``deep`` is by X-AUC (0.5 against
    0.4) and F1 (0.4 against 0.2), ``vit`` by IoU (0.4 against 0.2) and PRO (0.6 against none).
    """
    results = miniature()
    recipes = {
        "vit": Recipe(encoder=VIT, features=[2]),
        "deep": Recipe(encoder=VIT, features=[11]),
    }

    def renamed(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(method=table["method"].replace("ae", "deep"))

    return replace(
        results,
        metrics=renamed(results.metrics),
        images=renamed(results.images),
        methods=renamed(results.methods).assign(
            title=["cnn", "vit", "deep"], family=["CNN", "Transformer", "Transformer"]
        ),
        recipes=RECIPES | recipes,
    )


def test_every_cell() -> None:
    (table,) = confirmation_table(study())
    rows = [[cell.text + cell.mark for cell in row] for row in table.blocks[0]]
    # Without a (so on b): deep has ranks 1, 1, 2 of X-AUC, F1, IoU and none of PRO, vit 2, 2, 1, 1.
    assert rows == [
        [
            "a", "deep", "3",
            # 0.5 less 0.7, 0.8, 0.9; the interval is that of three seeds after (1 + d) / 2.
            "0.500", "-0.300 [-0.524, -0.037]", "0.200", "-0.400", "0.200", "-0.400",
            "0.100", "-0.400",
        ],
        [
            "b", "vit", "3",
            "0.400", "-0.200", "0.200", "-0.200", "0.400", "+0.100 [-0.178, +0.364]",
            "0.600", "+0.100",
        ],
        [
            "mean", "–", "3",
            "0.450", "-0.250", "0.200", "-0.300", "0.300", "-0.150", "0.350", "-0.150",
        ],
    ]  # fmt: skip
    assert "Of the 2 recipes with a pre-trained Transformer" in table.caption
    assert table.numbers.set_index("left_out").loc["b", "iou_high"] == pytest.approx(
        0.364, abs=0.01
    )


def test_ranks_are_of_the_seeds_that_all_recipes_have() -> None:
    metrics = study().metrics
    fewer = metrics[(metrics["method"] != "deep") | (metrics["seed"] == 1)]
    on_a = fewer[fewer["category"] == "a"]
    assert mean_ranks(on_a, ["vit", "deep"]).to_dict() == {"vit": 1.0, "deep": 2.0}
    apart = metrics[(metrics["method"] == "deep") == (metrics["seed"] == 1)]
    assert mean_ranks(apart, ["vit", "deep"]).isna().all()


def test_recipes_without_a_common_seed_are_not_chosen_from() -> None:
    results = study()
    metrics = results.metrics
    apart = metrics[(metrics["method"] == "deep") == (metrics["seed"] == 1)]
    (table,) = confirmation_table(replace(results, metrics=apart))
    assert [cell.text for cell in table.blocks[0][0]][1:5] == ["–", "0", "n/a", "n/a"]
    assert [note.text for note in table.notes] == ["The recipes have no seed in common."]
    assert math.isnan(table.numbers["xauc"][0])


def test_a_random_transformer_is_no_candidate() -> None:
    results = study()
    recipes = dict(results.recipes) | {
        "deep": Recipe(encoder=VIT, features=[11], weights="none"),
    }
    assert list(confirmation_table(replace(results, recipes=recipes))) == []


def test_without_a_choice_there_is_no_such_table() -> None:
    assert list(confirmation_table(miniature())) == []
