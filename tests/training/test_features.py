import logging
import shutil

import numpy as np
import pytest
import torch

from aexad.config.recipe import Recipe
from aexad.methods.model import build_model
from aexad.training.features import features_of
from aexad.training.images import TrainingImages
from aexad.training.job import TrainingJob
from aexad.training.train import train

CPU = torch.device("cpu")
CNN = {"encoder": "test_resnet.r160_in1k", "weights": "none", "batch_size": 6, "epochs": 2}


class Counting:
    """A network's frozen part that counts the images it is given."""

    def __init__(self):
        self.images = 0

    def features(self, images):
        self.images += len(images)
        return images.repeat(1, 5, 1, 1)


def photos(chosen):
    return torch.arange(40.0)[chosen].view(-1, 1, 1, 1).expand(-1, 3, 8, 8)


USED = np.array([0, 1, 3, 5, 8, 39])
BYTES = len(USED) * 15 * 8 * 8 * 4


def make(tmp_path, network, budget_mb, dtype=torch.float32):
    return features_of(
        network, photos, USED, device=CPU, dtype=dtype, budget_mb=budget_mb, folder=tmp_path
    )


@pytest.mark.parametrize(("budget_mb", "kept"), [(1, "memory"), (0, "disk")])
def test_each_image_is_encoded_once_and_its_features_are_those(tmp_path, budget_mb, kept):
    network = Counting()
    features = make(tmp_path, network, budget_mb)
    assert features.kept == kept
    assert network.images == len(USED) + 1  # one more, for the shape
    chosen = torch.tensor([39, 3, 3, 0])
    for _ in range(3):
        torch.testing.assert_close(features.of(chosen), photos(chosen).repeat(1, 5, 1, 1))
    assert network.images == len(USED) + 1
    assert not list(tmp_path.iterdir())  # the file has no name, so none is left behind


def test_images_that_are_not_trained_on_have_no_features(data):
    model = build_model(Recipe(**CNN, loss="mse"), 32, 0)  # trains on images 0 to 7
    job = TrainingJob(model, TrainingImages(model, data, CPU, None, None), 100, None, False)
    (features, _), *_ = job.features(np.array([7, 0]))
    assert len(features) == 2
    with pytest.raises(ValueError, match=r"image 8 has no features.*set uses_labels to True"):
        next(job.features(np.array([0, 8])))


def test_on_a_full_disk_features_are_computed_in_each_step(tmp_path, monkeypatch, caplog):
    full = shutil._ntuple_diskusage(100, 100, 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: full)
    with caplog.at_level(logging.INFO):
        features = make(tmp_path, Counting(), 0)
    assert features.kept == "not"
    chosen = torch.tensor([39, 3])
    torch.testing.assert_close(features.of(chosen), photos(chosen).repeat(1, 5, 1, 1))
    assert f"{tmp_path} is full: they are computed in each step" in caplog.text


def test_reduced_precision_takes_half_the_memory(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        make(tmp_path, Counting(), 1)
        make(tmp_path, Counting(), 1, torch.bfloat16)
    whole, half = (
        f"{size / 1e6:.0f} MB as {name}"
        for size, name in [(BYTES, "float32"), (BYTES / 2, "bfloat16")]
    )
    assert whole in caplog.text
    assert half in caplog.text


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_where_features_are_kept_changes_no_number(data, precision, monkeypatch):
    def history(**options):
        model = build_model(Recipe(**CNN, precision=precision), 32, 0)
        result = train(model, data, CPU, **options)
        return result.settings["features"], result.history.drop(columns="seconds")

    kept, memory = history()
    assert kept == "memory"
    kept, disk = history(feature_memory_mb=0)
    assert kept == "disk"
    full = shutil._ntuple_diskusage(100, 100, 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: full)
    kept, computed = history(feature_memory_mb=0)
    assert kept == "not"
    assert memory.equals(disk)
    losses = ["loss", "loss_normal", "loss_anomalous"]
    np.testing.assert_allclose(memory[losses], computed[losses], rtol=1e-5)
    # Examined in other batches than they are trained in: bfloat16 rounds differently.
    np.testing.assert_allclose(memory, computed, rtol=1e-3)


def test_banks_are_of_features_in_full_precision(data):
    """There is no next layer that would round them; the recorded precision says so."""

    def bank(precision):
        recipe = Recipe(**CNN | {"model": "two_bank"}, precision=precision)
        model = build_model(recipe, 32, 0)
        trained = train(model, data, CPU)
        assert trained.settings["precision"] == "fp32"
        return model.network.state_dict()

    full, asked = bank("fp32"), bank("bf16")
    assert full.keys() == asked.keys()
    assert all(torch.equal(full[name], asked[name]) for name in full)
