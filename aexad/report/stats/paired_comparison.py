"""Two methods on the same test images and seeds: difference, interval, test.

A method with one seed is compared with a reference of three on their common seed: otherwise the
seeds would be a part of the difference.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import pandas as pd

from aexad.report.labels import counted
from aexad.report.stats.bootstrap import bootstrap
from aexad.report.stats.tests import CATEGORIES, Interval, NoTest, wilcoxon_holm


class Paired(NamedTuple):
    """A method less the reference, by one metric."""

    difference: float
    """Of the macro means over the common seeds; NaN without common images in every category."""
    interval: Interval | NoTest
    """Of the difference, by bootstrap over test images and seeds."""
    p: float | NoTest
    """Wilcoxon's signed ranks over test images, each a mean over the common seeds; two-sided."""
    seeds: int


def paired(images: pd.DataFrame, metric: str, method: str, reference: str) -> Paired:
    """Compare two methods on their common images and seeds.

    Parameters
    ----------
    images : DataFrame
        Columns category, method, seed, image and ``metric``, of one data set and scenario.
    metric, method, reference : str
    """
    rows = images[images["method"].isin([method, reference]) & images[metric].notna()]
    values = rows.pivot_table(
        index=["category", "seed", "image"], columns="method", values=metric
    ).reindex(columns=[method, reference])
    common = values.dropna()
    if set(common.index.unique("category")) != set(rows["category"]):
        reason = NoTest("the two have no images in common in some category")
        return Paired(math.nan, reason, reason, 0)
    seeds = common.index.unique("seed")
    means = common.groupby(["category", "seed"]).mean().groupby("category").mean().mean()
    drawn = bootstrap(rows[rows["seed"].isin(seeds)], metric)
    interval = drawn if isinstance(drawn, NoTest) else drawn.difference(method, reference)
    by_image = common.groupby(["category", "image"]).mean()
    p: float | NoTest = NoTest(
        f"{counted(len(by_image), 'test image')} cannot tell; {CATEGORIES} are needed"
    )
    if len(by_image) >= CATEGORIES:
        test = wilcoxon_holm(by_image, [(method, reference)])
        p = test if isinstance(test, NoTest) else test[0].p
    return Paired(float(means[method] - means[reference]), interval, p, len(seeds))
