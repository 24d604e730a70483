"""The size of the adaptive filter: a cleaner error map has a wider filter.

The half size k is half the mean extent of the pieces of the binarised error. A few specks next to a
defect make the mean small and the filter sharp; a map without specks is blurred by the size of the
defect. With an adaptive filter, two encoders therefore differ in their error maps and in k. This
figure also shows each encoder under the k of the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import ndimage

from aexad.config.methods import Method
from aexad.config.recipe import HeatMap, Recipe
from aexad.data.images import load_image
from aexad.data.masks import EIGHT, load_mask
from aexad.data.tables import GOOD
from aexad.evaluation.metrics.pixel import iou
from aexad.explain.heatmap import binarised, smoothed
from aexad.explain.run_maps import MAPS, read_maps, read_settings
from aexad.report.figures.base import Drawing, Group, cnn_and_transformer
from aexad.report.images.unfiltered import unfiltered_map
from aexad.report.labels import listed
from aexad.report.method_roles import same_heat_maps
from aexad.report.stats.aggregate import over_categories
from aexad.report.style import add_legend, draw_lines, draw_points, grid_of, name_ticks
from aexad.report.text.numbers import number

STORED = ("image", "reconstruction")
PLACE = ("category", "seed", "image")
CLASSES = 4
"""Number of classes of images by their pieces, of equal size; each has a mean."""


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
        "axis that does not start at 0. Under the k of a method, the errors of both are filtered "
        "with the k of its error on the same image (made again from 8-bit reconstructions)."
        if several
        else ""
    )
    spoken = [
        f"{words}: {listed([f'{group.shown(name)} {number(row[name])}' for name in pair])}"
        for words, row in heat_maps.iterrows()
        if several
    ]
    yield group.drawing(
        "filter_size",
        "The size of the adaptive filter",
        f"{group.phrase} {cnn} and {transformer}. Left: each anomalous test image (of all seeds "
        "that both have) by the pieces (8-connected components) of its binarised raw error, and by "
        "the half size k, which is half their mean extent. Large marks are the means of the "
        "quarters of a method's images by their pieces (images with equal numbers stay together)."
        f"{right}",
        "Scatter plot of the filter's half size k against the number of pieces of the binarised "
        f"error for {cnn} and {transformer}." + (f" IoU, {'; '.join(spoken)}." if spoken else ""),
        lambda: filter_size_figure(group, pair, images, heat_maps if several else None),
    )


def image_table(group: Group, pair: tuple[str, str]) -> pd.DataFrame:
    """The anomalous test images of the pair's runs.

    Returns
    -------
    DataFrame
        method, category, seed, image, pieces (8-connected components of the binarised raw error,
        which is made again from the 8-bit reconstruction), k (of the run), and one column for each
        method of the pair: IoU of the image's map filtered with the k of *that* method, NaN where
        the image has no mask or that method has no such run. Without these two columns where masks
        are compared at their own size.
    """
    others = () if group.native else pair
    sizes = {method: _sizes(group, method) for method in pair}
    rows = []
    for run in (run for method in pair for run in group.runs_of(method)):
        folder = group.folder(run)
        settings = read_settings(folder / MAPS).heat_map
        maps = read_maps(folder / MAPS, STORED)
        split = group.split(run).set_index("image")
        for image, reconstruction in zip(*(maps[name] for name in STORED), strict=True):
            if split["defect"][image] == GOOD:
                continue
            place = (run.category, run.seed, str(image))
            pixels = load_image(group.root / image, group.size, group.levels)
            raw = unfiltered_map(pixels, reconstruction, settings)[None]
            _, pieces = ndimage.label(binarised(raw)[0], structure=EIGHT)
            truth = None
            if others and (mask := split["mask"][image]):
                marks = split["marks"][image]
                truth = load_mask(group.root / mask, group.size, marks=marks)[None]
            under = [
                iou(smoothed(raw, np.array([sizes[other][place]])), truth)
                if truth is not None and place in sizes[other]
                else np.nan
                for other in others
            ]
            rows.append((run.method, *place, pieces, sizes[run.method][place], *under))
    return pd.DataFrame(rows, columns=["method", *PLACE, "pieces", "k", *others])


def exchanged(group: Group, images: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    """Mean IoU of both methods with the k of the first, then with the k of the second.

    ``images`` is an :func:`image_table`. One row per method whose k is taken, one column per
    method; over the images that both have.
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
    for method in pair:  # imported runs have values, but no maps
        places &= {(run.category, run.seed) for run in group.runs_of(method)}
    metrics = group.metrics[["category", "seed"]].apply(tuple, axis=1).isin(places)
    runs = [run for run in group.runs if (run.category, run.seed) in places]
    return replace(group, runs=runs, metrics=group.metrics[metrics])


