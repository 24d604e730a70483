"""Every cell of the tables against values worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from aexad.evaluation.run_files import IMAGE_COLUMNS
from aexad.report.collect import METHOD_COLUMNS, METRIC_COLUMNS
from aexad.report.labels import METRIC, Metric
from aexad.report.published import Published
from aexad.report.results import Results
from aexad.report.stats.aggregate import over_categories
from aexad.report.tables.categories import metric_table as table_of_results
from aexad.report.tables.format import emphases
from aexad.report.tables.table import Column, Note, Table, to_latex, to_markdown
from aexad.report.text.numbers import quantity

NAN = float("nan")
TITLES = {"parts": "Parts", "textures": "Textures"}
REASON = "no anomalous image"


def metrics(
    values: dict[tuple[str, str], list[float]],
    metric: str = "xauc",
    n: int = 4,
    dataset: str = "parts",
    scenario: str = "standard",
) -> pd.DataFrame:
    """Rows of metrics.csv; ``values`` by category and method, one a seed."""
    return pd.DataFrame(
        [
            [
                dataset,
                category,
                scenario,
                method,
                seed,
                metric,
                value,
                n,
                REASON * bool(np.isnan(value)),
            ]
            for (category, method), seeds in values.items()
            for seed, value in enumerate(seeds)
        ],
        columns=METRIC_COLUMNS,
    )


def methods(**pretrained: str) -> pd.DataFrame:
    rows = [
        {**dict.fromkeys(METHOD_COLUMNS, "x"), "method": name, "title": name, "pretrained": yes}
        | {"encoder": f"encoder_{name}", "tuning": "full" if yes == "no" else "frozen"}
        | {"collapsed": ""}
        for name, yes in pretrained.items()
    ]
    return pd.DataFrame(rows, columns=METHOD_COLUMNS)


def metric_table(
    metric: Metric, rows: pd.DataFrame, methods: pd.DataFrame, titles: dict[str, str]
) -> Table:
    images = pd.DataFrame(columns=IMAGE_COLUMNS)
    return table_of_results(Results(rows, methods, images, {}, Published(), titles), metric, rows)


METHODS = methods(cnn="yes", vit="no", ae="yes")
# Means over the seeds:          cnn 0.9 ± 0.014, vit 0.8 ± 0, ae 0.7 ± 0.141  (bolt)
#                                cnn 0.6 ± 0.071, vit 0.8 ± 0.283, ae 0.8 ± 0  (grid)
# Over the categories, by seed:  cnn 0.77 and 0.73, vit 0.7 and 0.9, ae 0.7 and 0.8
VALUES = {
    ("bolt", "cnn"): [0.89, 0.91],
    ("bolt", "vit"): [0.80, 0.80],
    ("bolt", "ae"): [0.60, 0.80],
    ("grid", "cnn"): [0.65, 0.55],
    ("grid", "vit"): [0.60, 1.00],
    ("grid", "ae"): [0.80, 0.80],
}


def grid(table: Table) -> list[list[str]]:
    """The rows as text, with the emphasis and the mark behind it."""
    sign = {"best": " B", "second": " S", "": ""}
    return [
        [cell.text + sign[cell.emphasis] + cell.mark for cell in row]
        for block in table.blocks
        for row in block
    ]


def test_every_cell_of_a_metric_table() -> None:
    table = metric_table(METRIC["xauc"], metrics(VALUES), METHODS, TITLES)
    assert table.name == "xauc_standard"
    assert [cell.text + cell.mark for cell in table.header] == [
        "Category",
        "n",
        "cnn",
        "vit†",
        "ae",
    ]
    assert grid(table) == [
        ["bolt", "4", "0.900 ± 0.014 B", "0.800 ± 0.000 S", "0.700 ± 0.141"],
        ["grid", "4", "0.600 ± 0.071 S", "0.800 ± 0.283 B", "0.800 ± 0.000 B"],
        ["mean", "8", "0.750 ± 0.028 S", "0.800 ± 0.141 B", "0.750 ± 0.071 S"],
    ]
    assert [len(block) for block in table.blocks] == [2, 1]
    assert table.notes == (
        Note(
            "†",
            "Encoder not pre-trained (random weights): vit. So this is not a comparison of "
            "architectures alone.",
        ),
    )
    assert table.title == "X-AUC (explanation AUROC), standard"
    for phrase in (
        "Pixel AUROC of the heat map within one anomalous test image",
        "Data: Parts (2 categories, 8 test images)",
        "scenario standard (normal images and a few labelled anomalies",
        "2 seeds (0 and 1)",
        "mean ± sample standard deviation over the seeds",
        "best bold, runner-up italic",
    ):
        assert phrase in table.caption


def test_the_csv_has_plain_numbers_with_all_their_digits() -> None:
    numbers = metric_table(METRIC["xauc"], metrics(VALUES), METHODS, TITLES).numbers
    assert list(numbers.columns) == [
        "dataset", "metric", "category", "seeds", "images",
        "cnn", "cnn_std", "vit", "vit_std", "ae", "ae_std",
    ]  # fmt: skip
    assert numbers["category"].tolist() == ["bolt", "grid", "mean"]
    assert numbers["images"].tolist() == [4, 4, 8]
    assert numbers["seeds"].tolist() == [2, 2, 2]
    np.testing.assert_allclose(numbers["cnn"], [0.9, 0.6, 0.75], rtol=1e-15)
    np.testing.assert_allclose(numbers["ae_std"], [np.sqrt(0.02), 0, np.sqrt(0.005)], atol=1e-15)


def test_one_seed_has_no_spread_and_one_method_no_best() -> None:
    rows = metrics({("bolt", "cnn"): [0.9], ("grid", "cnn"): [0.5]})
    table = metric_table(METRIC["xauc"], rows, methods(cnn="yes"), TITLES)
    assert grid(table) == [["bolt", "4", "0.900"], ["grid", "4", "0.500"], ["mean", "8", "0.700"]]
    assert table.notes == ()
    assert "bold" not in table.caption
    assert "±" not in table.caption
    assert "1 seed (0)" in table.caption
    assert "cnn_std" not in table.numbers


def test_undefined_values_are_explained_and_never_zero() -> None:
    values: dict[tuple[str, str], list[float]] = {
        ("bolt", "cnn"): [NAN, NAN],
        ("bolt", "vit"): [NAN, 0.5],
        ("grid", "cnn"): [0.7, 0.8],
        ("grid", "vit"): [0.6, 0.6],
    }
    table = metric_table(METRIC["xauc"], metrics(values), methods(cnn="yes", vit="yes"), TITLES)
    assert grid(table) == [
        ["bolt", "0–4", "n/aa", "0.500b"],
        ["grid", "4", "0.750 ± 0.071 B", "0.600 ± 0.000 S"],
        # Means over different categories: neither is the best.
        ["mean", "4–8", "0.750 ± 0.071c", "0.550d"],
    ]
    assert [note.text for note in table.notes] == [
        f"Undefined: {REASON}.",
        f"Undefined for 1 seed of 2: {REASON}.",
        "Mean over the 1 of 2 categories that have a value.",
        "Seeds with a value in every category: 1 of 2.",
    ]
    assert table.numbers["cnn"].isna().tolist() == [True, False, False]


def test_a_metric_without_any_value_has_a_table_all_the_same() -> None:
    rows = metrics({("bolt", "cnn"): [NAN], ("bolt", "vit"): [NAN]})
    table = metric_table(METRIC["xauc"], rows, methods(cnn="yes", vit="yes"), TITLES)
    assert grid(table) == [["bolt", "0", "n/aa", "n/aa"], ["mean", "0", "n/ab", "n/ab"]]
    assert [note.text for note in table.notes] == [
        f"Undefined: {REASON}.",
        f"Undefined in every category: {REASON}.",
    ]


def test_several_data_sets_are_blocks_with_means_of_their_own() -> None:
    rows = pd.concat(
        [
            metrics({("bolt", "cnn"): [0.5], ("bolt", "vit"): [0.6]}),
            metrics({("bolt", "cnn"): [0.9], ("bolt", "vit"): [0.8]}, dataset="textures", n=7),
        ]
    )
    table = metric_table(METRIC["xauc"], rows, methods(cnn="yes", vit="yes"), TITLES)
    assert grid(table) == [
        ["Parts", "bolt", "4", "0.500 S", "0.600 B"],
        ["Parts", "mean", "4", "0.500 S", "0.600 B"],
        ["Textures", "bolt", "7", "0.900 B", "0.800 S"],
        ["Textures", "mean", "7", "0.900 B", "0.800 S"],
    ]
    assert table.words == 2
    assert (
        "Parts (1 category, 4 test images) and Textures (1 category, 7 test images)"
        in table.caption
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.9, 0.8, 0.7], ["best", "second", ""]),
        ([0.9, 0.9001, 0.7], ["best", "best", "second"]),  # level as printed
        ([0.9, 0.7, 0.7], ["best", "second", "second"]),
        ([0.9, 0.9], ["", ""]),
        ([0.9], [""]),
        ([NAN, 0.5, 0.4], ["", "best", "second"]),
        ([NAN, 0.5], ["", ""]),
        ([NAN], [""]),
    ],
)
def test_best_and_runner_up(values: list[float], expected: list[str]) -> None:
    assert emphases(values) == expected


def test_of_costs_the_lowest_is_the_best() -> None:
    assert emphases([0.0021, 30.0, 0.00209], quantity, lower=True) == ["second", "", "best"]
    assert emphases([math.inf, 2.0], quantity, lower=True) == ["second", "best"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.0123456, "0.0123"), (5.394, "5.39"), (0.9996, "1.00"), (99.96, "100"),
     (13887.0, "13900"), (math.inf, "inf"), (-0.5, "-0.500")],
)  # fmt: skip
def test_costs_have_three_significant_digits(value: float, text: str) -> None:
    assert quantity(value) == text


def test_the_spread_of_a_mean_uses_seeds_with_all_categories() -> None:
    values: dict[tuple[str, str], list[float]] = {
        ("bolt", "cnn"): [0.2, 0.4, NAN],
        ("grid", "cnn"): [0.6, 0.8, 0.9],
    }
    row = over_categories(metrics(values)).iloc[0]
    assert row["mean"] == pytest.approx((0.3 + 2.3 / 3) / 2)
    assert row["std"] == pytest.approx(np.std([0.4, 0.6], ddof=1))


def special(**changes: Any) -> Table:
    parts = {
        "name": "x",
        "title": "A & B",
        "caption": "100 % of a_b, ± and †.",
        "columns": (
            Column("Category", ["a_b & <c>"], words=True),
            Column("ae-vit_b16", ["0.9 ± 0.1"], emphasis=["best"], header_note=Note("†", "#1")),
            Column("_x*|", ["n/a"], notes=["why_not"]),
        ),
        "data": pd.DataFrame([{"x": 1}]),
    }
    return Table(**(parts | changes))


def test_latex_escapes_what_is_special() -> None:
    assert to_latex(special()) == (
        "% \\usepackage{booktabs}\n"
        "\\begin{table}\n\\centering\n"
        "\\caption{\\textbf{A \\& B.} 100 \\% of a\\_b, $\\pm$ and \\textdagger{}.}\n"
        "\\label{tab:x}\n"
        "\\begin{tabular}{lrr}\n\\toprule\n"
        "Category & ae-vit\\_b16\\textsuperscript{\\textdagger{}} & \\_x*\\textbar{} \\\\\n"
        "\\midrule\n"
        "a\\_b \\& \\textless{}c\\textgreater{} & \\textbf{0.9 $\\pm$ 0.1} & "
        "n/a\\textsuperscript{a} \\\\\n"
        "\\bottomrule\n\\end{tabular}\n"
        "\\par\\smallskip\n{\\footnotesize \\textsuperscript{\\textdagger{}}~\\#1\\\\\n"
        "\\textsuperscript{a}~why\\_not\\par}\n"
        "\\end{table}\n"
    )


def test_a_wide_latex_table_is_scaled_to_the_text() -> None:
    text = to_latex(special(columns=[Column(str(i), [str(i)]) for i in range(9)]))
    assert text.startswith("% \\usepackage{booktabs,graphicx}\n")
    assert "\\resizebox{\\linewidth}{!}{%\n\\begin{tabular}" in text


def test_markdown_escapes_what_is_special() -> None:
    lines = to_markdown(special()).splitlines()
    assert lines[0] == "**A &amp; B.** 100 % of a_b, ± and †."
    assert [cell.strip() for cell in lines[2].strip("|").split(" | ")] == [
        "Category", "ae-vit_b16†", "\\_x\\*\\|",
    ]  # fmt: skip
    assert [cell.strip() for cell in lines[4].strip("|").split(" | ")] == [
        "a_b &amp; &lt;c>", "**0.9 ± 0.1**", "n/a<sup>a</sup>",
    ]  # fmt: skip
    assert lines[-3:] == ["† #1", "", "<sup>a</sup> why_not"]
