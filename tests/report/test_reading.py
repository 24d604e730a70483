"""Between the runs and the tables: roles, per-image values, trade-offs, defects."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from fake_results import make_tree
from miniature import miniature, one_class

from aexad.config.benchmark import Run
from aexad.config.methods import ExternalMaps, Method, read_methods
from aexad.config.recipe import HeatMap, Recipe
from aexad.report.method_roles import (
    MethodRoles,
    counterpart,
    is_transformer,
    of_same_model,
    roles_of,
)
from aexad.report.results import IMAGE_COLUMNS, read_images
from aexad.report.stats.by_defect import by_defect
from aexad.report.stats.tradeoff import tradeoff, with_tradeoffs
from aexad.report.tables.write import source_tables
from aexad.report.text.summary import defect_sentences
from aexad.runtime.errors import DataError

ROOT = Path(__file__).parents[2]
VIT = "vit_tiny_patch16_224.augreg_in21k_ft_in1k"


def test_the_parts_that_the_projects_methods_play() -> None:
    recipes = read_methods(ROOT / "config/methods", ROOT / "studies/layers/recipes.yaml")
    roles = roles_of(recipes, list(recipes))
    assert roles.reference == "aexad-resnet50"
    assert roles.ablation == {
        "AE": "ae-unfiltered",
        "AE + filter": "ae",
        "AE-XAD without filter": "aexad-resnet50-unfiltered",
        "AE-XAD": "aexad-resnet50",
    }
    assert {"aexad-vit_b16", "aexad-deit_s", "aexad-swin_t", "aexad-vit_b16-r"} <= {*roles.frozen}
    assert {"aexad-vit_b16-full", "aexad-vit_tiny-scratch"} <= {*roles.trained}
    assert {"aexad-resnet18", "aexad-efficientnet_lite0"} <= {*roles.cnns}
    assert roles.l2_cae[0] == "l2_cae"
    assert roles.anovit[0] == "anovit"
    every = [roles.cnns, roles.frozen, roles.trained, roles.l2_cae, roles.anovit]
    assert len({name for part in every for name in part}) == sum(map(len, every))


def test_roles_follow_the_recipes_and_not_the_names() -> None:
    cnn = Recipe(encoder="resnet18.tv_in1k", epochs=100)
    recipes: dict[str, Method] = {
        "maps": ExternalMaps(maps="x"),
        "one": cnn,
        "two": cnn.model_copy(update={"loss": "mse"}),
        "other": cnn.model_copy(update={"loss": "mse", "epochs": 7}),
    }
    roles = roles_of(recipes, ["maps", "one", "two", "other", "no longer there"])
    assert roles == MethodRoles(cnns=["one"], ablation={"AE + filter": "two", "AE-XAD": "one"})
    assert roles_of(recipes, ["maps"]).reference is None


def test_an_ablation_is_found_also_behind_a_variant_of_the_heat_map() -> None:
    base = Recipe(encoder="resnet18.tv_in1k")
    recipes = {
        "runs": base.model_copy(update={"heat_map": HeatMap(extent="runs")}),
        "own": base,
        "raw": base.model_copy(update={"heat_map": HeatMap(filter="none")}),
    }
    for order in (["runs", "own", "raw"], ["own", "raw", "runs"]):
        ablation = roles_of(recipes, order).ablation
        assert ablation == {"AE-XAD without filter": "raw", "AE-XAD": "own"}


def test_a_model_plays_one_part_whatever_its_heat_maps() -> None:
    cnn, vit = Recipe(encoder="resnet18.tv_in1k"), Recipe(encoder=VIT)
    by_runs, raw = HeatMap(extent="runs"), HeatMap(filter="none")
    recipes: dict[str, Method] = {
        "cnn": cnn,
        "vit": vit,
        "cnn-runs": cnn.model_copy(update={"heat_map": by_runs}),
        "vit-runs": vit.model_copy(update={"heat_map": by_runs}),
        "vit-raw": vit.model_copy(update={"heat_map": raw}),
        "longer": cnn.model_copy(update={"epochs": 7, "heat_map": by_runs}),
    }
    roles = roles_of(recipes, list(recipes))
    assert (roles.cnns, roles.frozen) == (["cnn", "longer"], ["vit"])
    assert of_same_model(recipes, list(recipes), "vit") == ["vit", "vit-runs", "vit-raw"]
    assert counterpart(recipes, list(recipes), "vit-runs", "cnn") == "cnn-runs"
    assert counterpart(recipes, list(recipes), "vit", "cnn") == "cnn"
    assert counterpart(recipes, list(recipes), "vit-raw", "cnn") is None
    assert counterpart(recipes, ["cnn", "vit-runs"], "vit-runs", "cnn") is None


def test_pixels_are_no_convolutional_encoder() -> None:
    recipes = {"raw": Recipe(encoder="pixels"), "cnn": Recipe(encoder="resnet18.tv_in1k")}
    assert roles_of(recipes, list(recipes)).cnns == ["cnn"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vit_tiny_patch16_224.augreg_in21k_ft_in1k", True),
        ("deit_small_patch16_224.fb_in1k", True),
        ("swin_tiny_patch4_window7_224.ms_in1k", True),
        ("tf_efficientnet_lite0.in1k", False),
        ("wide_resnet50_2.tv_in1k", False),
    ],
)
def test_transformers_are_known_by_name(name: str, expected: bool) -> None:
    assert is_transformer(name) is expected


def test_values_of_single_images_are_read_with_their_run(tmp_path: Path) -> None:
    tree = make_tree(tmp_path, categories=("brick",), methods=("ae",))
    images = read_images(tree.runs, tree.results)
    assert list(images.columns) == IMAGE_COLUMNS
    assert len(images) == 10
    assert images.loc[images["defect"] == "good", "iou"].isna().all()
    assert (
        images.loc[images["defect"] != "good", ["iou", "anomalous_pixels"]].notna().all(axis=None)
    )
    assert read_images([], tree.results).empty
    path = tree.results / tree.runs[0].folder / "per_image.csv"
    path.write_text(path.read_text().replace("xauc", "xuac"))
    with pytest.raises(DataError, match=r"per_image.csv: cannot be used .*xauc"):
        read_images(tree.runs, tree.results)
    with pytest.raises(DataError, match=r"1 of 1 runs have no per_image.csv yet"):
        read_images([Run("textures", "grass", "standard", 0, "ae")], tree.results)


def test_the_trade_off_at_its_ends() -> None:
    assert tradeoff(5.0, 0.5) == 5
    assert tradeoff(5.0, 1.0) == 0
    assert tradeoff(5.0, 0.0) == math.inf
    assert math.isnan(tradeoff(math.nan, 0.5))
    assert math.isnan(tradeoff(5.0, math.nan))


def test_a_trade_off_without_a_value_says_why() -> None:
    rows = with_tradeoffs(miniature().metrics)
    lost = rows[(rows["metric"] == "tradeoff_iou") & (rows["method"] == "ae")]
    assert set(lost["reason"]) == {"no meter"}
    without = miniature().metrics.query("metric != 'training_co2_g'")
    assert set(with_tradeoffs(without).query("metric == 'tradeoff_f1'")["reason"]) == {
        "the CO2 of the training is not known"
    }


def test_a_limited_data_set_stands_in_its_bases_table_and_is_not_judged() -> None:
    measured = one_class()
    small = measured.metrics.replace({"dataset": {"mnist": "mnist_small"}})
    limited = type(measured)(
        small, measured.methods, measured.images, measured.recipes, measured.published,
        {"mnist_small": "MNIST limited"}, {"mnist_small": "mnist"},
    )  # fmt: skip
    tables = {table.name: table for table in source_tables(limited)}
    first = [cell.text for cell in tables["anovit_table2"].blocks[0][0]]
    assert first == ["MNIST limited", "0", "0.800", "1.000", "+25.0", "0.800", "0.900", "+12.5"]
    assert "fidelity" not in tables


def image_rows(values: dict[str, list[tuple[str, float, float]]]) -> pd.DataFrame:
    """``values``: method -> defect, anomalous pixels and IoU of each image."""
    return pd.DataFrame(
        [
            ["c", 0, f"{i}", defect, pixels, method, iou]
            for method, images in values.items()
            for i, (defect, pixels, iou) in enumerate(images)
        ],
        columns=["category", "seed", "image", "defect", "anomalous_pixels", "method", "iou"],
    )


def test_where_the_transformer_loses_by_hand() -> None:
    cnn = [("hole", 5, 0.5), ("hole", 6, 0.5), ("hole", 90, 0.5),
           ("scratch", 10, 0.4), ("scratch", 50, 0.4), ("scratch", 80, 0.4)]  # fmt: skip
    change = [-0.3, -0.3, 0.0, -0.1, 0.2, 0.2]
    vit = [(defect, size, iou + by) for (defect, size, iou), by in zip(cnn, change, strict=True)]
    differences = by_defect(image_rows({"cnn": cnn, "vit": vit}), "vit", "cnn")
    assert differences is not None
    defects, areas = differences
    assert defects["difference"].round(9).to_dict() == {
        ("c", "hole"): -0.2,
        ("c", "scratch"): 0.1,
    }
    # By size: 5 and 6, 10 and 50, 80 and 90.
    assert areas["difference"].round(9).tolist() == [-0.3, 0.05, 0.1]
    assert defect_sentences(defects, areas, "vit", "cnn") == [
        "By IoU, vit (Transformer) is below cnn (CNN) on 1 of 2 defect types, most on c hole "
        "(-0.200, 3 images); it gains most on c scratch (+0.100).",
        "By area, the same difference is -0.300 on the third with the smallest defects, +0.050 on "
        "the third with the medium defects and +0.100 on the third with the largest defects.",
    ]
    assert by_defect(image_rows({"cnn": cnn}), "vit", "cnn") is None
