"""The family of an encoder: convolutional network, Transformer, or a mixture of both."""

from __future__ import annotations

from typing import Literal

from torch import nn

Family = Literal["CNN", "Transformer", "hybrid", "none"]

# Names by which modules hold the projections of self-attention.
PROJECTIONS = (
    *({"qkv"}, {"q", "k"}, {"q", "kv"}, {"qk", "v"}),
    *({"q_proj"}, {"qkv_proj"}, {"in_proj_weight"}),
)
CLASSES = ("OutlookAttention", "CascadedGroupAttention", "MultiQueryAttention2d")
"""Classes of self-attention in timm that name their projections in another way."""
STEMS = ("patch_embed", "stem")
STEM_CONVOLUTIONS = 8
"""A stem of fewer convolutions only cuts patches; a larger one is a network (ViT on a ResNet)."""
LEAST_SHARE = 0.2
"""A Transformer has more than this share of its parameters in attention; others have a quarter."""


def family_of(backbone: nn.Module) -> Family:
    """Tell the family of a whole backbone from its modules.

    Self-attention and no blocks of convolutions: Transformer. Convolutions and no attention: CNN.
    Both: hybrid. A block of convolutions is a module without attention that holds several of them,
    one across channels. So patch embeddings, position encodings and MLPs with one convolution, as
    Transformers have them, do not make a hybrid. Neither, as in MLP-Mixer: ``none``.

    ``backbone`` is a network of timm before any of its layers is removed.
    """
    attentions = [name for name, module in backbone.named_modules() if _is_attention(module)]
    spatial = [name for name, module in backbone.named_modules() if _is_spatial(module)]
    if not attentions:
        return "CNN" if len(spatial) > 1 else "none"
    stem = [name for name in spatial if name.startswith(STEMS)]
    body = [name for name in spatial if name not in stem]
    counted = body + (stem if len(stem) >= STEM_CONVOLUTIONS else [])
    blocks = any(_is_block(_around(backbone, name)) for name in counted)
    return "hybrid" if blocks or _share(backbone, attentions) < LEAST_SHARE else "Transformer"


def _is_attention(module: nn.Module) -> bool:
    names = {name for name, _ in module.named_children()}
    names |= {name for name, _ in module.named_parameters(recurse=False)}
    return type(module).__name__ in CLASSES or any(each <= names for each in PROJECTIONS)


def _is_spatial(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and max(module.kernel_size) > 1


def _around(backbone: nn.Module, name: str) -> nn.Module:
    """The largest module around a convolution that holds no attention."""
    module = backbone.get_submodule(name)
    while name:
        name = name.rpartition(".")[0]
        larger = backbone.get_submodule(name)
        if any(map(_is_attention, larger.modules())):
            break
        module = larger
    return module


def _is_block(module: nn.Module) -> bool:
    """Whether a module holds several convolutions, one of them across channels."""
    convolutions = [each for each in module.modules() if isinstance(each, nn.Conv2d)]
    return len(convolutions) > 1 and any(each.groups < each.in_channels for each in convolutions)


def _share(backbone: nn.Module, attentions: list[str]) -> float:
    parameters = {
        id(parameter): parameter.numel()
        for name in attentions
        for parameter in backbone.get_submodule(name).parameters()
    }
    return sum(parameters.values()) / sum(each.numel() for each in backbone.parameters())
