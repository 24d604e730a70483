"""The tables of a benchmark that is small enough to be worked out by hand, cell by cell."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from miniature import miniature, one_class
from scipy.special import expit, logit

from aexad.config.benchmark import read_benchmark
from aexad.report.collect import METHOD_COLUMNS, METRIC_COLUMNS
from aexad.report.published import read_published
from aexad.report.results import Results
from aexad.report.tables.table import Table, to_latex, to_markdown
from aexad.report.tables.win_probability import win_probability, win_table
from aexad.report.tables.write import build_tables
from aexad.report.text.summary import summarise
from aexad.report.text.summary import to_markdown as summary_text

GOLDEN = Path(__file__).parent / "golden"
ROOT = Path(__file__).parents[3]
NAN = float("nan")


@pytest.fixture(scope="module")
def measured() -> Results:
    return miniature()


@pytest.fixture(scope="module")
def tables(measured: Results) -> dict[str, Table]:
    return {table.name: table for table in build_tables(measured)}


@pytest.fixture(scope="module")
def of_one_class() -> dict[str, Table]:
    return {table.name: table for table in build_tables(one_class())}


def grid(table: Table) -> list[list[str]]:
    """The rows as text, with the emphasis and the mark behind it."""
    sign = {"best": " B", "second": " S", "": ""}
    return [
        [cell.text + sign[cell.emphasis] + cell.mark for cell in row]
        for block in table.blocks
        for row in block
    ]


def header(table: Table) -> list[str]:
    return [cell.text + cell.mark for cell in table.header]


def test_which_tables_there_are_follows_from_the_runs(
    tables: dict[str, Table], of_one_class: dict[str, Table]
) -> None:
    assert list(tables) == [
        "methods", "significance",
        *(f"aexad_table{number}" for number in (1, 2, 3, 5, 7, 9)),
        "vit_table1", "vit_table3", "fidelity",
        *(f"{metric}_standard" for metric in ("xauc", "pro", "f1", "iou", "image_auroc")),
    ]  # fmt: skip
    assert list(of_one_class) == [
        "methods",
        *(f"anovit_table{number}" for number in (1, 2, 4, 5)),
        "fidelity",
        "pixel_auroc_one_class",
        "image_auroc_one_class",
    ]


def test_every_cell_of_the_win_probabilities(tables: dict[str, Table]) -> None:
    table = tables["aexad_table3"]
    assert header(table) == [
        "Metric", "Method", "cnn", "vit", "ae", "AE-XAD (published)", "FCDD (published)",
    ]  # fmt: skip
    none = ["n/a", "n/a"]
    # Of 2 categories x 3 seeds x 5 images; where all images of a run are alike, sixths.
    assert grid(table) == [
        # a: 0.7, 0.8, 0.9 against 0.9; b: 0.5, 0.6, 0.7 against 0.3, 0.4, 0.5. One tie with ae.
        ["X-AUC", "cnn", "–", "0.500 B", "0.833 B", *none],
        ["X-AUC", "vit", "0.333", "–", "0.500 B", *none],
        ["X-AUC", "ae", "0.000", "0.333", "–", *none],
        ["X-AUC", "AE-XAD (published)", "n/a", *none, "–", "0.750 B"],
        ["X-AUC", "FCDD (published)", "n/a", *none, "0.250", "–"],
        # Ties: cnn and vit on a, cnn and ae on b.
        ["F1", "cnn", "–", "0.500 B", "0.500 B", *none],
        ["F1", "vit", "0.000", "–", "0.500", *none],
        ["F1", "ae", "0.000", "0.500", "–", *none],
        # Ties on a; on b one image of five of vit is 0, the others are 0.5.
        ["IoU", "cnn", "–", "0.100", "1.000 B", *none],
        ["IoU", "vit", "0.400 B", "–", "0.900 B", *none],
        ["IoU", "ae", "0.000", "0.100", "–", *none],
    ]
    assert "ties count for neither" in table.caption
    shares = table.numbers.set_index(["metric", "method"])["cnn"]
    assert shares["xauc", "vit"] == 1 / 3
    assert math.isnan(shares["xauc", "cnn"])


def test_methods_of_the_sources_may_have_the_names_of_ours() -> None:
    benchmark = read_benchmark(ROOT / "config/benchmarks", "report")
    names = [name for part in (benchmark, *benchmark.also) for name in part.methods]
    names = list(dict.fromkeys(names))
    printed = read_published(ROOT / "config/published")
    shared = [name for name in names if name in printed.methods]
    assert {"fcdd", "bgad"} <= {*shared}
    run = {"dataset": "mvtec_ad", "category": "bottle", "scenario": "standard", "seed": 0}
    values = dict.fromkeys(("xauc", "f1", "iou"), 0.5)
    images = pd.DataFrame([run | {"method": name, "image": "0.png"} | values for name in names])
    rows = [
        run | {"method": name, "metric": metric, "value": 0.5, "n": 1, "reason": ""}
        for name in names
        for metric in values
    ]
    methods = pd.DataFrame(
        [dict.fromkeys(METHOD_COLUMNS, "") | {"method": name, "title": name} for name in names]
    )
    results = Results(pd.DataFrame(rows)[METRIC_COLUMNS], methods, images, {}, printed, {})
    (table,) = win_table(results)
    assert header(table)[-3:] == ["AE-XAD (published)", "BGAD (published)", "FCDD (published)"]
    assert {"fcdd", "bgad"} <= {*header(table)}
    shares = table.numbers.set_index(["metric", "method"])
    assert shares.loc[("xauc", "aexad_published"), "bgad_published"] == 0.803
    assert math.isnan(shares.loc[("xauc", "aexad-resnet50"), "bgad_published"])
    assert shares.loc[("xauc", "aexad-resnet50"), "bgad"] == 0


def test_a_pair_counts_the_images_that_both_have() -> None:
    values = {"x": [0.5, 0.6, NAN, 0.2], "y": [0.4, 0.6, 0.1, NAN]}
    rows = [
        ("c", 0, f"{i}", method, value)
        for method in values
        for i, value in enumerate(values[method])
    ]
    images = pd.DataFrame(rows, columns=["category", "seed", "image", "method", "iou"])
    found = win_probability(images, "iou")
    assert found.loc["x", "y"] == 0.5
    assert found.loc["y", "x"] == 0
    assert math.isnan(found.loc["x", "x"])


def test_every_cell_of_the_trade_offs(tables: dict[str, Table]) -> None:
    table = tables["aexad_table7"]
    assert header(table) == [
        "Metric", "Category", "cnn", "vit", "ae", "AE-XAD (published)", "FCDD (published)",
    ]  # fmt: skip
    no = ["n/ac"]
    # E (1 - m) / m of each seed, E the grams: cnn 2 on a and 4 on b, vit 1; ae has no meter.
    # cnn on a: 2 (3/7, 1/4, 1/9); on b: 4 (1, 2/3, 3/7). vit on b: 7/3, 3/2, 1.
    assert grid(table) == [
        ["T(X-AUC)", "a", "0.526 ± 0.318 S", "0.111 ± 0 B", "n/aa", "n/ab", "n/ab"],
        ["T(X-AUC)", "b", "2.79 ± 1.15 S", "1.61 ± 0.674 B", "n/aa", "n/ab", "n/ab"],
        ["T(X-AUC)", "mean", "1.66 ± 0.733 S", "0.861 ± 0.337 B", *no, "n/ab", "n/ab"],
        ["T(F1)", "a", "1.33 ± 0 S", "0.667 ± 0 B", "n/aa", "1.50", "n/ab"],
        ["T(F1)", "b", "6.00 ± 0 S", "4.00 ± 0 B", "n/aa", "n/ab", "n/ab"],
        ["T(F1)", "mean", "3.67 ± 0 S", "2.33 ± 0 B", *no, "n/ad", "n/ab"],
        ["T(IoU)", "a", "1.33 ± 0 S", "0.667 ± 0 B", "n/aa", "n/ab", "n/ab"],
        ["T(IoU)", "b", "9.33 ± 0 S", "1.50 ± 0 B", "n/aa", "n/ab", "inf"],
        ["T(IoU)", "mean", "5.33 ± 0 S", "1.08 ± 0 B", *no, "n/ab", "n/ad"],
    ]
    assert [note.text for note in table.notes] == [
        "Undefined: no meter.",
        "Not published.",
        "Undefined in every category: no meter.",
        "Published for 1 of these 2 categories.",
    ]
    assert "Lower is better; best bold, runner-up italic, among the measured" in table.caption
    np.testing.assert_allclose(
        table.numbers["cnn"][:3],
        [2 * (3 / 7 + 1 / 4 + 1 / 9) / 3, 4 * (1 + 2 / 3 + 3 / 7) / 3, 1.6600529100529100],
    )
    assert table.numbers["fcdd_published"].tolist()[7] == math.inf


def test_every_cell_of_the_encoders(tables: dict[str, Table]) -> None:
    table = tables["methods"]
    assert header(table) == [
        "Method", "Labelled defects", "Encoder", "Pre-trained", "Tuning", "X-AUC", "PRO", "F1a",
        "IoUa", "image AUROC",
        "training [s]", "training [g CO2]", "parameters [M]",
    ]  # fmt: skip
    vit = "vit_tiny_patch16_224.augreg_in21k_ft_in1k"
    # X-AUC by seed: cnn 0.6, 0.7, 0.8; vit 0.6, 0.65, 0.7. Its interval is of the seeds alone,
    # because the images of a run are alike; the IoU of vit is the same for all seeds, and its
    # interval is of the images of b alone: 0, 0.5, 0.5, 0.5, 0.5.
    assert grid(table) == [
        ["cnn", "yes", "resnet18.tv_in1k", "yes", "frozen", "0.700 [0.417, 0.884] B", "0.500b",
         "0.500 Bc", "0.450 Sc", "1.000 Bd", "10.0 B", "3.00 S", "0.250 of 1.00"],
        ["vit", "yes", vit, "yes", "frozen", "0.650 [0.518, 0.762] S", "0.600b",
         "0.400 Sc", "0.500 [0.365, 0.635] B", "0.500 Sd", "30.0 S", "1.00 B", "0.250 of 1.00"],
        ["ae", "no", "resnet18.tv_in1k", "yes", "frozen", "0.500c", "0.100e",
         "0.300c", "0.200c", "0.500 Sd", "10.0 B", "n/af", "0.250 of 1.00"],
    ]  # fmt: skip
    assert table.notes[0].text.startswith("Of the heat map binarised at its own mean")
    unknown = "No interval: a: the values of single images are not known."
    assert [note.text for note in table.notes[1:]] == [
        unknown,
        "No interval: all resampled values are equal.",
        "No interval: the resampled test sets have no value.",
        f"Mean over the 1 of 2 categories that have a value. {unknown}",
        "Undefined in every category: no meter.",
    ]
    numbers = table.numbers.set_index("method")
    low, high = (logit(0.7) + sign * 4.302653 * 0.1 / math.sqrt(3) / 0.21 for sign in (-1, 1))
    assert numbers.loc["cnn", ["xauc_low", "xauc_high"]].tolist() == pytest.approx(
        [expit(low), expit(high)], abs=1e-6
    )
    # Variance of the mean of five images 0.05 / 5, of the mean of two categories a quarter of it;
    # t with 4 degrees of freedom. The draws are 1,000, so the third digit may differ.
    ends = expit(2.776445 * math.sqrt(0.05 / 5 / 4) / 0.25 * np.array([-1, 1]))
    assert numbers.loc["vit", ["iou_low", "iou_high"]].tolist() == pytest.approx(ends, abs=0.01)
    assert numbers.loc["cnn", ["training_co2_g", "frozen_parameters"]].tolist() == [3, 750000]


def test_every_cell_of_the_fidelity(tables: dict[str, Table]) -> None:
    table = tables["fidelity"]
    where = ["Bolts", "standard"]
    paper, report = "angiulli2025aexad", "presta2025vitaexad"
    # Half widths: t(0.95, 2) = 2.920 times s / sqrt(3), s 0.1 or 0.05. The margin is 0.0205.
    assert grid(table) == [
        [f"{paper}, table1", *where, "a", "X-AUC", "ae",
         "0.500 ± 0.000", "0.500", "0.000", "[+0.000, +0.000]", "agrees"],
        [f"{paper}, table2", *where, "a", "X-AUC", "cnn",
         "0.800 ± 0.100", "0.850", "-0.050", "[-0.219, +0.119]", "not known"],
        [f"{paper}, table2", *where, "b", "X-AUC", "cnn",
         "0.600 ± 0.100", "0.500", "+0.100", "[-0.069, +0.269]", "not known"],
        [f"{paper}, table2", *where, "a", "F1", "cnn",
         "0.600 ± 0.000", "0.500", "+0.100", "[+0.100, +0.100]", "higher"],
        [f"{paper}, table2", *where, "mean", "X-AUC", "cnn",
         "0.700 ± 0.100", "0.675", "+0.025", "[-0.144, +0.194]", "not known"],
        [f"{paper}, table7", *where, "a", "T(F1)", "cnn",
         "1.33 ± 0", "1.50", "-0.167", "n/a", "other machine"],
        [f"{report}, table1", *where, "a", "X-AUC", "vit",
         "0.900 ± 0.000", "0.950", "-0.050", "[-0.050, -0.050]", "lower"],
        [f"{report}, table3", *where, "mean", "X-AUC", "vit",
         "0.650 ± 0.050", "0.650", "0.000", "[-0.084, +0.084]", "not known"],
    ]  # fmt: skip
    assert "8 cells: 1 agrees, 1 higher, 1 lower, 4 not known and 1 other machine" in table.caption
    assert table.numbers["difference"].round(12).tolist() == [
        0, -0.05, 0.1, 0.1, 0.025, round(4 / 3 - 1.5, 12), -0.05, 0,
    ]  # fmt: skip


def test_one_seed_is_not_judged(measured: Results) -> None:
    metrics = measured.metrics[measured.metrics["seed"] == 1]
    one = {table.name: table for table in build_tables(replace(measured, metrics=metrics))}
    cells = [row[-2:] for row in grid(one["fidelity"]) if row[4] != "T(F1)"]
    assert set(map(tuple, cells)) == {("n/a", "one seed")}
    notes = [note.text for note in one["methods"].notes]
    assert (
        "Without two seeds in every category: interval of the chance of the test images alone."
        in notes
    )


def test_every_cell_of_anovits_tables(of_one_class: dict[str, Table]) -> None:
    table = of_one_class["anovit_table2"]
    assert header(table) == [
        "Data set", "Category", "l2", "ano", "ano: improvement [%]",
        "l2-CAE (published)", "AnoViT (published)", "improvement (published) [%]",
    ]  # fmt: skip
    assert grid(table) == [
        ["MNIST", "0", "0.800 S", "1.000 B", "+25.0", "0.800", "0.900", "+12.5"],
        ["MNIST", "1", "0.500 B", "0.400 S", "-20.0", "0.600", "0.600", "+0.0"],
        ["MNIST", "mean", "0.650 S", "0.700 B", "+7.7", "0.700", "0.750", "+7.1"],
        # 0.3 / sqrt(2) and 0.6 / sqrt(2)
        ["MNIST", "std", "0.212", "0.424", "", "0.140", "0.210", ""],
    ]
    assert grid(of_one_class["anovit_table1"]) == [
        ["MNIST", "image AUROC", "0.650 ± 0.212 S", "0.700 ± 0.424 B", "+7.7",
         "0.700", "0.750", "+7.1"],
        ["Nuts", "image AUROC", "0.500 S", "0.600 B", "+20.0", "", "", ""],
        ["Nuts", "pixel AUROC", "0.800 B", "0.600 S", "-25.0", "", "", ""],
    ]  # fmt: skip
    assert grid(of_one_class["anovit_table5"])[0] == ["Nuts", "x", "0.800 B", "0.600 S", "-25.0"]


def test_anovit_is_not_ranked_with_fewer_seeds_or_categories() -> None:
    measured = one_class()
    rows = measured.metrics
    more = rows.assign(seed=1)
    lost = (rows["method"] == "ano") & (rows["category"] == "0")
    rows = pd.concat([rows, more[~lost]])
    tables = {table.name: table for table in build_tables(replace(measured, metrics=rows))}
    ranked = [[cell.emphasis for cell in row[2:4]] for row in tables["anovit_table2"].blocks[0]]
    assert ranked == [["", ""], ["best", "second"], ["", ""], ["", ""]]


def golden(name: str, text: str) -> None:
    """Compare with a golden file; AEXAD_GOLDEN=write makes it again, to be read before a commit."""
    path = GOLDEN / name
    if os.environ.get("AEXAD_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def test_each_table_is_its_golden_file(
    tables: dict[str, Table], of_one_class: dict[str, Table]
) -> None:
    shown = {**of_one_class, **tables}  # encoders and fidelity are those of the larger one
    for name, table in shown.items():
        golden(f"{name}.md", to_markdown(table))
    golden("summary.md", summary_text("Miniature", summarise(miniature())))
    golden("methods.tex", to_latex(tables["methods"]))
    assert {path.stem for path in GOLDEN.glob("*.md")} == {*shown, "summary"}
    assert sum(path.stat().st_size for path in GOLDEN.iterdir()) < 60_000


def test_the_same_measurements_give_the_same_tables(measured: Results) -> None:
    once, again = build_tables(miniature()), build_tables(miniature())
    assert [to_markdown(table) for table in once] == [to_markdown(table) for table in again]
