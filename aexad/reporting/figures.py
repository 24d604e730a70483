"""Every figure of a benchmark, as SVG and PNG, with its caption and its alternative text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from aexad.benchmark import Run
from aexad.data.catalogue import Dataset
from aexad.data.split import read_split
from aexad.errors import DataError
from aexad.files import write_json
from aexad.reporting.averages import over_categories
from aexad.reporting.captions import data_phrase, of_masks
from aexad.reporting.cells import not_pretrained, number
from aexad.reporting.collect import require
from aexad.reporting.folder import replaced_folder
from aexad.reporting.gallery import gallery_figure
from aexad.reporting.labels import DAGGER, HEADLINE, METRIC, listed
from aexad.reporting.metric_plot import metric_figure
from aexad.reporting.pictures import (
    RULE,
    SCALE,
    choose_images,
    read_photographs,
    read_pictures,
)
from aexad.reporting.style import MethodStyle, method_styles, save_png, save_svg, styled
from aexad.reporting.training_plot import training_figure

CAPTIONS = "captions.json"


class Drawing(NamedTuple):
    """A figure that is still to be drawn, and the words that go with it."""

    name: str
    title: str
    caption: str
    alt: str
    draw: Callable[[], Figure]


class Group(NamedTuple):
    """One data set under one scenario; ``runs`` are those that trained a model, if any."""

    dataset: str
    scenario: str
    title: str
    runs: list[Run]
    metrics: pd.DataFrame

    @property
    def where(self) -> str:
        """``<dataset>_<scenario>``, for file names."""
        return f"{self.dataset}_{self.scenario}"


class Look(NamedTuple):
    """How methods look and are called: the same in every figure."""

    styles: dict[str, MethodStyle]
    names: dict[str, str]
    note: str


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

    For each data set and scenario ``metrics_…`` and ``training_…``, and for each of their
    categories ``gallery_…``; each as ``.svg`` and ``.png``. ``captions.json`` lists them with
    title, caption and alternative text. Equal inputs give equal bytes.

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
        If a run lacks training.csv or maps.npz (the message counts them), or a file is damaged.
    """
    for name in ("training.csv", "maps.npz", "per_image.csv"):
        require([results / run.folder / name for run in runs])
    captions = []
    with replaced_folder(folder, "*.svg", "*.png", CAPTIONS) as new, styled():
        for drawing in _drawings(runs, metrics, methods, catalogue, results, data, gallery):
            figure = drawing.draw()
            save_svg(figure, new / f"{drawing.name}.svg")
            save_png(figure, new / f"{drawing.name}.png")
            captions.append({key: getattr(drawing, key) for key in drawing._fields[:4]})
        write_json(new / CAPTIONS, captions)


def _drawings(
    runs: Sequence[Run],
    metrics: pd.DataFrame,
    methods: pd.DataFrame,
    catalogue: Mapping[str, Dataset],
    results: Path,
    data: Path,
    gallery: int,
) -> Iterator[Drawing]:
    look = _look(methods)
    for group in _groups(runs, metrics, catalogue):
        phrase = data_phrase(group.metrics, {group.dataset: group.title})
        yield _metric_drawing(group, look, phrase)
        if group.runs:
            yield _training_drawing(group, look, phrase, results)
        for category in dict.fromkeys(run.category for run in group.runs):
            dataset = catalogue[group.dataset]
            size, root = dataset.stored, data / (dataset.files or group.dataset)
            yield _gallery_drawing(group, category, look, results, root, size, gallery)


def _groups(
    runs: Sequence[Run], metrics: pd.DataFrame, catalogue: Mapping[str, Dataset]
) -> Iterator[Group]:
    for keys, part in metrics.groupby(["dataset", "scenario"]):
        dataset, scenario = map(str, keys)
        same = [run for run in runs if (run.dataset, run.scenario) == (dataset, scenario)]
        title = catalogue[dataset].full_title if dataset in catalogue else dataset
        yield Group(dataset, scenario, title, same, part)


