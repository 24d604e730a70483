import pytest
import timm
import torch
from safetensors.torch import save_file


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
