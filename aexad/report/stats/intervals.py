"""95 % intervals of the macro means of one data set and scenario, and of their differences.

X-AUC, F1 and IoU are means over images: their intervals come from a paired bootstrap over images
and seeds. The other metrics pool the pixels or scores of all images: Student's t over the seeds,
which is also used for the former where a category has too few images.
"""

from __future__ import annotations

from functools import cache

import pandas as pd

from aexad.report.labels import TRADED
from aexad.report.stats.aggregate import seed_means, seeds_of
from aexad.report.stats.bootstrap import RESAMPLES, Bootstrap, bootstrap
from aexad.report.stats.tests import Interval, NoTest, seeds_interval

METHOD = (
    f"95 % intervals: of X-AUC, F1 and IoU by paired bootstrap over test images and seeds "
    f"({RESAMPLES} draws), of the others by Student's t over the seeds."
)


class Intervals:
    """The intervals of one data set and scenario.

    Parameters
    ----------
    metrics : DataFrame
        Rows of ``metrics.csv`` of that data set and scenario.
    images : DataFrame
        Rows of :data:`~aexad.report.results.IMAGE_COLUMNS` of that data set and scenario.
    """

    def __init__(self, metrics: pd.DataFrame, images: pd.DataFrame) -> None:
        self._images = images
        self._means = seed_means(metrics).set_index(["metric", "method", "seed"])["mean"]
        self._seeds_of = seeds_of(metrics)
        self._bootstrap = cache(self._draw)

    def of(self, metric: str, method: str) -> Interval | NoTest:
        """The interval of a method's macro mean."""
        drawn = self._bootstrap(metric, frozenset().union(*self._seeds_of.values()))
        if isinstance(drawn, Bootstrap) and method in drawn.cover:
            return drawn.interval(method)
        return seeds_interval(self._by_seed(metric, method).tolist())

    def difference(self, metric: str, first: str, second: str) -> Interval | NoTest:
        """The interval of the macro mean of ``first`` less that of ``second``.

        It is on the seeds that both have; with one seed, it shows the chance of the images alone.
        """
        none: frozenset[int] = frozenset()
        common = self._seeds_of.get(first, none) & self._seeds_of.get(second, none)
        if not common:
            return NoTest("the two have no seed in common")
        drawn = self._bootstrap(metric, common)
        if isinstance(drawn, Bootstrap) and {first, second} <= set(drawn.cover):
            return drawn.difference(first, second)
        by_seed = self._by_seed(metric, first) - self._by_seed(metric, second)
        return seeds_interval(by_seed.tolist())

    def _by_seed(self, metric: str, method: str) -> pd.Series:
        keys = self._means.index
        own = (keys.get_level_values("metric") == metric) & (
            keys.get_level_values("method") == method
        )
        return self._means[own].droplevel(["metric", "method"])

    def _draw(self, metric: str, seeds: frozenset[int]) -> Bootstrap | NoTest | None:
        if metric not in TRADED or self._images.empty:
            return None
        return bootstrap(self._images[self._images["seed"].isin(seeds)], metric)
