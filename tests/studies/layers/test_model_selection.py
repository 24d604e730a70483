"""The table of choices against hand values."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from aexad.config.methods import Method
from aexad.config.recipe import HeatMap, Recipe
from aexad.report.collect import METRIC_COLUMNS
from aexad.report.tables.table import Table
from studies.layers.model_selection import CRITERIA, METRICS, choice_table

NAMES = [f"m{i}" for i in range(1, 7)]
RECIPES: dict[str, Method] = {
    name: Recipe(encoder="vit_x", features=[block]) for block, name in enumerate(NAMES)
}
# By recipe: the loss falls while IoU rises, but for the last, which has the least loss.
LOSS = [6, 5, 4, 3, 2, 1]
IOU = [0.1, 0.2, 0.3, 0.4, 0.6, 0.5]


def rows(values: dict[str, list[float]], names: list[str], seeds: int = 1) -> pd.DataFrame:
    return pd.DataFrame(
        [
            ["parts", "nut", "standard", name, seed, metric, value, 4, ""]
            for metric, each in values.items()
            for name, value in zip(names, each, strict=False)
            for seed in range(seeds)
        ],
        columns=METRIC_COLUMNS,
    )


def table(names: list[str], recipes: dict[str, Method] = RECIPES) -> Table:
    criteria = {name: [0.5] * 6 for name in CRITERIA} | {"held_out_loss": LOSS}
    criteria["high_frequency"] = IOU[::-1]
    metrics = {name: [0.9] * 6 for name in METRICS} | {"iou": IOU}
    # The last two seeds and the other category are of no criterion, and count nothing.
    extra = rows({"iou": [9.0] * 6}, names, 3)
    elsewhere = rows(dict.fromkeys(METRICS, [9.0] * 6), names).assign(category="bolt")
    tested = pd.concat([rows(metrics, names), extra[extra["seed"] > 0], elsewhere])
    return choice_table(rows(criteria, names), tested, recipes, {"parts": "Parts"})


def test_every_cell_of_the_table_of_choices() -> None:
    found = table(NAMES)
    (block,) = found.blocks
    cells = [[cell.text for cell in row] for row in block]
    assert [row[:3] for row in cells] == [
        ["all 6", "loss on held-out copies", "m6"],
        ["all 6", "X-AUC on held-out copies", "n/a"],  # all are equal
        ["all 6", "IoU on held-out copies", "n/a"],
        ["all 6", "high-frequency share of the features", "m2"],
    ]
    # Spearman: 1 - 6 sum(d^2) / (6 (36 - 1)); the last two ranks are swapped, sum(d^2) = 2.
    assert cells[0][3:] == ["n/a", "n/a", "+0.94", "n/a", "0.500", "0.100", "0.900", "0.000"]
    assert cells[1][3:] == ["n/a"] * 8
    assert "All are equal." in {note.text for note in found.notes}
    # Ranks 5 6 4 3 2 1 against 1 2 3 4 6 5: sum(d^2) = 16 + 16 + 1 + 1 + 16 + 16 = 66.
    assert cells[3][5] == f"{1 - 6 * 66 / 210:+.2f}"
    numbers = found.numbers.set_index("criterion")
    assert numbers.loc["held_out_loss", "iou_below_best"] == pytest.approx(0.1)
    assert "the loss with its sign turned" in found.caption


def test_too_few_recipes_have_no_correlation_but_a_pick() -> None:
    found = table(NAMES[:3])
    first = found.blocks[0][0]
    assert first[2].text == "m3"
    assert first[5].text == "n/a"
    assert {note.text for note in found.notes} == {
        "3 recipes with a value; a rank correlation needs 6.",
        "All are equal.",
    }
    assert math.isnan(found.numbers["spearman_iou"][0])


def test_an_encoder_with_enough_recipes_has_a_block_of_its_own() -> None:
    names = [*NAMES, "cnn"]
    recipes = RECIPES | {"cnn": Recipe(encoder="resnet18.tv_in1k")}
    criteria = rows({name: [*LOSS, 0.5] for name in CRITERIA}, names)
    metrics = rows({name: [*IOU, 0.9] for name in METRICS}, names)
    found = choice_table(criteria, metrics, recipes, {})
    firsts = [row[0].text for row in found.blocks[0]]
    assert set(firsts) == {"all 7"}
    assert [block[0][0].text for block in found.blocks] == ["all 7", "6 of vit_x"]
    assert [block[0][2].text for block in found.blocks] == ["cnn", "m6"]


def test_heat_maps_of_a_model_are_chosen_from_apart() -> None:
    names = [*NAMES, "m1-raw"]
    raw = Recipe(encoder="vit_x", features=[0], heat_map=HeatMap(filter="none"))
    recipes = RECIPES | {"m1-raw": raw}
    criteria = {name: [*LOSS, 6.0] for name in CRITERIA} | {"held_out_iou": [*IOU, 0.7]}
    metrics = {name: [0.9] * 7 for name in METRICS} | {"iou": [*IOU, 0.8]}
    found = choice_table(rows(criteria, names), rows(metrics, names), recipes, {})
    # Among the models, m1 stands once, by its first recipe.
    assert [block[0][0].text for block in found.blocks] == ["all 6", "2 heat maps of m1"]
    last = [[cell.text for cell in row] for row in found.blocks[1]]
    assert [row[1] for row in last] == ["X-AUC on held-out copies", "IoU on held-out copies"]
    assert [row[2] for row in last] == ["n/a", "m1-raw"]
    assert last[1][7:9] == ["0.800", "0.000"]
    assert "The heat maps of one model are compared in rows of their own" in found.caption
    assert "heat maps" not in table(NAMES).caption
