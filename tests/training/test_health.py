"""The guard: a collapsed training is told from a healthy one, starts again, and is recorded."""

import math

import pandas as pd
import pytest
import torch
from small_sets import GROUNDS, SIDE, small_set

from aexad.config.recipe import Recipe
from aexad.methods.model import build_model
from aexad.training import loop
from aexad.training.checkpoint import Checkpoints
from aexad.training.health import Examiner, Health
from aexad.training.loop import Training
from aexad.training.model_store import save_model
from aexad.training.step import anomaly_weight
from aexad.training.train import train

CPU = torch.device("cpu")
CNN = {"encoder": "test_resnet.r160_in1k", "weights": "none", "epochs": 1}
PAPER = CNN | {"least_updates": 100, "on_collapse": "go_on"}
PHOTOGRAPHS = CNN | {"least_updates": 600, "gentle_start": 300}


def trained(recipe, data, seed=0, **options):
    model = build_model(Recipe(**recipe), data.size, seed)
    return model, train(model, data, CPU, compiled=False, **options)


@pytest.fixture(scope="module")
def network():
    return build_model(Recipe(**CNN), 32, 0).network


@pytest.fixture(scope="module")
def images():
    """Four images, half dark and half bright, and masks of a corner of the last two."""
    images = torch.full((4, 3, 32, 32), 0.3)
    images[..., 16:] = 0.7
    masks = torch.zeros(4, 1, 32, 32, dtype=torch.bool)
    masks[2:, :, :8, :8] = True
    return images, masks


class TestExamination:
    def test_a_perfect_reconstruction(self, network, images):
        x, y = images
        health = Examiner(network, x, y).examine(x.where(~y, 1.0))
        assert health.saturated == 0
        assert health.error_normal == 0
        assert health.error_anomalous == pytest.approx(0.7**2 / 1.7**2)
        assert health.relative_loss < 0.9
        assert health.collapse == ""

    @pytest.mark.parametrize("colour", [0.0, 1.0])
    def test_black_or_white(self, network, images, colour):
        x, y = images
        health = Examiner(network, x, y).examine(torch.full_like(x, colour))
        assert health.saturated == 1
        assert health.collapse == "saturated"

    def test_one_grey(self, network, images):
        x, y = images
        grey = torch.full_like(x, 0.5)
        health = Examiner(network, x, y).examine(grey)
        assert health.relative_loss >= 1
        # Half of the pixels are 0.3, half 0.7; the masks cover 128 of the dark ones.
        dark, bright = 0.2**2 / 1.7**2, 0.2**2 / 1.3**2
        assert health.error_normal == pytest.approx((1920 * dark + 2048 * bright) / 3968)
        assert health.collapse == "constant"

    def test_the_best_single_colour_has_the_relative_loss_one(self, network, images):
        """By search over 101 greys, with the loss of the network summed by hand."""
        x, y = images
        examiner = Examiner(network, x, y)
        losses = [
            float(network.loss(x, torch.full_like(x, grey / 100), y).sum()) for grey in range(101)
        ]
        assert examiner.single_colour == pytest.approx(min(losses), rel=0.01)

    def test_normal_pixels_are_rebuilt_worse_than_anomalous_ones(self, network, images):
        x, y = images
        health = Examiner(network, x, y).examine((x + 0.1).where(~y, x))
        assert health.error_anomalous == 0
        assert health._replace(relative_loss=0.9).collapse == "inverted"

    def test_white_paper_with_dark_defects_may_be_rebuilt_as_white(self, network):
        x = torch.full((2, 3, 32, 32), 0.97)
        masks = torch.zeros(2, 1, 32, 32, dtype=torch.bool)
        masks[1, :, 4:9, 4:9] = True
        x = x.where(~masks, 0.3)
        health = Examiner(network, x, masks).examine(torch.ones_like(x))
        assert math.isnan(health.saturated)
        assert health.relative_loss > 0.95
        assert health.collapse == ""

    def test_without_anomalies(self, images):
        x, y = images
        plain = build_model(Recipe(**CNN, loss="mse"), 32, 0).network
        examiner = Examiner(plain, x, torch.zeros_like(y))
        assert examiner.examine(x).collapse == ""
        flat = examiner.examine(torch.full_like(x, 0.5))
        assert math.isnan(flat.error_anomalous)
        assert flat.relative_loss == pytest.approx(1)
        assert flat.collapse == "constant"


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("kind", GROUNDS)
def test_no_small_set_collapses_with_the_recipe_for_photographs(kind, seed):
    _, result = trained(PHOTOGRAPHS, small_set(kind, seed), seed)
    assert result.collapse == ""
    assert result.collapsed == []
    last = result.history.iloc[-1]
    assert last["error_anomalous"] > 3 * last["error_normal"]


def test_the_paper_s_recipe_collapses_on_a_bright_ground_and_is_caught():
    _, result = trained(PAPER, small_set("bright", 0))
    assert result.collapse == "saturated"
    assert result.collapsed == []
    assert result.history["saturated"].iloc[-1] == 1


def test_a_short_training_is_not_judged():
    _, result = trained(PAPER | {"least_updates": 98}, small_set("bright", 0))
    assert result.collapse == ""
    assert result.history["relative_loss"].iloc[-1] > 0.95


def test_ten_examinations_in_the_course():
    _, result = trained(PAPER | {"least_updates": 0, "epochs": 23}, small_set("grey", 0))
    examined = result.history.dropna(subset="relative_loss")["epoch"]
    assert examined.to_list() == [3, 5, 7, 10, 12, 14, 17, 19, 21, 23]
    assert set(Health._fields) <= set(result.history.columns)


