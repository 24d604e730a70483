"""Roles of methods, values per image, trade-offs and defects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from fake_results import make_tree
from miniature import miniature, one_class

from aexad.config.benchmark import Run
from aexad.config.methods import ExternalMaps, Method, read_methods
from aexad.config.recipe import HeatMap, Recipe
from aexad.evaluation.run_files import IMAGE_COLUMNS, read_images
from aexad.report.method_roles import (
    MethodRoles,
    counterpart,
    of_same_model,
    roles_of,
)
from aexad.report.stats.by_defect import by_third, by_type, paired_iou
from aexad.report.stats.tradeoff import tradeoff, with_tradeoffs
from aexad.report.tables.write import source_tables
from aexad.report.text.summary import defect_sentences
from aexad.runtime.errors import DataError

ROOT = Path(__file__).parents[2]
VIT = "vit_tiny_patch16_224.augreg_in21k_ft_in1k"


def families_in(recipes: Mapping[str, Method]) -> dict[str, str]:
    """The family that runs record, for the encoders of this file and of the project's recipes."""

    def family(encoder: str | None) -> str:
        if encoder in (None, "pixels"):
            return "none"
        return "CNN" if "net" in encoder else "Transformer"

    return {name: family(getattr(recipe, "encoder", None)) for name, recipe in recipes.items()}


def test_the_roles_of_the_methods_of_this_project() -> None:
    recipes = read_methods(ROOT / "config/methods", ROOT / "studies/layers/recipes.yaml")
    roles = roles_of(recipes, list(recipes), families_in(recipes))
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
    families = dict.fromkeys(recipes, "CNN")
    roles = roles_of(recipes, ["maps", "one", "two", "other", "no longer there"], families)
    assert roles == MethodRoles(cnns=["one"], ablation={"AE + filter": "two", "AE-XAD": "one"})
    assert roles_of(recipes, ["maps"], families).reference is None


def test_an_ablation_is_found_after_a_variant_of_the_heat_map() -> None:
    base = Recipe(encoder="resnet18.tv_in1k")
    recipes = {
        "runs": base.model_copy(update={"heat_map": HeatMap(extent="runs")}),
        "own": base,
        "raw": base.model_copy(update={"heat_map": HeatMap(filter="none")}),
    }
    for order in (["runs", "own", "raw"], ["own", "raw", "runs"]):
        ablation = roles_of(recipes, order, families_in(recipes)).ablation
        assert ablation == {"AE-XAD without filter": "raw", "AE-XAD": "own"}


def test_a_model_has_one_role_whatever_its_heat_maps() -> None:
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
    roles = roles_of(recipes, list(recipes), families_in(recipes))
    assert (roles.cnns, roles.frozen) == (["cnn", "longer"], ["vit"])
    assert of_same_model(recipes, list(recipes), "vit") == ["vit", "vit-runs", "vit-raw"]
    assert counterpart(recipes, list(recipes), "vit-runs", "cnn") == "cnn-runs"
    assert counterpart(recipes, list(recipes), "vit", "cnn") == "cnn"
    assert counterpart(recipes, list(recipes), "vit-raw", "cnn") is None
    assert counterpart(recipes, ["cnn", "vit-runs"], "vit-runs", "cnn") is None


def test_only_cnns_and_transformers_are_compared() -> None:
    families = {
        "cnn": "CNN",
        "pvt": "Transformer",
        "pixels": "none",
        "coatnet": "hybrid",
        "old": "not known",
        "replaced": "CNN; Transformer",
    }
    # The names of the encoders do not matter.
    recipes = {
        name: Recipe(encoder=f"{name}_resnet_vit", epochs=i + 1) for i, name in enumerate(families)
    }
    roles = roles_of(recipes, list(recipes), families)
    assert (roles.cnns, roles.frozen, roles.trained) == (["cnn"], ["pvt"], [])
    assert roles_of(recipes, list(recipes), {}).reference is None


