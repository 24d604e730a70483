"""What recipes are made of: how the trained part is optimised, how an error becomes a heat map."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from aexad.schema import Strict

# F(x): what an anomalous pixel x is driven to, 2 or 1 - x.
Target = Literal["two", "inverse"]

# What is taken of an encoder's block.
Facet = Literal["output", "key"]

ProjectionKind = Literal["auto", "convolution"]

# The encoder that is none: raw pixels.
PIXELS = "pixels"

# F(x) = 1 - x leaves x = 1/2 without a distance to divide by: loss and heat map count a distance
# |F(x) - x| below this one as this one. (A pixel weighs at most 100 times another.)
SMALLEST_DISTANCE_TO_TARGET = 0.1


class Optimiser(Strict):
    """How the trained part is optimised."""

    name: Literal["adam", "adamw"] = Field("adam", description="torch.optim.Adam or AdamW")
    learning_rate: float = Field(1e-3, gt=0, le=1)
    encoder_learning_rate: float | None = Field(
        None, gt=0, le=1, description="for a trained encoder; none: the same as learning_rate"
    )
    weight_decay: float = Field(1e-4, ge=0, le=1)
    schedule: Literal["constant", "cosine"] = Field(
        "constant", description="cosine: decays to final_learning_rate over all epochs"
    )
    final_learning_rate: float = Field(1e-6, ge=0, le=1)
    gradient_clip: float | None = Field(
        None, gt=0, le=1e9, description="largest norm of the gradient"
    )


class HeatMap(Strict):
    """How a reconstruction error becomes a heat map (paper: section on explanations)."""

    normalise: Literal["target", "standard", "mean"] = Field(
        "target",
        description="target: error / squared distance to F, in [0, 1]; standard: (e - mean) / std; "
        "mean: the error's mean over the channels",
    )
    target: Target = Field(
        "two", description="F of the normalisation 'target'; unless set, that of the loss"
    )
    filter: Literal["adaptive", "sigma", "none"] | Annotated[int, Field(ge=1, le=1024)] = Field(
        "adaptive",
        description="Gaussian filter: its half size k from the image (deviation k / 3), a fixed k, "
        "or of deviation sigma; or none",
    )
    sigma: float = Field(
        4.0, gt=0, le=100, description="of the filter 'sigma', in pixels; it ends at 4 sigma"
    )
    extent: Literal["components", "runs"] = Field(
        "components", description="what the adaptive k measures: 8-connected components, or runs"
    )
    score: Literal["norm", "max"] = Field(
        "norm",
        description="of the image; norm: ||e G(e)||_2, G the filter; max: the heat map's largest",
    )
