"""A recipe: network, encoder and its features, tuning, loss, optimiser, heat map."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from aexad.config.kinds import METHODS, kind_of
from aexad.config.own_code import REFERENCE, entry_point, is_own, package_of
from aexad.config.scenarios import SCENARIOS
from aexad.config.schema import Strict, nearest, validate
from aexad.runtime.errors import ConfigError

TITLE = Field(
    None, min_length=1, description="name in tables, figures and sentences; default: the name"
)

# F(x), the value that the loss drives an anomalous pixel x to: 2, -1, or 1 - x.
Target = Literal["two", "minus_one", "inverse"]

# Output of a Transformer block: its tokens, or the keys of its attention.
Facet = Literal["output", "key"]

ProjectionKind = Literal["auto", "convolution"]

OwnCode = Annotated[str, Field(pattern=REFERENCE)]
"""An object of one's own, as ``file.py:name``."""

# Name of the identity encoder (control): each 8x8 block of pixels becomes 192 channels.
PIXELS = "pixels"

# Lower bound of |F(x) - x| in loss and heat map: F(x) = 1 - x meets x at x = 1/2, where the paper's
# division by (F(x) - x)^2 is undefined. With 0.1, a pixel weighs at most 100 times another.
SMALLEST_DISTANCE_TO_TARGET = 0.1


class Optimiser(Strict):
    """Optimiser of the trained part."""

    name: Literal["adam", "adamw", "sgd"] = Field(
        "adam", description="torch.optim.Adam, AdamW, or SGD with Nesterov momentum 0.9"
    )
    learning_rate: float = Field(1e-3, gt=0, le=1)
    encoder_learning_rate: float | None = Field(
        None, gt=0, le=1, description="for a trained encoder; default: learning_rate"
    )
    weight_decay: float = Field(1e-4, ge=0, le=1)
    schedule: Literal["constant", "cosine", "exponential", "steps"] = Field(
        "constant",
        description="cosine, exponential: decay to final_learning_rate over all epochs; steps: "
        "times 0.4 after 80 % and after 90 % of the epochs",
    )
    final_learning_rate: float = Field(
        1e-6,
        ge=0,
        le=1,
        description="of cosine and exponential, at most learning_rate; exponential: above 0",
    )
    gradient_clip: float | None = Field(
        None, gt=0, le=1e9, description="largest norm of the gradient"
    )

    @model_validator(mode="after")
    def _decays(self) -> Optimiser:
        first, last = self.learning_rate, self.final_learning_rate
        if self.schedule in ("cosine", "exponential") and last > first:
            raise ValueError(
                f"schedule '{self.schedule}' would rise from learning_rate {first:g} to "
                f"final_learning_rate {last:g}; lower final_learning_rate"
            )
        if self.schedule == "exponential" and not last:
            raise ValueError(
                "schedule 'exponential' never reaches 0; set final_learning_rate above 0"
            )
        return self


class HeatMap(Strict):
    """Steps from a reconstruction error to a heat map (AE-XAD paper, section on explanations)."""

    normalise: Literal["target", "standard", "mean"] = Field(
        "target",
        description="target: error / squared distance to F, in [0, 1]; standard: (e - mean) / std; "
        "mean: the error's mean over the channels",
    )
    target: Target = Field(
        "two", description="F of the normalisation 'target'; default: the F of the loss"
    )
    filter: (
        Literal["adaptive", "sigma", "none"] | Annotated[int, Field(ge=1, le=1024)] | OwnCode
    ) = Field(
        "adaptive",
        description="Gaussian filter; adaptive: half size k from each image, sigma = k / 3; a "
        "number: fixed k; sigma: fixed standard deviation; none: no filter; file.py:name: a "
        "function of one's own, from maps [n, H, W] to maps",
    )
    sigma: float = Field(
        4.0,
        gt=0,
        le=100,
        description="standard deviation of the filter 'sigma' in pixels; cut at 4 sigma",
    )
    extent: Literal["components", "runs"] = Field(
        "components",
        description="extent that gives the adaptive k: of 8-connected components, or of runs",
    )
    score: Literal["norm", "max", "mean", "own"] = Field(
        "norm",
        description="image score; norm: ||e G(e)||_2 with filter G; max, mean: of the heat map; "
        "own: the score that the method itself gives",
    )


