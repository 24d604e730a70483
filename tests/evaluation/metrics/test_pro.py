"""Per-region overlap: regions, false-positive limit, ties, good images."""

import numpy as np
import pytest

from aexad.evaluation.metrics import pixel_auroc, pro, xauc
from aexad.evaluation.metrics.pro import regions_of


def square(size=10, rows=slice(2, 5), columns=slice(2, 5)):
    mask = np.zeros((1, size, size), dtype=bool)
    mask[0, rows, columns] = True
    return mask


def test_closed_forms():
    mask = square()
    assert pro(mask * 1.0, mask) == 1
    assert pro(1.0 - mask, mask) == 0
    assert pro(np.full(mask.shape, 0.7), mask) == pytest.approx(0.15, abs=1e-15)
    assert np.isnan(pro(np.ones(mask.shape), mask & False))


@pytest.mark.parametrize("limit", [0.05, 0.3, 0.5, 1.0])
def test_a_constant_map_gives_half_the_limit(limit):
    mask = square()
    assert pro(np.zeros(mask.shape), mask, limit) == pytest.approx(limit / 2, abs=1e-15)


def test_two_diagonal_pixels_are_one_region():
    mask = np.eye(2, dtype=bool)
    assert regions_of(np.zeros((2, 2)), mask).size.tolist() == [2]
    apart = np.array([[1, 0, 1]], dtype=bool)
    assert regions_of(np.zeros((1, 3)), apart).size.tolist() == [1, 1]


def test_diagonal_pixels_in_the_value():
    # A lone third pixel is found, and one of the diagonal pair: recalls 1 and 1/2. As three
    # regions it would be 2/3.
    mask = np.zeros((1, 6, 6), dtype=bool)
    mask[0, 0, 0] = mask[0, 1, 1] = mask[0, 5, 5] = True
    scores = np.zeros(mask.shape)
    scores[0, 0, 0] = scores[0, 5, 5] = 1
    scores[0, 1, 1] = -1
    assert pro(scores, mask) == pytest.approx(3 / 4, abs=1e-15)


def test_each_region_weighs_the_same():
    # A region of 16 pixels is found, one of a single pixel is not: 1/2, not 16/17.
    mask = square(rows=slice(0, 4), columns=slice(0, 4))
    mask[0, 9, 9] = True
    scores = mask * 1.0
    scores[0, 9, 9] = -1
    assert pro(scores, mask) == pytest.approx(1 / 2, abs=1e-15)


def test_regions_of_all_images_weigh_the_same():
    # The first image has two regions, both found; the second one, missed: 2/3, not 1/2.
    masks = np.zeros((2, 5, 5), dtype=bool)
    masks[0, 0, 0] = masks[0, 4, 4] = masks[1, 2, 2] = True
    scores = masks * np.array([1.0, -1.0])[:, None, None]
    assert pro(scores, masks) == pytest.approx(2 / 3, abs=1e-15)


def test_good_images_count():
    # The 10 normal pixels above the anomaly are in the good image; 10 of 199 is a rate of 0.05.
    masks = np.zeros((2, 10, 10), dtype=bool)
    masks[0, 0, 0] = True
    scores = masks * 1.0
    scores[1, 0] = 2
    assert pro(scores, masks) == pytest.approx(1 - (10 / 199) / 0.3, abs=1e-15)


def test_the_curve_is_interpolated_at_the_limit():
    # 10 normal pixels, 4 of them level with the anomaly: the recall rises from rate 0 to 0.4, and
    # is 0.75 at 0.3. The triangle below is 0.3 * 0.75 / 2.
    scores = np.array([[[1.0] * 5 + [0.0] * 6]])
    masks = np.array([[[1] + [0] * 10]])
    assert pro(scores, masks) == pytest.approx(0.75 / 2, abs=1e-15)
    # Two pixels more above the slope: it begins at 0.2 and is at 0.25 of its height at 0.3.
    scores[0, 0, -2:] = 2
    assert pro(scores, masks) == pytest.approx(0.1 * 0.25 / 2 / 0.3, abs=1e-15)


def test_ties_just_at_the_limit():
    # 10 normal pixels: 3 above, so that the anomaly begins to be found just where the area ends.
    scores = np.array([[[1.0] + [2.0] * 3 + [1.0] * 4 + [0.0] * 3]])
    masks = np.array([[[1] + [0] * 10]])
    assert pro(scores, masks) == 0
    # One of the three is lower now: rate 0.2 to 0.6, recall 0.25 at the limit.
    scores[0, 0, 1] = 0
    assert pro(scores, masks) == pytest.approx(0.1 * 0.25 / 2 / 0.3, abs=1e-14)


def test_pixels_beyond_the_limit_add_no_area():
    masks = np.zeros((1, 1, 21), dtype=bool)
    masks[0, 0, 0] = True
    scores = np.arange(21.0).reshape(masks.shape)
    assert pro(scores, masks) == 0
    assert pro(scores, masks, limit=1.0) == 0
    assert pro(-scores, masks) == 1


def test_one_region_without_limit_is_the_auroc(scores_and_masks):
    scores, mask = scores_and_masks[0][:1], square(40)[:, :30]
    assert pro(scores, mask, limit=1.0) == pytest.approx(pixel_auroc(scores, mask), abs=1e-14)
    assert xauc(scores, mask) == pixel_auroc(scores, mask)


@pytest.mark.parametrize("limit", [0, -0.1, 1.01, 30])
def test_a_limit_outside_0_to_1_is_an_error(limit):
    with pytest.raises(ValueError, match=f"limit of the false-positive rate is {limit}"):
        pro(np.ones((1, 2, 2)), np.eye(2)[None], limit)
