"""Which input is an error, with which message, and which input is accepted."""

import numpy as np
import pytest

from aexad.evaluation import metrics

SCORES = np.linspace(0, 1, 24, dtype=np.float32).reshape(2, 3, 4)
MASKS = np.zeros((2, 3, 4), dtype=bool)
MASKS[0, 0, 0] = MASKS[1, 2, 1:] = True
PIXEL = [
    metrics.xauc,
    metrics.f1,
    metrics.iou,
    metrics.threshold_sweep,
    metrics.pixel_auroc,
    metrics.pixel_ap,
    metrics.f1_max,
    metrics.iou_max,
    metrics.pro,
    lambda scores, masks: metrics.pixel_summary(zip(scores, masks, strict=True)),
]
IMAGE = [metrics.image_auroc, metrics.image_ap]


@pytest.mark.parametrize("metric", PIXEL)
@pytest.mark.parametrize(
    ("bad", "message"),
    [(np.nan, "image 1: 1 scores are NaN, 0 are infinite"), (-np.inf, "0 scores are NaN, 1 are")],
)
def test_scores_that_are_not_finite(metric, bad, message):
    scores = SCORES.copy()
    scores[1, 0, 0] = bad
    with pytest.raises(ValueError, match=message):
        metric(scores, MASKS)


@pytest.mark.parametrize("metric", PIXEL)
def test_shapes_that_differ(metric):
    with pytest.raises(ValueError, match=r"image 0: the scores are \[3, 4\] .* mask is \[4, 3\]"):
        metric(SCORES, MASKS.swapaxes(1, 2))
    with pytest.raises(ValueError, match=r"image 0: the scores are \[4\] and the mask is \[4\]"):
        metric(SCORES[0], MASKS[0])


@pytest.mark.parametrize("metric", PIXEL[:-1])
def test_numbers_of_images_that_differ(metric):
    with pytest.raises(ValueError, match="got 1 score maps and 2 masks"):
        metric(SCORES[:1], MASKS)


@pytest.mark.parametrize("metric", PIXEL)
@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (MASKS.astype(np.uint8) * 255, "mask 0: not binary: uint8 with the values 0, 255; only"),
        (SCORES, "mask 0: not binary: float32 with the values 0.0, .*, …; only 0 and 1"),
        (MASKS.astype(str), "mask 0: not binary: <U5 with the values False, True; only"),
    ],
)
def test_masks_that_are_not_binary(metric, mask, message):
    with pytest.raises(ValueError, match=message):
        metric(SCORES, mask)


@pytest.mark.parametrize("metric", PIXEL)
def test_complex_scores_are_an_error(metric):
    with pytest.raises(ValueError, match="image 0: scores are of type complex64; real numbers"):
        metric(SCORES * np.complex64(1j), MASKS)


@pytest.mark.parametrize("metric", IMAGE)
def test_image_scores(metric):
    with pytest.raises(ValueError, match=r"the scores are \[2\] and the labels \[3\]"):
        metric([0.1, 0.2], [0, 1, 1])
    with pytest.raises(ValueError, match="images: 1 scores are NaN, 1 are infinite"):
        metric([np.nan, np.inf, 1], [0, 1, 1])
    with pytest.raises(ValueError, match="labels: not binary: int64 with the values 0, 2; only"):
        metric([0.1, 0.2], [0, 2])
    with pytest.raises(ValueError, match="labels: not binary: <U7 with the values anomaly, good"):
        metric([0.1, 0.2], ["good", "anomaly"])


@pytest.mark.parametrize("metric", PIXEL[:-1])
def test_types_and_lists_make_no_difference(metric):
    def value(scores, masks):
        result = metric(scores, masks)
        return result if isinstance(result, float) else np.concatenate([result.f1, result.iou])

    levels = np.round(SCORES * 20)
    expected = value(levels, MASKS)
    for scores in (levels.astype(np.int16), levels.astype(np.float16), levels.astype(np.float64)):
        for masks in (MASKS, MASKS.astype(np.uint8), MASKS.astype(np.float32)):
            np.testing.assert_array_equal(value(scores, masks), expected)
    np.testing.assert_array_equal(value(list(levels), list(MASKS)), expected)
    np.testing.assert_array_equal(value(levels[:, ::-1], MASKS[:, ::-1]), expected)


def test_float64_scores_are_not_rounded():
    scores = np.array([[[1.0, 1.0 + 1e-12]]])
    masks = np.array([[[0, 1]]])
    single = np.zeros((1, 2), dtype=np.float32)
    for metric in (metrics.pixel_auroc, metrics.pixel_ap, metrics.pro, metrics.iou_max):
        assert metric(scores, masks) == 1
        # Also if another image of the test set comes as float32.
        assert metric([single, scores[0]], [single, masks[0]]) == 1


def test_images_of_different_sizes():
    scores = [np.array([[0.1, 0.9]]), np.array([[0.2], [0.8], [0.3]])]
    masks = [np.array([[0, 1]]), np.array([[0], [1], [0]])]
    for metric in (metrics.xauc, metrics.pixel_auroc, metrics.pro, metrics.iou_max):
        assert metric(scores, masks) == 1


def test_the_input_is_not_changed():
    scores, masks = SCORES.copy(), MASKS.copy()
    for metric in PIXEL:
        metric(scores, masks)
    np.testing.assert_array_equal(scores, SCORES)
    np.testing.assert_array_equal(masks, MASKS)
