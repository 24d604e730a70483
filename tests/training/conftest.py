import numpy as np
import pytest

from aexad.data.training_set import TrainingSet


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    images = rng.integers(60, 120, (12, 32, 32, 3), dtype=np.uint8)
    masks = np.zeros((12, 32, 32), dtype=bool)
    for i in range(8, 12):
        masks[i, 4:12, 8:20] = True
        images[i][masks[i]] = 230
    weight = np.array([1] * 8 + [5, 5, 1, 1])
    source = np.array([f"image {i}" for i in range(12)])
    return TrainingSet(images, masks, weight, source, np.zeros(12, dtype=bool), 32)
