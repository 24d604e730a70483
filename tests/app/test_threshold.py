"""The threshold's guarantee holds on new scores."""

import numpy as np
import pytest

from aexad.app.threshold import threshold_of


def false_alarms(draw, n, a, trials=2000):
    """Share of new scores above the threshold, over many sets of n held-out ones."""
    rng = np.random.default_rng(0)
    held_out, new = draw(rng, (trials, n)), draw(rng, (trials, 200))
    return np.mean([(new[i] > threshold_of(held_out[i], a)[0]).mean() for i in range(trials)])


def log_normal(rng, shape):
    return rng.lognormal(3, 0.5, shape)


def long_tailed(rng, shape):
    return rng.pareto(2.0, shape) + 1


def two_kinds(rng, shape):
    """Parts of two suppliers."""
    return rng.choice([1.0, 5.0], shape) * rng.lognormal(0, 0.1, shape)


@pytest.mark.parametrize("draw", [log_normal, long_tailed, two_kinds])
@pytest.mark.parametrize(("n", "a"), [(99, 0.01), (200, 0.01), (30, 0.05), (18, 0.01), (3, 0.1)])
def test_the_guarantee_holds_for_any_distribution(draw, n, a):
    promised = threshold_of(draw(np.random.default_rng(0), n), a)[1]
    assert promised == pytest.approx(max(a, 1 / (n + 1)))
    assert false_alarms(draw, n, a) <= promised * 1.1


def test_hand_values():
    scores = np.arange(1.0, 21.0)
    assert threshold_of(scores, 0.1) == (19, 0.1)  # rank ceil(18.9)
    assert threshold_of(scores, 0.04) == (20, 1 / 21)  # 20 images guarantee no less
    assert threshold_of(scores, 1 / 3) == (14, 1 / 3)  # rank 14 exactly


@pytest.mark.parametrize(("groups", "a"), [(5, 0.2), (20, 0.1), (20, 0.02), (60, 0.05)])
def test_the_guarantee_holds_for_new_groups(groups, a):
    """Frames of a video differ little; videos differ much, and in length."""
    rng = np.random.default_rng(0)
    shares, alone = [], []
    for _ in range(1500):
        frames = rng.integers(1, 12, groups)
        names = np.repeat(np.arange(groups), frames)
        scores = rng.normal(0, 1, groups)[names] + rng.normal(0, 0.1, len(names))
        new = rng.normal(0, 1, 100) + rng.normal(0, 0.1, 100)
        if len(names) >= 3:
            value, promised = threshold_of(scores, a, [str(name) for name in names])
            shares.append((new > value).mean())
            alone.append((new > threshold_of(scores, a)[0]).mean())
    assert promised == pytest.approx(max(a, 1 / (groups + 1)))
    assert np.mean(shares) <= promised * 1.1
    if a < 1 / groups:  # as if each frame stood for itself, the promise is broken
        assert np.mean(alone) > a * 1.5


def test_groups_of_one_are_images():
    scores = np.random.default_rng(0).normal(0, 1, 40)
    for a in (0.01, 0.05, 0.1, 1 / 41, 0.5):
        assert threshold_of(scores, a, [str(i) for i in range(40)]) == threshold_of(scores, a)


def test_hand_values_of_groups():
    # Three groups weigh a quarter each: two images of a weigh an eighth.
    scores, groups = np.array([1.0, 2.0, 3.0, 4.0]), ["a", "a", "b", "c"]
    assert threshold_of(scores, 0.25, groups) == (4, 0.25)
    assert threshold_of(scores, 0.5, groups) == (3, 0.5)
    assert threshold_of(scores, 0.8, groups) == (2, 0.8)
    assert threshold_of(scores, 0.1, groups) == (4, 0.25)


@pytest.mark.parametrize("scores", [[1.0, 2.0], [np.nan, 1.0, 2.0]])
def test_too_few_or_nan_scores_are_an_error(scores):
    with pytest.raises(ValueError, match="at least 3 finite scores are needed"):
        threshold_of(np.array(scores), 0.01)
