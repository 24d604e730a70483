"""The headline in plain words against tables worked out by hand."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from aexad.evaluation.run_files import IMAGE_COLUMNS
from aexad.report.collect import METHOD_COLUMNS, METRIC_COLUMNS
from aexad.report.stats.intervals import Intervals
from aexad.report.text.headline import cautions, headlines

NAN = float("nan")


def metrics(values: dict[str, list[list[float]]], metric: str = "xauc") -> pd.DataFrame:
    """``values``: method -> category -> value of each seed."""
    rows = [
        ["parts", f"c{i}", "standard", method, seed, metric, value, 3, ""]
        for method, categories in values.items()
        for i, seeds in enumerate(categories)
        for seed, value in enumerate(seeds)
    ]
    return pd.DataFrame(rows, columns=METRIC_COLUMNS)


def methods(*names: str, random: tuple[str, ...] = ()) -> pd.DataFrame:
    rows = [
        dict.fromkeys(METHOD_COLUMNS, "")
        | {
            "method": name,
            "title": name,
            "encoder": f"e_{name}",
            "pretrained": "no" if name in random else "yes",
        }
        for name in names
    ]
    return pd.DataFrame(rows, columns=METHOD_COLUMNS)


NO_IMAGES = pd.DataFrame(columns=IMAGE_COLUMNS)
UNKNOWN = "has no interval: c0: the values of single images are not known"


def sentences(rows: pd.DataFrame, random: tuple[str, ...] = ()) -> list[str]:
    """The sentences on rows whose images are not known, without what is said of the interval."""
    names = list(rows["method"].unique())
    intervals = {("parts", "standard"): Intervals(rows, NO_IMAGES, lambda *run: None)}
    (finding,) = headlines(rows, methods(*names, random=random), {"parts": "Parts"}, intervals)
    assert finding.where == "Parts, standard"
    return [re.sub(f"; its lead over [^;]+ {UNKNOWN}", "", text) for text in finding.sentences]


def test_best_lead_and_categories() -> None:
    rows = metrics({"cnn": [[0.9], [0.6]], "vit": [[0.8], [0.65]], "ae": [[0.5], [0.5]]})
    assert sentences(rows, random=("vit",)) == [
        "X-AUC: cnn is best with 0.750, 0.025 above vit† (0.725) and 0.250 above ae (0.500). "
        "Of 2 categories, cnn is best in 1 and vit† in 1."
    ]


def test_categories_with_ties_count_for_each() -> None:
    rows = metrics({"a": [[0.9], [0.6]], "b": [[0.8], [0.6]]})
    assert sentences(rows)[0].endswith(
        " Of 2 categories, a is best in 2 and b in 1 (ties count for each)."
    )


def test_each_metric_has_its_own_winner() -> None:
    rows = pd.concat(
        [
            metrics({"cnn": [[0.9]], "vit": [[0.8]]}),
            metrics({"cnn": [[0.1]], "vit": [[0.2]]}, "pro"),
            metrics({"cnn": [[NAN]], "vit": [[NAN]]}, "iou"),
        ]
    )
    assert sentences(rows) == [
        "X-AUC: cnn is best with 0.900, 0.100 above vit (0.800).",
        "IoU: undefined for every method.",
        "PRO: vit is best with 0.200, 0.100 above cnn (0.100).",
    ]


def test_a_lead_is_the_difference_that_other_sentences_print() -> None:
    rows = metrics({"a": [[0.9604]], "b": [[0.9567]], "c": [[0.5]]})
    assert sentences(rows) == [
        "X-AUC: a is best with 0.960, 0.004 above b (0.957) and 0.460 above c (0.500)."
    ]
    rows = metrics({"a": [[0.7506]], "b": [[0.7504]]})
    assert sentences(rows) == ["X-AUC: a is best with 0.751, less than 0.001 above b (0.750)."]


def test_what_prints_the_same_is_level() -> None:
    rows = metrics({"a": [[0.9001]], "b": [[0.9002]], "c": [[0.5]]})
    assert sentences(rows) == ["X-AUC: a and b are level at 0.900, 0.400 above c (0.500)."]
    assert sentences(metrics({"a": [[0.5]], "b": [[0.5]]})) == [
        "X-AUC: a and b are level at 0.500."
    ]


def test_sentences_have_the_digits_of_the_tables() -> None:
    """Half of all AUROCs of 20 good and 20 anomalous images lie between two printed numbers."""
    rows = metrics({"a": [[0.0025]], "b": [[0.0]]})
    assert sentences(rows) == ["X-AUC: a is best with 0.003, 0.003 above b (0.000)."]


@pytest.mark.parametrize(
    ("seeds", "end"),
    [(2, "."), (1, " (one seed: the chance of the test images alone).")],
)
def test_a_lead_has_its_interval(seeds: int, end: str) -> None:
    rows = metrics({"a": [[0.80, 0.80][:seeds]], "b": [[0.75, 0.75][:seeds]]})
    varied = {"a": [0.7, 0.75, 0.8, 0.85, 0.9], "b": [0.75] * 5}
    images = pd.DataFrame(
        [
            {"category": "c0", "method": method, "seed": seed, "image": str(i)}
            | {"defect": "bent", "xauc": value}
            for method, values in varied.items()
            for seed in range(seeds)
            for i, value in enumerate(values)
        ]
    ).reindex(columns=IMAGE_COLUMNS)
    intervals = Intervals(rows, images, lambda *run: None)
    (finding,) = headlines(rows, methods("a", "b"), {}, {("parts", "standard"): intervals})
    _, interval = intervals.difference("xauc", "a", "b")
    assert -0.1 < interval.low < 0 < interval.high < 0.2
    assert finding.sentences[0].endswith(
        ", 0.050 above b (0.750); the lead of the best over the second of 2 methods on these test "
        f"images has the 95 % interval {interval.low:+.3f} to {interval.high:+.3f}{end}"
    )


def test_a_lead_without_known_images_says_so() -> None:
    rows = metrics({"a": [[0.8]], "b": [[0.75]]})
    intervals = {("parts", "standard"): Intervals(rows, NO_IMAGES, lambda *run: None)}
    (finding,) = headlines(rows, methods("a", "b"), {}, intervals)
    assert finding.sentences[0].endswith(f"; its lead over b {UNKNOWN}.")


def test_many_methods_are_the_second_and_the_last() -> None:
    rows = metrics({f"m{i}": [[0.9 - i / 10]] for i in range(6)})
    assert sentences(rows) == [
        "X-AUC: m0 is best with 0.900, 0.100 above m1 (0.800) and 0.500 above m5 (0.400), "
        "the last of 6."
    ]


def test_one_method_and_different_categories_are_not_ranked() -> None:
    assert sentences(metrics({"a": [[0.7]]})) == ["X-AUC: a reaches 0.700."]
    rows = metrics({"a": [[0.7], [NAN]], "b": [[0.6], [0.9]]})
    assert sentences(rows)[0].startswith("X-AUC: not ranked")


def test_the_order_of_the_categories_does_not_matter() -> None:
    rows = metrics({"a": [[0.7], [0.5]], "b": [[0.6], [0.4]]})
    backwards = pd.concat([rows[rows["method"] == "a"], rows[rows["method"] == "b"][::-1]])
    assert sentences(backwards) == sentences(rows)


def test_cautions_say_which_encoders_were_not_pretrained() -> None:
    rows = metrics({"cnn": [[0.9]], "vit": [[0.8]]})
    mixed = cautions(rows, methods("cnn", "vit", random=("vit",)))
    assert mixed[0].startswith("Not pre-trained, started from random weights: vit† (e_vit).")
    assert "not a comparison of architectures alone" in mixed[0]
    assert mixed[1].startswith("One seed:")
    assert cautions(rows, methods("cnn", "vit"))[0] == "Every encoder was pre-trained."
    none = cautions(rows, methods("cnn", "vit", random=("cnn", "vit")))
    assert none[0].startswith("No encoder was pre-trained")
    two = metrics({"cnn": [[0.9, 0.8]]})
    assert cautions(two, methods("cnn"))[1] == (
        "2 seeds of each training, unless a table says otherwise."
    )


def test_methods_without_a_family_of_their_encoder_are_named() -> None:
    rows = metrics({name: [[0.5, 0.6]] for name in ("new", "old", "maps")})
    about = methods("new", "old", "maps")
    about["family"] = ["CNN", "not known", "not known"]
    about["encoder"] = ["e", "e", "not known"]  # of external maps, nothing is known
    assert cautions(rows, about)[1] == (
        "Whether the encoder is a CNN or a Transformer was not recorded for old; comparisons of "
        "CNN and Transformer leave out such methods."
    )


def test_sentences_show_titles() -> None:
    rows = metrics({"cnn": [[0.9]], "vit": [[0.8]]})
    about = methods("cnn", "vit").assign(title=["ResNet-50", "ViT-B/16"])
    intervals = {("parts", "standard"): Intervals(rows, NO_IMAGES, lambda *run: None)}
    (finding,) = headlines(rows, about, {}, intervals)
    assert finding.sentences == [
        "X-AUC: ResNet-50 is best with 0.900, 0.100 above ViT-B/16 (0.800); its lead over "
        f"ViT-B/16 {UNKNOWN}."
    ]
