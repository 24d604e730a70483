"""The threshold keeps its promise on scores that it has not seen."""

import doctest

import numpy as np
import pytest

from aexad import calibration
from aexad.calibration import threshold


def false_alarms(draw, n, a, trials=2000):
    """Share of new scores above the threshold, over many sets of n held-out ones."""
    rng = np.random.default_rng(0)
    held_out, new = draw(rng, (trials, n)), draw(rng, (trials, 200))
    return np.mean([(new[i] > threshold(held_out[i], a)).mean() for i in range(trials)])


def log_normal(rng, shape):
    return rng.lognormal(3, 0.5, shape)


def long_tailed(rng, shape):
    return rng.pareto(2.0, shape) + 1


def two_kinds(rng, shape):
    """Parts of two suppliers."""
    return rng.choice([1.0, 5.0], shape) * rng.lognormal(0, 0.1, shape)


@pytest.mark.parametrize("n", [3, 5, 18, 70])
def test_of_log_normal_scores_few_are_enough(n):
    assert false_alarms(log_normal, n, 0.01) <= 0.011


@pytest.mark.parametrize("draw", [log_normal, long_tailed, two_kinds])
@pytest.mark.parametrize(("n", "a"), [(99, 0.01), (200, 0.01), (30, 0.05)])
def test_of_any_scores_when_there_are_enough(draw, n, a):
    assert n + 1 >= 1 / a
    assert false_alarms(draw, n, a) <= a * 1.1


def test_of_too_few_scores_of_any_kind_the_highest_is_the_least_that_is_taken():
    scores = np.array([1.0, 1.0, 1.0, 1.0, 30.0])
    assert threshold(scores, 0.3) >= 30 - 1e-9


def test_the_unit_of_the_score_does_not_matter():
    scores = log_normal(np.random.default_rng(1), 18)
    assert threshold(scores * 1000, 0.01) == pytest.approx(1000 * threshold(scores, 0.01))


def test_equal_scores_give_that_score():
    assert threshold(np.full(5, 2.0), 0.01) == pytest.approx(2)


@pytest.mark.parametrize("scores", [[1.0, 2.0], [0.0, 1.0, 2.0], [np.nan, 1.0, 2.0]])
def test_scores_that_say_nothing_are_refused(scores):
    with pytest.raises(ValueError, match="3 positive scores are needed"):
        threshold(np.array(scores), 0.01)


def test_examples():
    result = doctest.testmod(calibration)
    assert result.attempted >= 4
    assert result.failed == 0
