"""Sentences of the summary that need more categories, and the titles of methods, by hand."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from miniature import miniature

from aexad.config.benchmark import Run
from aexad.evaluation.run_files import IMAGE_COLUMNS
from aexad.report.collect import METHOD_COLUMNS, METRIC_COLUMNS
from aexad.report.figures.base import cnn_and_transformer, read_groups
from aexad.report.published import Published
from aexad.report.results import Results
from aexad.report.stats.tests import Interval
from aexad.report.tables.table import to_latex, to_markdown
from aexad.report.tables.write import build_tables
from aexad.report.text.sentences import sentence
from aexad.report.text.summary import summarise

TITLES = {"cnn": "ResNet & co", "vit": "ViT_tiny", "ae": "Autoencoder"}


def sentences(values: dict[str, list[float]]) -> list[str]:
    """The findings about X-AUC of one seed; ``values``: method -> value in each category."""
    rows = [
        ["parts", f"c{i}", "standard", method, 0, "xauc", value, 4, ""]
        for method, own in values.items()
        for i, value in enumerate(own)
    ]
    methods = [
        dict.fromkeys(METHOD_COLUMNS, "") | {"method": name, "title": name.upper()}
        for name in values
    ]
    results = Results(
        pd.DataFrame(rows, columns=METRIC_COLUMNS),
        pd.DataFrame(methods),
        pd.DataFrame(columns=IMAGE_COLUMNS),
        {},
        Published(),
        {},
    )
    return summarise(results).findings[0].sentences


def test_pairs_that_differ_over_the_categories_are_named() -> None:
    rising = [0.11, 0.22, 0.33, 0.44, 0.55, 0.66]
    values = {"a": rising, "b": [2 * value for value in rising]}
    # All six differ in one direction: p is 2 / 2**6.
    assert sentences(values)[-2] == (
        "Over the categories 1 of 1 pairs differ with p < 0.05 (Wilcoxon's signed ranks, Holm's "
        "correction within each metric): A and B by X-AUC (p 0.031)."
    )


def test_pairs_that_do_not_differ_are_counted() -> None:
    values = {"a": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], "b": [0.2, 0.1, 0.4, 0.3, 0.6, 0.5]}
    assert sentences(values)[-2] == (
        "Over the categories none of 1 pairs of methods and metrics differs with p < 0.05 "
        "(Wilcoxon's signed ranks, Holm's correction within each metric)."
    )


def test_where_no_pair_could_differ_it_is_no_finding_that_none_does() -> None:
    rising = [0.11, 0.22, 0.33, 0.44, 0.55, 0.66]
    values = {"a": rising, "b": [value + 0.1 for value in rising], "c": [0.9] * 6}
    # Three pairs: p is at least 3 * 2 / 2**6, although all differ in one direction.
    assert sentences(values)[-2] == (
        "Over the categories no pair could differ: with so few categories and so many pairs, "
        "Holm's correction of Wilcoxon's signed ranks leaves no p below 0.094."
    )


def test_a_metric_without_a_test_hides_no_test_of_another() -> None:
    text = sentence(
        "over_categories",
        reasons=["3 categories cannot reach p < 0.05; 6 are needed"],
        tested=1,
        unreachable=None,
        different=[{"first": "A", "second": "B", "metric": "X-AUC", "p": 2 / 2**12}],
        most_pairs=3,
    )
    assert "A and B by X-AUC (p < 0.001). The other metrics have no test, because 3 cat" in text


def with_titles() -> Results:
    results = miniature()
    methods = results.methods.assign(title=results.methods["method"].map(TITLES))
    return Results(
        results.metrics,
        methods,
        results.images,
        results.recipes,
        results.published,
        results.titles,
    )


def test_tables_show_titles_and_their_csv_keeps_names() -> None:
    for named, titled in zip(build_tables(miniature()), build_tables(with_titles()), strict=True):
        pd.testing.assert_frame_equal(named.numbers, titled.numbers)
        rows = [titled.header, *(row for block in titled.blocks for row in block)]
        shown = {cell.text for row in rows for cell in row}
        assert not {"cnn", "vit", "ae"} & shown
        assert {"ResNet & co", "ViT_tiny", "Autoencoder"} & shown
    encoders = build_tables(with_titles())[0]
    assert "| ResNet &amp; co" in to_markdown(encoders)
    assert "ResNet \\& co & yes & resnet18.tv\\_in1k" in to_latex(encoders)


def test_captions_and_sentences_show_titles() -> None:
    tables = {table.name: table for table in build_tables(with_titles())}
    assert "Columns: AE + filter is Autoencoder and AE-XAD is ResNet & co." in (
        tables["aexad_table1"].caption
    )
    assert tables["significance"].caption.startswith("Each method less ResNet & co, macro means")
    found = summarise(with_titles()).findings[0].sentences
    assert found[0].startswith("ViT_tiny (Transformer) in place of ResNet & co (CNN)")
    assert found[1].startswith("X-AUC: ResNet & co is best with 0.700, 0.050 above ViT_tiny")
    assert not any(name in " ".join(found).split() for name in ("cnn", "vit", "ae"))


def test_sentences_and_figures_choose_the_same_pair(tmp_path) -> None:
    results = miniature()
    frozen = results.metrics["method"] == "vit"
    # A trained Transformer before the frozen one, which is of another kind for the tables alone.
    trained = results.metrics[frozen].assign(method="vit-full")
    metrics = pd.concat([trained, results.metrics])
    about = results.methods
    own = about[about["method"] == "vit"].assign(method="vit-full", title="full", tuning="full")
    recipes = {
        **results.recipes,
        "vit-full": results.recipes["vit"].model_copy(update={"tuning": "full"}),
    }
    named = replace(results, metrics=metrics, methods=pd.concat([own, about]), recipes=recipes)
    first = summarise(named).findings[0].sentences[0]
    assert first.startswith("full (Transformer) in place of cnn (CNN)")
    runs = [Run("bolts", "a", "standard", 0, name) for name in named.methods["method"]]
    (group,) = read_groups(runs, metrics, named.methods, {}, tmp_path, tmp_path)
    assert cnn_and_transformer(group) == ("cnn", "vit-full")


@pytest.mark.parametrize(
    ("labels", "signs", "expected"),
    [
        (True, (1, 0), "method that rebuilds nothing? A less P, which has the same encoder and "),
        (True, (1, 0), "A is higher in X-AUC."),
        (True, (0, -1), "It is lower in IoU."),
        (False, (0, 0), "Is AE-XAD better than a method without labelled defects? A less P, which"),
        (False, (0, 0), "ignores the labelled defects, in brackets 95 % intervals: X-AUC +0.100"),
        (False, (0, 0), "No interval is on one side of zero."),
    ],
)
def test_rivals_are_compared_in_words(labels, signs, expected):
    differences = [
        {"metric": metric, "value": 0.1, "interval": Interval(-0.1, 0.3), "sign": sign}
        for metric, sign in zip(("X-AUC", "IoU"), signs, strict=True)
    ]
    text = sentence("against_rival", ours="A", rival="P", labels=labels, differences=differences)
    assert expected in text
    assert "X-AUC +0.100 (-0.100 to +0.300)" in text.replace("−", "-")


def test_a_rival_without_intervals():
    differences = [{"metric": "IoU", "value": 0.1, "interval": None, "sign": 0}]
    text = sentence("against_rival", ours="A", rival="P", labels=False, differences=differences)
    assert text.endswith("ignores the labelled defects: IoU +0.100. The intervals are not known.")


def test_an_auroc_below_chance_is_remarked() -> None:
    told = sentences({"cnn": [0.9, 0.41], "vit": [0.3, 0.2], "ae": [0.5, 0.6]})
    (text,) = [each for each in told if each.startswith("Worse than chance")]
    assert text == (
        "Worse than chance (an AUROC below 0.5): CNN by X-AUC on c1 (0.41) and VIT by X-AUC on "
        "c0 (0.30) and c1 (0.20)."
    )
    assert not [each for each in sentences({"cnn": [0.9, 0.5]}) if "chance (" in each]


def test_a_method_with_fewer_seeds_hides_no_auroc_below_chance() -> None:
    """The sentence has the mean over all seeds of a method, as the tables have it."""
    results = miniature()
    rows = results.metrics[(results.metrics["method"] != "ae") | (results.metrics["seed"] == 0)]
    text = " ".join(summarise(replace(results, metrics=rows)).findings[0].sentences)
    assert "Worse than chance (an AUROC below 0.5): vit by X-AUC on b (0.40)." in text
