"""Compare with independent implementations: scikit-learn, torchmetrics, pyaupro."""

import numpy as np
import pytest
import torch
from pyaupro import PerRegionOverlap, auc_compute
from scipy import ndimage
from sklearn import metrics as sklearn_metrics
from torchmetrics.functional import classification as torch_metrics

from aexad.evaluation import metrics
from aexad.evaluation.metrics.preparation import rank_counts

LIMITS = [0.05, 0.3, 1.0]


def tensors(scores, masks):
    return torch.from_numpy(scores), torch.from_numpy(masks.astype(np.int64))


def weighted_roc(scores, masks):
    """The PRO curve as a weighted ROC curve, in which each region has the same weight."""
    weights = np.ones(masks.shape)
    for weight, mask in zip(weights, masks, strict=True):
        labels, number = ndimage.label(mask, np.ones((3, 3)))
        for region in range(1, number + 1):
            weight[labels == region] = 1 / (labels == region).sum()
    rate, recall, _ = sklearn_metrics.roc_curve(
        masks.ravel(), scores.ravel(), sample_weight=weights.ravel(), drop_intermediate=False
    )
    return rate, recall


def area(rate, recall, limit):
    inside = rate < limit
    last = inside.sum()
    slope = (recall[last] - recall[last - 1]) / (rate[last] - rate[last - 1])
    end = recall[last - 1] + slope * (limit - rate[last - 1])
    rate, recall = np.append(rate[inside], limit), np.append(recall[inside], end)
    return np.trapezoid(recall, rate) / limit


@pytest.mark.parametrize("limit", LIMITS)
def test_pro_is_a_weighted_roc_of_sklearn(scores_and_masks, limit):
    expected = area(*weighted_roc(*scores_and_masks), limit)
    assert metrics.pro(*scores_and_masks, limit) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("limit", LIMITS)
def test_pro_of_pyaupro_reference_implementation(scores_and_masks, limit):
    metric = PerRegionOverlap(reference_implementation=True)
    metric.update(*tensors(*scores_and_masks))
    rate, recall = (values.double().numpy() for values in metric.compute())
    # Its rates are of float32.
    expected = area(rate, recall, limit)
    assert metrics.pro(*scores_and_masks, limit) == pytest.approx(expected, abs=1e-6)


def test_pro_of_pyaupro_with_its_own_area():
    # It has no interpolation at the limit: so many thresholds that this does not matter.
    rng = np.random.default_rng(0)
    masks = ndimage.gaussian_filter(rng.random((4, 100, 100)), (0, 3, 3)) > 0.53
    scores = (rng.random(masks.shape) + 0.5 * masks).astype(np.float32)
    metric = PerRegionOverlap(reference_implementation=True)
    metric.update(*tensors(scores, masks))
    expected = float(auc_compute(*metric.compute(), limit=0.3))
    assert metrics.pro(scores, masks) == pytest.approx(expected, abs=1e-4)


def test_xauc_of_sklearn(scores_and_masks):
    expected = [
        sklearn_metrics.roc_auc_score(mask.ravel(), score.ravel()) if mask.any() else np.nan
        for score, mask in zip(*scores_and_masks, strict=True)
    ]
    np.testing.assert_allclose(metrics.xauc_per_image(*scores_and_masks), expected, atol=1e-12)
    assert metrics.xauc(*scores_and_masks) == pytest.approx(np.nanmean(expected), abs=1e-12)


def test_pooled_values_of_sklearn(scores_and_masks):
    scores, masks = scores_and_masks
    labels, values = masks.ravel(), scores.ravel()
    expected = sklearn_metrics.roc_auc_score(labels, values)
    assert metrics.pixel_auroc(scores, masks) == pytest.approx(expected, abs=1e-12)
    expected = sklearn_metrics.average_precision_score(labels, values)
    assert metrics.pixel_ap(scores, masks) == pytest.approx(expected, abs=1e-12)


def test_best_thresholds_by_trying_all(scores_and_masks, levels):
    scores, masks = (values[:2, :20, :20] for values in scores_and_masks)
    f1, iou = [], []
    thresholds = np.unique(scores) if levels else np.unique(scores[masks])
    for threshold in thresholds:
        f1.append(sklearn_metrics.f1_score(masks.ravel(), scores.ravel() >= threshold))
        iou.append(sklearn_metrics.jaccard_score(masks.ravel(), scores.ravel() >= threshold))
    assert metrics.f1_max(scores, masks) == pytest.approx(max(f1), abs=1e-12)
    assert metrics.iou_max(scores, masks) == pytest.approx(max(iou), abs=1e-12)


