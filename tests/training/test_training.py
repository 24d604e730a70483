import numpy as np
import pytest
import torch

from aexad.config.recipe import Recipe
from aexad.methods.model import build_model
from aexad.runtime.errors import TrainingError
from aexad.training.model_store import save_model
from aexad.training.train import train

CPU = torch.device("cpu")
CNN = {"encoder": "test_resnet.r160_in1k", "weights": "none", "batch_size": 6}
VIT = {"encoder": "test_vit.r160_in1k", "weights": "none", "tuning": "full", "batch_size": 6}


@pytest.mark.parametrize("recipe", [CNN, VIT, CNN | {"loss": "mse"}])
def test_training_lowers_the_loss_and_its_parts_add_up(data, recipe):
    model = build_model(Recipe(**recipe, epochs=12), 32, 0)
    history = train(model, data, CPU).history
    assert history["epoch"].tolist() == list(range(1, 13))
    assert history["loss"].iloc[-1] < 0.8 * history["loss"].iloc[0]
    np.testing.assert_allclose(
        history["loss_normal"] + history["loss_anomalous"], history["loss"], rtol=1e-6
    )
    assert (history["loss_anomalous"] > 0).all() == (recipe.get("loss") != "mse")


def test_frozen_features_change_nothing(data):
    """The loop on stored features takes the steps of one that runs the encoder each time."""
    recipe = Recipe(**CNN, epochs=3, precision="fp32")
    stored, rerun = build_model(recipe, 32, 0), build_model(recipe, 32, 0)
    fast = train(stored, data, CPU).history
    # Tuning "full" without trainable encoder parameters is the plain loop: encoder in each step.
    rerun.network.tuning = "full"
    plain_recipe = recipe.model_copy(update={"tuning": "full"})
    slow = train(rerun._replace(recipe=plain_recipe), data, CPU).history
    np.testing.assert_allclose(fast["loss"], slow["loss"], rtol=1e-5)


def test_the_same_seed_gives_the_same_bytes(tmp_path, data):
    files = []
    for name in ("a", "b"):
        model = build_model(Recipe(**VIT, epochs=2), 32, 0)
        history = train(model, data, CPU).history
        save_model(model, tmp_path / name)
        files.append(((tmp_path / name).read_bytes(), history.drop(columns="seconds").to_csv()))
    assert files[0] == files[1]


DRAWN = """
import pandas as pd
import torch
from aexad.methods.base import Method


class Drawn(Method):
    learned = ("drawn",)

    def fit(self, data, job):
        self.register_buffer("drawn", torch.rand(3))
        return pd.DataFrame([{"epoch": 1}])

    def forward(self, images):
        return images[:, :1] * self.drawn[0]
"""


def test_the_seed_decides_what_a_fit_of_ones_own_draws(tmp_path, data, monkeypatch):
    (tmp_path / "drawn.py").write_text(DRAWN)
    monkeypatch.chdir(tmp_path)

    def drawn(seed, before):
        model = build_model(Recipe(model="drawn.py:Drawn"), 32, seed)
        torch.rand(before)  # of another part of the process
        train(model, data, CPU)
        return model.network.drawn.tolist()

    assert drawn(0, before=1) == drawn(0, before=2) != drawn(1, before=1)


def test_weights_that_are_not_finite_after_the_last_update_are_refused(data):
    model = build_model(Recipe(**CNN | {"batch_size": 99}, epochs=1), 32, 0)
    weight = model.network.decoder.to_image.weight
    weight.register_hook(lambda gradient: gradient * float("nan"))
    with pytest.raises(TrainingError, match=r"'decoder.to_image.weight' holds NaN .*; lower opt"):
        train(model, data, CPU, compiled=False)


def test_a_loss_that_is_not_finite_stops_and_says_where(data):
    model = build_model(Recipe(**CNN, epochs=2), 32, 0)
    with torch.no_grad():
        next(model.network.decoder.parameters()).fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"nan in epoch 1 at learning rate 0.001.*image \d"):
        train(model, data, CPU)
