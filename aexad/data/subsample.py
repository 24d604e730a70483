"""Which images a run leaves out of training: validation images, and images above a limit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aexad.config.catalogue import Dataset
from aexad.data.rng import generator
from aexad.data.tables import GOOD
from aexad.runtime.errors import ConfigError


def draw(rows: pd.DataFrame, count: int, seed: int, *names: str) -> set[str]:
    """Draw ``count`` images, whatever the order of the rows; ``names`` as for :func:`generator`."""
    drawn = generator(seed, *names).choice(len(rows), size=count, replace=False)
    return set(rows["image"].sort_values().iloc[drawn])


def with_validation(rows: pd.DataFrame, category: str, share: float, seed: int) -> pd.DataFrame:
    """Give a share of the normal images the role ``validation``: at least one image, never all.

    Parameters
    ----------
    rows
        A table with the columns role, defect and image.
    category
        Its name; each category has its own random numbers.
    share
        Share of the normal images, in [0, 1); 0 leaves the rows as they are.
    seed
        The run's seed.

    Raises
    ------
    aexad.runtime.errors.ConfigError
        The share leaves no image to train on.
    """
    normal = rows[rows["role"] == "normal"]
    if not share or normal.empty:
        return rows
    count = max(1, round(share * len(normal)))
    if count >= len(normal):
        raise ConfigError(
            f"category '{category}': validation {share:g} of {len(normal)} normal training images "
            "leaves none to train on; lower 'validation' in config/datasets.yaml, or add images"
        )
    drawn = draw(normal, count, seed, "validation", category)
    return rows.assign(role=rows["role"].mask(rows["image"].isin(drawn), "validation"))


def limited(rows: pd.DataFrame, dataset: Dataset, category: str, seed: int) -> pd.DataFrame:
    """Leave out images above the data set's limit, drawn by the seed.

    ``limit.train`` normal images are kept (none, where the scenario does not train on them), with
    validation images in the same proportion as before; and ``limit.test`` test images, in
    proportion to the numbers of good images and of images of each defect type, at least one each.

    Raises
    ------
    aexad.runtime.errors.ConfigError
        The limit is above the number of images, or below the number of kinds of test images.
    """
    limit = dataset.limit
    if limit is None:
        return rows
    roles = {role: rows[rows["role"] == role] for role in ("normal", "validation", "test")}
    normal, validation, test = roles.values()
    kept = set(rows.loc[~rows["role"].isin(roles), "image"])
    if len(normal):
        _check_limit("train", limit.train, len(normal), "normal training images", category)
        kept |= draw(normal, limit.train, seed, "limit", category)
        if len(validation):
            count = max(1, round(limit.train * len(validation) / len(normal)))
            kept |= draw(validation, count, seed, "limit", "validation", category)
    _check_limit("test", limit.test, len(test), "test images", category)
    counts = test["defect"].value_counts().sort_index()
    if limit.test < len(counts):
        raise ConfigError(
            f"category '{category}': limit.test {limit.test} has no room for one image of each of "
            f"{len(counts)} kinds ('{GOOD}' and defect types); raise it in config/datasets.yaml"
        )
    shares = _in_proportion(counts.to_numpy(), limit.test)
    for kind, share in zip(counts.index, shares, strict=True):
        kept |= draw(test[test["defect"] == kind], share, seed, "limit", category, str(kind))
    return rows[rows["image"].isin(kept)]


def _check_limit(key: str, limit: int, number: int, what: str, category: str) -> None:
    if limit > number:
        raise ConfigError(
            f"category '{category}': limit.{key} is {limit}, and there are {number} {what}; lower "
            "it in config/datasets.yaml"
        )


def _in_proportion(counts: np.ndarray, total: int) -> list[int]:
    """Divide ``total`` in proportion to ``counts``, by largest remainder, at least 1 each."""
    exact = counts * (total / counts.sum())
    shares = np.maximum(np.floor(exact).astype(int), 1)
    while (missing := total - int(shares.sum())) != 0:
        # One at a time: the largest remainder gains, or the share most above its due loses.
        gap = np.where(shares > 1, exact - shares, np.inf) if missing < 0 else exact - shares
        shares[gap.argmin() if missing < 0 else gap.argmax()] += np.sign(missing)
    return [int(share) for share in shares]
