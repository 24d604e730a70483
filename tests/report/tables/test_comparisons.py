"""The table of a benchmark's own comparisons, against values worked out by hand."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pandas as pd
import pytest
from miniature import miniature

from aexad.config.benchmark import Benchmark, Comparison
from aexad.config.schema import validate
from aexad.report.collect import METRIC_COLUMNS
from aexad.report.results import Results
from aexad.report.tables.comparisons import comparisons_table
from aexad.report.tables.table import BEST, Table
from aexad.runtime.errors import ConfigError

LOSS = Comparison(question="What does the loss add?", method="cnn", less="ae")
ENCODER = Comparison(question="Is a Transformer better?", method="vit", less="cnn")


def table_of(*comparisons: Comparison, **changes: pd.DataFrame) -> list[Table]:
    results: Results = replace(miniature(), comparisons=comparisons, **changes)
    return list(comparisons_table(results))


def test_each_comparison_is_a_row_in_the_order_of_the_file() -> None:
    (table,) = table_of(LOSS, ENCODER)
    loss, encoder = table.data.to_dict("records")
    assert (loss["question"], encoder["question"]) == (LOSS.question, ENCODER.question)
    assert [cell.text for cell in table.header[2:]] == [
        *("Seeds", "X-AUC", "PRO", "F1", "IoU", "image AUROC")
    ]
    # cnn 0.8 and 0.6, ae 0.5 and 0.5, with three seeds
    assert loss["xauc_difference"] == pytest.approx(0.2)
    assert loss["xauc_low"] < 0.2 < loss["xauc_high"]
    assert (loss["seeds"], loss["xauc_higher"], loss["xauc_categories"]) == (3, 2, 2)
    # vit 0.6 and 0.2, cnn 0.6 and 0.4: equal on the first category
    assert encoder["f1_difference"] == pytest.approx(-0.1)
    assert (encoder["f1_higher"], encoder["f1_categories"]) == (0, 2)
    printed = table.blocks[0][0]
    assert [cell.text for cell in printed[:3]] == [LOSS.question, "cnn − ae", "3"]
    assert re.fullmatch(r"\+0\.200 \[[+-]0\.\d+, \+0\.\d+\] 2 of 2", printed[3].text)
    assert math.isnan(loss["xauc_p"])
    assert "no test possible, because" in table.caption
    assert "Each interval stands for itself, without a correction" in table.caption


def test_categories_that_one_of_the_two_lacks_do_not_count() -> None:
    (table,) = table_of(LOSS)
    row = table.data.iloc[0]  # ae has no PRO on the second category
    assert (row["pro_higher"], row["pro_categories"]) == (1, 1)
    assert math.isnan(row["pro_difference"])
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


@pytest.mark.parametrize(("categories", "corrected"), [(6, 4 / 2**6), (7, 4 / 2**7)])
def test_holms_correction_is_for_the_comparisons_of_a_metric(
    categories: int, corrected: float
) -> None:
    rows = [
        ["bolts", f"category{i}", "standard", method, 0, "xauc", 0.5 + sign * i / 100, 5, ""]
        for i in range(1, categories + 1)
        for method, sign in (("cnn", 0), ("vit", 1), ("ae", -1))
    ]
    metrics = pd.DataFrame(rows, columns=METRIC_COLUMNS)
    (table,) = table_of(LOSS, ENCODER, metrics=metrics)
    assert list(table.data["xauc_p"]) == pytest.approx([2 / 2**categories] * 2)
    assert list(table.data["xauc_p_holm"]) == pytest.approx([corrected] * 2)
    bold = [row[3].emphasis == BEST for row in table.blocks[0]]
    assert bold == [corrected < 0.05] * 2
    assert ("leaves no p below 0.062, so none can be bold" in table.caption) == (corrected > 0.05)


def test_a_comparison_without_a_test_does_not_deny_the_tests_of_the_others() -> None:
    rows = [
        ["bolts", f"category{i}", "standard", method, 0, "xauc", 0.5 + sign * i / 100, 5, ""]
        for i in range(1, 8)
        for method, sign in (("cnn", 0), ("ae", -1), ("vit", 1))
        if method != "vit" or i <= 3
    ]
    metrics = pd.DataFrame(rows, columns=METRIC_COLUMNS)
    (table,) = table_of(LOSS, ENCODER, metrics=metrics)
    tested, untested = table.blocks[0]
    assert tested[3].emphasis == BEST  # p is 2 / 2**7, the only one
    assert "no test possible" not in table.caption
    assert "Bold: p below 0.05" in table.caption
    notes = [note.text for note in table.notes]
    assert any("No test: 3 categories cannot reach p < 0.05; 6 are needed." in n for n in notes)
    assert untested[3].emphasis != BEST


def test_equal_means_of_seeds_in_another_order_are_not_higher() -> None:
    rows = [
        ["bolts", f"category{i}", "standard", method, seed, "xauc", value, 5, ""]
        for i in range(6)
        for method, values in (("cnn", (0.7, 0.8, 0.9)), ("ae", (0.9, 0.8, 0.7)))
        for seed, value in enumerate(values)
    ]
    (table,) = table_of(LOSS, metrics=pd.DataFrame(rows, columns=METRIC_COLUMNS))
    row = table.data.iloc[0]
    assert (row["xauc_higher"], row["xauc_categories"], row["xauc_p"]) == (0, 6, 1)


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