def _look(methods: pd.DataFrame) -> Look:
    names = list(methods["method"])
    random = not_pretrained(names, methods)
    return Look(
        styles=method_styles(names),
        names={name: name + (DAGGER if name in random else "") for name in names},
        note=f" {DAGGER} Encoder not pre-trained (random weights)." if random else "",
    )


def _metric_drawing(group: Group, look: Look, phrase: str) -> Drawing:
    means = over_categories(group.metrics)
    spoken = []
    for metric in HEADLINE:
        values = means[(means["metric"] == metric) & means["mean"].notna()]
        pairs = [f"{m} {number(v)}" for m, v in zip(values["method"], values["mean"], strict=True)]
        if pairs:
            spoken.append(f"{METRIC[metric].label}: {listed(pairs)}")
    several = len(set(group.metrics["seed"])) > 1
    return Drawing(
        name=f"metrics_{group.where}",
        title=f"Metrics by category and method: {group.title}, {group.scenario}",
        caption=f"{phrase} A mark is a method"
        + ("'s mean over the seeds, a small pale mark one seed" if several else "")
        + "; the lowest row is the mean over the categories. Higher is better. The axes do not "
        f"start at 0 and differ from panel to panel.{look.note}",
        alt=f"Dot plots of the metrics by category and method. Means over the categories: "
        f"{'; '.join(spoken)}.",
        draw=lambda: metric_figure(of_masks(group.metrics), look.styles, look.names),
    )


def _training_drawing(group: Group, look: Look, phrase: str, results: Path) -> Drawing:
    own = {run.method for run in group.runs}
    styles = {method: style for method, style in look.styles.items() if method in own}
    names = [look.names[method] for method in styles]

    def draw() -> Figure:
        curves = {
            (run.category, run.method, run.seed): _read_curve(results / run.folder / "training.csv")
            for run in group.runs
        }
        return training_figure(curves, styles, look.names)

    return Drawing(
        name=f"training_{group.where}",
        title=f"Training curves: {group.title}, {group.scenario}",
        caption=f"{phrase} The two parts of the training loss by epoch, one line a seed, log "
        "scale. Methods with different losses differ in level by definition; compare the shapes."
        f"{look.note}",
        alt="Line plots of the training loss by epoch on normal and on anomalous pixels, a row of "
        f"panels for each category, a line for each method ({listed(names)}).",
        draw=draw,
    )


def _gallery_drawing(
    group: Group, category: str, look: Look, results: Path, root: Path, size: int, count: int
) -> Drawing:
    seed = min(run.seed for run in group.runs if run.category == category)
    runs = [run for run in group.runs if run.category == category and run.seed == seed]
    names = [look.names[run.method] for run in runs]

    def draw() -> Figure:
        chosen = choose_images(read_split(results / runs[0].data_folder / "split.csv"), count)
        images = list(chosen["image"])
        pictures = {run.method: read_pictures(results / run.folder, images) for run in runs}
        return gallery_figure(read_photographs(chosen, root, size), pictures, look.names)

    return Drawing(
        name=f"gallery_{group.where}_{category}",
        title=f"The same test images under each method: {group.title}, {category}, "
        f"{group.scenario}",
        caption=f"Seed {seed}. A line runs around the true region, where it is known; where there "
        "is none, the image's score is printed instead of X-AUC and IoU. "
        f"{SCALE} {RULE}{look.note}",
        alt=f"Test images of {category} with the outline of the true defect, and beside each the "
        f"heat maps of {listed(names)}, with X-AUC and IoU below each map.",
        draw=draw,
    )


def _read_curve(path: Path) -> pd.DataFrame:
    try:
        curve = pd.read_csv(path)
        return curve[["epoch", "loss_normal", "loss_anomalous"]].astype("float64")
    except (ValueError, KeyError) as error:
        raise DataError(f"{path}: {error}; make it anew with 'aexad train'") from None
