"""Which images a run leaves out of training: validation images, and those above a limit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aexad.config.catalogue import Dataset
from aexad.data.index import GOOD
from aexad.data.rng import generator
from aexad.runtime.errors import ConfigError


def with_validation(rows: pd.DataFrame, category: str, share: float, seed: int) -> pd.DataFrame:
    """Give a share of the normal images the role ``validation``: at least one, never all.

    Parameters
    ----------
    rows
        With the columns role, defect and image.
    category
        Its name; each category has draws of its own.
    share
        Of the normal images, in [0, 1); 0 leaves the rows as they are.
    seed
        The run's seed.

    Raises
    ------
    aexad.runtime.errors.ConfigError
        The share leaves no image to train on.
    """
    normal = _sorted_images(rows[rows["role"] == "normal"])
    if not share or normal.empty:
        return rows
    count = max(1, round(share * len(normal)))
    if count >= len(normal):
        raise ConfigError(
            f"category '{category}': validation {share:g} of {len(normal)} normal training images "
            "leaves none to train on; lower 'validation' in config/datasets.yaml, or add images"
        )
    drawn = _drawn(normal, count, seed, "validation", category)
    return rows.assign(role=rows["role"].mask(rows["image"].isin(drawn), "validation"))


def limited(rows: pd.DataFrame, dataset: Dataset, category: str, seed: int) -> pd.DataFrame:
    """Leave out what is above the data set's limit, drawn by the seed.

    Of the normal images ``limit.train`` stay (all, where the scenario does not train on them), and
    as many validation images as keep their share; of the test images
    ``limit.test``: the good ones and those of each defect type in proportion to their number, at
    least one of each.

    Raises
    ------
    aexad.runtime.errors.ConfigError
        The limit is above what there is, or has no room for one test image of each kind.
    """
    if dataset.limit is None:
        return rows
    normal, test = rows[rows["role"] == "normal"], rows[rows["role"] == "test"]
    validation = _sorted_images(rows[rows["role"] == "validation"])
    kept = set(rows.loc[~rows["role"].isin(["normal", "validation", "test"]), "image"])
    if len(normal):
        _check_limit("train", dataset.limit.train, len(normal), "normal training images", category)
        kept |= _drawn(_sorted_images(normal), dataset.limit.train, seed, "limit", category)
    if len(validation):
        share = dataset.validation / (1 - dataset.validation)
        count = min(len(validation), max(1, round(dataset.limit.train * share)))
        kept |= _drawn(validation, count, seed, "limit", "validation", category)
    _check_limit("test", dataset.limit.test, len(test), "test images", category)
    counts = test["defect"].value_counts().sort_index()
    if dataset.limit.test < len(counts):
        raise ConfigError(
            f"category '{category}': limit.test {dataset.limit.test} has no room for one image of "
            f"each of {len(counts)} kinds ('{GOOD}' and those of anomalies); raise it in "
            "config/datasets.yaml"
        )
    shares = _in_proportion(counts.to_numpy(), dataset.limit.test)
    for kind, share in zip(counts.index, shares, strict=True):
        images = _sorted_images(test[test["defect"] == kind])
        kept |= _drawn(images, share, seed, "limit", category, str(kind))
    return rows[rows["image"].isin(kept)]


def _check_limit(key: str, limit: int, there: int, what: str, category: str) -> None:
    if limit > there:
        raise ConfigError(
            f"category '{category}': limit.{key} is {limit}, and there are {there} {what}; lower "
            "it in config/datasets.yaml"
        )


def _in_proportion(counts: np.ndarray, total: int) -> list[int]:
    """Share ``total`` out in proportion to ``counts``, by largest remainder, at least 1 each."""
    exact = counts * (total / counts.sum())
    shares = np.maximum(np.floor(exact).astype(int), 1)
    while (missing := total - int(shares.sum())) != 0:
        # One at a time: the largest remainder gains, or what is most above its share gives back.
        gap = np.where(shares > 1, exact - shares, np.inf) if missing < 0 else exact - shares
        shares[gap.argmin() if missing < 0 else gap.argmax()] += np.sign(missing)
    return [int(share) for share in shares]


def _sorted_images(rows: pd.DataFrame) -> pd.Series:
    return rows["image"].sort_values()


def _drawn(images: pd.Series, count: int, seed: int, *names: str) -> set[str]:
    choice = generator(seed, *names).choice(len(images), size=count, replace=False)
    return set(images.iloc[choice])
