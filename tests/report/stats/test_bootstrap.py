"""The bootstrap: determinism, pairing, its width against theory, and what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from aexad.report.stats.bootstrap import Bootstrap, bootstrap
from aexad.report.stats.tests import NoTest

NAN = float("nan")


def images(values: dict[tuple[str, str, int], np.ndarray]) -> pd.DataFrame:
    """``values``: (category, method, seed) -> a value of each image."""
    return pd.DataFrame(
        [
            [category, method, seed, f"{category}/{i:03}.png", value]
            for (category, method, seed), each in values.items()
            for i, value in enumerate(each)
        ],
        columns=["category", "method", "seed", "image", "iou"],
    )


def drawn(table: pd.DataFrame, resamples: int = 2000) -> Bootstrap:
    result = bootstrap(table, "iou", resamples)
    assert isinstance(result, Bootstrap)
    return result


@pytest.fixture
def some() -> np.ndarray:
    return np.random.default_rng(3).normal(0.5, 0.1, 60)


def test_the_same_input_gives_the_same_draws_in_any_order(some: np.ndarray) -> None:
    table = images({("a", "x", 0): some, ("b", "x", 0): some / 2})
    again = drawn(table.sample(frac=1, random_state=1)).draws
    pd.testing.assert_frame_equal(drawn(table).draws, again)


def test_width_of_one_seed_is_that_of_the_mean_over_images(some: np.ndarray) -> None:
    low, high = drawn(images({("a", "x", 0): some}), 20000).interval("x")
    error = some.std() / np.sqrt(len(some))
    assert low == pytest.approx(some.mean() - 1.96 * error, abs=0.06 * error)
    assert high == pytest.approx(some.mean() + 1.96 * error, abs=0.06 * error)


def test_each_category_weighs_the_same(some: np.ndarray) -> None:
    constant = {("a", "x", 0): np.full(5, 0.2), ("b", "x", 0): np.full(500, 0.6)}
    assert drawn(images(constant)).interval("x") == pytest.approx((0.4, 0.4))


def test_the_difference_is_paired(some: np.ndarray) -> None:
    better = {("a", "x", 0): some, ("a", "y", 0): some - 0.01}
    found = drawn(images(better))
    low, high = found.interval("x")
    assert high - low > 0.03
    # Each image is better by the same: so is each draw.
    assert found.difference("x", "y") == pytest.approx((0.01, 0.01))


def test_seeds_are_drawn_too() -> None:
    seeds = {("a", "x", seed): np.full(9, 0.1 * seed) for seed in range(3)}
    found = drawn(images(seeds))
    # Nothing but the seeds differs: the mean of three draws out of 0, 0.1, 0.2.
    assert set(found.draws["x"].round(9)) == {round(total / 30, 9) for total in range(7)}
    assert found.draws["x"].var() == pytest.approx((0.02 / 3) / 3, rel=0.1)


def test_one_draw_of_seeds_is_for_all_methods_and_categories() -> None:
    table = {
        (category, method, seed): np.full(9, shift + 0.1 * seed)
        for category, method, shift in (
            ("a", "x", 0),
            ("a", "y", 0.1),
            ("b", "x", 0),
            ("b", "y", 0),
        )
        for seed in range(3)
    }
    assert drawn(images(table)).difference("y", "x") == pytest.approx((0.05, 0.05))


def test_a_method_with_fewer_seeds_has_its_own_alone(some: np.ndarray) -> None:
    table = {("a", "x", 0): some, ("a", "x", 1): some, ("a", "y", 0): some - 0.1}
    found = drawn(images(table))
    assert found.difference("x", "y") == pytest.approx((0.1, 0.1))


def test_images_without_a_value_do_not_count(some: np.ndarray) -> None:
    with_good = np.concatenate([some, np.full(1000, NAN)])
    pd.testing.assert_frame_equal(
        drawn(images({("a", "x", 0): with_good})).draws, drawn(images({("a", "x", 0): some})).draws
    )


def test_different_categories_have_no_paired_difference(some: np.ndarray) -> None:
    found = drawn(images({("a", "x", 0): some, ("a", "y", 0): some, ("b", "x", 0): some}))
    assert found.cover == {"x": ("a", "b"), "y": ("a",)}
    assert found.difference("x", "y") == NoTest("the two have values in different categories")


def test_too_few_images_are_told() -> None:
    assert bootstrap(images({("a", "x", 0): np.full(4, 0.5)}), "iou") == NoTest(
        "a has 4 images with a value; 5 are needed"
    )
    assert bootstrap(images({("a", "x", 0): np.full(9, NAN)}), "iou") == NoTest(
        "no image has a value of its own"
    )
