import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from aexad.data.training_set import TrainingSet

SIZE = 32


def _store(folder, seed):
    torch.manual_seed(seed)
    model = timm.create_model("test_vit", num_classes=0)
    save_file(model.state_dict(), folder / "test_vit.r160_in1k.safetensors")
    return folder


@pytest.fixture
def vit_weights(tmp_path_factory):
    return _store(tmp_path_factory.mktemp("weights"), 0)


@pytest.fixture
def other_vit_weights(tmp_path_factory):
    return _store(tmp_path_factory.mktemp("weights"), 1)


@pytest.fixture
def data():
    """Nine noisy images of 32 x 32 pixels, the last three with a defect."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (9, SIZE, SIZE, 3), dtype=np.uint8)
    masks = np.zeros((9, SIZE, SIZE), dtype=bool)
    masks[6:, 8:20, 4:16] = True
    count = np.ones(9, dtype=np.int64)
    return TrainingSet(images, masks, count, np.arange(9).astype(str), count < 0, SIZE)
