"""The figures of the study: depth of the features, and size of the adaptive filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from aexad.config.benchmark import Run
from aexad.config.catalogue import Dataset
from aexad.config.methods import Method
from aexad.report.figures.base import read_groups
from aexad.report.figures.write import CAPTIONS, write_drawings
from aexad.report.style import styled
from aexad.runtime.atomic_folder import replaced_folder
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
    """Draw ``depth``, ``gallery_depth`` and ``filter_size``; ``folder`` holds nothing else then.

    The parameters are those of :func:`aexad.report.figures.write.write_figures`.
    """
    with replaced_folder(folder, "*.svg", "*.png", CAPTIONS) as new, styled():
        drawings = [
            drawing
            for group in read_groups(runs, metrics, methods, catalogue, results, data)
            for drawing in (*depth_drawings(group, recipes), *filter_size_drawings(group, recipes))
        ]
        write_drawings(drawings, new)
