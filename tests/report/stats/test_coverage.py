"""The intervals cover: simulated test sets and trainings whose true mean is known.

Each setting draws 1,500 benchmarks of three categories with 24 test images. The variance of the
mean comes from seeds by a share of 0.1, 0.5 or 0.9; half of the variance over images is common to
all seeds, half of the variance over seeds is common to all categories.
"""

import numpy as np
import pytest

from aexad.report.stats.estimator import CategoryDraws, Interval, interval_of
from aexad.report.stats.resampling import image_weights

CATEGORIES, IMAGES, TRIALS, RESAMPLES = 3, 24, 1500, 200
SPREAD = 0.03  # standard deviation of the mean


def weights() -> list[np.ndarray]:
    anomalous = np.ones(IMAGES, dtype=bool)
    return [image_weights(f"category {i}", anomalous, RESAMPLES) for i in range(CATEGORIES)]


def trial(
    rng: np.random.Generator, draws: list[np.ndarray], mean: float, seeds: int, share: float
) -> list[CategoryDraws]:
    of_seeds = share * SPREAD**2 * seeds
    of_images = (1 - share) * SPREAD**2 * CATEGORIES * IMAGES
    common = rng.normal(0, np.sqrt(of_seeds / 2), seeds)
    cells = []
    for drawn in draws:
        image = rng.normal(0, np.sqrt(of_images / 2), (IMAGES, 1))
        both = rng.normal(0, np.sqrt(of_images / 2 * seeds), (IMAGES, seeds))
        seed = common + rng.normal(0, np.sqrt(of_seeds / 2 * CATEGORIES), seeds)
        values = mean + image + both + seed
        cells.append(CategoryDraws(values.mean(axis=0), drawn @ values / IMAGES, IMAGES))
    return cells


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize(("mean", "bounds"), [(0.8, (0, 1)), (0.0, (-1, 1))])
def test_95_percent_intervals_cover(
    mean: float, bounds: tuple[float, float], seeds: int, share: float
) -> None:
    rng = np.random.default_rng(1)
    draws = weights()
    found = [interval_of(trial(rng, draws, mean, seeds, share), bounds) for _ in range(TRIALS)]
    assert all(isinstance(interval, Interval) for interval in found)
    covered = np.mean([interval.low <= mean <= interval.high for interval in found])
    # The simulation itself has a standard error of 0.006.
    assert 0.92 <= covered <= 0.98, f"{covered:.3f}"


def test_one_seed_is_marked_as_the_chance_of_images_alone() -> None:
    cells = trial(np.random.default_rng(0), weights(), 0.8, 1, 0.5)
    assert interval_of(cells).images_alone


@pytest.mark.parametrize("kept", [[(0, 1), (1, 2), (0, 2)], [(0, 1, 2), (0, 1, 2), (0,)]])
def test_intervals_cover_without_two_seeds_in_every_category(kept: list[tuple[int, ...]]) -> None:
    """Seeds alone have no part in this chance: what each finds hard in an image still counts."""
    rng = np.random.default_rng(1)
    draws = weights()
    covered = []
    for _ in range(TRIALS):
        cells = trial(rng, draws, 0.8, 3, 0.0)
        for cell, seeds in zip(cells, kept, strict=False):
            lost = [seed for seed in range(3) if seed not in seeds]
            cell.values[lost] = np.nan
            cell.draws[:, lost] = np.nan
        found = interval_of(cells)
        assert isinstance(found, Interval)
        assert found.images_alone
        covered.append(found.low <= 0.8 <= found.high)
    assert 0.92 <= np.mean(covered) <= 0.98
