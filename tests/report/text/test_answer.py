"""The three lines of the answer, on the benchmark that can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from miniature import miniature

from aexad.report.results import Results
from aexad.report.stats.intervals import Difference
from aexad.report.stats.tests import Interval, NoTest
from aexad.report.text.headline import three_lines

PAIR = ("vit", "cnn")


def standard(results: Results) -> pd.DataFrame:
    metrics = results.metrics
    return metrics[(metrics["scenario"] == "standard") & (metrics["dataset"] == "bolts")]


def answer(monkeypatch: pytest.MonkeyPatch, intervals: dict[str, object], **changes: str) -> str:
    """The first line, with given intervals of the differences of X-AUC and IoU."""
    results = replace(miniature(), **changes)
    metrics = standard(results)
    own = results.intervals[metrics["dataset"].iloc[0], "standard"]
    values = {"xauc": -0.1, "iou": 0.05}
    monkeypatch.setattr(
        type(own),
        "difference",
        lambda self, metric, *_: Difference(values[metric], intervals[metric]),
    )
    return three_lines(results, metrics, PAIR)


LOW, HIGH, AROUND = Interval(-0.2, -0.01), Interval(0.01, 0.1), Interval(-0.1, 0.1)


@pytest.mark.parametrize(
    ("xauc", "iou", "words"),
    [
        (LOW, LOW, "explains worse than"),
        (LOW, AROUND, "explains worse than"),
        (AROUND, HIGH, "explains better than"),
        (LOW, HIGH, "is better than cnn by one measure and worse by the other"),
        (AROUND, AROUND, "cannot be told from these data"),
        (NoTest("one image"), AROUND, "cannot be told from these data"),
    ],
)
def test_only_intervals_without_zero_decide(
    monkeypatch: pytest.MonkeyPatch, xauc: Interval, iou: Interval, words: str
) -> None:
    first, *_ = answer(monkeypatch, {"xauc": xauc, "iou": iou})
    assert words in first


def test_numbers_and_limits() -> None:
    results = miniature()
    verdict, certainty, limits = three_lines(results, standard(results), PAIR)
    assert "X-AUC 0.650 instead of 0.700" in verdict  # means of a and b over three seeds
    assert "IoU 0.500 instead of 0.450" in verdict
    assert "10 anomalous test images and 3 seeds" in certainty
    assert "X-AUC -0.050" in certainty
    assert limits.startswith(
        "Limits: 2 categories, too few for a test over categories (it needs 6)"
    )
    assert "chance of another training" not in limits


def test_the_counts_are_those_of_the_pair() -> None:
    results = miniature()
    # ``vit`` has one seed; ``ae`` has two categories more, with other images.
    metrics = standard(results)
    metrics = metrics[(metrics["method"] != "vit") | (metrics["seed"] == 0)]
    ours = metrics[metrics["method"] == "ae"]
    more = [ours.assign(category=f"{name}{i}", n=99) for name in "cd" for i in range(2)]
    rows = pd.concat([metrics, *more])
    images = results.images
    images = images[(images["method"] != "vit") | (images["seed"] == 0)]
    _, certainty, limits = three_lines(replace(results, metrics=rows, images=images), rows, PAIR)
    assert "over 10 anomalous test images and 1 seed:" in certainty
    assert limits == (
        "Limits: 2 categories, too few for a test over categories (it needs 6); 1 seed, so the "
        "chance of another training is not in the intervals."
    )


def test_a_random_encoder_and_other_limits_are_named() -> None:
    results = miniature()
    methods = results.methods.assign(
        # Of two of its runs, one started from random weights.
        pretrained=["yes; no" if name == "vit" else "yes" for name in results.methods["method"]]
    )
    results = replace(results, methods=methods, limits="Partial: 1 of 2 runs.")
    limits = three_lines(results, standard(results), PAIR)[2]
    assert "was not pre-trained, so this is no comparison of architectures alone" in limits
    assert limits.endswith("Partial: 1 of 2 runs.")


def test_without_a_pair_the_best_is_compared_with_the_next() -> None:
    results = miniature()
    verdict = three_lines(results, standard(results), None)[0]
    assert verdict == (
        "cnn and vit are best and second of 3 methods on these test images by X-AUC, so this is no "
        "verdict: X-AUC 0.700 against 0.650 and IoU 0.450 against 0.500."
    )


def test_one_method_has_no_answer() -> None:
    results = miniature()
    metrics = standard(results)
    assert three_lines(results, metrics[metrics["method"] == "cnn"], None) == []


def test_inputs_of_unequal_size_are_a_limit() -> None:
    results = miniature()
    metrics = standard(results)
    recipes = dict(results.recipes)
    assert "this alone" not in three_lines(results, metrics, PAIR)[-1]
    recipes["vit"] = recipes["vit"].model_copy(update={"input_size": 448})  # type: ignore[union-attr]
    limits = three_lines(replace(results, recipes=recipes), metrics, PAIR)[-1]
    assert "vit sees images of 448 pixels, cnn of the data set's size: this alone can" in limits
