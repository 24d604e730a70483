"""Test sets with float scores, with many ties, and with constant scores."""

import numpy as np
import pytest
from scipy import ndimage

LEVELS = {"random": None, "5 levels": 5, "20 levels": 20, "constant": 1}


def make_test_set(levels, seed=0):
    """Six maps with blobs as masks; the first image is good, the second also has a single pixel."""
    rng = np.random.default_rng(seed)
    masks = ndimage.gaussian_filter(rng.random((6, 30, 40)), (0, 2, 2)) > 0.54
    masks[0] = False
    masks[1, -1, -1] = True
    scores = rng.random(masks.shape) * 0.7 + 0.3 * masks
    if levels:
        scores = np.floor(scores * levels) / levels if levels > 1 else np.full(scores.shape, 0.5)
    return scores.astype(np.float32), masks


@pytest.fixture
def random_test_set():
    return make_test_set(None)


@pytest.fixture(params=LEVELS)
def levels(request):
    return LEVELS[request.param]


@pytest.fixture(params=[0, 1], ids=["seed 0", "seed 1"])
def scores_and_masks(request, levels):
    return make_test_set(levels, request.param)
