"""The figure of metrics against the number of labelled defects."""

from dataclasses import replace

import pandas as pd
import pytest

from aexad.config.catalogue import Dataset
from aexad.report.collect import METHOD_COLUMNS, METRIC_COLUMNS
from aexad.report.figures.base import read_groups
from aexad.report.figures.labelled import labelled_curves, labelled_drawings

CATALOGUE = {
    "parts": Dataset(title="Parts", adaptor="mvtec_layout", labelled=3),
    "parts_k1": Dataset(title="Parts, 1", adaptor="mvtec_layout", labelled=1, files="parts"),
    "others": Dataset(title="Others", adaptor="mvtec_layout"),
}
# X-AUC of bolts and nuts.
VALUES = {
    ("parts", "probe"): (0.9, 0.7),
    ("parts", "bank"): (0.8, 0.6),
    ("parts_k1", "probe"): (0.7, 0.5),
    ("parts_k1", "bank"): (0.84, 0.64),
    ("others", "probe"): (0.1, 0.1),
}


@pytest.fixture
def groups(tmp_path):
    rows = [
        [dataset, category, "standard", method, 0, metric, value, 4, ""]
        for (dataset, method), values in VALUES.items()
        for category, value in zip(("bolt", "nut"), values, strict=True)
        for metric in ("xauc", "pro", "f1", "iou")
    ]
    metrics = pd.DataFrame(rows, columns=METRIC_COLUMNS)
    methods = pd.DataFrame(
        [
            dict.fromkeys(METHOD_COLUMNS, "") | {"method": name, "title": name, "labels": labels}
            for name, labels in (("probe", "yes"), ("bank", "no"))
        ]
    )
    return list(read_groups([], metrics, methods, CATALOGUE, tmp_path, tmp_path))


def test_curves_are_means_over_the_categories(groups):
    same = [group for group in groups if group.dataset != "others"]
    curves = labelled_curves(same, CATALOGUE)
    found = curves[curves["metric"] == "xauc"].set_index(["method", "labelled"])["value"]
    assert found.to_dict() == pytest.approx(
        {("probe", 3): 0.8, ("bank", 3): 0.7, ("probe", 1): 0.6, ("bank", 1): 0.74}
    )
    assert curves.attrs["categories"] == {"bolt", "nut"}


def test_a_category_without_a_value_for_one_number_is_left_out(groups):
    same = [group for group in groups if group.dataset != "others"]
    for group in same:
        lost = (group.dataset == "parts_k1") & (group.metrics["category"] == "nut")
        lost &= (group.metrics["method"] == "bank") & (group.metrics["metric"] == "xauc")
        group.metrics["value"] = group.metrics["value"].mask(lost)
    curves = labelled_curves(same, CATALOGUE)
    assert curves.attrs["categories"] == {"bolt"}
    found = curves[curves["metric"] == "xauc"].set_index(["method", "labelled"])["value"]
    assert found.to_dict() == pytest.approx(
        {("probe", 3): 0.9, ("bank", 3): 0.8, ("probe", 1): 0.7, ("bank", 1): 0.84}
    )


def test_the_figure_has_a_line_for_labels_and_a_level_without(groups):
    (drawing,) = labelled_drawings(groups, CATALOGUE)
    assert drawing.name == "labels_parts_standard"
    assert "bolt and nut" in drawing.caption
    axes = drawing.draw().axes[0]
    levels = [line for line in axes.lines if line.get_linestyle() == "--"]
    (line,) = [line for line in axes.lines if line.get_linestyle() == "-"]
    assert line.get_ydata() == pytest.approx([0.6, 0.8])
    assert [list(level.get_ydata()) for level in levels] == [pytest.approx([0.72, 0.72])]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "3"]


def test_a_single_number_of_labelled_defects_has_no_figure(groups):
    assert not list(
        labelled_drawings([group for group in groups if group.dataset == "others"], CATALOGUE)
    )


def test_the_legend_marks_the_methods_that_ignore_labels(groups):
    """Also where they stand before the others in methods.csv."""
    for group in groups:
        styles = group.look.styles
        turned = {name: styles[name] for name in reversed(styles)}
        object.__setattr__(group, "look", group.look._replace(styles=turned))
    (drawing,) = labelled_drawings(groups, CATALOGUE)
    (legend,) = drawing.draw().legends
    shown = {line.get_label(): line.get_linestyle() for line in legend.legend_handles}
    assert shown == {"bank": "--", "probe": "-"}


def test_data_sets_that_differ_in_more_than_labels_share_no_curve(groups):
    finer = CATALOGUE["parts"].model_copy(update={"size": 448, "files": "parts"})
    catalogue = {"parts_448": finer} | CATALOGUE
    other = groups[1]
    assert other.dataset == "parts"
    (drawing,) = labelled_drawings([replace(other, dataset="parts_448"), *groups], catalogue)
    assert drawing.name == "labels_parts_standard"
    (line,) = [line for line in drawing.draw().axes[0].lines if line.get_linestyle() == "-"]
    assert line.get_ydata() == pytest.approx([0.6, 0.8])
    coarse = CATALOGUE["parts_k1"].model_copy(update={"size": 448})
    alone = {"parts_448": finer, "parts_k1": coarse}
    few = [replace(other, dataset="parts_448"), groups[2]]
    (drawing,) = labelled_drawings(few, alone)
    assert drawing.name == "labels_parts_448_standard"
