"""The figures of the study: depth of the features, and size of the adaptive filter."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from aexad.config.benchmark import Run
from aexad.config.catalogue import Dataset
from aexad.config.methods import Method
from aexad.report.figures.base import Drawing, Group, read_groups
from aexad.report.figures.write import write_drawings
from studies.layers.depth_figures import depth_drawings
from studies.layers.filter_size import filter_size_drawings


def write_study_figures(
    runs: Sequence[Run],
    metrics: pd.DataFrame,
    methods: pd.DataFrame,
    catalogue: Mapping[str, Dataset],
    recipes: Mapping[str, Method],
    *,
    results: Path,
    data: Path,
    folder: Path,
) -> None:
    """Draw ``depth``, ``gallery_depth`` and ``filter_size`` with their captions into ``folder``.

    Parameters
    ----------
    runs, metrics, methods, catalogue, results, data, folder
        The parameters of :func:`aexad.report.figures.write.write_figures`.
    recipes : mapping of str to Method
        By method: they say which methods differ in depth, or in the heat map.
    """
    groups = read_groups(runs, metrics, methods, catalogue, results, data)
    tiled = {name for name, dataset in catalogue.items() if dataset.tile is not None}
    write_drawings(
        (each for group in groups for each in study_drawings(group, recipes, tiled)), folder
    )


def study_drawings(
    group: Group, recipes: Mapping[str, Method], tiled: Collection[str] = ()
) -> Iterator[Drawing]:
    """The figures of one data set and scenario; ``tiled`` are the data sets seen in tiles."""
    yield from depth_drawings(group, recipes)
    # In tiles, k is in pixels of another scale than that of the stored maps.
    if group.dataset not in tiled:
        yield from filter_size_drawings(group.pictured, recipes)
