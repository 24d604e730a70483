"""Properties that hold for any scores and masks, tested by hypothesis."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from aexad.evaluation import metrics

SIZES = st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 6))
RANKS = {
    name: getattr(metrics, name)
    for name in ("xauc", "pixel_auroc", "pixel_ap", "f1_max", "iou_max", "pro")
}
every_metric = pytest.mark.parametrize("name", RANKS)


@st.composite
def cases(draw, distinct=False):
    """Draw integer scores, with ties or distinct, and any masks."""
    shape = draw(SIZES)
    pixels = int(np.prod(shape))
    if distinct:
        scores = np.array(draw(st.permutations(range(pixels))), dtype=np.float64).reshape(shape)
    else:
        scores = draw(arrays.arrays(np.int8, shape, elements=st.integers(-4, 4))).astype(np.float32)
    return scores, draw(arrays.arrays(np.bool_, shape))


def same(one, other):
    return one == pytest.approx(other, abs=1e-12, nan_ok=True)


@every_metric
@given(cases())
def test_a_strictly_increasing_transform_changes_nothing(name, case):
    scores, masks = case
    for transform in (np.exp, lambda s: s**3 + 7, lambda s: -1 / (s + 5)):
        assert same(RANKS[name](transform(scores.astype(np.float64)), masks), RANKS[name](*case))


@every_metric
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_the_images_changes_nothing(name, case, random):
    scores, masks = case
    order = list(range(len(scores)))
    random.shuffle(order)
    assert same(RANKS[name](scores[order], masks[order]), RANKS[name](scores, masks))


@every_metric
@given(cases())
def test_a_mirror_changes_nothing(name, case):
    scores, masks = case
    assert same(RANKS[name](scores[:, ::-1], masks[:, ::-1]), RANKS[name](scores, masks))
    flipped = scores.swapaxes(1, 2), masks.swapaxes(1, 2)
    assert same(RANKS[name](*flipped), RANKS[name](scores, masks))


@every_metric
@given(cases())
def test_values_lie_between_0_and_1_or_are_missing(name, case):
    value = RANKS[name](*case)
    missing = case[1].all() or not case[1].any()
    assert 0 <= value <= 1 or (np.isnan(value) and (missing or name == "xauc"))


@given(cases(distinct=True))
def test_negated_scores_without_ties_give_the_complement(case):
    scores, masks = case
    for name in ("xauc", "pixel_auroc"):
        assert same(RANKS[name](-scores, masks), 1 - RANKS[name](scores, masks))


@given(cases())
def test_negated_scores_with_ties_give_the_complement_too(case):
    scores, masks = case
    assert same(metrics.pixel_auroc(-scores, masks), 1 - metrics.pixel_auroc(scores, masks))


@given(cases(), st.floats(0.01, 1), st.floats(0.01, 1))
def test_pro_rises_with_the_limit(case, one, other):
    value = metrics.pro(*case, min(one, other))
    assume(not np.isnan(value))
    assert value <= metrics.pro(*case, max(one, other)) + 1e-12


@given(st.lists(st.integers(0, 5), min_size=4, max_size=4), st.integers(1, 3), st.floats(0.05, 1))
def test_a_region_split_in_two_is_the_mean_of_its_parts(values, first, limit):
    # Four anomalous pixels in a row, then the same in two parts, with a normal pixel in between.
    background = [1.5, 2.5, 3.0, 3.5, 0.0]
    parts = [values[:first], values[first:]]
    scores = np.array([[*parts[0], -9, *parts[1], -9, *background]], dtype=np.float64)
    masks = np.array([[1] * first + [0] + [1] * (4 - first) + [0] * 6], dtype=bool)
    alone = []
    for part in parts:
        single = np.array([[[*part, -9, -9, *background]]], dtype=np.float64)
        alone.append(metrics.pro(single, np.arange(single.size)[None, None] < len(part), limit))
    assert same(metrics.pro(scores[None], masks[None], limit), np.mean(alone))


@given(cases())
def test_one_pass_gives_the_single_values(case):
    scores, masks = case
    summary = metrics.pixel_summary(zip(scores, masks, strict=True))
    assert same(summary.pooled.auroc, metrics.pixel_auroc(scores, masks))
    assert same(summary.pooled.average_precision, metrics.pixel_ap(scores, masks))
    assert same(summary.pooled.f1_max, metrics.f1_max(scores, masks))
    assert same(summary.pooled.iou_max, metrics.iou_max(scores, masks))
    assert same(summary.pro, metrics.pro(scores, masks))
    np.testing.assert_array_equal(summary.xauc, metrics.xauc_per_image(scores, masks))
    sweep = metrics.threshold_sweep(scores, masks)
    for ours, alone in zip(summary.sweep, sweep, strict=True):
        np.testing.assert_array_equal(ours, alone)
    np.testing.assert_array_equal(summary.anomalous_pixels, masks.sum(axis=(1, 2)))


@given(cases())
def test_the_best_values_are_at_least_those_of_any_binary_map(case):
    scores, masks = case
    for threshold in np.unique(scores):
        binary = (scores > threshold).astype(np.float64)
        marked, hits = binary.sum(), (binary * masks).sum()
        if masks.any() and not masks.all():
            assert metrics.f1_max(scores, masks) >= 2 * hits / (marked + masks.sum()) - 1e-12
            assert metrics.iou_max(scores, masks) >= hits / (marked + masks.sum() - hits) - 1e-12