@pytest.mark.parametrize("a", [1.0, 1.5, 3.5])
def test_thresholds_by_sklearn(scores_and_masks, a):
    scores, masks = scores_and_masks
    wide = scores.astype(np.float64)
    binary = wide > (wide.mean(axis=(1, 2)) + a * wide.std(axis=(1, 2)))[:, None, None]
    sweep = metrics.threshold_sweep(scores, masks, [a])
    for name, ours, oracle in (
        ("f1", metrics.f1, sklearn_metrics.f1_score),
        ("iou", metrics.iou, sklearn_metrics.jaccard_score),
    ):
        expected = [
            oracle(mask.ravel(), marked.ravel(), zero_division=0) if mask.any() else np.nan
            for mask, marked in zip(masks, binary, strict=True)
        ]
        np.testing.assert_allclose(getattr(sweep, name)[:, 0], expected, atol=1e-12)
        assert ours(scores, masks, a) == pytest.approx(np.nanmean(expected), abs=1e-12)


@pytest.mark.parametrize("levels", [None, 300, 7])
def test_more_pixels_than_are_taken_at_once(levels):
    rng = np.random.default_rng(5)
    masks = ndimage.gaussian_filter(rng.random((2, 300, 400)), (0, 4, 4)) > 0.51
    scores = (rng.random(masks.shape) + 0.2 * masks).astype(np.float32)
    if levels:
        scores = np.floor(scores * levels)
    assert masks.sum() > 3 * 2**14
    labels, values = masks.ravel(), scores.ravel()
    summary = metrics.pixel_summary(zip(scores, masks, strict=True))
    expected = sklearn_metrics.roc_auc_score(labels, values)
    assert summary.pooled.auroc == pytest.approx(expected, abs=1e-12)
    expected = sklearn_metrics.average_precision_score(labels, values)
    assert summary.pooled.average_precision == pytest.approx(expected, abs=1e-12)
    precision, recall, _ = sklearn_metrics.precision_recall_curve(labels, values)
    best = (2 * precision * recall / np.maximum(precision + recall, 1e-300)).max()
    assert summary.pooled.f1_max == pytest.approx(best, abs=1e-12)
    assert summary.pooled.iou_max == pytest.approx(best / (2 - best), abs=1e-12)
    expected = area(*weighted_roc(scores, masks), 0.3)
    assert metrics.pro(scores, masks) == pytest.approx(expected, abs=1e-12)
    assert summary.pro == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 100, 1000])
@pytest.mark.parametrize("highest", [3, 50, 10**6])
def test_rank_counts_equal_two_searches(length, highest):
    rng = np.random.default_rng(length)
    scores = np.sort(rng.integers(0, highest, length)).astype(np.float32)
    values = rng.integers(-1, highest + 1, 10_000).astype(np.float32)
    above, at_least = rank_counts(scores, values)
    np.testing.assert_array_equal(above, length - np.searchsorted(scores, values, "right"))
    np.testing.assert_array_equal(at_least, length - np.searchsorted(scores, values, "left"))


def test_torchmetrics(scores_and_masks):
    # It computes in float32.
    scores, masks = scores_and_masks
    values, labels = tensors(*scores_and_masks)
    expected = torch_metrics.binary_auroc(values, labels)
    assert metrics.pixel_auroc(scores, masks) == pytest.approx(expected.item(), abs=1e-5)
    expected = torch_metrics.binary_average_precision(values, labels)
    assert metrics.pixel_ap(scores, masks) == pytest.approx(expected.item(), abs=1e-5)
    mean, std = values.double().mean((1, 2)), values.double().std((1, 2), correction=0)
    binary = (values.double() > (mean + std)[:, None, None]).long()
    anomalous = [i for i in range(len(masks)) if masks[i].any()]
    for ours, oracle in (
        (metrics.f1, torch_metrics.binary_f1_score),
        (metrics.iou, torch_metrics.binary_jaccard_index),
    ):
        expected = np.mean([oracle(binary[i], labels[i]).item() for i in anomalous])
        assert ours(scores, masks) == pytest.approx(expected, abs=1e-6)


def test_image_metrics(levels):
    rng = np.random.default_rng(3)
    labels = rng.random(200) < 0.4
    scores = rng.random(200) + 0.5 * labels
    if levels:
        scores = np.floor(scores * levels) if levels > 1 else np.ones(200)
    expected = sklearn_metrics.roc_auc_score(labels, scores)
    assert metrics.image_auroc(scores, labels) == pytest.approx(expected, abs=1e-12)
    expected = sklearn_metrics.average_precision_score(labels, scores)
    assert metrics.image_ap(scores, labels) == pytest.approx(expected, abs=1e-12)
