"""A recipe: model, encoder and its features, tuning, loss, optimiser, heat map."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from aexad.config.schema import Strict

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


class Recipe(Strict):
    """One method: model, encoder, tuning, loss, optimiser, heat map."""

    title: str | None = Field(
        None, min_length=1, description="name that tables and figures show; default: the name"
    )
    model: Literal["aexad", "anovit", "l2_cae"] = Field("aexad", description="the network")
    encoder: str | None = Field(
        None,
        description="any timm backbone, by its name with the pre-training tag; pixels: raw pixels, "
        "cells of 8x8 as channels; none: for l2_cae, which has no encoder",
    )
    weights: Literal["pretrained", "none"] = Field(
        "pretrained",
        description="none: random weights, drawn from the run's seed, and those of pixels",
    )
    weights_revision: str | None = Field(
        None,
        pattern="^[0-9a-f]{40}$",
        description="the commit of the hub's repository to take weights from; none: its newest",
    )
    weights_sha256: str | None = Field(
        None,
        pattern="^[0-9a-f]{64}$",
        description="of the weights file, wherever it comes from; another file is refused",
    )
    tuning: Literal["frozen", "layernorm", "full"] = Field(
        "frozen", description="which part of the encoder is trained with the decoder"
    )
    features: list[Annotated[int, Field(ge=0, le=1000)]] | None = Field(
        None,
        min_length=1,
        description="stages or blocks, concatenated; none: the last stage that is at least "
        "28x28 at working size 224 (CNN, Swin), or the last block (ViT)",
    )
    input_size: int | None = Field(
        None, ge=16, le=2048, description="of the encoder, in pixels; none: the working size"
    )
    facet: Facet = Field(
        "output", description="of a Transformer's block: its output, or the keys of its attention"
    )
    token_norm: bool = Field(
        False,
        description="each cell of each stage or block is normed over its channels (mean 0, "
        "variance 1), before they are concatenated",
    )
    token_shifts: int = Field(
        1,
        ge=1,
        le=8,
        description="n: images are encoded n x n times, moved by 1/n of a patch, and the cells "
        "interleaved to a grid n times finer",
    )
    feature_channels: int | None = Field(
        None,
        ge=1,
        le=16384,
        description="features are brought to so many channels by a fixed orthonormal map, that is "
        "not trained; none: they keep theirs",
    )
    projection: ProjectionKind = Field(
        "auto",
        description="the trained step from features to decoder; convolution: one of 3x3 on the "
        "decoder's grid; auto: that, or for features on half the grid or less the report's head",
    )
    loss: Literal["aexad", "mse"] = Field(
        "aexad", description="aexad: normals are rebuilt, anomalies driven to F; mse: normals alone"
    )
    target: Target = Field("two", description="F of the loss: 2, or 1 - x")
    augmentation: Literal["none", "affine"] = Field(
        "none",
        description="affine: each image is turned, moved, zoomed and flipped at random, anew in "
        "every epoch",
    )
    select: Literal["last", "validation"] = Field(
        "last", description="the epoch that is kept: the last one, or that of least validation loss"
    )
    optimiser: Optimiser = Optimiser()
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "fp32",
        description="of training; fp32 is exact; auto: bf16 where the hardware computes in it, "
        "else fp32",
    )
    epochs: int = Field(200, ge=1, le=100_000)
    batch_size: int = Field(16, ge=1, le=4096)
    heat_map: HeatMap = HeatMap()

    @model_validator(mode="before")
    @classmethod
    def _one_target(cls, content: Any) -> Any:
        """Loss and normalisation share F, unless the heat map names its own."""
        if isinstance(content, dict) and "target" in content:
            heat_map = content.get("heat_map", {})
            if isinstance(heat_map, dict):
                heat_map = {"target": content["target"]} | heat_map
                return content | {"heat_map": heat_map}
        return content

    @model_validator(mode="before")
    @classmethod
    def _without_encoder(cls, content: Any) -> Any:
        """All of a network without an encoder is new, and trained; pixels have no weights."""
        if isinstance(content, dict) and content.get("model") == "l2_cae":
            return {"weights": "none", "tuning": "full"} | content
        if isinstance(content, dict) and content.get("encoder") == PIXELS:
            return {"weights": "none"} | content
        return content

    @model_validator(mode="after")
    def _consistent(self) -> Recipe:
        if self.model == "l2_cae":
            self._check_without_encoder()
        elif self.encoder is None:
            raise ValueError(
                f"model '{self.model}' needs an 'encoder': the name of a timm backbone"
            )
        if self.encoder == PIXELS and (self.weights, self.tuning) != ("none", "frozen"):
            raise ValueError(
                "encoder 'pixels' has nothing that is loaded or trained; remove 'weights', 'tuning'"
            )
        if self.model != "aexad" and self.projection != "auto":
            raise ValueError(f"model '{self.model}' has no projection; remove 'projection'")
        if self.model != "aexad" and self.loss != "mse":
            raise ValueError(f"model '{self.model}' rebuilds normal images alone; set loss: mse")
        if self.augmentation != "none" and self.loss != "mse":
            raise ValueError(
                "augmentation 'affine' moves images without their masks, and loss 'aexad' needs "
                "these; remove it or set loss: mse"
            )
        if self.weights == "none" and (self.weights_revision or self.weights_sha256):
            raise ValueError(
                "weights_revision and weights_sha256 say which pre-trained weights; weights are "
                "'none'"
            )
        if self.weights == "none" and self.tuning == "layernorm":
            raise ValueError("tuning 'layernorm' adapts a pre-trained encoder; weights are 'none'")
        if self.tuning == "frozen" and self.optimiser.encoder_learning_rate is not None:
            raise ValueError("optimiser.encoder_learning_rate: the encoder is frozen; remove it")
        return self

    def _check_without_encoder(self) -> None:
        given = {
            "encoder": self.encoder is not None,
            "features": self.features is not None,
            "input_size": self.input_size is not None,
            "facet": self.facet != "output",
            "token_norm": self.token_norm,
            "token_shifts": self.token_shifts != 1,
            "feature_channels": self.feature_channels is not None,
            "weights": self.weights != "none",
            "tuning": self.tuning != "full",
            "optimiser.encoder_learning_rate": self.optimiser.encoder_learning_rate is not None,
        }
        wrong = [f"'{key}'" for key, is_given in given.items() if is_given]
        if wrong:
            raise ValueError(f"model 'l2_cae' has no encoder; remove {', '.join(wrong)}")

    @property
    def is_aexad(self) -> bool:
        """Whether this is AE-XAD itself: its network, under its loss."""
        return (self.model, self.loss) == ("aexad", "aexad")

    @property
    def frozen_features(self) -> bool:
        """Whether the frozen part sees the same images in every epoch, so that once is enough."""
        return self.tuning == "frozen" and self.augmentation == "none"

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Scenarios with the images that the loss trains on."""
        if self.loss == "mse":
            return ("standard", "one_class")
        return ("standard", "anomalies_only")

    @property
    def training(self) -> dict[str, Any]:
        """What the trained model depends on: an edit of the rest never trains again."""
        return self.model_dump(exclude={"title", "heat_map"})
