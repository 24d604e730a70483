"""A strip: what a method made of one image, step by step, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from aexad.report.images.grid import COLOUR_MAP, NORMALISE, bare
from aexad.report.images.pictures import Photograph, Picture
from aexad.report.style import literal

WHOLE = Normalize(0, 1)


class Step(NamedTuple):
    """One cell: a picture or words; a step with a unit has a colour bar below it."""

    title: str
    values: np.ndarray | str  # [S, S, 3], or [S, S] with colours
    colours: str | None = None
    norm: Normalize | None = None
    unit: str = ""


def photo_step(title: str, pixels: np.ndarray) -> Step:
    """An image as it is, uint8 [S, S, 3]."""
    return Step(title, pixels)


def map_step(title: str, deviations: np.ndarray) -> Step:
    """A map in standard deviations from its mean, [S, S], on the scale that all methods share."""
    return Step(title, deviations, COLOUR_MAP, NORMALISE, "std from its mean")


def mask_step(title: str, mask: np.ndarray) -> Step:
    """A mask, bool [S, S]: white is anomalous."""
    return Step(title, mask, "gray", WHOLE)


def truth_step(photograph: Photograph) -> Step:
    """The true region; where nobody knows it, the words for that."""
    if photograph.mask is None:
        return Step("truth", f"anomalous ({literal(photograph.defect)}),\nno mask")
    return mask_step("truth", photograph.mask)


def strip_figure(heading: Sequence[str], steps: Sequence[Step], cell: float) -> Figure:
    """Draw the steps in a row of cells of ``cell`` inches, below the lines of a heading."""
    gap, top, bottom = 0.06, 0.28 + 0.14 * len(heading), 0.4
    width, height = len(steps) * (cell + gap) + gap, top + cell + bottom
    figure = Figure(figsize=(width, height))
    figure.text(gap / width, 1 - 0.05 / height, "\n".join(heading), va="top", fontsize=8)
    for i, step in enumerate(steps):
        x = gap + i * (cell + gap)
        axes = figure.add_axes((x / width, bottom / height, cell / width, cell / height))
        bare(axes)
        if isinstance(step.values, str):
            axes.text(0.5, 0.5, step.values, ha="center", va="center", fontsize=7.5)
        else:
            axes.imshow(step.values, cmap=step.colours, norm=step.norm)
        axes.set_title(step.title, fontsize=7.5, fontweight="normal", pad=3)
        if step.unit:
            place = ((x + 0.1) / width, 0.29 / height, (cell - 0.2) / width, 0.06 / height)
            _colour_bar(figure, place, step)
    return figure


def picture_values(picture: Picture, photograph: Photograph) -> list[str]:
    """What a picture's numbers are, for a heading."""
    parts = [f"k = {picture.k}", f"score {picture.score:.3g}"]
    if photograph.mask is None:
        return [*parts, f"anomalous ({photograph.defect}), without a mask"]
    if math.isnan(picture.xauc) and math.isnan(picture.iou):
        return [*parts, "no defect pixels: X-AUC and IoU undefined"]
    return [*parts, f"X-AUC {picture.xauc:.3f}", f"IoU {picture.iou:.3f}"]


def joined(parts: Sequence[str]) -> str:
    """The parts of a line of the heading, with dots in between."""
    return literal("  ·  ".join(parts))


def _colour_bar(figure: Figure, place: tuple[float, float, float, float], step: Step) -> None:
    colours = ScalarMappable(step.norm, COLOUR_MAP)
    bar = figure.colorbar(colours, cax=figure.add_axes(place), orientation="horizontal")
    bar.ax.locator_params(nbins=4)
    bar.ax.tick_params(labelsize=6, length=2, pad=1)
    bar.set_label(step.unit, fontsize=6, labelpad=1)
