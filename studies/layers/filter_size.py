"""What the adaptive filter's size is read off: a cleaner error map has a wider filter.

The half size k is the mean extent of the pieces of the binarised error. A few specks beside a
defect make the mean small and the filter sharp; a map without them is blurred by the defect's own
size. So two encoders are not compared by their error maps alone where the filter is adaptive: here
also each under the other's k.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy import ndimage

from aexad.config.methods import Method
from aexad.config.recipe import HeatMap, Recipe
from aexad.data.images import load_image, load_mask
from aexad.evaluation.metrics.pixel import iou
from aexad.explain.heatmap import binarised, smoothed
from aexad.report.figures.base import Drawing, Group, cnn_and_transformer
from aexad.report.images.unfiltered import REMEDY, read_settings, unfiltered_map
from aexad.report.labels import listed
from aexad.report.method_roles import same_heat_maps
from aexad.report.stats.aggregate import over_categories
from aexad.report.style import TEXT_WIDTH, add_legend, name_ticks
from aexad.report.text.numbers import number
from aexad.runtime.files import read_npz

STORED = ("image", "reconstruction")
PLACE = ("category", "seed", "image")
CLASSES = 4
"""Equal shares of the images, by their pieces, that have a mean."""


def filter_size_drawings(group: Group, recipes: Mapping[str, Method]) -> Iterator[Drawing]:
    """``filter_size``, for the pair of encoders under the filter that measures components."""
    pair = cnn_and_transformer(group)
    if pair is None or not group.known("iou") or not all(_measures(group, name) for name in pair):
        return
    alike = on_common_places(group, recipes, pair)
    if not alike.runs:
        return
    images = image_table(alike, pair)
    heat_maps = heat_map_table(alike, recipes, pair)
    if not group.native:  # where masks are compared at the size of the maps
        heat_maps = pd.concat([heat_maps, exchanged(group, images, pair)])
    several = len(heat_maps) > 1
    cnn, transformer = (group.shown(method) for method in pair)
    right = (
        " Right: mean IoU over the categories of the same two models under each heat map, on an "
        "axis that does not start at 0. Where k is that of a method, both are filtered with the k "
        "of its error on the same image (made again from 8-bit reconstructions)."
        if several
        else ""
    )
    spoken = [
        f"{words}: {listed([f'{group.shown(name)} {number(row[name])}' for name in pair])}"
        for words, row in heat_maps.iterrows()
        if several
    ]
    yield Drawing(
        name=f"filter_size_{group.where}",
        title=f"What the adaptive filter's size is read off: {group.place}",
        caption=f"{group.phrase} {cnn} and {transformer}. Left: each anomalous test image (all "
        "seeds that all have) by the pieces (8-connected components) of its binarised raw error, "
        "and by the half size k that is half their mean extent; large marks are the means of the "
        "quarters of a method's images by their pieces (equal numbers are not parted)."
        f"{right}{group.look.note}",
        alt="Scatter plot of the filter's half size k against the number of pieces of the "
        f"binarised error for {cnn} and {transformer}."
        + (f" IoU, {'; '.join(spoken)}." if spoken else ""),
        draw=lambda: filter_size_figure(group, pair, images, heat_maps if several else None),
    )


def image_table(group: Group, pair: tuple[str, str]) -> pd.DataFrame:
    """The anomalous test images of the pair's runs.

    Returns
    -------
    DataFrame
        method, category, seed, image, pieces (8-connected components of the binarised raw error,
        which is made again from the 8-bit reconstruction), k (of the run itself), and a column for
        each of the pair: IoU of the image's map filtered with *that* method's k, NaN where the
        image has no mask, or that method no such run. Not where masks have a size of their own.
    """
    others = () if group.native else pair
    sizes = {method: _sizes(group, method) for method in pair}
    rows = []
    for run in (run for method in pair for run in group.runs_of(method)):
        folder = group.folder(run)
        settings = read_settings(folder)
        maps = read_npz(folder / "maps.npz", STORED, REMEDY)
        split = group.split(run).set_index("image")
        for image, reconstruction in zip(*(maps[name] for name in STORED), strict=True):
            if split["defect"][image] == "good":
                continue
            place = (run.category, run.seed, str(image))
            pixels = load_image(group.root / image, group.size)
            raw = unfiltered_map(pixels, reconstruction, settings)[None]
            _, pieces = ndimage.label(binarised(raw)[0], structure=np.ones((3, 3)))
            mask = split["mask"][image]
            truth = load_mask(group.root / mask, group.size)[None] if mask and others else None
            under = [
                iou(smoothed(raw, np.array([sizes[other][place]])), truth)
                if truth is not None and place in sizes[other]
                else np.nan
                for other in others
            ]
            rows.append((run.method, *place, pieces, sizes[run.method][place], *under))
    return pd.DataFrame(rows, columns=["method", *PLACE, "pieces", "k", *others])


def exchanged(group: Group, images: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    """Mean IoU of both methods with the k of the one, then with that of the other.

    ``images`` is an :func:`image_table`. One row a method whose k is taken, one column a method;
    over the images that both have.
    """
    both = images.dropna(subset=list(pair))
    runs = both.groupby(["method", "category", "seed"])[list(pair)].mean()
    means = runs.groupby(["method", "category"]).mean().groupby("method").mean()
    words = {method: f"k of {group.shown(method)}" for method in pair}
    return means.T.reindex(columns=list(pair)).dropna().rename(index=words)


def on_common_places(group: Group, recipes: Mapping[str, Method], pair: tuple[str, str]) -> Group:
    """Keep the categories and seeds in which the pair has an IoU under each heat map of both."""
    matches = same_heat_maps(recipes, _names(group), pair[1], pair[0])
    methods = {*pair, *matches, *matches.values()}
    known = group.metrics[group.metrics["metric"] == "iou"].dropna(subset="value")
    known = known[known["method"].isin(methods)]
    having = known.groupby(["category", "seed"])["method"].nunique()
    places = set(having.index[having == len(methods)])
    metrics = group.metrics[["category", "seed"]].apply(tuple, axis=1).isin(places)
    runs = [run for run in group.runs if (run.category, run.seed) in places]
    return replace(group, runs=runs, metrics=group.metrics[metrics])


def heat_map_table(
    group: Group, recipes: Mapping[str, Method], pair: tuple[str, str]
) -> pd.DataFrame:
    """Mean IoU of the pair's models, one row a heat map that both have, one column a method.

    ``group``: of :func:`on_common_places`.
    """
    cnn, transformer = pair
    rows = group.metrics[group.metrics["metric"] == "iou"]
    means = over_categories(rows).set_index("method")["mean"]
    found: dict[str, dict[str, float]] = {}
    for other, same in same_heat_maps(recipes, _names(group), transformer, cnn).items():
        recipe = recipes[other]
        if isinstance(recipe, Recipe):
            words = filter_words(recipe.heat_map)
            label = f"{words} ({other})" if words in found else words
            found[label] = {cnn: means[same], transformer: means[other]}
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
    group: Group, pair: Sequence[str], images: pd.DataFrame, heat_maps: pd.DataFrame | None
) -> Figure:
    """Draw k against the pieces, and IoU by heat map where there is more than one."""
    figure = Figure(figsize=(TEXT_WIDTH, 2.7), layout="constrained")
    panels = figure.subplots(1, 2 if heat_maps is not None else 1, squeeze=False)[0]
    for method in pair:
        _scatter(panels[0], group, method, images[images["method"] == method])
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


def _scatter(axes: Axes, group: Group, method: str, images: pd.DataFrame) -> None:
    style = group.look.styles[method]
    axes.scatter(
        images["pieces"],
        images["k"],
        s=9,
        color=style.colour,
        marker=style.marker,
        alpha=0.3,
        linewidths=0,
    )
    quarter = np.ceil(CLASSES * images["pieces"].rank(pct=True))
    means = images.groupby(quarter)[["pieces", "k"]].mean()
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


def _names(group: Group) -> list[str]:
    return list(group.metrics["method"].unique())


def _sizes(group: Group, method: str) -> dict[tuple[str, int, str], int]:
    """The half size k of every image of a method, by category, seed and image."""
    found = {}
    for run in group.runs_of(method):
        maps = read_npz(group.folder(run) / "maps.npz", ("image", "k"), REMEDY)
        for image, k in zip(maps["image"], maps["k"], strict=True):
            found[run.category, run.seed, str(image)] = int(k)
    return found


def _measures(group: Group, method: str) -> bool:
    """Whether the method's filter is sized by the components of its error."""
    runs = group.runs_of(method, group.seed)
    settings = read_settings(group.folder(runs[0])) if runs else HeatMap(filter="none")
    return (settings.filter, settings.extent) == ("adaptive", "components")
