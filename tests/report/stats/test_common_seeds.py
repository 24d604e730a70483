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
from aexad.report.stats.aggregate import (
    category_means,
    on_common_seeds,
    over_categories,
    ranked_means,
    seeds_of,
)
from aexad.report.stats.tests import NoTest, friedman_nemenyi
from aexad.report.tables.fidelity import fidelity_table
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
    measured = uneven(kept=2)
    table = methods_table(measured)
    iou = [cell.text for cell in table.header].index("IoU")
    # 0.500 against 0.450, but of one seed.
    rows = [row for block in table.blocks for row in block]
    assert [row[iou].emphasis == BEST for row in rows] == [True, False, False]
    assert "among the methods with all seeds" in table.caption
    assert "among" not in methods_table(miniature()).caption


def without_worst_seed() -> Results:
    """X-AUC and T(X-AUC) of ``vit`` on ``b`` lack the seed 0, the worst one: 0.3, 0.4, 0.5."""
    measured = miniature()
    rows = measured.metrics
    lost = (rows["method"] == "vit") & (rows["category"] == "b") & (rows["seed"] == 0)
    lost &= rows["metric"] == "xauc"
    value, reason = rows["value"].mask(lost), rows["reason"].mask(lost, "not run")
    # The other seeds are good enough to be first.
    better = (rows["method"] == "vit") & (rows["metric"] == "xauc") & (rows["category"] == "b")
    value = value.where(~better, value + 0.3)
    return replace(measured, metrics=rows.assign(value=value, reason=reason))


def test_a_seed_that_is_lost_in_one_category_is_lost_for_the_mean() -> None:
    measured = without_worst_seed()
    means = over_categories(measured.metrics[measured.metrics["metric"] == "xauc"])
    row = means.set_index("method").loc["vit"]
    assert row["mean"] == pytest.approx((0.9 + 0.75) / 2)  # above that of cnn, 0.7
    assert (row["seeds"], row["of_seeds"], row["every_seed"]) == (2, 3, False)
    table = methods_table(measured)
    xauc = [cell.text for cell in table.header].index("X-AUC")
    cells = {row[0].text: row[xauc] for block in table.blocks for row in block}
    assert (cells["cnn"].emphasis, cells["vit"].emphasis) == (BEST, "")
    notes = {note.mark: note.text for note in table.notes}
    assert notes[cells["vit"].mark].startswith("Seeds with a value in every category: 2 of 3.")
    assert "among the methods with all seeds" in table.caption
    sentences = summarise(measured).findings[0].sentences
    text = next(text for text in sentences if text.startswith("X-AUC"))
    assert text.startswith("X-AUC: cnn is best with 0.700, 0.200 above ae (0.500)")
    assert text.endswith("compared with cnn: vit 0.100 above (2 seeds).")


def test_methods_that_lack_different_seeds_are_not_ranked() -> None:
    rows = miniature().metrics
    rows = rows[(rows["metric"] == "xauc") & (rows["method"] != "ae")]
    rows = rows[(rows["seed"] > 0) == (rows["method"] == "cnn")]
    assert not over_categories(rows)["every_seed"].any()
    measured = replace(miniature(), metrics=rows)
    assert not any(
        cell.emphasis for block in methods_table(measured).blocks for row in block for cell in row
    )
    sentences = summarise(measured).findings[0].sentences
    assert "X-AUC: not ranked, because no method has every seed of the others." in sentences


def test_the_fidelity_of_a_mean_counts_the_seeds_behind_its_spread() -> None:
    table = next(fidelity_table(without_worst_seed()))
    row = table.numbers.set_index(["method", "category", "metric"]).loc["vit", "mean", "xauc"]
    assert row["seeds"] == 2
    # By seed: (0.9 + 0.7) / 2 and (0.9 + 0.8) / 2; t(0.95, 1) = 6.314.
    half = 6.313752 * 0.05 / math.sqrt(2) / math.sqrt(2)
    assert (row["high"] - row["low"]) / 2 == pytest.approx(half)


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


def ranked(straggler: dict[str, int]) -> pd.DataFrame:
    """Three methods with seeds 0 to 2; a is the best, but not on seed 0. A fourth has few runs."""
    values = {"a": (0.4, 0.9, 0.9), "b": (0.6, 0.6, 0.6), "c": (0.5, 0.5, 0.5)}
    rows = [
        (f"c{i}", method, seed, value)
        for i in range(6)
        for method, own in values.items()
        for seed, value in enumerate(own)
    ]
    rows += [(category, "straggler", seed, 0.3) for category, seed in straggler.items()]
    metrics = pd.DataFrame(rows, columns=["category", "method", "seed", "value"])
    return metrics.assign(dataset="d", scenario="standard", metric="iou", n=9, reason="")


@pytest.mark.parametrize("straggler", [{f"c{i}": 0 for i in range(5)}, {"c0": 7}])
def test_a_method_that_a_test_leaves_out_does_not_decide_the_seeds(
    straggler: dict[str, int],
) -> None:
    alone = friedman_nemenyi(ranked_means(ranked({}), "iou"))
    found = friedman_nemenyi(ranked_means(ranked(straggler), "iou"))
    assert not isinstance(found, NoTest)
    assert found == alone._replace(left_out=("straggler",))  # type: ignore[union-attr]
    assert found.ranks == {"a": 1, "b": 2, "c": 3}


def test_a_pair_without_a_common_seed_takes_no_category_from_the_other_pairs() -> None:
    """vit and cnn share no seed in two of seven categories; ae and cnn share one in each."""
    seeds = {"cnn": lambda i: (1,) if i < 2 else (0, 1), "ae": lambda _: (0, 1)}
    seeds["vit"] = lambda i: (0,) if i < 2 else (0, 1)
    rows = [
        ["bolts", f"c{i}", "standard", method, seed, "xauc", value + i / 100 * (method == "ae")]
        for i in range(7)
        for method, value in (("cnn", 0.9), ("ae", 0.5), ("vit", 0.7))
        for seed in seeds[method](i)
    ]
    columns = ["dataset", "category", "scenario", "method", "seed", "metric", "value"]
    metrics = pd.DataFrame(rows, columns=columns).assign(n=5, reason="")
    (table,) = significance_table(replace(miniature(), metrics=metrics))
    p = table.data.set_index("method")["p"]
    assert p["ae"] == pytest.approx(2 / 2**7)
    assert math.isnan(p["vit"])
    assert any("5 categories cannot reach p < 0.05" in note.text for note in table.notes)
