"""Counts on the grid of thresholds against direct counts."""

import numpy as np
import pytest
from scipy import ndimage

from aexad.evaluation import metrics
from aexad.evaluation.metrics.image_counts import image_counts
from aexad.evaluation.metrics.pro import regions_of
from aexad.report.stats.resampling import read_counts
from aexad.runtime.files import write_npz


def test_counts_of_a_hand_made_image():
    score = np.array([[9.0, 8.0, 1.0], [7.0, 0.0, 2.0]])
    mask = np.array([[1, 0, 0], [0, 0, 1]], dtype=bool)
    normal = np.sort(score[~mask])
    counts = image_counts([normal], [regions_of(score, mask)])
    assert counts.regions.tolist() == [2]
    # The last threshold marks every pixel, the first one none but the highest.
    assert counts.false_positives[0, [0, -1]].tolist() == [0, 4]
    assert counts.true_positives[0, [0, -1]].tolist() == [1, 2]
    assert counts.recall[0, [0, -1]].tolist() == [1, 2]


def test_counts_come_back_from_their_file(random_test_set, tmp_path):
    counts = metrics.pixel_summary(zip(*random_test_set, strict=True)).counts
    write_npz(tmp_path / "counts.npz", counts.to_arrays())
    for written, read in zip(counts, read_counts(tmp_path / "counts.npz"), strict=True):
        assert read.dtype == written.dtype
        assert read == pytest.approx(written, abs=1e-6)


def test_counts_equal_direct_counts(random_test_set):
    scores, masks = random_test_set
    summary = metrics.pixel_summary(zip(scores, masks, strict=True))
    regions = [ndimage.label(mask, np.ones((3, 3)))[0] for mask in masks]
    false, true, recall, number = summary.counts
    assert number.tolist() == [region.max() for region in regions]
    # Between two thresholds nothing is known, so counts are compared through the thresholds that
    # give each number of false positives of the first image with normal pixels.
    image = int(np.argmax((~masks).sum(axis=(1, 2))))
    for column in range(0, false.shape[1], 7):
        marked = false[image, column]
        if not 0 < marked < (~masks[image]).sum():
            continue
        limit = np.sort(scores[image][~masks[image]])[-marked]
        assert (scores[image][masks[image]] >= limit).sum() <= true[image, column]
    assert (np.diff(false, axis=1) >= 0).all()
    assert (np.diff(true, axis=1) >= 0).all()
    assert false[:, -1].tolist() == (~masks).sum(axis=(1, 2)).tolist()
    assert true[:, -1].tolist() == masks.sum(axis=(1, 2)).tolist()
    assert recall[:, -1] == pytest.approx(number)
