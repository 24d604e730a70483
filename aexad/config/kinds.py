"""The methods of the library: where each class lies, and what is known of it without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from aexad.config.schema import Strict


class NoOptions(Strict):
    """Options of a method that has none."""


class PixelProbeOptions(Strict):
    """Options of ``pixel_probe`` and ``aexad_probe``."""

    head: Literal["linear", "mlp"] = Field(
        "mlp", description="linear: a 1x1 convolution; mlp: 3x3 to 64 channels, SELU, 1x1"
    )


class PatchCoreOptions(Strict):
    """Options of ``patchcore``."""

    coreset: float = Field(0.1, gt=0, le=1, description="share of the normal cells that is kept")
    neighbours: int = Field(
        9, ge=1, le=1000, description="kept cells that weigh the score of an image"
    )


class PaDiMOptions(Strict):
    """Options of ``padim``."""

    channels: int = Field(
        100, ge=1, le=2000, description="channels that are drawn at random, the same for all cells"
    )


class FCDDOptions(Strict):
    """Options of ``fcdd``."""

    sigma: float = Field(
        12, gt=0, le=100, description="standard deviation in pixels of the kernel that upsamples"
    )


class BGADOptions(Strict):
    """Options of ``bgad``."""

    blocks: int = Field(8, ge=1, le=64, description="affine coupling blocks of each flow")
    clamp: float = Field(1.9, gt=0, le=10, description="bound of the log scale of a block")
    position_channels: int = Field(
        128, ge=4, le=1024, multiple_of=4, description="channels of the code of the position"
    )
    quantile: float = Field(
        0.01, gt=0, lt=1, description="share of the normal cells below the normal boundary"
    )
    margin: float = Field(
        0.1, gt=0, le=10, description="distance between normal and anomalous boundary"
    )
    normal_phase: float = Field(
        0.04, ge=0, le=1, description="share of the epochs that train on normal images alone"
    )


class SuperSimpleNetOptions(Strict):
    """Options of ``supersimplenet``."""

    noise: float = Field(0.015, ge=0, le=10, description="standard deviation of the feature noise")
    noise_from: float = Field(
        0.6, ge=-1, le=1, description="cells with higher Perlin noise than this are disturbed"
    )
    margin: float = Field(0.5, ge=0, le=10, description="margin of the truncated L1 loss")
    gamma: float = Field(4, ge=0, le=10, description="exponent of the focal loss")


@dataclass(frozen=True)
class Kind:
    """What is known of a method before its class is loaded."""

    where: str
    """Module and class."""
    uses_labels: bool = True
    """Whether it trains on labelled defects. (AE-XAD does unless its loss is ``mse``.)"""
    encoder: bool = True
    """Whether it has an encoder."""
    rebuilds: bool = False
    """Whether it reconstructs images, and its heat map is the error."""
    each_stage: bool = False
    """Whether it sees each stage of the encoder by itself, not one map of all."""
    probe: bool = False
    """Whether a probe weighs that error by the probability that a pixel is anomalous."""
    negative: bool = False
    """Whether its anomaly maps may be negative."""
    options: type[Strict] = NoOptions

    @property
    def modules(self) -> list[str]:
        """The module of the class, for digests of code; none of a class of one's own."""
        return [self.where.partition(":")[0]] if self.where else []


METHODS = {
    "aexad": Kind("aexad.methods.aexad:AEXAD", rebuilds=True),
    "aexad_probe": Kind(
        "aexad.methods.aexad_probe:AEXADProbe", rebuilds=True, probe=True, options=PixelProbeOptions
    ),
    "anovit": Kind("aexad.methods.anovit:AnoViT", uses_labels=False, rebuilds=True),
    "l2_cae": Kind("aexad.methods.l2_cae:L2CAE", uses_labels=False, encoder=False, rebuilds=True),
    "pixel_probe": Kind("aexad.methods.pixel_probe:PixelProbe", options=PixelProbeOptions),
    "two_bank": Kind("aexad.methods.two_bank:TwoBank", negative=True),
    "patchcore": Kind(
        "aexad.methods.patchcore:PatchCore",
        uses_labels=False,
        each_stage=True,
        options=PatchCoreOptions,
    ),
    "padim": Kind("aexad.methods.padim:PaDiM", uses_labels=False, options=PaDiMOptions),
    "fcdd": Kind("aexad.methods.fcdd:FCDD", options=FCDDOptions),
    "bgad": Kind("aexad.methods.bgad:BGAD", each_stage=True, negative=True, options=BGADOptions),
    "supersimplenet": Kind(
        "aexad.methods.supersimplenet:SuperSimpleNet", negative=True, options=SuperSimpleNetOptions
    ),
}
"""Every method of the library, by the name that recipes give as ``model``."""

OWN = Kind("")
"""What is assumed of a class of one's own until it is loaded."""


def kind_of(model: str) -> Kind:
    """What is known of the method that a recipe names."""
    return METHODS.get(str(model), OWN)
