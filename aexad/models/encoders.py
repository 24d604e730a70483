"""Encoders: any timm backbone, asked for one feature map of a square image.

images [B, 3, S, S] in [0, 1]  ->  resize to the encoder's input  ->  its own normalisation
->  stages or blocks  ->  (concatenated)  ->  features [B, C, g, g]
"""

from __future__ import annotations

from typing import Any

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aexad.errors import ConfigError, WeightsError
from aexad.models.weights import Weights
from aexad.schema import nearest

# AE-XAD decodes from an eighth of the image: 28x28 at 224x224.
DECODER_STRIDE = 8


class Encoder(nn.Module):
    """One feature map of a timm backbone.

    Parameters
    ----------
    name
        timm name, with the tag of the pre-training.
    size
        Side of the images it will be given, in pixels.
    features
        Stages or blocks, as timm counts them, concatenated on the finest of their grids. None: the
        last one that is not coarser than the decoder's grid; a Vision Transformer has none, so its
        last block, after the final layer norm, as its own head would see it.
    input_size
        Side to which images are resized first (bilinear, antialiased); None: ``size``.
    weights
        Pre-trained tensors; None: random ones. Position embeddings of another grid are
        interpolated, as timm does it.

    Attributes
    ----------
    channels, grid
        The features' C and g.

    Raises
    ------
    ConfigError
        If timm does not know the name, or it cannot give these features or take this size.
    WeightsError
        If a tensor that the features depend on is missing or of another shape.
    """

    backbone: Any  # timm's classes share an interface, but no base class that has it
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        name: str,
        size: int,
        features: list[int] | None = None,
        input_size: int | None = None,
        weights: Weights | None = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size or size
        self.backbone = _build(name, self.input_size, weights)
        for key in ("mean", "std"):
            value = torch.tensor(self.backbone.pretrained_cfg[key]).view(3, 1, 1)
            self.register_buffer(key, value, persistent=False)
        strides = [stage["reduction"] for stage in self.backbone.feature_info]
        fine = [i for i, stride in enumerate(strides) if stride <= DECODER_STRIDE]
        self.normed = features is None and not fine
        if features is None:
            features = fine[-1:] or [len(strides) - 1]
        if not all(0 <= feature < len(strides) for feature in features):
            raise ConfigError(
                f"encoder '{name}' has features 0 to {len(strides) - 1}, not {features}; "
                "correct 'features' in the recipe"
            )
        self.indices = self.backbone.prune_intermediate_layers(
            sorted(features), prune_norm=not self.normed
        )
        if weights is not None:
            _check_complete(name, self.backbone, weights)
        self.requires_grad_(False).eval()
        with torch.no_grad():
            probe = self(torch.zeros(1, 3, size, size))
        self.channels, self.grid = probe.shape[1], probe.shape[2]

    def forward(self, images: Tensor) -> Tensor:
        """Compute features [B, C, g, g] of images [B, 3, S, S] in [0, 1]."""
        side = self.input_size
        if images.shape[-1] != side:
            images = F.interpolate(images, (side, side), mode="bilinear", antialias=True)
        maps = self.backbone.forward_intermediates(
            (images - self.mean) / self.std,
            indices=self.indices,
            norm=self.normed,
            stop_early=True,
            output_fmt="NCHW",
            intermediates_only=True,
        )
        finest = max(m.shape[-1] for m in maps)
        return torch.cat([resized(m, finest) for m in maps], dim=1)


def resized(maps: Tensor, side: int) -> Tensor:
    """Feature maps [B, C, g, g] on a grid of ``side`` cells (bilinear); as they are if they fit."""
    if maps.shape[-1] == side:
        return maps
    return F.interpolate(maps, (side, side), mode="bilinear", align_corners=False)


def _build(name: str, input_size: int, weights: Weights | None) -> Any:
    """Build the backbone without its head; random weights, or those given."""
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
            f"{' '.join(str(error).split())[:200]}; replace them"
        ) from None
    except AssertionError as error:
        raise ConfigError(
            f"encoder '{name}' cannot take images of {input_size} pixels ({error}); set "
            f"'input_size' in the recipe (its own is {config.input_size[-1]})"
        ) from None
    if not hasattr(model, "forward_intermediates"):
        raise ConfigError(f"encoder '{name}': timm gives no feature maps of it; choose another one")
    patch = getattr(getattr(model, "patch_embed", None), "patch_size", (1,))[0]
    if input_size % patch:
        raise ConfigError(
            f"encoder '{name}' cuts patches of {patch} pixels, and {input_size} is no multiple of "
            "that; set 'input_size' in the recipe"
        )
    model.pretrained_cfg.pop("state_dict", None)
    return model


def _check_complete(name: str, backbone: nn.Module, weights: Weights) -> None:
    """Refuse weights that leave a tensor of the pruned backbone at its random values."""
    counters = "num_batches_tracked"  # of batch norms; no part of what they compute
    needed = {key for key in backbone.state_dict() if not key.endswith(counters)}
    missing = sorted(needed - set(weights.tensors))
    if missing:
        raise WeightsError(
            f"weights of '{name}' ({weights.source}) lack {len(missing)} tensors, the first is "
            f"'{missing[0]}'; replace them"
        )
