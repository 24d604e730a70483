"""One pass over a test set: streaming, counts, memory."""

import tracemalloc
import weakref

import numpy as np
import pytest

from aexad.evaluation import metrics


def test_counts():
    masks = np.zeros((3, 4, 4), dtype=bool)
    masks[1, 0, 0] = masks[1, 3, 3] = masks[2, :2] = True
    scores = np.random.default_rng(0).random(masks.shape)
    summary = metrics.pixel_summary(zip(scores, masks, strict=True))
    assert summary.anomalous_pixels.tolist() == [0, 2, 8]
    assert summary.regions == 3


def test_images_can_be_streamed(random_test_set):
    scores, masks = random_test_set
    seen = []

    def one_by_one():
        for score, mask in zip(scores, masks, strict=True):
            assert all(reference() is None for reference in seen[:-1])
            score = score.copy()
            seen.append(weakref.ref(score))
            yield score, mask

    assert metrics.pixel_summary(one_by_one()).pro == metrics.pro(scores, masks)


@pytest.mark.parametrize("share", [0.03, 0.5, 0.97])
@pytest.mark.parametrize(
    "metric",
    [
        lambda scores, masks: metrics.pixel_summary(zip(scores, masks, strict=True)),
        metrics.pro,
        metrics.pixel_ap,
        metrics.xauc,
        metrics.iou,
    ],
    ids=["pixel_summary", "pro", "pixel_ap", "xauc", "iou"],
)
def test_memory_is_at_most_two_and_a_half_times_the_input(metric, share):
    tracemalloc.start()
    try:
        scores = np.random.default_rng(0).random((40, 160, 160), dtype=np.float32)
        masks = np.zeros(scores.shape, dtype=bool)
        masks[:, : int(160 * share)] = True
        tracemalloc.reset_peak()
        metric(scores, masks)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= 2.5 * (scores.nbytes + masks.nbytes)
