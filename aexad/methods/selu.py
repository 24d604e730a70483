"""SELU, three times as fast as torch's on the CPU.

torch computes the negative half by ``expm1``, which takes ten times as long as ``exp``. The result
of ``exp(x) - 1`` is as near to the true value (3e-7 at most); only its relative error is larger,
for values near 0.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

ALPHA = 1.6732632423543772
SCALE = 1.0507009873554805
_PART = 1 << 18
"""Values that are computed at a time, so that they stay in the processor's cache."""


def selu(x: Tensor) -> Tensor:
    """SELU of each value; ``x`` is not needed any more, and may be overwritten."""
    # Graphs for other runtimes get torch's operation; so do devices and types that it is fast on.
    fast = x.device.type == "cpu" and x.dtype == torch.float32 and _flat(x) is not None
    if not fast or torch.onnx.is_in_onnx_export() or torch.compiler.is_compiling():
        return F.selu(x, inplace=True)
    return _Selu.apply(x)


class _Selu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        result = torch.empty_like(x)
        source, target = _flat(x), _flat(result)
        assert source is not None and target is not None  # noqa: S101, PT018 - x has passed
        for values, out in zip(source.split(_PART), target.split(_PART), strict=True):
            negative = values.clamp_max(0).exp_().sub_(1).mul_(ALPHA * SCALE)
            torch.add(negative, values.clamp_min(0), alpha=SCALE, out=out)
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (result,) = ctx.saved_tensors
        return torch.ops.aten.elu_backward(gradients[0], ALPHA, SCALE, 1, True, result)


def _flat(x: Tensor) -> Tensor | None:
    """The values of a tensor in the order of the memory; None if they have gaps."""
    if x.is_contiguous():
        return x.view(-1)
    if x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last):
        return x.permute(0, 2, 3, 1).view(-1)
    return None
