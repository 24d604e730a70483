"""Every figure of a benchmark, as SVG and PNG, with its caption and its alternative text.

Which figures a benchmark has follows from what is in it: each data set and scenario is asked for
every kind of figure, and has those that its methods and masks allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from aexad.config.benchmark import Run
from aexad.config.catalogue import Dataset
from aexad.report.figures.accuracy_cost import cost_drawings
from aexad.report.figures.aexad_figure_3 import filter_drawings
from aexad.report.figures.aexad_figures_1_and_2 import steps_drawings
from aexad.report.figures.aexad_figures_4_and_5 import threshold_drawings
from aexad.report.figures.anovit_figure_3 import anovit_drawings
from aexad.report.figures.base import Drawing, Group, read_groups
from aexad.report.figures.contrast import contrast_drawings
from aexad.report.figures.critical_difference import rank_drawings
from aexad.report.figures.gallery import gallery_drawings
from aexad.report.figures.metrics import metric_drawings
from aexad.report.figures.per_defect import defect_drawings
from aexad.report.figures.training import training_drawings
from aexad.report.run_files import require
from aexad.report.style import save_png, save_svg, styled
from aexad.runtime.atomic_folder import replaced_folder
from aexad.runtime.files import write_json

CAPTIONS = "captions.json"
SOURCES = ("maps.npz", "per_image.csv")
"""What figures read in each run's folder; ``training.csv`` is where its model was trained."""


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
) -> None:
    """Draw all figures; ``folder`` holds nothing else then.

    Each as ``<kind>_<dataset>_<scenario>.svg`` and ``.png`` (``gallery_…`` also once a category).
    ``captions.json`` lists them with title, caption and alternative text. Equal inputs give equal
    bytes.

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
        Test images a category in the gallery.
    folder : Path
        Where the figures go.

    Raises
    ------
    DataError
        If a run lacks training.csv or one of :data:`SOURCES` (the message counts them), or a file
        is damaged.
    """
    require([results / run.folder / "training.csv" for run in runs])
    for name in SOURCES:
        require([results / run.folder / name for run in runs])
    with replaced_folder(folder, "*.svg", "*.png", CAPTIONS) as new, styled():
        groups = read_groups(runs, metrics, methods, catalogue, results, data)
        write_drawings((each for group in groups for each in drawings(group, gallery)), new)


def write_drawings(every: Iterable[Drawing], folder: Path) -> None:
    """Write drawings as ``<name>.svg`` and ``<name>.png``, and ``captions.json`` about them."""
    captions = []
    for drawing in every:
        figure = drawing.draw()
        save_svg(figure, folder / f"{drawing.name}.svg")
        save_png(figure, folder / f"{drawing.name}.png")
        captions.append({key: getattr(drawing, key) for key in drawing._fields[:4]})
    write_json(folder / CAPTIONS, captions)


def drawings(group: Group, gallery: int) -> Iterator[Drawing]:
    """Every figure of a group, the answers first; ``gallery`` test images a category."""
    yield from metric_drawings(group)
    yield from rank_drawings(group)
    yield from cost_drawings(group)
    yield from defect_drawings(group)
    yield from contrast_drawings(group)
    yield from steps_drawings(group)
    yield from filter_drawings(group)
    yield from threshold_drawings(group)
    yield from anovit_drawings(group)
    yield from training_drawings(group)
    yield from gallery_drawings(group, gallery)
