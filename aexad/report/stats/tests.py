"""Tests over categories.

Where there are too few categories, methods or seeds for a test, the result is a :class:`NoTest`
with the reason, never a number. Source of the tests: Demšar, "Statistical comparisons of
classifiers over multiple data sets", JMLR 7, 2006, sections 3.1.3 and 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from aexad.report.labels import counted

LEVEL = 0.05
CONFIDENCE = 1 - LEVEL
DIGITS = 12
"""Decimals that decide a rank: 0.9 - 0.7 and 0.5 - 0.3 are one size, whatever their last bits."""
CATEGORIES = 6
"""Fewest categories: with five, the signed-rank test reaches no p below 2 / 2**5 = 0.0625."""


@dataclass(frozen=True)
class NoTest:
    """No test or interval, and why: ``reason`` is what follows "because". Its numbers are NaN."""

    reason: str
    low: ClassVar[float] = math.nan
    high: ClassVar[float] = math.nan
    p: ClassVar[float] = math.nan
    adjusted: ClassVar[float] = math.nan


class Interval(NamedTuple):
    """A 95 % confidence interval."""

    low: float
    high: float
    images_alone: bool = False
    """Without two seeds in every category: the chance of another training is not in it."""


class Pair(NamedTuple):
    """Two methods over the categories: p, and p after Holm's correction for all tested pairs."""

    first: str
    second: str
    p: float
    adjusted: float
    categories: int


class Ranking(NamedTuple):
    """Mean ranks (1 is best), Friedman's p, and the critical difference of ranks."""

    ranks: dict[str, float]
    p: float
    critical_difference: float
    categories: int
    left_out: tuple[str, ...] = ()
    """Methods that lack a category."""


def wilcoxon_holm(
    values: pd.DataFrame, pairs: Sequence[tuple[str, str]] | None = None
) -> list[Pair] | NoTest:
    """Wilcoxon's signed-rank test of pairs of methods over the categories, with Holm's correction.

    Two-sided; categories in which the two are equal are left out (p is 1 where all are equal).
    The p is exact, also where differences are of one size. With several pairs, the correction may
    leave no p that could be below 0.05: see :func:`least_corrected`.

    Parameters
    ----------
    values : DataFrame [categories, methods]
        A method's mean in a category; see :func:`comparable`.
    pairs : sequence of pairs of methods, optional
        Default: all pairs. Holm's correction is for this number of pairs.
    """
    if pairs is None:
        values = comparable(values)
    complete = values.dropna()
    if values.shape[1] < 2:
        return NoTest("there is only one method")
    if len(complete) < CATEGORIES:
        return NoTest(_too_few(len(complete)))
    pairs = list(combinations(map(str, values.columns), 2)) if pairs is None else list(pairs)
    p = [_signed_rank(complete[first] - complete[second]) for first, second in pairs]
    found = zip(pairs, p, holm(p), strict=True)
    return [Pair(*pair, raw, adjusted, len(complete)) for pair, raw, adjusted in found]


def least_corrected(categories: int, pairs: int) -> float:
    """The least p that Holm's correction can leave: every category of one sign, times the pairs.

    >>> least_corrected(6, 1), least_corrected(6, 2)
    (0.03125, 0.0625)
    """
    return min(1.0, pairs * 2 / 2**categories)


def unreachable(least: Iterable[float]) -> float | None:
    """The least of all :func:`least_corrected`, if not even this one is below 0.05; else None."""
    lowest = min(least, default=math.nan)
    return lowest if lowest >= LEVEL else None


def comparable(values: pd.DataFrame) -> pd.DataFrame:
    """The methods that are compared over the categories, from means [categories, methods].

    Categories without a value of every method are left out of a test. Where too few would remain,
    methods that lack a category are left out instead, if that leaves enough.
    """
    if len(values.dropna()) >= CATEGORIES:
        return values
    whole = values.dropna(axis=1)
    return whole if len(whole) >= CATEGORIES and whole.shape[1] >= 2 else values


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down correction: the smallest of m values times m, the next times m - 1.

    >>> [round(value, 3) for value in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p)
    raised = np.asarray(p)[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.maximum.accumulate(raised).clip(max=1)
    return [float(value) for value in adjusted]


def friedman_nemenyi(values: pd.DataFrame) -> Ranking | NoTest:
    """Friedman's test over the categories (Iman and Davenport's F), and Nemenyi's difference.

    Two methods differ at the 5 % level where their mean ranks are at least ``critical_difference``
    apart: q sqrt(k (k + 1) / (6 N)) for k methods and N categories, q the studentised range's
    quantile over sqrt(2).

    Parameters
    ----------
    values : DataFrame [categories, methods]
        Higher is better; see :func:`comparable`.
    """
    compared = comparable(values)
    left_out = tuple(str(name) for name in values if name not in compared)
    complete = compared.dropna()
    categories, methods = complete.shape
    if methods < 3:
        return NoTest(f"it is for three methods or more, and there are {methods}")
    if categories < CATEGORIES:
        return NoTest(_too_few(categories))
    ranks = complete.round(DIGITS).rank(axis=1, ascending=False)
    critical = nemenyi_factor(methods) * np.sqrt(methods * (methods + 1) / (6 * categories))
    mean_ranks = {str(name): float(rank) for name, rank in ranks.mean().items()}
    return Ranking(mean_ranks, _iman_davenport(ranks), float(critical), categories, left_out)


def nemenyi_factor(methods: int) -> float:
    """Demšar's q at 0.05 (table 5a) for this number of methods; 2.343 for 3."""
    return float(stats.studentized_range.ppf(CONFIDENCE, methods, np.inf) / np.sqrt(2))


def _iman_davenport(ranks: pd.DataFrame) -> float:
    """The p of Friedman's test; 1 where all ranks are equal.

    Where every category ranks the methods alike, F is infinite and its p is 0. The exact one is the
    chance that the other categories have the order of the first.
    """
    categories, methods = ranks.shape
    if (ranks == (methods + 1) / 2).all(axis=None):
        return 1.0
    chi2 = float(stats.friedmanchisquare(*(ranks[name] for name in ranks)).statistic)
    left = categories * (methods - 1) - chi2
    if left <= 1e-9:  # every category ranks the methods alike
        ties = ranks.iloc[0].value_counts()
        orders = math.factorial(methods) / math.prod(map(math.factorial, ties))
        return float(orders ** (1 - categories))
    freedom = (methods - 1, (methods - 1) * (categories - 1))
    return float(stats.f.sf((categories - 1) * chi2 / left, *freedom))


def _signed_rank(differences: pd.Series) -> float:
    """The exact two-sided p, also where sizes are equal; differences of 0 are left out.

    scipy has it for different sizes only: for equal ones it approximates, which gives 4 categories
    a p below 0.05, or enumerates all 2^n signs.
    """
    sizes = differences.round(DIGITS)
    nonzero = sizes[sizes != 0]
    ranks = (2 * nonzero.abs().rank()).astype(int)  # doubled: ranks of equal sizes end in .5
    ways = np.zeros(ranks.sum() + 1)  # of choosing signs, by the sum of the positive ranks
    ways[0] = 1
    for rank in ranks:
        ways[rank:] += ways[:-rank].copy()
    positive = ranks[nonzero > 0].sum()
    smaller = min(positive, ranks.sum() - positive)
    return min(1.0, float(2 * ways[: smaller + 1].sum() / ways.sum()))


def _too_few(categories: int) -> str:
    number = counted(categories, "category", "categories")
    return f"{number} cannot reach p < {LEVEL:g}; {CATEGORIES} are needed"
