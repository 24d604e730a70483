import logging

import numpy as np
import pytest
import torch

from aexad.config.recipe import Recipe
from aexad.methods.model import build_model
from aexad.training import step
from aexad.training.step import Step
from aexad.training.train import train

CPU = torch.device("cpu")
CNN = {"encoder": "test_resnet.r160_in1k", "weights": "none", "batch_size": 6, "epochs": 3}


def history(data, compiled, **recipe):
    model = build_model(Recipe(**CNN, **recipe), 32, 0)
    return train(model, data, CPU, compiled=compiled)


def test_compiling_changes_no_more_than_rounding(data):
    plain = history(data, compiled=False, precision="fp32")
    compiled = history(data, compiled=True, precision="fp32")
    assert compiled.settings["compiled"]
    np.testing.assert_allclose(compiled.history["loss"], plain.history["loss"], rtol=1e-5)


def test_reduced_precision_stays_near_the_exact_one(data):
    exact = history(data, compiled=False, precision="fp32").history
    reduced = history(data, compiled=False, precision="bf16").history
    assert not exact["loss"].equals(reduced["loss"])
    np.testing.assert_allclose(reduced["loss"], exact["loss"], rtol=0.02)


def test_without_a_compiler_training_goes_on(data, monkeypatch, caplog):
    def compiler(function, **options):
        def fail(*args):
            raise RuntimeError("no C++ compiler found\nand more")

        return fail

    monkeypatch.setattr(torch, "compile", compiler)
    result = history(data, compiled=True)
    assert not result.settings["compiled"]
    assert (
        "compiling failed (no C++ compiler found and more); training continues uncompiled"
        in caplog.text
    )
    plain = history(data, compiled=False).history
    assert result.history["loss"].equals(plain["loss"])


def test_terms_of_another_shape_are_of_whole_images(data, monkeypatch):
    network = build_model(Recipe(**CNN), 32, 0).network
    x, y = torch.rand(2, 3, 32, 32), torch.zeros(2, 1, 32, 32, dtype=torch.bool)
    y[1, 0, 0, 0] = True
    terms = torch.rand(2, 32, 32)  # [B, S, S], as a loss of one's own may give
    monkeypatch.setattr(network, "loss", lambda *_: terms)
    _, anomalous = Step(network, "fp32", False, 2)(network.features(x), x, y)
    torch.testing.assert_close(anomalous, terms[1].sum())


@pytest.mark.parametrize(("images", "pays"), [(100, False), (200_000, True)])
def test_compiling_is_decided_by_the_length_of_the_training(images, pays, caplog):
    with caplog.at_level(logging.INFO):
        assert step.pays_to_compile(images, 224) == pays
    assert ("pays" if pays else "would take longer") in caplog.text


def test_the_loss_of_a_batch_is_the_sum_of_that_of_its_images(data):
    model = build_model(Recipe(**CNN, precision="fp32"), 32, 0)
    x = torch.rand(3, 3, 32, 32)
    y = torch.zeros(3, 1, 32, 32, dtype=torch.bool)
    y[1:, :, 4:9, 4:9] = True
    run = Step(model.network, "fp32", compiled=False, batch_size=3)
    features = model.network.features(x)
    whole = torch.stack(run(features, x, y))
    single = sum(
        torch.stack(run(features[i : i + 1], x[i : i + 1], y[i : i + 1])) for i in range(3)
    )
    torch.testing.assert_close(whole, single)
    assert 0 < whole[1] < whole[0]
