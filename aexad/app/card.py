"""The card in a model file: all that is needed to use the model and to know its origin."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aexad.config.catalogue import Tile
from aexad.config.recipe import Recipe
from aexad.config.schema import Strict
from aexad.runtime.errors import WeightsError, one_line

KEY = "aexad card"
"""Key of the card in the metadata of a file."""


class Threshold(Strict):
    """The score above which an image is anomalous, and how it was found."""

    value: float
    false_alarms: float = Field(gt=0, lt=1)
    """Largest expected share of new normal images above the threshold."""
    held_out_normals: int = Field(ge=0)
    """Number of normal images that gave the threshold; they were not used for training."""
    held_out_groups: int | None = None
    """Number of their groups, such as videos; None: each image stands for itself."""
    good_scores: list[float] = Field([])
    """Scores of the held-out normal images, ascending; empty in files of older versions."""
    defect_scores: list[float] = Field([])
    """Scores of the labelled anomalies that were trained on, ascending."""


class ModelCard(Strict):
    """The card of one model."""

    format: Literal[1] = 1
    method: str
    recipe: Recipe
    size: int = Field(ge=16)
    """Working size S in pixels."""
    stored: int = Field(ge=4)
    """Size in pixels that images are first resized to; less than S for a run on small images."""
    tile: Tile | None = None
    """Side in pixels of the tiles that images are explained in, or ``whole``; None: squashed."""
    levels: tuple[int, int] | None = None
    """The levels of 16 bits that become black and white; None: images have 8 bits, or 0 and 65535
    do."""
    seed: int = Field(ge=0)
    encoder: dict[str, str | None]
    threshold: Threshold | None = None
    """None for a run of the benchmark, which gives scores but no verdicts."""
    normals: int | None = None
    """Number of normal images in training; None for a run, whose own files list them."""
    labelled: list[str] | None = None
    """Names of all labelled anomalies in training."""
    found: int | None = None
    """Number of ``labelled`` whose score exceeds the threshold."""
    versions: dict[str, str] = Field(default_factory=dict)


def read_card(text: str, path: object) -> ModelCard:
    """Parse the card of a model file from JSON.

    Raises
    ------
    WeightsError
        If the card is damaged or written by another version of aexad.
    """
    try:
        return ModelCard.model_validate_json(text)
    except ValueError as error:  # pydantic's ValidationError is a ValueError
        raise WeightsError(
            f"{path}: its card is damaged, or of another version of aexad "
            f"({one_line(error, 160)}); fit or export it again"
        ) from None
