"""X-AUC against the size of the filter, fixed for all images (AE-XAD, figure 3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from aexad.config.benchmark import Run
from aexad.data.images import image_size, load_image, load_mask
from aexad.evaluation.evaluate import upsampled
from aexad.evaluation.metrics import xauc_per_image
from aexad.evaluation.metrics.pixel import mean_of_defined
from aexad.explain.heatmap import smoothed
from aexad.report.figures.base import Drawing, Group, cnn_and_transformer
from aexad.report.images.unfiltered import REMEDY, read_settings, unfiltered_map
from aexad.report.labels import listed
from aexad.report.run_files import read_per_image
from aexad.report.style import add_legend, grid_of, method_styles
from aexad.runtime.files import read_npz

SIZES = range(2, 31, 2)
"""Half sizes k of the filter."""
BEYOND = 32
"""Where the mark of an adaptive k above the drawn range stands."""


class FilterCurve(NamedTuple):
    """One run: X-AUC at each of :data:`SIZES`, and with the adaptive filter."""

    xauc: np.ndarray
    adaptive_k: float
    """Mean over the anomalous test images."""
    adaptive_xauc: float


def filter_drawings(group: Group) -> Iterator[Drawing]:
    """``aexad_figure3``: AE-XAD with a convolutional and with a Transformer encoder."""
    methods = list(cnn_and_transformer(group) or group.trained_methods(loss="aexad")[:1])
    methods = [method for method in methods if _adaptive(group, method)]
    if not methods or not group.known("xauc"):
        return
    seed = group.seed
    names = [group.shown(method) for method in methods]

    def draw() -> Figure:
        curves = {
            name: {run.category: filter_curve(group, run) for run in group.runs_of(method, seed)}
            for method, name in zip(methods, names, strict=True)
        }
        return filter_figure(curves)

    yield Drawing(
        name=f"aexad_figure3_{group.where}",
        title=f"X-AUC against a fixed filter size: {group.place}",
        caption=f"{group.phrase} Seed {seed} is drawn: mean X-AUC over the anomalous test images "
        f"when the Gaussian filter has one half size k for all images (k = {SIZES[0]} to "
        f"{SIZES[-1]}; figure 3 of AE-XAD). The mark is the adaptive filter, whose k differs from "
        "image to image, at the mean of its k; an arrow at the edge: that mean is above "
        f"{SIZES[-1]}. The axis does not start at 0."
        f"{group.look.note}",
        alt=f"Line plots of X-AUC against the half size k of the filter, a line for each category, "
        f"for {listed(names)}; a mark for the adaptive k.",
        draw=draw,
    )


def filter_curve(group: Group, run: Run) -> FilterCurve:
    """Compute one run's curve; its adaptive point is what ``evaluate`` wrote."""
    folder = group.folder(run)
    settings = read_settings(folder)
    maps = read_npz(folder / "maps.npz", ("image", "reconstruction"), REMEDY)
    masks = group.split(run).set_index("image")["mask"]
    values = []
    for image, reconstruction in zip(maps["image"], maps["reconstruction"], strict=True):
        if not masks[image]:
            continue
        pixels = load_image(group.root / image, group.size)
        raw = unfiltered_map(pixels, reconstruction, settings)
        filtered = smoothed(np.stack([raw] * len(SIZES)), np.array(SIZES))
        values.append(_xauc(filtered, group, image, masks[image]))
    rows = read_per_image(folder / "per_image.csv")
    rows = rows[rows["xauc"].notna()]
    means = [mean_of_defined(column) for column in np.array(values).reshape(-1, len(SIZES)).T]
    return FilterCurve(np.array(means), float(rows["k"].mean()), float(rows["xauc"].mean()))


def filter_figure(curves: Mapping[str, Mapping[str, FilterCurve]]) -> Figure:
    """Draw a panel a method, a line a category; one scale.

    Parameters
    ----------
    curves : mapping of str to mapping of str to FilterCurve
        Method, as it is called: category: its curve.
    """
    categories = list(dict.fromkeys(name for each in curves.values() for name in each))
    styles = method_styles(categories)
    figure, panels = grid_of(len(curves), 2, height=2.4, margin=0.7)
    for axes, (method, lines) in zip(panels, curves.items(), strict=True):
        for category, curve in lines.items():
            style = styles[category]
            axes.plot(SIZES, curve.xauc, color=style.colour, linestyle=style.line)
            inside = curve.adaptive_k <= SIZES[-1]
            axes.plot(
                min(curve.adaptive_k, BEYOND),
                curve.adaptive_xauc,
                marker=style.marker if inside else ">",
                color=style.colour,
                markeredgecolor="black",
                markeredgewidth=0.7,
                markersize=6,
                clip_on=False,
                zorder=3,
            )
        axes.set_title(method)
        axes.set_xlabel("half size k of the filter, pixels")
        axes.set_xticks([2, *range(5, 31, 5)])
        axes.tick_params(length=2)
    panels[0].set_ylabel("X-AUC")
    handles = [
        Line2D(
            [], [], color=style.colour, linestyle=style.line, marker=style.marker, label=category
        )
        for category, style in styles.items()
    ]
    add_legend(figure, handles)
    return figure


def _adaptive(group: Group, method: str) -> bool:
    runs = group.runs_of(method, group.seed)
    return bool(runs) and read_settings(group.folder(runs[0])).filter == "adaptive"


def _xauc(maps: np.ndarray, group: Group, image: str, mask: str) -> np.ndarray:
    """X-AUC of maps [t, S, S] of one image, at the size that ``evaluate`` compares at."""
    if group.native:
        shape = image_size(group.root / image)
        truth = load_mask(group.root / mask, shape=shape)
        maps = np.stack([upsampled(each, truth.shape) for each in maps])
    else:
        truth = load_mask(group.root / mask, size=group.size)
    return xauc_per_image(maps, np.broadcast_to(truth, maps.shape))
