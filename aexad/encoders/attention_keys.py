"""Keys of a Transformer's attention: what each token is found by, in place of a block's output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from aexad.runtime.errors import ConfigError


def check_has_keys(name: str, backbone: Any) -> None:
    """Refuse a backbone in whose blocks timm makes no keys of all tokens.

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
            "output in the recipe, or take a Vision Transformer"
        )


def keys_of(backbone: Any, indices: list[int], run: Callable[[], list[Tensor]]) -> list[Tensor]:
    """Run a backbone, and give the keys of its blocks: maps [B, C, g, g].

    Parameters
    ----------
    backbone
        A Vision Transformer of timm.
    indices
        Its blocks, in their order.
    run
        Calls the backbone and gives the output maps of these blocks, which have the grid that the
        keys lie on.
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
