"""The numbers that figures draw, against hand values and against per_image.csv."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_results import Tree, make_tree
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from aexad.config.benchmark import Run
from aexad.config.recipe import HeatMap
from aexad.data.images import load_image
from aexad.data.masks import load_mask
from aexad.data.tables import read_split
from aexad.evaluation.metrics import xauc_per_image
from aexad.evaluation.run_files import read_per_image
from aexad.explain.heatmap import heat_maps
from aexad.report.collect import read_methods_table, read_metrics
from aexad.report.figures import accuracy_cost, aexad_figures_4_and_5
from aexad.report.figures.accuracy_cost import cost_drawings, cost_table
from aexad.report.figures.aexad_figure_3 import SIZES, filter_curve, filter_drawings
from aexad.report.figures.aexad_figures_4_and_5 import threshold_curves, threshold_drawings
from aexad.report.figures.anovit_figure_3 import anovit_drawings
from aexad.report.figures.base import Group, cnn_and_transformer, read_groups
from aexad.report.figures.critical_difference import not_separated, rank_drawings, rank_figure
from aexad.report.figures.gallery import contrast_drawings, differences, extremes
from aexad.report.figures.label_placement import place_labels
from aexad.report.figures.metrics import metric_figure
from aexad.report.figures.per_defect import anomalous_images, by_area, defect_drawings
from aexad.report.figures.training import training_curves, training_drawings
from aexad.report.figures.write import drawings, write_drawings
from aexad.report.images.grid import (
    DEVIATIONS,
    Cell,
    Row,
    Scale,
    gallery_figure,
    picture_grid,
)
from aexad.report.images.pictures import Photograph, Picture
from aexad.report.images.unfiltered import unfiltered_map
from aexad.report.stats.by_defect import by_type, paired_iou
from aexad.report.style import add_legend, method_styles, styled
from aexad.runtime.files import write_csv, write_json

PAIR = ("aexad-resnet18", "aexad-vit_tiny")


def group_of(tree: Tree) -> Group:
    metrics = read_metrics(tree.benchmark / "metrics.csv")
    methods = read_methods_table(tree.benchmark / "methods.csv")
    return next(read_groups(tree.runs, metrics, methods, tree.catalogue, tree.results, tree.data))


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Group:
    root = tmp_path_factory.mktemp("plots")
    return group_of(make_tree(root, methods=(*PAIR, "ae"), seeds=(0, 1)))


def test_the_first_method_of_each_family_of_encoders_is_chosen(
    group: Group, tmp_path: Path
) -> None:
    assert cnn_and_transformer(group) == PAIR
    alone = group_of(make_tree(tmp_path, categories=("brick",), methods=(PAIR[0], "ae")))
    assert cnn_and_transformer(alone) is None
    # The family that methods.csv names decides, not the name of the encoder.
    families = group.methods.assign(family=["Transformer", "CNN", "CNN"])
    assert cnn_and_transformer(replace(group, methods=families)) == PAIR[::-1]
    families = group.methods.assign(family=["hybrid", "Transformer", "CNN"])
    assert cnn_and_transformer(replace(group, methods=families)) is None


def test_threshold_curves_are_means_over_the_seeds() -> None:
    rows = [
        ("c", "m", seed, f"f1{at}", value)
        for at, first in (("", 0.2), ("@1.5", 0.4), ("@3.5", 0.1))
        for seed, value in ((0, first), (1, first + 0.2))
    ]
    metrics = pd.DataFrame(rows, columns=["category", "method", "seed", "metric", "value"])
    metrics = metrics.assign(dataset="d", scenario="s", n=1, reason="")
    curves = threshold_curves(metrics, "f1")
    assert curves["a"].tolist() == [1.0, 1.5, 3.5]
    np.testing.assert_allclose(curves["mean"], [0.3, 0.5, 0.2], rtol=1e-12)


def legend_of(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_of_many_methods_the_threshold_figures_show_the_pair_and_the_best(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Fewer methods than lines: all are shown, and the caption has no rule.
    assert "Shown of" not in next(threshold_drawings(group)).caption
    methods = pd.concat([group.methods, group.methods.loc[["ae"]].rename({"ae": "low"})])
    f1 = group.metrics[group.metrics["metric"].str.startswith("f1")]
    f1 = f1.assign(value=f1["method"].map({PAIR[0]: 0.1, PAIR[1]: 0.2, "ae": 0.9}))
    low = f1[f1["method"] == "ae"].assign(method="low", value=0.8)
    partly = low.assign(method="part", value=1.0).query("category == 'brick'")
    names = [*PAIR, "low", "ae", "part"]
    look = group.look._replace(
        styles=method_styles(names), titles={name: f"The {name}" for name in names}
    )
    many = replace(group, metrics=pd.concat([low, f1, partly]), methods=methods, look=look)
    monkeypatch.setattr(aexad_figures_4_and_5, "MOST_SHOWN", 3)
    (drawing,) = threshold_drawings(many)
    with styled():
        figure = drawing.draw()
    # The best lacks a category: its mean cannot be compared.
    assert legend_of(figure) == [f"The {name}" for name in (*PAIR, "ae")]
    assert [len(axes.lines) for axes in figure.axes[:2]] == [3, 3]
    assert (
        f"Shown of 5 methods: The {PAIR[0]} and The {PAIR[1]} (the first method of each kind of "
        "encoder), and of the others the 1 with the highest mean over the categories"
    ) in drawing.caption
    assert "The low" not in drawing.alt


def test_one_training_is_drawn_once_and_each_kind_of_loss_alone(tmp_path: Path) -> None:
    tree = make_tree(tmp_path, methods=(*PAIR, "ae"), seeds=(0, 1))
    for run in tree.runs:
        path = tree.results / run.folder / "provenance.json"
        content = json.loads(path.read_text())
        if run.method == PAIR[1]:
            content |= {"rebuilds": False, "recipe": content["recipe"] | {"model": "pixel_probe"}}
        else:  # "ae" as if it differed in the heat map alone
            content["method"] = PAIR[0]
        write_json(path, content)
    first, second = training_drawings(group_of(tree))
    end = "_textures_standard"
    assert (first.name, second.name) == (f"training{end}", f"training{end}_pixel_probe")
    assert first.title.startswith("Training curves, sum of squared errors:")
    with styled():
        figures = [drawing.draw() for drawing in (first, second)]
    assert [legend_of(figure) for figure in figures] == [[PAIR[0]], [f"{PAIR[1]}†"]]
    for figure in figures:
        assert [len(axes.lines) for axes in figure.axes] == [2] * 4  # seeds; categories x parts


@pytest.mark.parametrize(
    ("model", "panels"),
    [
        ("pixel_probe", ["normal pixels", "anomalous pixels"]),
        ("fcdd", ["normal images", "images with a defect"]),
        ("bgad", ["all images"]),
        ("supersimplenet", ["all images"]),
    ],
)
def test_a_loss_of_whole_batches_is_not_split(tmp_path: Path, model: str, panels: list) -> None:
    tree = make_tree(tmp_path, methods=PAIR)
    for run in tree.runs:
        path = tree.results / run.folder / "provenance.json"
        content = json.loads(path.read_text()) | {"rebuilds": False}
        write_json(path, content | {"recipe": content["recipe"] | {"model": model}})
    (drawing,) = training_drawings(group_of(tree))
    with styled():
        figure = drawing.draw()
    assert [axes.get_title() for axes in figure.axes if axes.get_title()] == panels
    assert all(name in drawing.alt for name in panels)
    assert ("two parts" in drawing.caption) == (len(panels) == 2)
    curves = training_curves(group_of(tree))
    shown = curves[curves["category"] == curves["category"].iloc[0]].query("method == @PAIR[0]")
    column = "loss" if len(panels) == 1 else "loss_normal"
    drawn = [list(line.get_ydata()) for line in figure.axes[0].lines]
    assert list(shown[column]) in drawn


def test_the_figure_of_ones_own_method_lies_in_the_folder(tmp_path: Path) -> None:
    tree = make_tree(tmp_path, methods=PAIR)
    for run in tree.runs:
        if run.method == PAIR[1]:
            path = tree.results / run.folder / "provenance.json"
            content = json.loads(path.read_text()) | {"rebuilds": False}
            content["recipe"]["model"] = "code/my_file.py:MyMethod"
            write_json(path, content)
    for _ in range(2):
        write_drawings(training_drawings(group_of(tree)), tmp_path / "figures")
    end = "_textures_standard"
    names = {path.stem for path in (tmp_path / "figures").glob("*.svg")}
    assert names == {f"training{end}", f"training{end}_code_my_file.py_MyMethod"}


def test_the_curve_over_k_equals_heat_maps_with_that_fixed_k(group: Group) -> None:
    run = group.runs_of(PAIR[1], seed=0)[0]
    curve = filter_curve(group, run)
    split = group.split(run)
    anomalous = split[split["mask"] != ""]
    folder = group.folder(run)
    with np.load(folder / "maps.npz") as maps:
        rebuilt = dict(zip(maps["image"], maps["reconstruction"], strict=True))
    for column, k in ((0, SIZES[0]), (-1, SIZES[-1])):
        values = []
        for image, mask in zip(anomalous["image"], anomalous["mask"], strict=True):
            pair = [load_image(group.root / image, 32), rebuilt[image]]
            x, y = (np.moveaxis(p, 2, 0)[None].astype(np.float32) / 255 for p in pair)
            heat_map = heat_maps(x, y, HeatMap(filter=k)).heat_map
            values.append(xauc_per_image(heat_map, load_mask(group.root / mask, 32)[None])[0])
        assert curve.xauc[column] == pytest.approx(np.mean(values), abs=1e-9)
    rows = read_per_image(folder / "per_image.csv").dropna(subset="xauc")
    assert (curve.adaptive_k, curve.adaptive_xauc) == (3.0, pytest.approx(rows["xauc"].mean()))


def test_the_curve_over_k_is_of_no_model_with_a_probe(group: Group) -> None:
    """Its heat map has a factor that the reconstruction does not tell."""
    assert list(filter_drawings(group))
    probed = replace(group, methods=group.methods.assign(model="aexad_probe"))
    assert not list(filter_drawings(probed))


def test_the_unfiltered_map_is_the_normalised_error() -> None:
    pixels = np.full((16, 16, 3), 51, np.uint8)  # 0.2
    rebuilt = pixels.copy()
    rebuilt[3, 5] = 255
    raw = unfiltered_map(pixels, rebuilt, HeatMap())
    assert raw[3, 5] == pytest.approx((0.8 / 1.8) ** 2, rel=1e-5)
    assert np.count_nonzero(raw) == 1


def test_extremes_are_the_largest_leads_of_each_method() -> None:
    index = pd.MultiIndex.from_tuples([("c", name) for name in "abcde"])
    lead = pd.Series([0.1, -0.3, 0.0, 0.5, -0.1], index=index)
    second, first = extremes(lead, 2)
    assert [row[1] for row in second] == ["d", "a"]
    assert [row[1] for row in first] == ["b", "e"]


def test_differences_come_from_per_image(group: Group) -> None:
    lead = differences(group, PAIR)
    (category, image), value = next(iter(lead.items()))
    sides = [
        read_per_image(group.folder(run) / "per_image.csv").loc[image, "iou"]
        for method in PAIR
        for run in group.runs_of(method, 0)
        if run.category == category
    ]
    assert value == pytest.approx(sides[1] - sides[0])
    assert len(lead) == 12  # two categories of six anomalous images
    words = next(contrast_drawings(group)).alt
    assert "leads most on" in words


def test_defects_by_type_and_by_area(group: Group) -> None:
    images = anomalous_images(group, PAIR)
    assert len(images) == 2 * 2 * 6  # categories, seeds, images
    part = images[(images["category"] == "brick") & (images["defect"] == "stain")]
    types = by_type(images)
    assert types.loc[("brick", "stain"), "cnn"] == pytest.approx(part["cnn"].mean())
    mask = load_mask(group.root / "brick/ground_truth/stain/000_mask.png", 32)
    row = part[part["image"] == "brick/test/stain/000.png"].iloc[0]
    assert row["area"] == pytest.approx(100 * mask.mean())
    table = pd.DataFrame({"area": [0.1, 0.2, 0.5, 0.6, 50], "cnn": [0.0, 0.3, 0.6, 1, 1]})
    table = table.assign(transformer=table["cnn"] / 2, image=list("abcde"))
    means = by_area(pd.concat([table] * 2))  # of two seeds; classes of fewer than three images
    np.testing.assert_allclose(means.to_numpy(), [[0.8 / 3, 0.3, 0.15]])


def test_the_figure_counts_the_images_that_the_summary_counts(group: Group) -> None:
    (drawing,) = defect_drawings(group)
    assert "number of images in brackets; at least 3" in drawing.caption
    with styled():
        left, _ = drawing.draw().axes
    shown = [text.get_text() for text in left.get_yticklabels()]
    compared = by_type(paired_iou(group.per_image(), *PAIR[::-1]))
    assert shown == [f"{c}, {kind} ({n})" for (c, kind), n in compared["images"].items()]
    assert set(compared["images"]) == {3}  # of two seeds


def test_neighbours_within_the_critical_difference_share_a_bar() -> None:
    ranks = pd.Series({"a": 1.0, "b": 2.0, "c": 2.5, "d": 4.0})
    assert not_separated(ranks, 1.6) == [(1.0, 2.5), (2.5, 4.0)]
    assert not_separated(ranks, 1.5) == [(1.0, 2.0), (2.0, 2.5)]  # 1.5 apart is told apart
    assert not_separated(ranks, 0.4) == []
    assert not_separated(ranks, 9.0) == [(1.0, 4.0)]
    assert not_separated(pd.Series({"a": 1.5, "b": 1.5}), 1.0) == [(1.5, 1.5)]


def test_bars_of_the_critical_difference_stand_beside_their_methods(group: Group) -> None:
    ranks = pd.Series({"ae": 2.9, PAIR[0]: 1.0, PAIR[1]: 2.1})
    with styled():
        (axes,) = rank_figure(ranks, 1.0, group.look).axes
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == [group.shown(method) for method in (*PAIR, "ae")]
    bars = [tuple(line.get_ydata()) for line in axes.lines if line.get_linewidth() == 3]
    assert bars == [(0.7, 2.3)]  # the second and the third row


def test_ranks_are_drawn_only_where_a_test_is_possible(group: Group, tmp_path: Path) -> None:
    assert list(rank_drawings(group)) == []  # two categories
    many = [f"c{i}" for i in range(7)]
    wide = group_of(make_tree(tmp_path, categories=many, methods=(*PAIR, "ae"), epochs=1))
    drawings = list(rank_drawings(wide))
    assert [d.name.split("_t")[0] for d in drawings] == [
        "critical_difference_xauc", "critical_difference_iou",
    ]  # fmt: skip
    assert "7 categories" in drawings[0].caption
    seeds = wide.metrics["seed"].nunique()
    assert f"over the seeds that all of them share ({seeds} in a category)" in drawings[0].caption
    with styled():
        assert drawings[0].draw().get_axes()


def test_costs_are_medians_over_the_runs(group: Group) -> None:
    table = cost_table(group.metrics, "xauc")
    assert table.index.tolist() == [*PAIR, "ae"]
    np.testing.assert_allclose(table["training_seconds"], 21.75)
    assert table["co2_g"].isna().all()
    rows = group.metrics[group.metrics["method"] == "ae"]
    inference = rows[rows["metric"] == "inference_seconds"]
    milliseconds = 1000 * inference["value"] / inference["n"]
    assert table.loc["ae", "inference_ms"] == pytest.approx(milliseconds.median())
    # One run that waited a day for other jobs changes nothing.
    waited = group.metrics.copy()
    waited.loc[milliseconds.idxmax(), "value"] = 86400
    pd.testing.assert_frame_equal(cost_table(waited, "xauc"), table)
    # A method that lacks a category has no mean that could be compared.
    lost = (group.metrics["method"] == "ae") & (group.metrics["category"] == "grass")
    fewer = cost_table(group.metrics.assign(value=group.metrics["value"].where(~lost)), "xauc")
    assert fewer.index.tolist() == [*PAIR]
    drawing = next(cost_drawings(group))
    assert "CO2 was not measured" in drawing.caption
    assert "95 % interval" in drawing.caption


def test_co2_is_drawn_if_every_run_has_it(group: Group) -> None:
    metrics = group.metrics.copy()
    measured = metrics["metric"].isin(["training_co2_g", "inference_co2_g"])
    measured &= metrics["method"] == "ae"
    metrics.loc[measured, "value"] = 0.25
    assert cost_table(metrics, "xauc")["co2_g"].tolist() == [
        pytest.approx(np.nan, nan_ok=True), pytest.approx(np.nan, nan_ok=True), 0.5,
    ]  # fmt: skip
    metrics.loc[measured & (metrics["seed"] == 1), "value"] = np.nan
    assert cost_table(metrics, "xauc")["co2_g"].isna().all()


def test_many_methods_have_numbers_and_a_key(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    def written() -> tuple[list[str], list[str]]:
        with styled():
            figure = next(cost_drawings(group)).draw()
        key = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
        return [text.get_text() for text in figure.axes[0].texts], key

    names = [PAIR[0], f"{PAIR[1]}†", "ae"]
    assert written() == (names, [])
    monkeypatch.setattr(accuracy_cost, "MOST_NAMED", 2)
    assert written() == (["1", "2", "3"], [f"1: {names[0]}", f"2: {names[1]}", f"3: {names[2]}"])


def as_models(group: Group, models: dict[str, str]) -> Group:
    """The group as if these methods were other models."""
    methods = group.methods.copy()
    for method, model in models.items():
        methods.loc[method, "model"] = model
    return replace(group, methods=methods)


def test_anovit_and_l2_cae_share_one_scale(group: Group) -> None:
    assert list(anovit_drawings(group)) == []
    assert list(anovit_drawings(as_models(group, {"ae": "l2_cae"}))) == []
    both = as_models(group, {"ae": "l2_cae", "aexad-vit_tiny": "anovit"})
    (drawing,) = anovit_drawings(both)
    assert drawing.name == "anovit_figure3_textures_standard"
    with styled():
        pictures = [image for axes in drawing.draw().get_axes() for image in axes.get_images()]
    maps = [image for image in pictures if image.get_cmap().name == "inferno"]
    limits = {(image.norm.vmin, image.norm.vmax) for image in maps if image.get_array().ndim == 2}
    assert len(pictures) == 2 * 4  # categories x input, truth, two maps
    assert limits == {(-1.0, 5.0)}


def test_a_gallery_of_many_methods_continues_below() -> None:
    black = np.zeros((8, 8, 3), np.uint8)
    photograph = Photograph("a.png", black, np.eye(8, dtype=bool), "cut")
    empty = np.zeros((8, 8))
    picture = Picture("a.png", empty, empty > 0, black, 1.0, 1, 0.5, 0.25)
    names = {f"m{i}": f"m{i}" for i in range(12)}
    with styled():
        figure = gallery_figure([photograph] * 2, {name: [picture] * 2 for name in names}, names)
    places = {axes.get_title(): axes.get_position() for axes in figure.axes if axes.get_title()}
    assert places["m0"].x0 == places["m6"].x0 > places["input, truth"].x0
    assert places["m5"].x1 > places["m0"].x1
    assert places["m6"].y1 < places["m0"].y0 - places["m0"].height  # below both photographs
    cells = [axes for axes in figure.axes if axes.images]
    assert len(cells) == 2 * (12 + 2)  # the photographs once a line of six methods
    assert max(axes.get_position().x1 for axes in cells) <= 1


def test_figures_show_the_titles_of_methods(group: Group) -> None:
    titles = dict.fromkeys(PAIR, "") | {PAIR[0]: "AE-XAD, ResNet", PAIR[1]: "AE-XAD, ViT†"}
    titled = replace(group, look=group.look._replace(titles=titles | {"ae": "Autoencoder"}))
    for drawing in drawings(titled, 1):
        texts = f"{drawing.title} {drawing.alt}"
        assert not any(method in texts for method in PAIR), drawing.name
        assert "Autoencoder" in drawing.alt or "AE-XAD, ResNet" in drawing.alt
        assert drawing.name.endswith(("_textures_standard", "_brick", "_grass"))


def test_captions_show_the_titles_of_methods_with_fewer_seeds(group: Group) -> None:
    rows = group.metrics
    fewer = replace(group, metrics=rows[(rows["method"] != "ae") | (rows["seed"] == 0)])
    look = group.look._replace(titles=group.look.titles | {"ae": "Autoencoder"})
    assert "but Autoencoder only 1." in replace(fewer, look=look).phrase


def test_methods_without_a_run_in_the_scenario_are_not_drawn(group: Group) -> None:
    with styled():
        figure = metric_figure(group.metrics[group.metrics["method"] != "ae"], group.look)
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [PAIR[0], f"{PAIR[1]}†"]


def test_metrics_have_a_mark_per_category_and_a_bar_at_their_mean(group: Group) -> None:
    xauc = group.metrics[group.metrics["metric"] == "xauc"].copy()
    xauc["value"] = 0.5 + 0.2 * (xauc["category"] == "grass") + 0.1 * xauc["seed"]
    lacking = (xauc["method"] == "ae") & (xauc["category"] == "brick")
    with styled():
        figure = metric_figure(xauc[~lacking], group.look)
    assert legend_of(figure) == ["brick", "grass", "mean over the categories"]
    marks, bars = (points.get_offsets() for points in figure.axes[0].collections)
    assert sorted(map(tuple, np.round(marks, 9))) == [
        (0.55, 0), (0.55, 1), (0.75, 0), (0.75, 1), (0.75, 2),
    ]  # fmt: skip
    np.testing.assert_allclose(bars, [[0.65, 0], [0.65, 1]])  # the third lacks a category


def test_a_grid_makes_room_for_long_titles_and_draws_one_bar_per_scale() -> None:
    values = np.zeros((8, 8))
    long = "A method with an encoder that has a long title, and weights from somewhere"
    errors = Scale(Normalize(0, 1), "error")
    cells = [Cell(values, DEVIATIONS, long), Cell(values, DEVIATIONS, long), Cell(values, errors)]
    words = Row([Cell("no mask"), None, Cell(values > 0, label=long)], long)
    with styled():
        figure = picture_grid([Row(cells), words, Row(cells)], {0: "left", 2: "right"})
        figure.draw_without_rendering()
    pictures = figure.axes[:-2]
    assert len(pictures) == 3 + 2 + 3
    labels = [axes.get_xlabel() for axes in figure.axes[-2:]]
    assert labels == ["heat map, standard deviations from its mean", "error"]
    renderer = FigureCanvasAgg(figure).get_renderer()
    titles = [Text.get_window_extent(axes.title, renderer) for axes in pictures]
    for title in (t for axes, t in zip(pictures, titles, strict=True) if axes.get_title()):
        assert figure.bbox.y1 >= title.y1
        assert not any(title.overlaps(axes.get_window_extent(renderer)) for axes in pictures)
        assert sum(title.overlaps(other) for other in titles if other.width) == 1  # itself


def test_without_masks_only_figures_without_masks_are_drawn(tmp_path: Path) -> None:
    tree = make_tree(tmp_path, categories=("brick",), methods=PAIR)
    path = tree.results / tree.runs[0].data_folder / "split.csv"
    write_csv(path, read_split(path).assign(mask=""))
    for run in tree.runs:
        path = tree.results / run.folder / "per_image.csv"
        write_csv(path, pd.read_csv(path).assign(xauc=np.nan, iou=np.nan, anomalous_pixels=0))
    path = tree.benchmark / "metrics.csv"
    metrics = read_metrics(path)
    pixel = ~metrics["metric"].str.match("image_|training_|inference_")
    metrics.loc[pixel, ["value", "reason"]] = (np.nan, "no masks")
    write_csv(path, metrics)
    group = group_of(tree)
    names = [drawing.name.partition("_textures")[0] for drawing in drawings(group, 2)]
    assert names == ["metrics", "accuracy_cost", "training", "gallery"]
    drawing = next(cost_drawings(group))
    assert "Mean image AUROC" in drawing.caption
    assert "95 % intervals" in drawing.caption
    with styled():
        assert drawing.draw().get_axes()


def test_no_label_lies_on_a_bar() -> None:
    figure = Figure(figsize=(4, 3))
    axes = figure.subplots()
    axes.set(xlim=(0, 10), ylim=(0, 10))
    place_labels(axes, [(4.0, 5.0), (4.6, 5.0)], ["left", "right"], [(4.0, 6.0), (0.0, 10.0)])
    renderer = FigureCanvasAgg(figure).get_renderer()
    left = Text.get_window_extent(axes.texts[0], renderer)
    bar, _ = axes.transData.transform((4.6, 5.0))
    assert left.x1 < bar  # to its right there is room between the points alone


def test_a_legend_of_many_lines_leaves_the_panels_their_size() -> None:
    heights = []
    for number in (2, 40):
        with styled():
            figure = Figure(figsize=(7, 2), layout="constrained")
            axes = figure.subplots()
            add_legend(figure, [Line2D([], [], label="aexad-some-method")] * number)
            figure.draw_without_rendering()
        heights.append(axes.get_position().height * figure.get_figheight())
    assert heights[1] == pytest.approx(heights[0], rel=0.1)


def test_no_label_hides_another() -> None:
    figure = Figure(figsize=(7, 3))
    axes = figure.subplots()
    generator = np.random.default_rng(0)
    points = [(float(x), float(y)) for x, y in generator.normal(0, 0.1, (20, 2))]
    axes.set(xlim=(-0.4, 0.4), ylim=(-0.4, 0.4))
    place_labels(axes, points, [f"aexad-method-{i}" for i in range(20)])
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [Text.get_window_extent(text, renderer) for text in axes.texts]
    assert len(boxes) == 20
    pairs = [(a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :]]
    assert not any(a.overlaps(b) for a, b in pairs)


def uneven(group: Group, lost: Callable[[Run], bool]) -> Group:
    """The group without some runs, as in a partial report."""
    return replace(group, runs=[run for run in group.runs if not lost(run)])


def test_pictures_are_of_the_lowest_seed_that_their_methods_have(group: Group) -> None:
    late = uneven(group, lambda run: run.method == PAIR[0] and run.seed == 0)
    assert (late.seed, late.common(*PAIR).seed) == (0, 1)
    captions = [drawing.caption for drawing in drawings(late, 1)]
    assert sum("seed 1" in caption.lower() for caption in captions) == 4  # gallery, figures 1 to 3
    apart = uneven(group, lambda run: (run.method == PAIR[0]) == (run.seed == 0))
    assert apart.common(*PAIR).runs == []
    assert list(contrast_drawings(apart)) == list(filter_drawings(apart)) == []


def test_anovits_figure_has_the_categories_of_both_models(group: Group) -> None:
    both = as_models(group, {"ae": "l2_cae", "aexad-vit_tiny": "anovit"})
    part = uneven(both, lambda run: run.method == "aexad-vit_tiny" and run.category == "brick")
    (drawing,) = anovit_drawings(part)
    assert "(grass)" in drawing.alt
    with styled():
        assert len([axes for axes in drawing.draw().axes if axes.images]) == 4
    assert list(anovit_drawings(uneven(part, lambda run: run.category == "grass"))) == []


def test_defects_of_no_common_image_have_no_figure(group: Group) -> None:
    apart = uneven(group, lambda run: (run.method == PAIR[0]) == (run.category == "brick"))
    assert anomalous_images(apart, PAIR).empty
    assert list(defect_drawings(apart)) == []
