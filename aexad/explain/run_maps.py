"""A run's ``maps.npz``: heat maps of its test images, and the settings that they were made with.

:func:`aexad.explain.inference.infer` makes the arrays. The file has two more, each with a text in
JSON: ``settings`` is the ``heat_map`` of the recipe (maps made elsewhere have none). ``reading`` is
``levels`` and ``tile`` of the data set; it is left out where both are unset.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from aexad.config.catalogue import Dataset, Tile
from aexad.config.recipe import HeatMap
from aexad.config.schema import Strict
from aexad.data.images import Levels
from aexad.runtime.errors import DataError
from aexad.runtime.files import read_npz, write_npz

MAPS = "maps.npz"
REMEDY = "make it with 'aexad infer'"


class _Reading(Strict):
    levels: Levels | None = None
    tile: Tile | None = None


class Settings(NamedTuple):
    """How the maps of a run were made."""

    heat_map: HeatMap
    levels: Levels | None
    """The levels of 16 bits that became black and white."""
    tile: Tile | None
    """Side in pixels of the tiles that images were seen in, or ``whole``; None: squashed."""


def write_maps(
    path: str | os.PathLike[str],
    maps: Mapping[str, np.ndarray],
    settings: HeatMap | None = None,
    dataset: Dataset | None = None,
) -> None:
    """Write the maps of a run.

    The settings are stored with the maps, not with the model, so that another heat map never trains
    again.
    """
    about = {}
    if settings is not None:
        about["settings"] = np.array([settings.model_dump_json()])
    if dataset is not None and (dataset.levels or dataset.tile):
        about["reading"] = np.array([dataset.model_dump_json(include={"levels", "tile"})])
    write_npz(path, {**maps, **about})


def read_maps(
    path: str | os.PathLike[str], names: Iterable[str], optional: Iterable[str] = ()
) -> dict[str, np.ndarray]:
    """Read arrays of a run's maps: all of ``names``, and of ``optional`` those that are there.

    Raises
    ------
    DataError
        If the file is missing or damaged, or lacks an array.
    """
    return read_npz(path, names, REMEDY, optional=optional)


def read_settings(path: str | os.PathLike[str]) -> Settings:
    """Read how the maps of a run were made.

    Raises
    ------
    DataError
        If the file is missing or damaged, or its settings are missing or of another version.
    """
    remedy = f"{REMEDY}: it holds the heat map settings of this method"
    arrays = read_npz(path, ["settings"], remedy, optional=["reading"])
    try:
        heat_map = HeatMap.model_validate_json(str(arrays["settings"].item()))
        text = arrays["reading"].item() if "reading" in arrays else "{}"
        reading = _Reading.model_validate_json(text)
    except ValueError:  # pydantic's ValidationError is a ValueError
        raise DataError(f"{path}: its settings are of another version; {remedy}") from None
    return Settings(heat_map, reading.levels, reading.tile)
