"""The precision of training: float32, or bfloat16 where the device computes in it."""

from __future__ import annotations

from typing import Literal

import torch

from aexad.config.recipe import Recipe

Precision = Literal["fp32", "bf16"]


def precision_on(recipe: Recipe, device: torch.device) -> Precision:
    """The precision of a recipe on a device; ``auto`` is bf16 where the hardware computes in it.

    With bf16, convolutions and matrix products run on bfloat16 copies of their inputs; weights,
    optimiser and loss stay in float32 (torch's autocast). It is not the default until the benchmark
    ``precision`` has shown that it changes results by less than the seed does.
    """
    if recipe.precision != "auto":
        return recipe.precision
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        capabilities = torch.cpu.get_capabilities()
        fast = bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return "bf16" if fast else "fp32"


def reduced_precision(device: torch.device, precision: Precision) -> torch.autocast:
    """A context in which layers compute in this precision."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def feature_dtype(precision: Precision) -> torch.dtype:
    """The data type of kept features; with bf16, the next layer would round them anyway."""
    return torch.bfloat16 if precision == "bf16" else torch.float32
