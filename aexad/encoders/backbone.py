"""Backbones of timm without their heads, and the check that their weights are complete."""

from __future__ import annotations

from typing import Any

import timm
from torch import nn

from aexad.config.recipe import PIXELS
from aexad.config.schema import nearest
from aexad.encoders import pixel_encoder
from aexad.encoders.weights import Weights
from aexad.runtime.errors import ConfigError, WeightsError, one_line


def build_backbone(name: str, input_size: int, weights: Weights | None) -> Any:
    """Build a backbone without its head, with random weights if ``weights`` is None.

    Raises
    ------
    ConfigError
        If timm does not know the name, or the backbone cannot take images of this size.
    WeightsError
        If the weights are of another architecture.
    """
    if name == PIXELS:
        _check_divisible(name, pixel_encoder.STRIDE, input_size)
        return pixel_encoder.Pixels()
    architecture, tag = timm.models.split_model_name_tag(name)
    if not timm.is_model(architecture):
        hint = nearest(architecture, timm.list_models())
        hint = hint if hint.startswith("did") else "timm.list_models() lists them"
        raise ConfigError(f"timm knows no encoder '{name}'; {hint}")
    tags = [known.partition(".")[2] for known in timm.list_pretrained(f"{architecture}.*")]
    if tag and tag not in tags:
        raise ConfigError(
            f"timm knows no pre-training '{tag}' of '{architecture}'; {nearest(tag, tags)}"
        )
    config: Any = timm.get_pretrained_cfg(name)
    options: dict[str, Any] = {"num_classes": 0}
    if config.fixed_input_size:  # such a backbone builds its position embeddings for one size
        options["img_size"] = input_size
    if weights is not None:
        # timm takes entries out of the dict, so it gets its own.
        overlay = {"state_dict": dict(weights.tensors)}
        options |= {
            "pretrained": True,
            "pretrained_strict": False,
            "pretrained_cfg_overlay": overlay,
        }
    try:
        model: Any = timm.create_model(name, **options)
    except RuntimeError as error:
        if weights is None:
            raise
        raise WeightsError(
            f"weights of '{name}' ({weights.source}) are of another architecture: "
            f"{one_line(error, 200)}; replace them"
        ) from None
    except AssertionError as error:
        raise ConfigError(
            f"encoder '{name}' cannot take images of {input_size} pixels ({error}); set "
            f"'input_size' in the recipe (its own is {config.input_size[-1]})"
        ) from None
    if not hasattr(model, "forward_intermediates"):
        raise ConfigError(
            f"encoder '{name}': timm gives no feature maps of this encoder; choose another one"
        )
    # Patches that do not overlap must cover the image; others are padded.
    cut = getattr(getattr(model, "patch_embed", None), "proj", None)
    if isinstance(cut, nn.Conv2d) and cut.kernel_size == cut.stride:
        _check_divisible(name, cut.stride[0], input_size)
    model.pretrained_cfg.pop("state_dict", None)
    return model


def check_complete(name: str, backbone: nn.Module, weights: Weights) -> None:
    """Refuse weights that leave a tensor of the pruned backbone at its random values."""
    counters = "num_batches_tracked"  # of batch norms; no part of what they compute
    needed = {key for key in backbone.state_dict() if not key.endswith(counters)}
    missing = sorted(needed - set(weights.tensors))
    if missing:
        raise WeightsError(
            f"weights of '{name}' ({weights.source}) lack {len(missing)} tensors, the first is "
            f"'{missing[0]}'; replace them"
        )


def _check_divisible(name: str, patch: int, input_size: int) -> None:
    if input_size % patch:
        raise ConfigError(
            f"encoder '{name}' cuts patches of {patch} pixels, and {input_size} is no multiple of "
            "that; set 'input_size' in the recipe"
        )
