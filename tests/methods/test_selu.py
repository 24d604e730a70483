"""The fast SELU against torch's."""

import pytest
import torch
import torch.nn.functional as F

from aexad.methods.selu import selu

SHAPES = [(7,), (2, 8, 33, 40), (3, 1, 5, 5), (1, 8, 224, 224)]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("shape", SHAPES)
def test_values_and_gradients_are_those_of_torch(shape, layout):
    torch.manual_seed(0)
    x = (4 * torch.randn(shape)).requires_grad_()
    seen = x.contiguous(memory_format=layout) if len(shape) == 4 else x
    weights = torch.randn(shape)
    own = selu(seen)
    (gradient,) = torch.autograd.grad((own * weights).sum(), x)
    expected = F.selu(x.detach().double().requires_grad_())
    assert own.detach().double() == pytest.approx(expected.detach(), rel=3e-7, abs=3e-7)
    y = x.detach().double().requires_grad_()
    (expected,) = torch.autograd.grad((F.selu(y) * weights.double()).sum(), y)
    assert gradient.double() == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_the_gradient_is_exact():
    x = torch.linspace(-6, 3, 50, requires_grad=True)
    (gradient,) = torch.autograd.grad(selu(x).sum(), x)
    step = 1e-6
    wide = x.detach().double()
    slope = (F.selu(wide + step) - F.selu(wide - step)) / (2 * step)
    assert gradient.double() == pytest.approx(slope, abs=1e-5)


def test_large_and_infinite_values():
    x = torch.tensor([-1e30, -float("inf"), -0.0, 0.0, 1e30])
    assert selu(x.clone()).tolist() == pytest.approx(F.selu(x).tolist())
    assert selu(torch.tensor([float("nan")])).isnan().all()


def test_values_with_gaps_and_other_types_are_torchs():
    x = torch.randn(4, 6, 8, 8)[:, ::2]
    assert (selu(x.clone()[:, ::2]) == F.selu(x[:, ::2])).all()
    assert selu(torch.randn(5, dtype=torch.float64)).dtype == torch.float64
