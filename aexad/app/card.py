"""What a model file says of itself: enough to use it, and to know where it comes from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aexad.config.recipe import Recipe
from aexad.config.schema import Strict
from aexad.runtime.errors import WeightsError

KEY = "aexad card"
"""Under which a file's metadata hold the card."""


class Threshold(Strict):
    """The score above which an image is anomalous, and what that rests on."""

    value: float = Field(gt=0)
    false_alarms: float = Field(gt=0, lt=1)
    """Share of new normal images that is expected above it, at most."""
    held_out_normals: int = Field(ge=0)
    """Normal images that it was estimated from; the model was not trained on them."""


class ModelCard(Strict):
    """The card of one model."""

    format: Literal[1] = 1
    method: str
    recipe: Recipe
    size: int = Field(ge=16)
    """Working size S in pixels."""
    stored: int = Field(ge=4)
    """Pixels that images are brought to first; below S for a run on small images."""
    seed: int = Field(ge=0)
    encoder: dict[str, str | None]
    threshold: Threshold | None = None
    """None: of a run of the benchmark, which knows scores and no verdicts."""
    normals: int | None = None
    """Normal images that were trained on; none: the run's own files say."""
    labelled: list[str] | None = None
    """Labelled anomalies that were trained on, all of them."""
    versions: dict[str, str] = Field(default_factory=dict)


def read_card(text: str, path: object) -> ModelCard:
    """The card that a file holds as JSON.

    Raises
    ------
    WeightsError
        If it is damaged or of another version.
    """
    try:
        return ModelCard.model_validate_json(text)
    except ValueError as error:  # pydantic's is one
        first = " ".join(str(error).split())[:160]
        raise WeightsError(
            f"{path}: what it says of itself is damaged, or of another version of aexad ({first}); "
            "fit or export it again"
        ) from None
