"""The table of a benchmark's own comparisons, against values worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from miniature import miniature

from aexad.config.benchmark import Benchmark, Comparison
from aexad.config.schema import validate
from aexad.report.collect import METRIC_COLUMNS
from aexad.report.results import Results
from aexad.report.tables.comparisons import comparisons_table
from aexad.report.tables.table import Table
from aexad.runtime.errors import ConfigError

LOSS = Comparison(question="What does the loss add?", method="cnn", less="ae")
ENCODER = Comparison(question="Is a Transformer better?", method="vit", less="cnn")


def table_of(*comparisons: Comparison, **changes: pd.DataFrame) -> list[Table]:
    results: Results = replace(miniature(), comparisons=comparisons, **changes)
    return list(comparisons_table(results))


def test_each_comparison_has_a_row_for_each_metric_in_the_order_of_the_file() -> None:
    (table,) = table_of(LOSS, ENCODER)
    assert list(table.data["question"].unique()) == [LOSS.question, ENCODER.question]
    rows = table.data.set_index(["question", "metric"])
    loss, encoder = rows.loc[LOSS.question], rows.loc[ENCODER.question]
    assert list(loss.index) == ["xauc", "pro", "f1", "iou", "image_auroc"]
    # cnn 0.8 and 0.6, ae 0.5 and 0.5, with three seeds
    assert loss.loc["xauc", "difference"] == pytest.approx(0.2)
    assert list(loss.loc["xauc", ["seeds", "higher", "categories"]]) == [3, 2, 2]
    # vit 0.6 and 0.2, cnn 0.6 and 0.4: equal on the first category
    assert encoder.loc["f1", "difference"] == pytest.approx(-0.1)
    assert list(encoder.loc["f1", ["higher", "categories"]]) == [0, 2]
    assert loss.loc["xauc", "low"] < 0.2 < loss.loc["xauc", "high"]
    assert table.data[["p", "p_holm"]].isna().all(axis=None)  # two categories
    assert any("no test possible" in note.text.lower() for note in table.notes)


def test_categories_that_one_of_the_two_lacks_do_not_count() -> None:
    (table,) = table_of(LOSS)
    pro = table.data.set_index("metric").loc["pro"]  # ae has none on the second category
    assert list(pro[["higher", "categories"]]) == [1, 1]
    assert pro[["difference", "low"]].isna().all()
    assert "No interval: the two have values in different categories." in [
        note.text for note in table.notes
    ]


def test_comparisons_without_runs_are_named() -> None:
    measured = miniature()
    without = measured.metrics[measured.metrics["method"] != "vit"]
    assert table_of(ENCODER, metrics=without) == []
    (table,) = table_of(LOSS, ENCODER, metrics=without)
    assert f"Without runs: '{ENCODER.question}'." in table.caption
    assert set(table.data["question"]) == {LOSS.question}


def test_holms_correction_is_for_the_comparisons_of_a_metric() -> None:
    rows = [
        ["bolts", f"category{i}", "standard", method, 0, "xauc", value + gain * i / 100, 5, ""]
        for i in range(1, 7)
        for method, value, gain in (("cnn", 0.5, 0.0), ("vit", 0.5, 1.0), ("ae", 0.5, -1.0))
    ]
    metrics = pd.DataFrame(rows, columns=METRIC_COLUMNS)
    (table,) = table_of(LOSS, ENCODER, metrics=metrics)
    assert list(table.data["p"]) == pytest.approx([2 / 2**6] * 2)
    assert list(table.data["p_holm"]) == pytest.approx([4 / 2**6] * 2)
    assert list(table.data["higher"]) == [6, 6]


def test_a_benchmark_compares_its_own_methods() -> None:
    keys = {
        "title": "Bolts",
        "datasets": {"bolts": "all"},
        "methods": ["cnn"],
        "also": [{"datasets": {"bolts": "all"}, "methods": ["ae"]}],
        "comparisons": [LOSS.model_dump()],
    }
    assert validate(Benchmark, keys, "bolts.yaml").comparisons == [LOSS]
    keys["comparisons"] = [ENCODER.model_dump()]
    with pytest.raises(ConfigError, match=r"the benchmark does not run 'vit'; known: ae, cnn"):
        validate(Benchmark, keys, "bolts.yaml")
