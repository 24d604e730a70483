import pytest
import torch

from aexad.config.recipe import Recipe
from aexad.methods.model import build_model
from aexad.training.optimiser import learning_rate_factor, make_optimiser

CNN = {"encoder": "test_resnet.r160_in1k", "weights": "none", "batch_size": 6}
VIT = {"encoder": "test_vit.r160_in1k", "weights": "none", "tuning": "full", "batch_size": 6}


def test_cosine_goes_from_the_first_to_the_final_learning_rate():
    optimiser = {"learning_rate": 5e-4, "schedule": "cosine", "final_learning_rate": 1e-6}
    recipe = Recipe(**CNN, optimiser=optimiser, epochs=101)
    rates = [5e-4 * learning_rate_factor(recipe.optimiser, epoch, 101) for epoch in (1, 51, 101)]
    assert rates == pytest.approx([5e-4, (5e-4 + 1e-6) / 2, 1e-6])


def test_a_tuned_encoder_has_its_own_learning_rate():
    recipe = Recipe(**VIT, optimiser={"name": "adamw", "encoder_learning_rate": 1e-5})
    network = build_model(recipe, 32, 0).network
    optimiser = make_optimiser(network, recipe.optimiser)
    assert isinstance(optimiser, torch.optim.AdamW)
    assert [group["lr"] for group in optimiser.param_groups] == [1e-5, 1e-3]
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert sum(p.numel() for g in optimiser.param_groups for p in g["params"]) == trained


def test_frozen_parameters_are_left_out_and_the_weight_decay_is_applied():
    recipe = Recipe(**CNN, optimiser={"weight_decay": 0.25})
    network = build_model(recipe, 32, 0).network
    (group,) = make_optimiser(network, recipe.optimiser).param_groups
    trained = [p for p in network.parameters() if p.requires_grad]
    assert len(trained) < len(list(network.parameters()))
    assert {id(p) for p in group["params"]} == {id(p) for p in trained}
    assert group["weight_decay"] == 0.25
