import pytest
import torch

from aexad.methods.losses import aexad_goal, mse_goal, weighted_error


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
    losses = weighted_error(reconstruction, aexad_goal(x, y, target)).sum((1, 2, 3))
    torch.testing.assert_close(
        losses.double(), formula(x, reconstruction, y, target), rtol=1e-5, atol=0
    )


def test_hand_values():
    x = torch.zeros(1, 3, 2, 2)
    y = torch.zeros(1, 1, 2, 2, dtype=torch.bool)
    y[..., 0, 0] = True
    losses = weighted_error(torch.ones_like(x), aexad_goal(x, y))
    # Normal: 1 / 4 each. Anomalous: lambda = 4 pixels / 1, times (2 - 1)^2 / 4.
    assert losses[0, 0].tolist() == [[1.0, 0.25], [0.25, 0.25]]


def test_an_image_rebuilt_to_its_goal_costs_nothing():
    x, y = torch.rand(2, 3, 8, 8), torch.rand(2, 1, 8, 8) > 0.5
    goal = aexad_goal(x, y, "inverse")
    assert weighted_error(goal.target, goal).abs().max() == 0


def test_a_pixel_at_one_half_has_a_finite_weight_under_the_inverse_target():
    x = torch.full((1, 3, 2, 2), 0.5)
    goal = aexad_goal(x, torch.zeros(1, 1, 2, 2, dtype=torch.bool), "inverse")
    torch.testing.assert_close(goal.weight, torch.full_like(x, 100.0))  # 1 / 0.1^2


def test_plain_reconstruction_is_the_sum_of_squared_errors():
    x, reconstruction = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(
        weighted_error(reconstruction, mse_goal(x)), (x - reconstruction) ** 2
    )
