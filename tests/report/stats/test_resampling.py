"""Metrics of resampled test sets against the exact metrics."""

import numpy as np
import pytest

from aexad.evaluation import metrics
from aexad.evaluation.metrics.image_counts import ImageCounts
from aexad.report.stats.resampling import (
    image_weights,
    mean_draws,
    pooled_draws,
    score_draws,
)

POOLED = {
    "pro": metrics.pro,
    "pixel_auroc": metrics.pixel_auroc,
    "pixel_ap": metrics.pixel_ap,
    "f1_max": metrics.f1_max,
    "iou_max": metrics.iou_max,
}


@pytest.fixture(scope="module")
def maps() -> tuple[np.ndarray, np.ndarray]:
    """Heat maps of twelve images, of which eight have a defect of one or two regions."""
    rng = np.random.default_rng(3)
    masks = np.zeros((12, 48, 48), dtype=bool)
    for number in range(8):
        masks[number, 5 : 9 + number, 4:20] = True
        if number % 2:
            masks[number, 30:33, 30:36] = True
    scores = rng.normal(0, 1, masks.shape) + masks * rng.uniform(0.5, 2.5, (12, 1, 1))
    return scores, masks


@pytest.mark.parametrize("metric", POOLED)
def test_pooled_metrics_of_a_resample(maps: tuple[np.ndarray, np.ndarray], metric: str) -> None:
    scores, masks = maps
    counts = metrics.pixel_summary(zip(scores, masks, strict=True)).counts
    drawn = [list(range(12)), [0, 0, 3, 3, 4, 5, 6, 7, 8, 8, 10, 11]]
    weights = np.array([np.bincount(images, minlength=12) for images in drawn], dtype=float)
    exact = [POOLED[metric](scores[images], masks[images]) for images in drawn]
    assert pooled_draws(metric, counts, weights) == pytest.approx(exact, abs=5e-3)


def test_scores_of_images_of_a_resample() -> None:
    rng = np.random.default_rng(0)
    anomalous = np.arange(20) < 9
    scores = np.round(rng.normal(anomalous, 1), 1)  # with ties
    weights = image_weights("nut", anomalous, 50)
    exact = [
        [
            metrics.image_auroc(scores[rows], anomalous[rows]),
            metrics.image_ap(scores[rows], anomalous[rows]),
        ]
        for rows in (np.repeat(np.arange(20), each.astype(int)) for each in weights)
    ]
    auroc, ap = np.transpose(exact)
    assert score_draws("image_auroc", scores, anomalous, weights) == pytest.approx(auroc)
    assert score_draws("image_ap", scores, anomalous, weights) == pytest.approx(ap)


def test_good_and_anomalous_images_are_drawn_apart() -> None:
    anomalous = np.array([True] * 7 + [False] * 5)
    weights = image_weights("nut", anomalous, 400)
    assert (weights[:, anomalous].sum(axis=1) == 7).all()
    assert (weights[:, ~anomalous].sum(axis=1) == 5).all()
    assert (weights == image_weights("nut", anomalous, 400)).all()
    assert (weights != image_weights("bolt", anomalous, 400)).any()


def test_means_leave_out_images_without_a_value() -> None:
    weights = np.array([[2.0, 1.0, 1.0], [0.0, 3.0, 0.0]])
    drawn = mean_draws(np.array([0.5, np.nan, 0.2]), weights)
    assert drawn[0] == pytest.approx(0.4)
    assert np.isnan(drawn[1])


def test_pro_is_cut_at_its_limit_by_interpolation() -> None:
    """Recall 0.5 at a rate of 0.2, and 1 at 1: up to 0.3 the area is 0.05 + 0.1 * 0.53125."""
    counts = ImageCounts(
        np.array([[20, 100]]), np.array([[5, 10]]), np.array([[0.5, 1.0]]), np.array([1])
    )
    by_hand = (0.05 + 0.1 * (0.5 + 0.5625) / 2) / 0.3
    assert pooled_draws("pro", counts, np.ones((1, 1))) == pytest.approx([by_hand])