MAP_SETTINGS = {"filter": "none", "score": "max"}
"""Heat map of a method with a map or a probability of its own, unless its recipe says more."""

WITH_DECODER = ("aexad", "aexad_probe")
"""Methods with the projection, the decoder and the loss of AE-XAD."""

NOT_TRAINED = {"title", "heat_map"}
"""Keys of a recipe that the trained model does not depend on."""


class Recipe(Strict):
    """One method: network, encoder, tuning, loss, optimiser, heat map."""

    title: str | None = TITLE
    model: str = Field(
        "aexad",
        description=f"the method: {', '.join(METHODS)}, the name of an entry point in the group "
        "aexad.methods, or file.py:Class; 'class' is another word for it",
    )
    options: dict[str, Any] = Field(
        {}, description="settings of the method itself; see the options of the methods below"
    )
    encoder: str | None = Field(
        None,
        description="any timm backbone, by its name with the pre-training tag; pixels: raw pixels, "
        "blocks of 8x8 as channels; leave it out for l2_cae, which has no encoder",
    )
    weights: Literal["pretrained", "none"] = Field(
        "pretrained",
        description="none: random weights, drawn from the run's seed",
    )
    weights_revision: str | None = Field(
        None,
        pattern="^[0-9a-f]{40}$",
        description="commit of the hub's repository to take weights from; default: the newest",
    )
    weights_sha256: str | None = Field(
        None,
        pattern="^[0-9a-f]{64}$",
        description="digest of the weights file; a file with another digest is refused",
    )
    tuning: Literal["frozen", "layernorm", "full"] = Field(
        "frozen", description="part of the encoder that is trained with the decoder"
    )
    features: list[Annotated[int, Field(ge=0, le=1000)]] | None = Field(
        None,
        min_length=1,
        description="stages or blocks, concatenated; default: the last one whose stride is at most "
        "8 pixels of the encoder's input (CNN, Swin), or the last block (ViT)",
    )
    input_size: int | None = Field(
        None,
        ge=16,
        le=2048,
        description="input of the encoder in pixels; default: the working size",
    )
    facet: Facet = Field(
        "output",
        description="what is taken of a Transformer block: its output, or its attention keys",
    )
    token_norm: bool = Field(
        False,
        description="normalise each cell of each stage or block over its channels (mean 0, "
        "variance 1) before they are concatenated",
    )
    token_shifts: int = Field(
        1,
        ge=1,
        le=8,
        description="n: encode each image n x n times, shifted by 1/n of a patch, and interleave "
        "the cells to a grid n times finer",
    )
    feature_channels: int | None = Field(
        None,
        ge=1,
        le=16384,
        description="number of channels that a fixed orthonormal map, which is not trained, brings "
        "the features to; default: the encoder's own",
    )
    projection: ProjectionKind = Field(
        "auto",
        description="trained step from features to decoder; convolution: one 3x3 convolution on "
        "the decoder's grid; auto: the same, or the report's head for features on at most half of "
        "that grid",
    )
    loss: Literal["aexad", "mse"] | OwnCode = Field(
        "aexad",
        description="of methods that rebuild images; aexad: rebuild normal pixels, drive anomalous "
        "ones to F; mse: normals only; file.py:name: a function of one's own, of reconstruction, "
        "image and mask",
    )
    target: Target = Field("two", description="F of the loss: 2, -1, or 1 - x")
    reduction: Literal["sum", "mean"] = Field(
        "sum",
        description="loss of an image: sum over its pixels and channels (AE-XAD), or their mean; "
        "weight decay and gradient clip act on its gradient, so their strength depends on it",
    )
    augmentation: Literal["none", "affine"] = Field(
        "none",
        description="affine: rotate, shift, zoom and flip each image at random in every epoch",
    )
    select: Literal["last", "validation"] = Field(
        "last",
        description="epoch that is kept: the last, or the one with the least validation loss",
    )
    optimiser: Optimiser = Optimiser()
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "fp32",
        description="of training; auto: bf16 where the hardware supports it, else fp32",
    )
    epochs: int = Field(200, ge=1, le=100_000)
    least_updates: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="a training set so small that its epochs have fewer updates than this in all "
        "is trained for more epochs",
    )
    gentle_start: int = Field(
        0,
        ge=0,
        le=100_000,
        description="number of first updates in which the weight of anomalous pixels in the loss "
        "rises from 1/1000 to 1; 0: full weight from the start, as in the paper",
    )
    on_collapse: Literal["restart", "go_on"] = Field(
        "restart",
        description="a training that collapses to a single colour; restart: from the seed, with a "
        "longer gentle_start (loss mse: a fifth of the learning rates), twice at most; go_on: keep "
        "it; every table marks a run that has collapsed",
    )
    batch_size: int = Field(16, ge=1, le=4096)
    anomalous_share: float = Field(
        1 / 3, gt=0, lt=1, description="share of anomalous images in a batch"
    )
    heat_map: HeatMap = HeatMap()

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, content: Any) -> Any:
        """Add what the method and other keys imply, unless the recipe says more.

        ``class`` is another word for ``model``. A method with maps of its own has its own default
        heat map; loss and normalisation share F. A network without an encoder is trained as a
        whole; raw pixels, and an encoder or a whole method of one's own, have no weights.
        """
        if not isinstance(content, dict):
            return content
        content = dict(content)
        if "class" in content:
            if "model" in content:
                raise ValueError("'class' and 'model' both name the method; remove one")
            content["model"] = content.pop("class")
        model, encoder = str(content.get("model", "aexad")), content.get("encoder")
        kind = kind_of(model)
        heat_map: dict[str, Any] = {}
        if kind.probe or not kind.rebuilds:
            heat_map |= MAP_SETTINGS
        if "target" in content:
            heat_map["target"] = content["target"]
        if isinstance(stated := content.get("heat_map", {}), dict):
            content["heat_map"] = heat_map | stated
        if not kind.encoder:
            return {"weights": "none", "tuning": "full"} | content
        without_weights = encoder == PIXELS or is_own(encoder)
        if without_weights or (encoder is None and model not in METHODS):
            return {"weights": "none"} | content
        return content

    @model_validator(mode="after")
    def _consistent(self) -> Recipe:
        self._check_method()
        if self.encoder == PIXELS and (self.weights, self.tuning) != ("none", "frozen"):
            raise ValueError(
                "encoder 'pixels' has no weights to load or train; remove 'weights', 'tuning'"
            )
        if len(set(self.features or [])) < len(self.features or []):
            raise ValueError(f"features {self.features} repeat one; name each of them once")
        if self.model not in WITH_DECODER and self.projection != "auto":
            raise ValueError(f"model '{self.model}' has no projection; remove 'projection'")
        if self.augmentation != "none" and self.uses_labels:
            raise ValueError(
                "augmentation 'affine' moves images without their masks, which loss 'aexad' needs; "
                "remove it or set loss: mse"
            )
        if self.gentle_start and (self.model not in WITH_DECODER or self.loss != "aexad"):
            raise ValueError(
                "gentle_start is about AE-XAD's loss of anomalous pixels, which this recipe does "
                "not train on; remove it"
            )
        if self.weights == "none" and (self.weights_revision or self.weights_sha256):
            raise ValueError(
                "weights_revision and weights_sha256 choose pre-trained weights, but weights are "
                "'none'; remove them"
            )
        if self.weights == "none" and self.tuning == "layernorm":
            raise ValueError("tuning 'layernorm' adapts a pre-trained encoder; weights are 'none'")
        if self.tuning == "frozen" and self.optimiser.encoder_learning_rate is not None:
            raise ValueError("optimiser.encoder_learning_rate: the encoder is frozen; remove it")
        return self

    def _check_method(self) -> None:
        """Check the keys that only some methods have."""
        kind, known = kind_of(self.model), self.model in METHODS
        if not (known or is_own(self.model)) and entry_point(self.model) is None:
            raise ValueError(
                f"no method '{self.model}'; {nearest(self.model, METHODS)}; a class of your own "
                "is named as file.py:Class"
            )
        if not kind.encoder:
            self._check_without_encoder()
        elif known and self.encoder is None:
            raise ValueError(
                f"model '{self.model}' needs an 'encoder': the name of a timm backbone"
            )
        if known:
            try:
                validate(kind.options, self.options, "options")
            except ConfigError as error:
                raise ValueError(str(error)) from None
        if kind.each_stage and self.feature_channels is not None:
            raise ValueError(
                f"model '{self.model}' sees each stage by itself; remove 'feature_channels'"
            )
        if kind.rebuilds and not kind.uses_labels and self.loss != "mse":
            raise ValueError(f"model '{self.model}' rebuilds normal images alone; set loss: mse")
        if kind.probe and self.loss == "mse":
            raise ValueError(
                f"model '{self.model}' trains its probe on labelled defects; remove loss: mse"
            )
        if kind.probe and self.tuning != "frozen":
            raise ValueError(f"model '{self.model}' measures frozen features; remove 'tuning'")
        if kind.probe and self.heat_map.normalise == "standard":
            raise ValueError(
                f"model '{self.model}' weighs the error by a probability, which would raise a "
                "negative value of normalise 'standard' the more, the less anomalous the pixel is; "
                "set heat_map.normalise to target or mean"
            )
        if kind.negative and self.heat_map.score == "norm":
            raise ValueError(
                f"model '{self.model}' has maps below 0, whose norm is largest where nothing is "
                "anomalous; set heat_map.score to max or mean"
            )
        if kind.rebuilds and self.heat_map.score == "own":
            raise ValueError(
                f"model '{self.model}' gives no score of its own; set heat_map.score to norm, max "
                "or mean"
            )
        if known and not kind.rebuilds:
            fixed = {"tuning": "frozen", "loss": "aexad", "target": "two", "reduction": "sum"}
            fixed |= {"augmentation": "none"}
            wrong = [f"'{key}'" for key, value in fixed.items() if getattr(self, key) != value]
            if wrong:
                raise ValueError(
                    f"model '{self.model}' has a loss of its own and a frozen encoder; remove "
                    f"{', '.join(wrong)}"
                )

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
            raise ValueError(f"model '{self.model}' has no encoder; remove {', '.join(wrong)}")

    @property
    def pretrained(self) -> bool:
        """Whether an encoder starts from pre-trained weights."""
        return self.encoder is not None and self.weights == "pretrained"

    @property
    def is_aexad(self) -> bool:
        """Whether this is AE-XAD: its network with its loss."""
        return (self.model, self.loss) == ("aexad", "aexad")

    @property
    def uses_labels(self) -> bool:
        """Whether the method trains on labelled defects; a class of one's own is assumed to."""
        kind = kind_of(self.model)
        return kind.uses_labels and not (kind.rebuilds and self.loss == "mse")

    @property
    def own_code(self) -> dict[str, list[str]]:
        """References to code of one's own: that training depends on, and that heat maps do."""
        return {
            "train": [n for n in (self.model, self.encoder, self.loss) if n and is_own(n)],
            "heat_map": [str(self.heat_map.filter)] * is_own(self.heat_map.filter),
        }

    @property
    def package(self) -> str:
        """Name and version of the package whose entry point the method is; empty for others."""
        return "" if self.model in METHODS or is_own(self.model) else package_of(self.model)

    @property
    def frozen_features(self) -> bool:
        """Whether the frozen part sees the same images in every epoch, so that it runs once."""
        return self.tuning == "frozen" and self.augmentation == "none"

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Scenarios that have the images which the loss trains on."""
        if self.model not in METHODS:
            return SCENARIOS
        if not self.uses_labels:
            return ("standard", "one_class")
        # Peers of AE-XAD need normal images too.
        return ("standard", "anomalies_only") if self.model == "aexad" else ("standard",)

    @property
    def training(self) -> dict[str, Any]:
        """Keys that the trained model depends on: a change of another key never trains again."""
        return self.model_dump(exclude=NOT_TRAINED)

    @property
    def stated_training(self) -> dict[str, Any]:
        """Keys of :attr:`training` that are not at their default.

        The workflow compares these, so that a new key of the library trains nothing again.
        """
        return self.model_dump(exclude=NOT_TRAINED, exclude_defaults=True)