def test_an_examination_changes_no_bit_of_the_training(tmp_path, monkeypatch):
    recipe = CNN | {"epochs": 10, "tuning": "full"}  # batch norms that learn

    def stored(name):
        save_model(trained(recipe, small_set("grey", 0))[0], tmp_path / name)
        return (tmp_path / name).read_bytes()

    with_examinations = stored("with")
    sound = Health(0.5, 0.0, 0.1, 0.9)
    monkeypatch.setattr(Training, "_examine", lambda self, examiner: sound)
    assert stored("without") == with_examinations


class TestRestart:
    RECIPE = PAPER | {"least_updates": 100, "on_collapse": "restart"}

    def test_a_collapsed_training_starts_again_gently_and_is_healthy(self, caplog):
        _, result = trained(self.RECIPE, small_set("bright", 0))
        (attempt,) = result.collapsed
        assert attempt.pop("seconds") > 0
        expected = {"learning_rate": 1e-3, "gentle_start": 0, "epochs": 25}
        assert attempt == expected | {"collapse": "saturated"}
        assert "starts again, with the learning rate 0.001 and a gentle start of 300" in caplog.text
        assert result.collapse == ""
        assert result.settings["updates"] == len(result.history) * 2 == 600
        slow = self.RECIPE | {"gentle_start": 300, "on_collapse": "go_on"}
        _, alone = trained(slow, small_set("bright", 0))
        course, expected = (r.history.drop(columns="seconds") for r in (result, alone))
        pd.testing.assert_frame_equal(course, expected, rtol=1e-4)
        assert result.seconds["training"] > result.history["seconds"].sum()

    def test_plain_reconstruction_starts_again_with_a_fifth_of_the_rate(self, monkeypatch):
        monkeypatch.setattr(
            Training, "_examine", lambda self, examiner: Health(1.0, 1.0, 0.1, math.nan)
        )
        _, result = trained(self.RECIPE | {"loss": "mse"}, small_set("grey", 0))
        rates = [attempt["learning_rate"] for attempt in result.collapsed]
        assert rates == pytest.approx([1e-3, 2e-4])
        assert result.history["learning_rate"].to_list() == pytest.approx([4e-5] * 100)
        assert result.collapse == "saturated"

    def test_a_killed_training_resumes_in_its_attempt(self, tmp_path, monkeypatch):
        data = small_set("bright", 0)
        whole = trained(self.RECIPE, data)[0]
        save_model(whole, tmp_path / "whole")
        where = Checkpoints(tmp_path / "checkpoint.safetensors", 10, {})
        calls = [0]
        epoch_of = Training._epoch

        def until(self, number):
            calls[0] += 1
            if calls[0] == 48:  # epoch 23 of the second attempt
                raise KeyboardInterrupt
            return epoch_of(self, number)

        with monkeypatch.context() as patch:
            patch.setattr(Training, "_epoch", until)
            with pytest.raises(KeyboardInterrupt):
                trained(self.RECIPE, data, checkpoints=where)
        resumed, result = trained(self.RECIPE, data, checkpoints=where)
        assert result.resumed_after == 20
        assert len(result.collapsed) == 1
        save_model(resumed, tmp_path / "resumed")
        assert (tmp_path / "resumed").read_bytes() == (tmp_path / "whole").read_bytes()

    def test_a_training_that_is_healthy_at_half_goes_on(self, monkeypatch):
        first = iter([Health(1.0, 1.0, 0.1, 0.1)] * 4 + [Health(0.5, 0.0, 0.1, 0.9)] * 6)
        monkeypatch.setattr(Training, "_examine", lambda self, examiner: next(first))
        _, result = trained(self.RECIPE, small_set("grey", 0))
        assert result.collapsed == []
        assert result.collapse == ""

    def test_a_training_that_collapses_late_starts_again(self, monkeypatch):
        sound, white = Health(0.5, 0.0, 0.1, 0.9), Health(1.0, 1.0, 0.1, 0.1)
        health = iter([sound] * 9 + [white] + [sound] * 10)
        monkeypatch.setattr(Training, "_examine", lambda self, examiner: next(health))
        _, result = trained(self.RECIPE, small_set("grey", 0))
        assert [attempt["epochs"] for attempt in result.collapsed] == [50]
        assert result.collapse == ""


def test_the_weight_of_anomalous_pixels_rises_by_the_same_factor():
    assert [anomaly_weight(3, update) for update in (1, 2, 3, 4)] == pytest.approx(
        [0.01, 0.1, 1, 1]
    )
    assert anomaly_weight(0, 1) == 1


def test_a_gentle_start_weighs_anomalous_pixels_less(monkeypatch):
    """One update against plain torch, with a weight of a hundredth."""
    data = small_set("grey", 0)
    recipe = Recipe(**CNN, gentle_start=3, batch_size=32)
    model = build_model(recipe, SIDE, 0)
    seen = []
    step = loop.Step.__call__

    def kept(self, features, x, y):
        seen.append((x, y, self.network.decode(features)))
        return step(self, features, x, y)

    monkeypatch.setattr(loop.Step, "__call__", kept)
    monkeypatch.setattr(torch.optim.Adam, "step", lambda self: None)
    monkeypatch.setattr(loop, "anomaly_weight", lambda gentle_start, update: 0.01)
    train(model, data, CPU, compiled=False)
    x, y, reconstruction = seen[-1]
    terms = model.network.loss(x, reconstruction, y)
    parameters = [p for p in model.network.parameters() if p.requires_grad]
    expected = torch.autograd.grad((terms * torch.where(y, 0.01, 1.0)).sum() / len(x), parameters)
    for parameter, gradient in zip(parameters, expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-3)
