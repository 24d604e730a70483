"""The loss of AE-XAD is the paper's; the loss of plain reconstruction is the squared error."""

import pytest
import torch

from aexad.config.recipe import Recipe
from aexad.methods.aexad import AEXAD, anomaly_target

TINY = {"encoder": "test_resnet.r160_in1k", "weights": "none"}


def method(**changes):
    return AEXAD(Recipe(**TINY | changes), 32)


def formula(x, reconstruction, y, target):
    """The loss as the paper writes it, image by image, in plain loops over images."""
    losses = []
    for image, rebuilt, mask in zip(x.double(), reconstruction.double(), y, strict=True):
        wrong = torch.full_like(image, 2.0) if target == "two" else 1 - image
        mask = mask.expand_as(image).double()
        balance = mask.numel() / mask.sum() if mask.sum() else 1.0
        distance = (wrong - image) ** 2
        normal = ((1 - mask) * (image - rebuilt) ** 2 / distance).sum()
        anomalous = (balance * mask * (wrong - rebuilt) ** 2 / distance).sum()
        losses.append(normal + anomalous)
    return torch.stack(losses)


@pytest.mark.parametrize("target", ["two", "inverse"])
def test_the_loss_is_the_papers_formula(target):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(4, 3, 16, 16, generator=generator) * 0.4  # away from 1/2
    reconstruction = torch.rand(4, 3, 16, 16, generator=generator)
    y = torch.rand(4, 1, 16, 16, generator=generator) > 0.8
    y[1] = False
    losses = method(target=target).loss(x, reconstruction, y).sum((1, 2, 3))
    torch.testing.assert_close(
        losses.double(), formula(x, reconstruction, y, target), rtol=1e-5, atol=0
    )


def test_hand_values():
    x = torch.zeros(1, 3, 2, 2)
    y = torch.zeros(1, 1, 2, 2, dtype=torch.bool)
    y[..., 0, 0] = True
    losses = method().loss(x, torch.ones_like(x), y)
    # Normal: 1 / 4 each. Anomalous: lambda = 4 pixels / 1, times (2 - 1)^2 / 4.
    assert losses[0, 0].tolist() == [[1.0, 0.25], [0.25, 0.25]]


def test_a_reconstruction_that_meets_its_target_costs_nothing():
    x, y = torch.rand(2, 3, 8, 8), torch.rand(2, 1, 8, 8) > 0.5
    goal = x.where(~y, anomaly_target(x, "inverse"))
    assert method(target="inverse").loss(x, goal, y).abs().max() == 0


def test_a_pixel_at_one_half_has_a_finite_weight_under_the_inverse_target():
    x, y = torch.full((1, 3, 2, 2), 0.5), torch.zeros(1, 1, 2, 2, dtype=torch.bool)
    losses = method(target="inverse").loss(x, x + 1, y)
    torch.testing.assert_close(losses, torch.full_like(x, 100.0))  # 1 / 0.1^2


def test_plain_reconstruction_has_the_squared_error():
    x, reconstruction = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    losses = method(loss="mse").loss(x, reconstruction, torch.ones(2, 1, 8, 8, dtype=torch.bool))
    torch.testing.assert_close(losses, (x - reconstruction) ** 2)