def test_fields_of_the_heat_map_without_effect_do_not_matter() -> None:
    cnn, vit = Recipe(encoder="resnet18.tv_in1k"), Recipe(encoder=VIT)
    recipes: dict[str, Method] = {
        "cnn": cnn,
        "raw": cnn.model_copy(update={"heat_map": HeatMap(filter="none", sigma=2.0)}),
        "vit": vit.model_copy(update={"heat_map": HeatMap(sigma=9.0)}),
        "vit-raw": vit.model_copy(update={"heat_map": HeatMap(filter="none", extent="runs")}),
        "vit-4": vit.model_copy(update={"heat_map": HeatMap(filter="sigma")}),
        "cnn-5": cnn.model_copy(update={"heat_map": HeatMap(filter="sigma", sigma=5.0)}),
    }
    names = list(recipes)
    assert counterpart(recipes, names, "vit", "cnn") == "cnn"
    assert counterpart(recipes, names, "vit-raw", "cnn") == "raw"
    assert counterpart(recipes, names, "vit-4", "cnn") is None


def test_values_per_image_are_read_with_their_run(tmp_path: Path) -> None:
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


def test_runs_on_other_test_images_are_not_compared(tmp_path: Path) -> None:
    tree = make_tree(tmp_path, categories=("brick",), methods=("ae", "aexad-resnet18"))
    path = tree.results / tree.runs[1].folder / "per_image.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(DataError, match=r"per_image\.csv: other test images than in .*per_image"):
        read_images(tree.runs, tree.results)


def test_limits_of_the_trade_off() -> None:
    assert tradeoff(5.0, 0.5) == 5
    assert tradeoff(5.0, 1.0) == 0
    assert tradeoff(5.0, 0.0) == math.inf
    assert math.isnan(tradeoff(math.nan, 0.5))
    assert math.isnan(tradeoff(5.0, math.nan))


def test_a_trade_off_without_a_value_has_a_reason() -> None:
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


def test_losses_of_the_transformer_by_hand() -> None:
    cnn = [("hole", 5, 0.5), ("hole", 6, 0.5), ("hole", 90, 0.5),
           ("scratch", 10, 0.4), ("scratch", 50, 0.4), ("scratch", 80, 0.4)]  # fmt: skip
    change = [-0.3, -0.3, 0.0, -0.1, 0.2, 0.2]
    vit = [(defect, size, iou + by) for (defect, size, iou), by in zip(cnn, change, strict=True)]
    rows = image_rows({"cnn": cnn, "vit": vit})
    pairs = paired_iou(rows, "vit", "cnn")
    assert by_type(pairs)["difference"].round(9).to_dict() == {
        ("c", "hole"): -0.2,
        ("c", "scratch"): 0.1,
    }
    # By size: 5 and 6, 10 and 50, 80 and 90.
    assert by_third(pairs).round(9).tolist() == [-0.3, 0.05, 0.1]
    assert defect_sentences(pairs, "vit", "cnn") == [
        "By IoU, vit (Transformer) is below cnn (CNN) on 1 of 2 defect types, most on c hole "
        "(-0.200, 3 images); it gains most on c scratch (+0.100).",
        "By area, the difference in IoU is -0.300 on the third with the smallest defects, +0.050 "
        "on the third with the medium defects and +0.100 on the third with the largest defects.",
    ]
    # An image is one image and in one third, however many seeds see it.
    both = paired_iou(pd.concat([rows, rows.assign(seed=1)]), "vit", "cnn")
    assert by_type(both)["images"].tolist() == [3, 3]
    assert by_third(both).round(9).tolist() == [-0.3, 0.05, 0.1]
    assert paired_iou(image_rows({"cnn": cnn}), "vit", "cnn").empty
    few = paired_iou(rows[rows["image"].isin(["0", "1", "3"])], "vit", "cnn")
    assert defect_sentences(few, "A", "B")[0] == (
        "A (Transformer) and B (CNN) have no defect type in common with at least 3 images."
    )
