"""Values that are computed by hand."""

import numpy as np
import pytest

from aexad.evaluation import metrics

# Scores of one image, row by row; the anomalous pixels are those of MASK.
SCORES = np.array([[0.9, 0.8, 0.3], [0.7, 0.1, 0.2]])
MASK = np.array([[1, 0, 0], [1, 0, 0]], dtype=bool)
PIXEL = {
    # Of the 2 x 4 pairs, 0.7 < 0.8 alone is in the wrong order.
    metrics.xauc: 7 / 8,
    metrics.pixel_auroc: 7 / 8,
    # Precision is 1 at the first anomalous pixel and 2/3 at the second.
    metrics.pixel_ap: (1 + 2 / 3) / 2,
    # The best threshold marks 0.9, 0.8 and 0.7.
    metrics.f1_max: 4 / 5,
    metrics.iou_max: 2 / 3,
    # Mean 0.5 and deviation 0.311 put the threshold between 0.8 and 0.9.
    metrics.f1: 2 / 3,
    metrics.iou: 1 / 2,
}


@pytest.mark.parametrize("metric", PIXEL, ids=lambda m: m.__name__)
def test_one_small_image(metric):
    assert metric(SCORES[None], MASK[None]) == pytest.approx(PIXEL[metric], abs=1e-15)


@pytest.mark.parametrize("metric", PIXEL, ids=lambda m: m.__name__)
def test_perfect_maps(metric):
    assert metric(MASK[None] * 1.0, MASK[None]) == 1


def test_inverted_maps():
    inverted = 1.0 - MASK[None]
    for metric in (metrics.xauc, metrics.pixel_auroc, metrics.f1, metrics.iou, metrics.pro):
        assert metric(inverted, MASK[None]) == 0
    # Whatever the scores are, marking everything is possible.
    assert metrics.pixel_ap(inverted, MASK[None]) == pytest.approx(2 / 6)
    assert metrics.f1_max(inverted, MASK[None]) == 2 * 2 / (2 + 6)
    assert metrics.iou_max(inverted, MASK[None]) == 2 / 6


def test_constant_maps():
    constant = np.ones((1, 2, 3))
    assert metrics.xauc(constant, MASK[None]) == metrics.pixel_auroc(constant, MASK[None]) == 0.5
    assert metrics.pixel_ap(constant, MASK[None]) == pytest.approx(2 / 6)
    # Nothing exceeds the mean of a constant map, at any number of deviations.
    assert metrics.f1(constant, MASK[None]) == metrics.iou(constant, MASK[None]) == 0
    assert metrics.pro(constant, MASK[None]) == pytest.approx(0.15, abs=1e-15)


def test_the_average_is_over_images_and_the_pooled_value_over_pixels():
    scores = np.array([[[0.9, 0.1]], [[0.3, 0.6]]])
    masks = np.array([[[1, 0]], [[1, 0]]])
    assert metrics.xauc(scores, masks) == (1 + 0) / 2
    assert metrics.pixel_auroc(scores, masks) == 3 / 4
    np.testing.assert_array_equal(metrics.xauc_per_image(scores, masks), [1, 0])


def test_a_good_image_counts_for_the_pooled_values_alone():
    scores = np.array([[[0.9, 0.1]], [[0.95, 0.0]]])
    masks = np.array([[[1, 0]], [[0, 0]]])
    assert metrics.xauc(scores, masks) == 1
    assert metrics.pixel_auroc(scores, masks) == 2 / 3
    assert np.isnan(metrics.xauc_per_image(scores, masks)[1])


def test_ap_is_the_step_sum():
    # Trapezoids would give (1 + 1/2) / 2 / 2 + ... of another height at each step.
    scores, masks = np.array([[[4.0, 3, 2, 1]]]), np.array([[[1, 0, 1, 0]]])
    assert metrics.pixel_ap(scores, masks) == pytest.approx((1 + 2 / 3) / 2, abs=1e-15)


def test_ap_merges_ties():
    # One threshold takes the tied pixels together: 2 of 3 are anomalous, both times.
    scores, masks = np.array([[[2.0, 2, 2, 1]]]), np.array([[[1, 0, 1, 0]]])
    assert metrics.pixel_ap(scores, masks) == pytest.approx(2 / 3, abs=1e-15)
    assert metrics.f1_max(scores, masks) == pytest.approx(4 / 5, abs=1e-15)
    assert metrics.iou_max(scores, masks) == pytest.approx(2 / 3, abs=1e-15)


def test_a_pixel_at_the_threshold_is_not_marked():
    # Mean 0 and deviation 1: the threshold is one of the scores, exactly.
    scores, masks = np.array([[[1.0, -1.0]]]), np.array([[[1, 0]]])
    assert metrics.f1(scores, masks) == 0
    assert metrics.f1(scores, masks, a=0.5) == 1


def test_the_threshold_is_compared_in_float64():
    # The mean is 2^-25 above 1: as float32 it would be 1, and all pixels at 1 would lie on it.
    scores = np.ones((1, 1, 8), dtype=np.float32)
    scores[0, 0, 0] = np.nextafter(np.float32(1), np.float32(2))
    masks = np.zeros((1, 1, 8), dtype=bool)
    masks[0, 0, 0] = True
    assert metrics.f1(scores, masks) == metrics.iou(scores, masks) == 1
    assert metrics.f1(scores, masks, a=-0.5) == pytest.approx(2 * 1 / (8 + 1))


def test_sweep():
    # Mean 0.1, deviation 0.3: thresholds 0.4, 0.55, …, 1.15; the single 1 is marked up to a = 2.5.
    scores = np.zeros((1, 2, 5))
    scores[0, 0, 0] = 1
    sweep = metrics.threshold_sweep(scores, scores)
    assert metrics.SWEEP == (1.0, 1.5, 2.0, 2.5, 3.0, 3.5)
    np.testing.assert_array_equal(sweep.f1, [[1, 1, 1, 1, 0, 0]])
    np.testing.assert_array_equal(sweep.iou, [[1, 1, 1, 1, 0, 0]])


@pytest.mark.parametrize(
    ("mask", "value"),
    [(np.zeros((2, 2)), "no anomalous pixel"), (np.ones((2, 2)), "no normal pixel")],
    ids=["all normal", "all anomalous"],
)
def test_no_value(mask, value):
    scores, masks = np.arange(4.0).reshape(1, 2, 2), mask[None]
    pooled = (metrics.pixel_auroc, metrics.pixel_ap, metrics.f1_max, metrics.iou_max)
    for metric in (metrics.xauc, metrics.pro, *pooled):
        assert np.isnan(metric(scores, masks)), (metric, value)
    assert np.isnan(metrics.f1(scores, masks)) == (value == "no anomalous pixel")


def test_no_images():
    for metric in (*PIXEL, metrics.pro):
        assert np.isnan(metric([], []))
    summary = metrics.pixel_summary([])
    assert np.isnan(summary.pro)
    assert summary.sweep.f1.shape == (0, 6)


def test_image_metrics():
    scores, labels = [0.1, 0.4, 0.4, 0.9], [0, 0, 1, 1]
    assert metrics.image_auroc(scores, labels) == 3.5 / 4
    assert metrics.image_ap(scores, labels) == pytest.approx((1 + 2 / 3) / 2, abs=1e-15)


@pytest.mark.parametrize("labels", [[], [0, 0], [1, 1]])
def test_image_metrics_of_one_class_have_no_value(labels):
    scores = [0.5] * len(labels)
    assert np.isnan(metrics.image_auroc(scores, labels))
    assert np.isnan(metrics.image_ap(scores, labels))
