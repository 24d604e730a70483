"""95 % intervals of the methods of one data set and scenario, and of their differences.

All metrics have the same estimator (:mod:`~aexad.report.stats.estimator`): a metric that averages
over images is resampled from ``per_image.csv``, a pooled one from ``counts.npz``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from aexad.data.tables import GOOD
from aexad.evaluation.metrics.image_counts import ImageCounts
from aexad.report.stats.estimator import CategoryDraws, interval_of
from aexad.report.stats.resampling import (
    RESAMPLES,
    image_weights,
    mean_draws,
    pooled_draws,
    score_draws,
)
from aexad.report.stats.tests import Interval, NoTest

METHOD = (
    f"95 % intervals: Student's t, over test images ({RESAMPLES} resampled test sets, the same for "
    "all methods) and seeds."
)
OF_IMAGES = ("xauc", "f1", "iou")
OF_SCORES = ("image_auroc", "image_ap")

CountsOf = Callable[[str, str, int], ImageCounts | None]
"""Category, method and seed to the counts of a run, in the order of its rows; None: not known."""


class Difference(NamedTuple):
    """A macro mean less another, on the seeds that both have in each category."""

    value: float
    interval: Interval | NoTest


class Intervals:
    """The intervals of one data set and scenario.

    Parameters
    ----------
    metrics : DataFrame
        Rows of ``metrics.csv`` of that data set and scenario.
    images : DataFrame
        Rows of :data:`~aexad.evaluation.run_files.IMAGE_COLUMNS` of that data set and scenario.
    counts
        Reads the counts of a run.
    """

    def __init__(self, metrics: pd.DataFrame, images: pd.DataFrame, counts: CountsOf) -> None:
        self._values = metrics.pivot_table(
            index="seed", columns=["metric", "method", "category"], values="value"
        )
        keys = ["category", "method", "seed"]
        self._runs = {key: run.set_index("image") for key, run in images.groupby(keys, sort=False)}
        self._weights = {
            str(category): _weights(str(category), rows)
            for category, rows in images.groupby("category")
        }
        self._counts = counts
        self._drawn = cache(self._draw)

    def of(self, metric: str, method: str) -> Interval | NoTest:
        """The interval of a method's macro mean."""
        values = self._of(metric, method)
        if values.empty:
            return NoTest("there is no value")
        return self._interval(metric, values, [method], (0.0, 1.0))

    def difference(self, metric: str, first: str, second: str) -> Difference:
        """The macro mean of ``first`` less that of ``second``, and its interval.

        In each category, both are averaged over the seeds that both have. The value is NaN where
        the two have values in different categories, or no common seed in one.
        """
        ours, theirs = self._of(metric, first), self._of(metric, second)
        if set(ours) != set(theirs) or ours.empty:
            return Difference(np.nan, NoTest("the two have values in different categories"))
        values = ours - theirs
        if values.isna().all().any():
            return Difference(np.nan, NoTest("the two have no seed in common in a category"))
        interval = self._interval(metric, values, [first, second], (-1.0, 1.0))
        return Difference(float(values.mean().mean()), interval)

    def _of(self, metric: str, method: str) -> pd.DataFrame:
        """The values of a method's runs [seeds, categories], without empty categories."""
        keys = self._values.columns
        own = keys.get_level_values("metric") == metric
        own &= keys.get_level_values("method") == method
        values = self._values.loc[:, own].droplevel(["metric", "method"], axis=1)
        return values.dropna(axis=1, how="all")

    def _interval(
        self, metric: str, values: pd.DataFrame, methods: list[str], bounds: tuple[float, float]
    ) -> Interval | NoTest:
        cells = []
        for category, column in values.items():
            draws = np.full((RESAMPLES, len(column)), np.nan)
            images = []
            for number, seed in enumerate(map(int, values.index)):
                if np.isnan(column.iloc[number]):
                    continue
                runs = [self._drawn(metric, str(category), name, seed) for name in methods]
                known = [run for run in runs if run is not None]
                if len(known) < len(runs):
                    return NoTest(f"{category}: the values of single images are not known")
                draws[:, number] = known[0].draws
                if len(known) > 1:
                    draws[:, number] -= known[1].draws
                images += [run.images for run in known]
            cells.append(CategoryDraws(column.to_numpy(), draws, min(images)))
        return interval_of(cells, bounds)

    def _draw(self, metric: str, category: str, method: str, seed: int) -> Draws | None:
        """A metric of one run on the resampled test sets; None without its images."""
        rows = self._runs.get((category, method, seed))
        if rows is None:
            return None
        weights = self._weights[category].loc[rows.index].to_numpy().T
        anomalous = (rows["defect"] != GOOD).to_numpy()
        if metric in OF_IMAGES:
            values = rows[metric].to_numpy(np.float64)
            return Draws(mean_draws(values, weights), int((~np.isnan(values)).sum()))
        if metric in OF_SCORES:
            scores = rows["score"].to_numpy(np.float64)
            groups = [int(number) for number in (anomalous.sum(), (~anomalous).sum()) if number]
            return Draws(score_draws(metric, scores, anomalous, weights), min(groups))
        counts = self._counts(category, method, seed)
        if counts is None:
            return None
        # Anomalous images have normal pixels too, so good ones may be few.
        return Draws(pooled_draws(metric, counts, weights), int(anomalous.sum()))


class Draws(NamedTuple):
    """The draws of a run [resamples], and the number of images behind them."""

    draws: np.ndarray
    images: int


def _weights(category: str, rows: pd.DataFrame) -> pd.DataFrame:
    """How often each image of a category is drawn: [images, resamples]."""
    defects = rows.drop_duplicates("image").set_index("image")["defect"].sort_index()
    weights = image_weights(category, (defects != GOOD).to_numpy())
    return pd.DataFrame(weights.T, index=defects.index)
