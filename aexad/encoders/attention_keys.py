"""Features from the keys of a Transformer's attention, in place of the outputs of its blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from aexad.runtime.errors import ConfigError


def check_has_keys(name: str, backbone: Any) -> None:
    """Refuse a backbone whose blocks have no keys for all tokens.

    timm's own attention passes its keys [B, heads, N, C / heads] through ``k_norm``, an identity
    where there is no such norm; attention within windows or over channels has no such step.
    """
    blocks = getattr(backbone, "blocks", None)
    known = isinstance(blocks, nn.Sequential | nn.ModuleList) and all(
        hasattr(getattr(block, "attn", None), "k_norm") for block in blocks
    )
    if not known or not hasattr(backbone, "num_prefix_tokens"):
        raise ConfigError(
            f"encoder '{name}' has no blocks of plain attention, and so no keys; set 'facet' to "
            "output in the recipe, or choose a Vision Transformer"
        )


def keys_of(backbone: Any, indices: list[int], run: Callable[[], list[Tensor]]) -> list[Tensor]:
    """Run a Vision Transformer, and return the keys of the given blocks as maps [B, C, g, g].

    ``run`` calls the backbone and returns the output maps of these blocks, which are on the same
    grid as the keys.
    """
    found: list[Tensor] = []
    hooks = [
        backbone.blocks[index].attn.k_norm.register_forward_hook(
            lambda module, inputs, keys: found.append(keys)
        )
        for index in indices
    ]
    try:
        outputs = run()
    finally:
        for hook in hooks:
            hook.remove()
    prefix = backbone.num_prefix_tokens  # class and register tokens come first
    return [
        # (B, heads, N, C / heads) -> (B, heads, C / heads, g * g) -> (B, C, g, g)
        keys[:, :, prefix:].transpose(2, 3).flatten(1, 2).unflatten(2, output.shape[2:])
        for keys, output in zip(found, outputs, strict=True)
    ]
