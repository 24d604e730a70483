"""Ten times the images: at most eleven times as long, and no more memory than is given."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch

from aexad.config.recipe import Recipe
from aexad.data.training_set import TrainingSet
from aexad.methods.model import build_model
from aexad.training.features import features_of
from aexad.training.train import train

CPU = torch.device("cpu")
CNN = {"encoder": "test_resnet.r160_in1k", "weights": "none", "batch_size": 8, "epochs": 2}
STATUS = Path("/proc/self/status")


def data_of(images):
    rng = np.random.default_rng(0)
    masks = np.zeros((images, 32, 32), dtype=bool)
    masks[::4, 4:12, 8:20] = True
    return TrainingSet(
        rng.integers(0, 256, (images, 32, 32, 3), dtype=np.uint8),
        masks,
        np.ones(images, dtype=int),
        np.arange(images).astype(str),
        np.zeros(images, dtype=bool),
        32,
    )


def test_ten_times_the_images_take_at_most_eleven_times_as_long():
    seconds = {}
    for images in (60, 600, 60, 600):  # the least of two, because machines are shared
        model = build_model(Recipe(**CNN), 32, 0)
        data = data_of(images)
        start = time.process_time()
        train(model, data, CPU, compiled=False)
        took = time.process_time() - start
        seconds[images] = min(seconds.get(images, np.inf), took)
    assert seconds[600] <= 11 * seconds[60]


class Enlarging:
    """A frozen part whose features take 250 KB an image."""

    def features(self, images):
        return images.repeat(1, 5, 8, 8)


def anonymous_mb():
    """Memory of this process that is not backed by a file."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024 / 1e6


@pytest.mark.skipif(not STATUS.is_file(), reason="needs Linux, which tells a process its memory")
# 147 MB of features; batches that are under way, and their copies, take some 8 MB each.
@pytest.mark.parametrize(("budget_mb", "least", "most"), [(500, 130, 200), (20, 0, 60)])
def test_features_stay_within_the_memory_that_is_given(tmp_path, budget_mb, least, most):
    images = torch.rand(600, 3, 8, 8)
    before = anonymous_mb()
    features = features_of(
        Enlarging(),
        lambda chosen: images[chosen],
        np.arange(600),
        device=CPU,
        dtype=torch.float32,
        budget_mb=budget_mb,
        folder=tmp_path,
    )
    assert least <= anonymous_mb() - before <= most
    assert features.of(torch.tensor([599])).shape == (1, 15, 64, 64)