def heat_map_table(
    group: Group, recipes: Mapping[str, Method], pair: tuple[str, str]
) -> pd.DataFrame:
    """Mean IoU of the pair's models: one row per heat map that both have, one column per method.

    ``group`` comes from :func:`on_common_places`.
    """
    cnn, transformer = pair
    rows = group.metrics[group.metrics["metric"] == "iou"]
    means = over_categories(rows).set_index("method")["mean"]
    table: dict[str, dict[str, float]] = {}
    for other, same in same_heat_maps(recipes, _names(group), transformer, cnn).items():
        recipe = recipes[other]
        if isinstance(recipe, Recipe):
            words = filter_words(recipe.heat_map)
            label = f"{words} ({other})" if words in table else words
            table[label] = {cnn: means[same], transformer: means[other]}
    return pd.DataFrame.from_dict(table, orient="index", columns=list(pair), dtype=float)


def filter_words(heat_map: HeatMap) -> str:
    """Describe the filter of a heat map in a few words.

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
    """Draw k against the pieces, and IoU by heat map if there is more than one."""
    count = 1 if heat_maps is None else 2
    figure, panels = grid_of(count, 2, height=2.7, margin=0)
    styles = {method: group.look.styles[method] for method in pair}
    draw_points(panels[0], images, "pieces", "k", styles, s=9, alpha=0.3, linewidth=0, zorder=2)
    means = pd.concat([_quarters(images[images["method"] == m]).assign(method=m) for m in pair])
    draw_lines(panels[0], means, "pieces", "k", styles, sort=False)
    panels[0].set_xscale("log")
    name_ticks(panels[0].xaxis, *panels[0].get_xlim())
    panels[0].set(
        xlabel="pieces of the binarised error", ylabel="half size k of the filter, pixels"
    )
    if heat_maps is not None:
        rows = heat_maps.assign(y=range(len(heat_maps)))
        ends = rows[list(pair)]
        panels[1].hlines(rows["y"], ends.min(axis=1), ends.max(axis=1), color="#AAAAAA", zorder=1)
        points = rows.melt("y", list(pair), var_name="method", value_name="iou")
        draw_points(panels[1], points, "iou", "y", styles, s=36)
        panels[1].set_yticks(rows["y"], [str(words) for words in rows.index])
        panels[1].set_ylim(len(rows) - 0.5, -0.5)
        panels[1].set(xlabel="mean IoU", ylabel="size of the filter")
        panels[1].grid(visible=False, axis="y")
    add_legend(figure, group.look.handles(pair))
    return figure


def _quarters(images: pd.DataFrame) -> pd.DataFrame:
    """Mean pieces and k of the quarters of the images by their pieces."""
    quarter = np.ceil(CLASSES * images["pieces"].rank(pct=True))
    return images.groupby(quarter)[["pieces", "k"]].mean()


def _names(group: Group) -> list[str]:
    return list(group.metrics["method"].unique())


def _sizes(group: Group, method: str) -> dict[tuple[str, int, str], int]:
    """The half size k of every image of a method, by category, seed and image."""
    sizes = {}
    for run in group.runs_of(method):
        maps = read_maps(group.folder(run) / MAPS, ("image", "k"))
        for image, k in zip(maps["image"], maps["k"], strict=True):
            sizes[run.category, run.seed, str(image)] = int(k)
    return sizes


def _measures(group: Group, method: str) -> bool:
    """Whether the method's filter is sized by the components of its error."""
    runs = group.runs_of(method, group.seed)
    if not runs:
        return False
    settings = read_settings(group.folder(runs[0]) / MAPS).heat_map
    return (settings.filter, settings.extent) == ("adaptive", "components")
