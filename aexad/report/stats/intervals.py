"""95 % intervals of the macro means of one data set and scenario, and of their differences.

X-AUC, F1 and IoU are means over images: their intervals are of a paired bootstrap over images and
seeds. The other metrics pool the pixels or scores of all images: Student's t over the seeds. So do
the former where a category has too few images to draw from.
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
    """The intervals of one data set and scenario."""

    def __init__(self, metrics: pd.DataFrame, images: pd.DataFrame) -> None:
        """``metrics`` and ``images``: the rows of that data set and scenario.

        Parameters
        ----------
        metrics : DataFrame
            Rows of ``metrics.csv``.
        images : DataFrame
            Rows of :data:`~aexad.report.results.IMAGE_COLUMNS`.
        """
        self._images = images
        means = seed_means(metrics)
        self._seeds = {
            (str(metric), str(method)): part.set_index("seed")["mean"]
            for (metric, method), part in means.groupby(["metric", "method"], sort=False)
        }
        self._seeds_of = seeds_of(metrics)
        self._drawn = cache(self._draw)

    def of(self, metric: str, method: str) -> Interval | NoTest:
        """The interval of a method's macro mean."""
        drawn = self._drawn(metric, frozenset().union(*self._seeds_of.values()))
        if drawn is not None and method in drawn.cover:
            return drawn.interval(method)
        return seeds_interval(self._of_seeds(metric, method).tolist())

    def difference(self, metric: str, first: str, second: str) -> Interval | NoTest:
        """The interval of the macro mean of ``first`` less that of ``second``.

        On the seeds that both have; of one seed, it tells the chance of the images alone.
        """
        none: frozenset[int] = frozenset()
        common = self._seeds_of.get(first, none) & self._seeds_of.get(second, none)
        if not common:
            return NoTest("the two have no seed in common")
        drawn = self._drawn(metric, common)
        if drawn is not None and {first, second} <= set(drawn.cover):
            return drawn.difference(first, second)
        by_seed = self._of_seeds(metric, first) - self._of_seeds(metric, second)
        return seeds_interval(by_seed.tolist())

    def _of_seeds(self, metric: str, method: str) -> pd.Series:
        return self._seeds.get((metric, method), pd.Series(dtype="float64"))

    def _draw(self, metric: str, seeds: frozenset[int]) -> Bootstrap | None:
        if metric not in TRADED or self._images.empty:
            return None
        drawn = bootstrap(self._images[self._images["seed"].isin(seeds)], metric)
        return None if isinstance(drawn, NoTest) else drawn
