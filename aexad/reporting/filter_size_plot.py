"""What the adaptive filter's size is read off: a cleaner error map has a wider filter.

The half size k is the mean extent of the pieces of the binarised error. A few specks beside a
defect make the mean small and the filter sharp; a map without them is blurred by the defect's own
size. So two encoders are not compared by their error maps alone where the filter is adaptive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy import ndimage

from aexad.benchmark import Run
from aexad.data.images import load_image
from aexad.files import read_npz
from aexad.heatmaps import binarised
from aexad.recipe import HeatMap, Method, Recipe
from aexad.reporting.averages import on_common_seeds, over_categories
from aexad.reporting.cells import number
from aexad.reporting.drawing import Drawing, Group, cnn_and_transformer
from aexad.reporting.labels import listed
from aexad.reporting.roles import beside, of_same_model
from aexad.reporting.style import TEXT_WIDTH, add_legend, name_ticks
from aexad.reporting.unfiltered import REMEDY, read_settings, unfiltered_map

STORED = ("image", "reconstruction", "k")
CLASSES = 4
"""Equal shares of the images, by their pieces, that have a mean."""


def filter_size_drawings(group: Group, recipes: Mapping[str, Method]) -> Iterator[Drawing]:
    """``filter_size``, for the pair of encoders under the filter that measures components."""
    pair = cnn_and_transformer(group)
    if pair is None or not group.known("iou") or not all(_measures(group, name) for name in pair):
        return
    heat_maps = heat_map_table(group, recipes, pair)
    several = len(heat_maps) > 1
    cnn, transformer = (group.shown(method) for method in pair)
    right = (
        " Right: mean IoU over the categories of the same two models under each heat map, on an "
        "axis that does not start at 0."
        if several
        else ""
    )
    spoken = [
        f"{words}: {listed([f'{group.shown(name)} {number(row[name])}' for name in pair])}"
        for words, row in heat_maps.iterrows()
    ]

    def draw() -> Figure:
        pieces = pd.concat([pieces_table(group, run) for m in pair for run in group.runs_of(m)])
        return filter_size_figure(group, pair, pieces, heat_maps if several else None)

    yield Drawing(
        name=f"filter_size_{group.where}",
        title=f"What the adaptive filter's size is read off: {group.place}",
        caption=f"{group.phrase} {cnn} and {transformer}. Left: each anomalous test image (all "
        "seeds) by the pieces (8-connected components) of its binarised raw error, and by the half "
        "size k that is half their mean extent; large marks are the means of the quarters of a "
        f"method's images with the fewest to the most pieces.{right}{group.look.note}",
        alt="Scatter plot of the filter's half size k against the number of pieces of the "
        f"binarised error for {cnn} and {transformer}. IoU, {'; '.join(spoken)}.",
        draw=draw,
    )


def pieces_table(group: Group, run: Run) -> pd.DataFrame:
    """The anomalous test images of a run.

    Returns
    -------
    DataFrame
        method, image, pieces (8-connected components of the binarised raw error, which is made
        again from the 8-bit reconstruction) and k (of the run itself).
    """
    folder = group.folder(run)
    settings = read_settings(folder)
    maps = read_npz(folder / "maps.npz", STORED, REMEDY)
    split = group.split(run).set_index("image")
    rows = []
    for image, reconstruction, k in zip(*(maps[name] for name in STORED), strict=True):
        if split["defect"][image] == "good":
            continue
        raw = unfiltered_map(load_image(group.root / image, group.size), reconstruction, settings)
        _, pieces = ndimage.label(binarised(raw[None])[0], structure=np.ones((3, 3)))
        rows.append((run.method, str(image), pieces, int(k)))
    return pd.DataFrame(rows, columns=["method", "image", "pieces", "k"])


def heat_map_table(
    group: Group, recipes: Mapping[str, Method], pair: tuple[str, str]
) -> pd.DataFrame:
    """Mean IoU of the pair's models, one row a heat map that both have, one column a method.

    All on the same seeds, those with which each of them has a value.
    """
    names = list(group.metrics["method"].unique())
    cnn, transformer = pair
    matches = {
        other: same
        for other in of_same_model(recipes, names, transformer)
        if (same := beside(recipes, names, other, cnn)) is not None
    }
    rows = group.metrics[group.metrics["metric"] == "iou"]
    rows = on_common_seeds(rows, [*matches, *matches.values()])
    means = over_categories(rows).set_index("method")["mean"]
    found = {
        filter_words(recipe.heat_map): {cnn: means[same], transformer: means[other]}
        for other, same in matches.items()
        if isinstance(recipe := recipes[other], Recipe) and {other, same} <= set(means.index)
    }
    return pd.DataFrame.from_dict(found, orient="index", columns=list(pair), dtype=float)


def filter_words(heat_map: HeatMap) -> str:
    """How a heat map is filtered, in a few words.

    >>> [filter_words(HeatMap(filter=kind)) for kind in ("adaptive", "none", 5)]
    ['mean extent of pieces', 'no filter', 'k = 5']
    """
    if heat_map.filter == "adaptive":
        return f"mean {'extent of pieces' if heat_map.extent == 'components' else 'run length'}"
    if heat_map.filter == "sigma":
        return f"deviation {heat_map.sigma:g}"
    return "no filter" if heat_map.filter == "none" else f"k = {heat_map.filter}"


def filter_size_figure(
    group: Group, pair: Sequence[str], pieces: pd.DataFrame, heat_maps: pd.DataFrame | None
) -> Figure:
    """Draw k against the pieces, and IoU by heat map where there is more than one."""
    figure = Figure(figsize=(TEXT_WIDTH, 2.7), layout="constrained")
    panels = figure.subplots(1, 2 if heat_maps is not None else 1, squeeze=False)[0]
    for method in pair:
        _scatter(panels[0], group, method, pieces[pieces["method"] == method])
    panels[0].set_xscale("log")
    name_ticks(panels[0].xaxis, *panels[0].get_xlim())
    panels[0].set_xlabel("pieces of the binarised error")
    panels[0].set_ylabel("half size k of the filter, pixels")
    if heat_maps is not None:
        places = np.arange(len(heat_maps))
        for method in pair:
            style = group.look.styles[method]
            panels[1].plot(
                heat_maps[method],
                places,
                color=style.colour,
                marker=style.marker,
                linestyle="none",
                markersize=6,
            )
        panels[1].hlines(
            places, heat_maps.min(axis=1), heat_maps.max(axis=1), color="#AAAAAA", zorder=1
        )
        panels[1].set_yticks(places, list(heat_maps.index))
        panels[1].set_ylim(len(heat_maps) - 0.5, -0.5)
        panels[1].set_xlabel("mean IoU")
        panels[1].set_ylabel("size of the filter")
        panels[1].grid(visible=False, axis="y")
    for axes in panels:
        axes.tick_params(length=2)
    handles = [
        Line2D(
            [], [], color=style.colour, marker=style.marker, linestyle="none", label=group.shown(m)
        )
        for m in pair
        for style in [group.look.styles[m]]
    ]
    add_legend(figure, handles)
    return figure


def _scatter(axes: Axes, group: Group, method: str, pieces: pd.DataFrame) -> None:
    style = group.look.styles[method]
    axes.scatter(
        pieces["pieces"],
        pieces["k"],
        s=9,
        color=style.colour,
        marker=style.marker,
        alpha=0.3,
        linewidths=0,
    )
    quarter = pd.qcut(pieces["pieces"].rank(method="first"), CLASSES, labels=False)
    means = pieces.groupby(quarter)[["pieces", "k"]].mean()
    axes.plot(
        means["pieces"],
        means["k"],
        color=style.colour,
        marker=style.marker,
        markersize=6,
        markeredgecolor="white",
        markeredgewidth=0.6,
        linestyle=style.line,
    )


def _measures(group: Group, method: str) -> bool:
    """Whether the method's filter is sized by the components of its error."""
    runs = group.runs_of(method, group.seed)
    settings = read_settings(group.folder(runs[0])) if runs else HeatMap(filter="none")
    return (settings.filter, settings.extent) == ("adaptive", "components")
