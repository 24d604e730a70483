import logging

import numpy as np
import pytest
import torch

from aexad.config.recipe import Recipe
from aexad.methods.model import build_model
from aexad.runtime.errors import TrainingError
from aexad.training import features, memory
from aexad.training.step import Step
from aexad.training.train import train

CPU = torch.device("cpu")
CNN = {"encoder": "test_resnet.r160_in1k", "weights": "none", "batch_size": 6, "epochs": 3}
VIT = {"encoder": "test_vit.r160_in1k", "weights": "none", "tuning": "full"} | {
    "batch_size": 6,
    "epochs": 3,
    "precision": "fp32",
}


def test_a_batch_that_does_not_fit_is_taken_in_parts_with_the_same_gradient(data, caplog):
    whole = train(build_model(Recipe(**VIT), 32, 0), data, CPU)
    assert whole.settings["images_at_once"] == 6
    with caplog.at_level(logging.INFO):
        parts = train(build_model(Recipe(**VIT), 32, 0), data, CPU, step_memory_mb=1)
    assert 1 <= parts.settings["images_at_once"] < 6
    assert parts.settings["step_memory_mb"] == 1
    assert "whose gradients are added" in caplog.text
    np.testing.assert_allclose(parts.history["loss"], whole.history["loss"], rtol=1e-4)


def test_what_is_kept_for_the_backward_pass_grows_with_the_images_and_is_measured():
    layer = torch.nn.Linear(1000, 1000)

    def loss_of_first():
        return layer(torch.ones(1, 1000, requires_grad=True)).exp().sum()  # keeps 2 x 4000 bytes

    for budget_mb, fitting in [(1.0, 16), (0.05, 6), (0.0, 1)]:
        assert memory.images_at_once(layer, loss_of_first, 16, budget_mb) == fitting


def test_free_memory_decides_nothing(data, monkeypatch):
    """The size of the parts changes the last bits of a result, so it must not vary."""
    monkeypatch.setattr(features, "free_memory_mb", lambda device: 1.0)
    trained = train(build_model(Recipe(**VIT), 32, 0), data, CPU)
    assert trained.settings["images_at_once"] == 6


def test_batch_norms_that_learn_see_the_whole_batch(data):
    model = build_model(Recipe(**CNN, tuning="full"), 32, 0)
    assert train(model, data, CPU, step_memory_mb=1).settings["images_at_once"] == 6


def test_a_loss_of_whole_batches_sees_the_whole_batch(data):
    recipe = Recipe(**CNN, model="bgad", features=[1, 2], options={"blocks": 2})
    whole = train(build_model(recipe, 32, 0), data, CPU)
    tight = train(build_model(recipe, 32, 0), data, CPU, step_memory_mb=1)
    assert tight.settings["images_at_once"] == 6
    assert tight.history["loss"].equals(whole.history["loss"])


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
    ],
    ids=["python", "cuda", "cpu", "linux"],
)
def test_out_of_memory_says_what_to_lower(data, monkeypatch, error):
    def fail(*args):
        raise error

    monkeypatch.setattr(Step, "__call__", fail)
    with pytest.raises(TrainingError, match=r"out of memory on cpu.*lower step_memory_mb"):
        train(build_model(Recipe(**CNN), 32, 0), data, CPU)


def test_another_error_is_not_taken_for_a_lack_of_memory(data, monkeypatch):
    def fail(*args):
        raise RuntimeError("size mismatch")

    monkeypatch.setattr(Step, "__call__", fail)
    with pytest.raises(RuntimeError, match="size mismatch"):
        train(build_model(Recipe(**CNN), 32, 0), data, CPU)
