"""A training against the same steps in plain torch, and what may change from epoch to epoch."""

import numpy as np
import pytest
import torch

from aexad.config.recipe import Recipe
from aexad.methods.model import build_model
from aexad.training import images
from aexad.training.batches import epoch_batches, pools
from aexad.training.train import train

CPU = torch.device("cpu")
CNN = {"encoder": "test_resnet.r160_in1k", "weights": "none", "batch_size": 6, "epochs": 3}
SETTINGS = {"learning_rate": 1e-2, "weight_decay": 0.5, "schedule": "cosine"}
SETTINGS |= {"final_learning_rate": 1e-3}


def plain_steps(recipe, data, seed):
    """The parameters after a training, written down without the library's loop."""
    model = build_model(recipe, 32, seed)
    network = model.network.train()
    x = torch.from_numpy(data.images).permute(0, 3, 1, 2).float() / 255
    y = torch.from_numpy(data.masks)[:, None]
    features = network.features(x)
    settings = recipe.optimiser
    kind = torch.optim.AdamW if settings.name == "adamw" else torch.optim.Adam
    parameters = [p for p in network.parameters() if p.requires_grad]
    optimiser = kind(parameters, settings.learning_rate, weight_decay=settings.weight_decay)
    first, last = settings.learning_rate, settings.final_learning_rate
    for epoch in range(1, recipe.epochs + 1):
        turn = np.pi * (epoch - 1) / (recipe.epochs - 1)
        optimiser.param_groups[0]["lr"] = last + (first - last) * (1 + np.cos(turn)) / 2
        for batch in epoch_batches(
            *pools(data, recipe.uses_labels), recipe.batch_size, seed, epoch
        ):
            optimiser.zero_grad()
            losses = network.loss(x[batch], network.decode(features[batch]), y[batch])
            of_images = losses.flatten(1)
            of_images = of_images.mean(1) if recipe.reduction == "mean" else of_images.sum(1)
            of_images.mean().backward()
            if settings.gradient_clip:
                torch.nn.utils.clip_grad_norm_(parameters, settings.gradient_clip)
            optimiser.step()
    return [p.detach() for p in parameters]


@pytest.mark.parametrize("step_memory_mb", [8000, 1])
@pytest.mark.parametrize("loss", ["aexad", "mse"])
@pytest.mark.parametrize(
    "settings", [{"reduction": "sum"}, {"reduction": "mean"}, {"reduction": "mean", "clip": 1e-3}]
)
def test_a_training_takes_the_steps_of_plain_torch(data, settings, loss, step_memory_mb):
    """The decay is coupled and large, so that the scale of the loss changes every step."""
    optimiser = SETTINGS | {"name": "adam", "gradient_clip": settings.get("clip")}
    recipe = Recipe(**CNN, loss=loss, reduction=settings["reduction"], optimiser=optimiser)
    model = build_model(recipe, 32, 5)
    trained = train(model, data, CPU, step_memory_mb=step_memory_mb, compiled=False)
    assert (trained.settings["images_at_once"] < 6) == (step_memory_mb == 1)
    ours = [p.detach() for p in model.network.parameters() if p.requires_grad]
    for own, expected in zip(ours, plain_steps(recipe, data, 5), strict=True):
        torch.testing.assert_close(own, expected, rtol=1e-3, atol=1e-4)


def test_the_best_epoch_by_validation_loss_is_kept(data):
    """At a rate that is too high the last epoch is not the best one."""
    validation = np.zeros(12, dtype=bool)
    validation[:3] = True
    data = data._replace(validation=validation)
    optimiser = {"learning_rate": 0.02, "schedule": "constant"}
    recipe = Recipe(**CNN | {"epochs": 9}, select="validation", optimiser=optimiser)
    model = build_model(recipe, 32, 0)
    losses = train(model, data, CPU).history["validation_loss"]
    best = int(losses.argmin()) + 1
    assert 1 < best < 9, "choose another rate: this test needs a best epoch in the middle"
    last = Recipe(**CNN | {"epochs": best}, optimiser=optimiser)
    expected = build_model(last, 32, 0)
    train(expected, data, CPU)
    for name, tensor in expected.network.trained_state().items():
        torch.testing.assert_close(model.network.trained_state()[name], tensor, rtol=0, atol=0)


def test_every_epoch_moves_images_by_other_random_numbers(data, monkeypatch):
    seeds = []

    def recorded(x, generator):
        seeds.append(generator.initial_seed())
        return x

    monkeypatch.setattr(images, "random_affine", recorded)
    recipe = Recipe(**CNN, augmentation="affine", loss="mse")
    for _ in range(2):
        train(build_model(recipe, 32, 0), data, CPU)
    assert len(set(seeds)) == 3
    assert seeds[: len(seeds) // 2] == seeds[len(seeds) // 2 :]
