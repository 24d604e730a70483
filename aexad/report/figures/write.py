"""Every figure of a benchmark, as SVG and PNG, with its caption and its alternative text.

Each data set and scenario has the kinds of figures that its methods and masks allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import pandas as pd

from aexad.config.benchmark import Run
from aexad.config.catalogue import Dataset
from aexad.evaluation.run_files import require
from aexad.report.figures.accuracy_cost import cost_drawings
from aexad.report.figures.aexad_figure_3 import filter_drawings
from aexad.report.figures.aexad_figures_1_and_2 import steps_drawings
from aexad.report.figures.aexad_figures_4_and_5 import threshold_drawings
from aexad.report.figures.anovit_figure_3 import anovit_drawings
from aexad.report.figures.base import Drawing, Group, read_groups
from aexad.report.figures.critical_difference import rank_drawings
from aexad.report.figures.gallery import contrast_drawings, gallery_drawings
from aexad.report.figures.labelled import labelled_drawings
from aexad.report.figures.metrics import metric_drawings
from aexad.report.figures.per_defect import defect_drawings
from aexad.report.figures.training import training_drawings
from aexad.report.style import save_figure, styled
from aexad.runtime.atomic_folder import replaced_folder
from aexad.runtime.files import write_json

CAPTIONS = "captions.json"
SOURCES = ("training.csv", "maps.npz", "per_image.csv")
"""The files of each run that figures read."""


def write_figures(
    runs: Sequence[Run],
    metrics: pd.DataFrame,
    methods: pd.DataFrame,
    catalogue: Mapping[str, Dataset],
    *,
    results: Path,
    data: Path,
    gallery: int,
    folder: Path,
    external: Sequence[Run] = (),
) -> None:
    """Draw all figures of a benchmark into ``folder``; see :func:`write_drawings`.

    Parameters
    ----------
    runs : sequence of Run
        The runs of the benchmark that trained a model.
    metrics, methods : DataFrame
        Rows of ``metrics.csv`` and ``methods.csv``.
    catalogue : mapping of str to Dataset
        Data set: title and working size.
    results, data : Path
        The results folder, and the folder of the data sets (``<data>/<dataset>``).
    gallery : int
        Test images per category in the gallery.
    folder : Path
        Folder of the figures.
    external : sequence of Run
        The runs of the benchmark with external maps.

    Raises
    ------
    DataError
        If a run lacks one of :data:`SOURCES` (the message counts them), or a file is damaged.
    """
    # Imported runs have numbers alone.
    here = [run for run in [*runs, *external] if not run.is_imported(results)]
    for name in SOURCES:
        required = here if name == "maps.npz" else runs
        require([run.folder_in(results) / name for run in required])
    groups = list(read_groups(runs, metrics, methods, catalogue, results, data, external))
    own = (drawing for group in groups for drawing in drawings(group, gallery))
    write_drawings(chain(own, labelled_drawings(groups, catalogue)), folder)


def write_drawings(figures: Iterable[Drawing], folder: Path) -> None:
    """Draw figures as ``<name>.svg`` and ``.png``, and list them in ``captions.json``.

    All else in the folder is removed. ``captions.json`` has name, title, caption and alternative
    text of each figure. Equal inputs give equal bytes.
    """
    captions = []
    with replaced_folder(folder, "*.svg", "*.png", CAPTIONS) as new, styled():
        for drawing in figures:
            figure = drawing.draw()
            for kind in ("svg", "png"):
                save_figure(figure, new / f"{drawing.name}.{kind}")
            captions.append({key: getattr(drawing, key) for key in drawing._fields[:4]})
        write_json(new / CAPTIONS, captions)


def drawings(group: Group, gallery: int) -> Iterator[Drawing]:
    """Every figure of a group, the answers first; ``gallery`` test images per category."""
    yield from metric_drawings(group)
    yield from rank_drawings(group)
    yield from cost_drawings(group)
    yield from defect_drawings(group)
    pictured = group.pictured
    yield from contrast_drawings(pictured)
    yield from steps_drawings(pictured)
    yield from filter_drawings(pictured)
    yield from threshold_drawings(group)
    yield from anovit_drawings(pictured)
    yield from training_drawings(group)
    yield from gallery_drawings(pictured, gallery)
