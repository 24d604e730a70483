"""Where the pre-trained weights of encoders lie, and the record of each."""

from __future__ import annotations

import os
from pathlib import Path

from aexad.config.methods import Method
from aexad.config.recipe import Recipe

WEIGHTS_VARIABLE = "AEXAD_WEIGHTS"
"""The environment variable that names the folder of pre-trained weights."""


def weights_folder(folder: str | Path | None = None) -> Path:
    """The folder of pre-trained weights: the given one, that of AEXAD_WEIGHTS, or ``weights``."""
    return Path(folder or os.environ.get(WEIGHTS_VARIABLE) or "weights")


def weights_record(method: Method, results: Path) -> Path | None:
    """The file that says where a method's pre-trained weights are from, once they are fetched.

    None for a method without pre-trained weights. ``results`` is the folder of all results.
    """
    if isinstance(method, Recipe) and method.pretrained:
        return results / "weights" / f"{method.encoder}.json"
    return None
