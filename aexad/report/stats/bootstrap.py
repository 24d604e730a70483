"""Paired bootstrap over images and seeds: 95 % intervals of means and of their differences.

Test images and training seeds are samples, so both are drawn again, with replacement: each
category's images (the same draw for all methods and seeds, because an image that is hard is hard
for all), and the seeds (the same draw for all methods and categories). Categories are not drawn: an
interval holds for the categories of the benchmark.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from aexad.report.labels import counted
from aexad.report.stats.tests import LEVEL, Interval, NoTest

RESAMPLES = 2000
IMAGES = 5
"""Fewest images of a category: with fewer, the draws repeat a handful of values."""


@dataclass(frozen=True)
class Bootstrap:
    """``draws`` [resamples, methods] of the macro mean, ``cover`` the categories of each method."""

    draws: pd.DataFrame
    cover: dict[str, tuple[str, ...]]

    def interval(self, method: str) -> Interval:
        """The percentile interval of a method's mean."""
        return _percentiles(self.draws[method])

    def difference(self, first: str, second: str) -> Interval | NoTest:
        """The paired interval of the difference of two means."""
        if self.cover[first] != self.cover[second]:
            return NoTest("the two have values in different categories")
        return _percentiles(self.draws[first] - self.draws[second])


def bootstrap(
    images: pd.DataFrame, metric: str, resamples: int = RESAMPLES, seed: int = 0
) -> Bootstrap | NoTest:
    """Draw images and seeds, and average as the tables do: over images, seeds, categories.

    Parameters
    ----------
    images : DataFrame
        Columns category, method, seed, image and ``metric``, of one data set and scenario; NaN is
        an image without a value.
    metric : str
    resamples : int
    seed : int
        Seed of the generator: the same input gives the same draws.

    Returns
    -------
    Bootstrap, or NoTest if a category has fewer than :data:`IMAGES` images with a value. Each
    method with values has a column. (A draw without a value of a method, because the method lacks a
    seed, does not count for that method.)
    """
    images = images[images[metric].notna()]
    if images.empty:
        return NoTest("no image has a value of its own")
    few = images.groupby("category")["image"].nunique()
    few = few[few < IMAGES]
    if len(few):
        number = counted(int(few.iloc[0]), "image")
        return NoTest(f"{few.index[0]} has {number} with a value; {IMAGES} are needed")
    generator = np.random.default_rng(seed)
    seeds = sorted(images["seed"].unique())
    times = _multiplicities(generator, len(seeds), resamples)  # [B, S]
    methods = [str(name) for name in images["method"].unique()]
    by_category = {
        str(category): _category_draws(part, metric, methods, seeds, times, generator)
        for category, part in images.groupby("category")
    }
    draws, cover = {}, {}
    for column, method in enumerate(methods):
        means = {name: drawn[:, column] for name, drawn in by_category.items()}
        means = {name: drawn for name, drawn in means.items() if not np.isnan(drawn).all()}
        cover[method] = tuple(means)
        draws[method] = np.mean(list(means.values()), axis=0)
    return Bootstrap(pd.DataFrame(draws), cover)


def _category_draws(
    images: pd.DataFrame,
    metric: str,
    methods: list[str],
    seeds: list[int],
    times: np.ndarray,
    generator: np.random.Generator,
) -> np.ndarray:
    """The drawn means of one category, [B, M]; NaN where a method has no value."""
    columns = pd.MultiIndex.from_product([methods, seeds])
    values = images.pivot_table(index="image", columns=["method", "seed"], values=metric)
    table = values.reindex(columns=columns).to_numpy()  # [images, M S]
    weights = _multiplicities(generator, len(table), len(times))  # [B, images]
    known = ~np.isnan(table)
    means = _divided(weights @ np.where(known, table, 0), weights @ known)  # [B, M S]
    means = means.reshape(len(times), len(methods), len(seeds))
    known = ~np.isnan(means)
    total = np.einsum("bms,bs->bm", np.where(known, means, 0), times)
    return _divided(total, np.einsum("bms,bs->bm", known, times))


def _multiplicities(generator: np.random.Generator, number: int, resamples: int) -> np.ndarray:
    """How often each of ``number`` things is drawn in each resample; float [B, number]."""
    return generator.multinomial(number, np.full(number, 1 / number), resamples).astype(float)


def _divided(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _percentiles(draws: pd.Series) -> Interval:
    low, high = np.nanpercentile(draws, [100 * LEVEL / 2, 100 * (1 - LEVEL / 2)])
    return Interval(float(low), float(high))
