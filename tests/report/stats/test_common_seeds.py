"""Methods with different seeds are compared on those that they have in common.

The miniature, in which ``vit`` lacks the seeds 1 and 2. X-AUC of the CNN rises with the seed: on
seed 0 its macro mean is 0.6, over all seeds 0.7; that of ``vit`` on seed 0 is 0.6.
"""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest
from miniature import miniature

from aexad.report.results import Results
from aexad.report.stats.aggregate import category_means, on_common_seeds, seeds_of
from aexad.report.stats.tests import NoTest
from aexad.report.tables.format import emphases
from aexad.report.tables.methods import methods_table
from aexad.report.tables.significance import significance_table
from aexad.report.tables.table import BEST
from aexad.report.text.summary import summarise


def uneven(kept: int = 0) -> Results:
    """``vit`` has the seed ``kept`` alone."""

    def fewer(table: pd.DataFrame) -> pd.DataFrame:
        return table[(table["method"] != "vit") | (table["seed"] == kept)]

    measured = miniature()
    return replace(measured, metrics=fewer(measured.metrics), images=fewer(measured.images))


def with_gaps() -> Results:
    """The same as a partial report has it: the runs that are missing have rows without values."""
    whole, fewer = miniature(), uneven()
    lost = (whole.metrics["method"] == "vit") & (whole.metrics["seed"] > 0)
    metrics = whole.metrics.assign(value=whole.metrics["value"].where(~lost))
    return replace(fewer, metrics=metrics)


def test_a_missing_run_is_no_seed() -> None:
    gaps, none = with_gaps(), uneven()
    assert seeds_of(gaps.metrics) == seeds_of(none.metrics)
    assert seeds_of(gaps.metrics)["vit"] == {0}
    for found, expected in zip(significance_table(gaps), significance_table(none), strict=True):
        assert found == expected
        assert found.numbers.equals(expected.numbers)
    assert summarise(gaps).findings == summarise(none).findings
    assert methods_table(gaps).caption == methods_table(none).caption
    assert "vit only 1" in methods_table(gaps).caption


def test_a_method_without_a_value_is_not_set_beside_the_best() -> None:
    measured = miniature()
    vit = measured.metrics["method"] == "vit"
    lost = measured.metrics.assign(value=measured.metrics["value"].where(~vit))
    sentences = summarise(replace(measured, metrics=lost)).findings[0].sentences
    assert not any("nan" in text for text in sentences)


def test_a_method_alone_with_all_seeds_is_compared_with_the_others() -> None:
    measured = uneven()
    metrics = measured.metrics[measured.metrics["method"] != "ae"]
    images = measured.images[measured.images["method"] != "ae"]
    sentences = summarise(replace(measured, metrics=metrics, images=images)).findings[0].sentences
    assert (
        "X-AUC: cnn reaches 0.700. On the seeds that both have, compared with cnn: vit level "
        "(1 seed)." in sentences
    )


def test_rows_on_common_seeds() -> None:
    metrics = uneven().metrics
    assert set(on_common_seeds(metrics)["seed"]) == {0}
    assert set(on_common_seeds(metrics, ["cnn", "ae"])["seed"]) == {0, 1, 2}
    assert on_common_seeds(metrics, []).empty
    means = category_means(metrics, "xauc")
    assert list(means.columns) == ["cnn", "vit", "ae"]
    assert means.loc["a"].tolist() == pytest.approx([0.7, 0.9, 0.5])


def test_a_difference_is_of_the_seeds_that_both_have() -> None:
    (table,) = significance_table(uneven())
    rows = table.numbers.set_index(["metric", "method"])
    assert rows.loc[("xauc", "vit"), "difference"] == pytest.approx(0)
    # One seed, and images that are all alike: there is nothing to estimate an interval from.
    assert rows.loc[("xauc", "vit"), ["low", "high"]].isna().all()
    assert "No interval: all resampled values are equal." in [note.text for note in table.notes]
    assert rows.loc[("xauc", "ae"), "difference"] == pytest.approx(-0.2)
    assert "the seeds that both have" in table.caption
    assert "With one seed, an interval shows the chance of the images alone." in table.caption


def test_without_a_common_seed_there_is_no_difference() -> None:
    measured = uneven()
    apart = measured.metrics[(measured.metrics["method"] != "cnn") | (measured.metrics["seed"] > 0)]
    found = replace(measured, metrics=apart)
    value, interval = found.intervals["bolts", "standard"].difference("xauc", "vit", "cnn")
    assert math.isnan(value)
    assert interval == NoTest("the two have no seed in common in a category")
    (table,) = significance_table(found)
    rows = table.numbers.set_index(["metric", "method"])
    assert math.isnan(rows.loc[("xauc", "vit"), "difference"])


def test_what_has_fewer_seeds_is_not_ranked() -> None:
    assert emphases([0.7, 0.9, 0.5], seeds=[3, 1, 3]) == ["best", "", "second"]
    measured = uneven(kept=2)
    table = methods_table(measured)
    iou = [cell.text for cell in table.header].index("IoU")
    # 0.500 against 0.450, but of one seed.
    rows = [row for block in table.blocks for row in block]
    assert [row[iou].emphasis == BEST for row in rows] == [True, False, False]
    assert "among the methods with all seeds" in table.caption
    assert "among" not in methods_table(miniature()).caption


def test_the_summary_sets_it_beside_the_best_of_the_others() -> None:
    sentences = summarise(uneven()).findings[0].sentences
    xauc = next(text for text in sentences if text.startswith("X-AUC"))
    assert xauc.startswith("X-AUC: cnn is best with 0.700, 0.200 above ae (0.500)")
    assert xauc.endswith(" On the seeds that both have, compared with cnn: vit level (1 seed).")
    iou = next(text for text in sentences if text.startswith("IoU"))
    assert iou.endswith(
        " On the seeds that both have, compared with cnn: vit 0.050 above (1 seed)."
    )


def test_the_first_sentence_marks_an_encoder_that_was_not_pretrained() -> None:
    measured = miniature()
    vit = measured.methods["method"] == "vit"
    random = measured.methods.assign(pretrained=measured.methods["pretrained"].mask(vit, "no"))
    first = summarise(replace(measured, methods=random)).findings[0].sentences[0]
    assert first.startswith("vit† (Transformer) in place of cnn (CNN)")
