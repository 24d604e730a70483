"""Tests against hand values, scipy, and the examples that Demšar 2006 prints."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from aexad.report.stats.tests import (
    NoTest,
    Ranking,
    friedman_nemenyi,
    holm,
    nemenyi_factor,
    wilcoxon_holm,
)

NAN = float("nan")
# Demšar 2006, table 6: AUC of C4.5 with m, cf and both tuned, on 14 data sets.
# (0.9751: the ranks that he prints break this tie of the rounded values.)
DEMSAR = pd.DataFrame(
    {
        "c45": [0.763, 0.599, 0.954, 0.628, 0.882, 0.936, 0.661, 0.583, 0.775, 1.000, 0.940, 0.619,
                0.972, 0.957],
        "m": [0.768, 0.591, 0.971, 0.661, 0.888, 0.931, 0.668, 0.583, 0.838, 1.000, 0.962, 0.666,
              0.981, 0.978],
        "cf": [0.771, 0.590, 0.968, 0.654, 0.886, 0.916, 0.609, 0.563, 0.866, 1.000, 0.965, 0.614,
               0.9751, 0.946],
        "m+cf": [0.798, 0.569, 0.967, 0.657, 0.898, 0.931, 0.685, 0.625, 0.875, 1.000, 0.962,
                 0.669, 0.975, 0.970],
    }
)  # fmt: skip


def ranking(values: pd.DataFrame) -> Ranking:
    result = friedman_nemenyi(values)
    assert isinstance(result, Ranking)
    return result


def test_demsars_critical_values() -> None:
    # Table 5a, alpha = 0.05.
    printed = {2: 1.960, 3: 2.343, 4: 2.569, 5: 2.728, 6: 2.850, 7: 2.949, 8: 3.031, 9: 3.102}
    for methods, value in printed.items():
        assert nemenyi_factor(methods) == pytest.approx(value, abs=1e-3)


def test_demsars_friedman_example() -> None:
    found = ranking(DEMSAR)
    assert {name: round(rank, 3) for name, rank in found.ranks.items()} == {
        "c45": 3.143,
        "m": 2.000,
        "cf": 2.893,
        "m+cf": 1.964,
    }
    assert found.critical_difference == pytest.approx(1.25, abs=0.005)
    # Demšar has chi2 = 9.28, F = 3.69; corrected for the ties, as scipy does, chi2 = 10.228.
    chi2 = 10.2283464566929
    assert found.p == pytest.approx(stats.f.sf(13 * chi2 / (14 * 3 - chi2), 3, 39), rel=1e-9)
    assert found.p < stats.f.sf(3.69, 3, 39)
    assert found.categories == 14


def test_friedman_without_ties_is_iman_and_davenports_formula() -> None:
    values = pd.DataFrame(np.random.default_rng(1).random((8, 4)), columns=list("abcd"))
    ranks = values.rank(axis=1)
    chi2 = 12 * 8 / (4 * 5) * ((ranks.mean() ** 2).sum() - 4 * 25 / 4)
    f = 7 * chi2 / (8 * 3 - chi2)
    assert ranking(values).p == pytest.approx(stats.f.sf(f, 3, 21), rel=1e-9)


def test_friedman_at_its_ends() -> None:
    order = pd.DataFrame([[0.9, 0.5, 0.1]] * 6, columns=list("abc"))
    assert ranking(order).ranks == {"a": 1, "b": 2, "c": 3}
    assert ranking(order).p == pytest.approx(1 / 6**5)  # not below 0.0001
    tied = order.assign(b=order["a"])  # three orders of 1.5, 1.5 and 3
    assert ranking(tied).p == pytest.approx(1 / 3**5)
    assert ranking(order * 0).p == 1
    with_gap = pd.concat([order, pd.DataFrame([[0.1, NAN, 0.9]], columns=list("abc"))])
    assert ranking(with_gap) == ranking(order)


def test_wilcoxon_on_demsars_example() -> None:
    found = wilcoxon_holm(DEMSAR[["c45", "m"]])
    assert isinstance(found, list)
    # Twelve differ, two of them by the same; smaller sum of ranks 1.5 + 5. An oracle: all signs.
    sizes = (DEMSAR["c45"] - DEMSAR["m"]).round(12)
    ranks = stats.rankdata(sizes[sizes != 0].abs())
    sums = np.array(list(product([0, 1], repeat=12))) @ ranks
    assert found[0].p == pytest.approx(2 * np.mean(sums <= 6.5), rel=1e-12)
    assert found[0].p < 0.05  # as in the paper, where T = 12 is below the critical 21
    assert found[0].adjusted == found[0].p


@pytest.mark.parametrize(
    ("leads", "p"),
    [
        ([1, 1, 1, 1, 0, 0], 2 / 2**4),  # as if there were four categories
        ([1, 1, 1, 1, 1, 0], 2 / 2**5),
        ([1, 2, 3, 4, 5, 5], 2 / 2**6),
        ([3, 4, 5, 5, 6, -1], 4 / 2**6),  # no sign, or the smallest alone; and their mirrors
        ([1, 1, 2, 2, -1, 3], 2 * 4 / 2**6),  # ranks 2, 2, 4.5, 4.5, 2, 6: no sign, or one of 2
    ],
)
def test_wilcoxon_is_exact_where_sizes_are_equal(leads: list[int], p: float) -> None:
    found = wilcoxon_holm(pd.DataFrame({"a": [0.01 * lead for lead in leads], "b": 0.0}))
    assert isinstance(found, list)
    assert found[0].p == pytest.approx(p, rel=1e-12)


@pytest.mark.parametrize("count", [6, 15, 40])
def test_wilcoxon_agrees_with_scipy_where_sizes_differ(count: int) -> None:
    values = pd.DataFrame(np.random.default_rng(count).random((count, 2)), columns=["a", "b"])
    found = wilcoxon_holm(values)
    assert isinstance(found, list)
    expected = stats.wilcoxon(values["a"] - values["b"], method="exact").pvalue
    assert found[0].p == pytest.approx(expected, rel=1e-9)


def test_rounding_errors_decide_no_rank() -> None:
    seeds = ([0.9, 0.8, 0.7], [0.7, 0.8, 0.9], [0.8, 0.7, 0.9])
    means = [sum(values) / 3 for values in seeds]
    assert len(set(means)) > 1
    found = ranking(pd.DataFrame([means] * 8, columns=list("abc")))
    assert found.ranks == {"a": 2.0, "b": 2.0, "c": 2.0}
    assert found.p == 1.0


def test_wilcoxon_exact_value_by_hand() -> None:
    # Six differences of one sign: of 2^6 signs, 2 are as extreme.
    values = pd.DataFrame({"a": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], "b": 0.0})
    found = wilcoxon_holm(values)
    assert isinstance(found, list)
    assert found[0].p == pytest.approx(2 / 64)
    same = wilcoxon_holm(values.assign(a=0.0))
    assert isinstance(same, list)
    assert same[0].p == 1


def test_differences_that_differ_in_the_last_bit_are_of_one_size() -> None:
    table = pd.DataFrame({"x": [0.9] * 5 + [0.3] * 5, "y": [0.7] * 5 + [0.5] * 5})
    assert 0.9 - 0.7 != 0.5 - 0.3
    assert wilcoxon_holm(table)[0].p == 1.0  # type: ignore[index]  # five up, five down


def test_holm_by_hand() -> None:
    # Sorted 0.01 * 4, 0.02 * 3, 0.03 * 2 (not below the one before), 0.2 * 1.
    assert holm([0.03, 0.01, 0.2, 0.02]) == pytest.approx([0.06, 0.04, 0.2, 0.06])
    assert holm([0.6, 0.5]) == pytest.approx([1, 1])
    assert holm([]) == []


def test_holm_counts_the_pairs_that_are_asked() -> None:
    every, one = wilcoxon_holm(DEMSAR), wilcoxon_holm(DEMSAR, [("c45", "m")])
    assert isinstance(every, list)
    assert isinstance(one, list)
    assert len(every) == 6
    assert every[0].p == one[0].p
    assert every[0].adjusted >= 2 * one[0].adjusted


def test_too_little_is_said_and_not_tested() -> None:
    three = DEMSAR.head(3)
    reason = "3 categories cannot reach p < 0.05; 6 are needed"
    assert wilcoxon_holm(three) == NoTest(reason)
    assert friedman_nemenyi(three) == NoTest(reason)
    assert friedman_nemenyi(DEMSAR[["c45", "m"]]) == NoTest(
        "it is for three methods or more, and there are 2"
    )
    assert wilcoxon_holm(DEMSAR[["c45"]]) == NoTest("there is only one method")
    gaps = DEMSAR[["c45", "m"]].assign(m=DEMSAR["m"].where(DEMSAR.index > 8))
    assert wilcoxon_holm(gaps) == NoTest("5 categories cannot reach p < 0.05; 6 are needed")


def test_methods_that_lack_categories_do_not_end_the_test_of_the_others() -> None:
    gaps = DEMSAR.assign(m=DEMSAR["m"].where(DEMSAR.index > 8))
    others = DEMSAR.drop(columns="m")
    found = ranking(gaps)
    assert found == ranking(others)._replace(left_out=("m",))
    assert wilcoxon_holm(gaps) == wilcoxon_holm(others)
    few = DEMSAR.assign(m=DEMSAR["m"].where(DEMSAR.index > 3))  # ten categories are enough
    assert ranking(few).left_out == ()
    assert ranking(few).categories == 10
