"""Means over seeds and over categories, with the number of values behind each mean.

Over seeds: the mean, and the sample standard deviation where there is more than one seed. Over
categories: the macro mean (each category weighs the same), and the sample standard deviation over
seeds of that mean.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from aexad.evaluation.evaluate import NO_MASKS
from aexad.report.labels import distinct
from aexad.report.stats.tests import comparable

GROUP = ["dataset", "scenario"]
CELL = [*GROUP, "category", "method", "metric"]
ROW = [*GROUP, "method", "metric"]


def of_masks(metrics: pd.DataFrame) -> pd.DataFrame:
    """Leave out rows of metrics that need masks where no data set has any."""
    lost = metrics["reason"].eq(NO_MASKS).groupby(metrics["metric"]).all()
    return metrics[~metrics["metric"].map(lost).astype(bool)]


def seeds_of(metrics: pd.DataFrame) -> dict[str, frozenset[int]]:
    """Map each method to the seeds with which it has a value.

    A missing run has rows, but no values. Methods without any value are left out.
    """
    valued = metrics[metrics["value"].notna()]
    seeds = valued.groupby("method", sort=False)["seed"].agg(frozenset)
    return {str(method): own for method, own in seeds.items()}


def on_common_seeds(metrics: pd.DataFrame, methods: Iterable[str] | None = None) -> pd.DataFrame:
    """Select the rows of these methods (default: all) on their common seeds, in each category.

    A seed decides which anomalies are labelled, so a seed may be easier than another for every
    method: methods are compared on the seeds with which each of them has a value in the category.
    """
    if methods is not None:
        metrics = metrics[metrics["method"].isin(list(methods))]
    keys = [*GROUP, "category"]
    valued = metrics[metrics["value"].notna()]
    seeds = valued.groupby([*keys, "method"], sort=False)["seed"].agg(frozenset)
    common = {where: frozenset.intersection(*sets) for where, sets in seeds.groupby(keys)}
    rows = zip(metrics.set_index(keys).index, metrics["seed"], strict=True)
    kept = [seed in common.get(where, ()) for where, seed in rows]
    return metrics[np.array(kept, dtype=bool)]


def over_seeds(metrics: pd.DataFrame) -> pd.DataFrame:
    """Average each run's value over the seeds that have one.

    Parameters
    ----------
    metrics : DataFrame
        Rows of ``metrics.csv``.

    Returns
    -------
    DataFrame
        One row for each data set, scenario, category, method and metric, in the order of first
        appearance: mean, std (NaN below two values), seeds (that have a value), of (seeds in all),
        low and high (fewest and most test images behind one value), reason (why values are
        undefined), every_seed (whether it has a value with each seed with which a method has one).
    """
    valued = metrics["value"].notna()
    behind = metrics["n"].where(valued)
    table = (
        metrics.assign(n=behind)
        .groupby(CELL, sort=False)
        .agg(
            mean=("value", "mean"),
            std=("value", "std"),
            seeds=("value", "count"),
            of=("seed", "nunique"),
            low=("n", "min"),
            high=("n", "max"),
            reason=("reason", distinct),
        )
        .reset_index()
    )
    keys = [name for name in CELL if name != "method"]
    most = metrics[valued].groupby(keys)["seed"].nunique().rename("most")
    table["every_seed"] = table["seeds"] == table[keys].join(most, on=keys)["most"]
    return table.fillna({"low": 0, "high": 0}).astype({"low": "int64", "high": "int64"})


def category_means(metrics: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Means of one metric of one data set and scenario over the seeds that all methods have.

    Returns
    -------
    DataFrame [categories, methods]
        In the order of first appearance.
    """
    rows = metrics[metrics["metric"] == metric]
    cells = over_seeds(on_common_seeds(rows))
    table = cells.pivot_table(
        index="category", columns="method", values="mean", sort=False, dropna=False
    )
    return table.reindex(columns=list(rows["method"].unique()))


def ranked_means(metrics: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The :func:`category_means` for ranks and tests of all methods together.

    A method that the test leaves out, because it lacks a category, does not decide the seeds of the
    others: its column has no values.
    """
    rows = metrics[metrics["metric"] == metric]
    names = list(rows["method"].unique())
    own = rows.pivot_table(index="category", columns="method", values="value", dropna=False)
    kept = comparable(own.reindex(columns=names))
    means = category_means(rows[rows["method"].isin(kept.columns)], metric)
    return means.reindex(columns=names)


def over_categories(metrics: pd.DataFrame) -> pd.DataFrame:
    """Average the categories' means (macro), over those categories that have a value.

    Returns
    -------
    DataFrame
        One row for each data set, scenario, method and metric: mean; seeds with which all these
        categories have a value, and std over them (NaN below two); of_seeds (seeds in all);
        categories (behind the mean); cover (their names, sorted and joined); of (categories in
        all); low and high (test images behind the mean in one seed); reason (why values are
        undefined); every_seed (whether the mean is of all seeds that another method has in these
        categories: if not, the two means cannot be compared).
    """
    cells = over_seeds(metrics)
    defined = cells["mean"].notna()
    means = (
        cells.assign(
            categories=defined,
            cover=cells["category"].where(defined, ""),
            every_seed=cells["every_seed"] | ~defined,
        )
        .groupby(ROW, sort=False)
        .agg(
            mean=("mean", "mean"),
            of_seeds=("of", "max"),
            categories=("categories", "sum"),
            of=("categories", "size"),
            cover=("cover", lambda names: distinct(sorted(names))),
            low=("low", "sum"),
            high=("high", "sum"),
            reason=("reason", distinct),
            every_seed=("every_seed", "all"),
        )
        .reset_index()
    )
    by_seed = seed_means(metrics).groupby(ROW, sort=False)["mean"].agg(seeds="size", std="std")
    return means.join(by_seed, on=ROW).fillna({"seeds": 0}).astype({"seeds": "int64"})


def whole_means(metrics: pd.DataFrame) -> pd.DataFrame:
    """The rows of :func:`over_categories` that can be compared.

    Methods with a value in fewer categories than others are left out: their means are of easier or
    of harder categories.
    """
    means = over_categories(metrics)
    keys = [name for name in ROW if name != "method"]
    return means[means["categories"] == means.groupby(keys)["categories"].transform("max")]


def seed_means(metrics: pd.DataFrame) -> pd.DataFrame:
    """Average over the categories, for each seed with values in all categories of the mean.

    Returns
    -------
    DataFrame
        Columns of :data:`ROW`, seed, mean; one row for each of these seeds.
    """
    valued = metrics[metrics["value"].notna()]
    behind = valued.groupby(ROW, sort=False)["category"].nunique().rename("categories")
    by_seed = metrics.groupby([*ROW, "seed"], sort=False)["value"].agg(["mean", "count"])
    by_seed = by_seed.reset_index().join(behind, on=ROW)
    whole = by_seed[by_seed["count"] == by_seed["categories"]]
    return whole[[*ROW, "seed", "mean"]].reset_index(drop=True)


def same_categories(means: pd.DataFrame) -> bool:
    """Whether all means are over the same categories: otherwise no method is the best."""
    return len(set(means.loc[means["mean"].notna(), "cover"])) == 1
