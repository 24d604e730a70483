"""The gallery: the same test images under each method."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from scipy.ndimage import binary_dilation

from aexad.report.images.pictures import Z_HIGH, Z_LOW, Photograph, Picture, image_label
from aexad.report.style import OUTLINE, literal

COLOUR_MAP = "inferno"
CELL = 1.15  # inches
MOST_METHODS = 10  # side by side, before cells are too small on a page
LETTERS = 15  # of a bold name that fit above a cell
NORMALISE = Normalize(Z_LOW, Z_HIGH, clip=True)


def gallery_figure(
    images: Sequence[Photograph],
    pictures: Mapping[str, Sequence[Picture]],
    names: Mapping[str, str],
) -> Figure:
    """Draw a row an image; first the photograph with its truth outlined, then a column a method.

    More than :data:`MOST_METHODS` go on below, with the photographs again.

    Parameters
    ----------
    images : sequence of Photograph
        The rows.
    pictures : mapping of str to sequence of Picture
        Method: its maps of the same images, in the same order.
    names : mapping of str to str
        Method: its name above the column.
    """
    heads = {method: _wrapped(names[method]) for method in pictures}
    of_line = -(-len(pictures) // -(-len(pictures) // MOST_METHODS))  # lines of about one length
    methods = list(pictures)
    lines = [methods[start : start + of_line] for start in range(0, len(methods), of_line)]
    columns = 1 + of_line
    top = 0.14 * (1 + max(head.count("\n") for head in heads.values())) + 0.1
    left, bottom, gap = 0.3, 0.62, 0.2
    width = max(left + columns * (CELL + 0.06), 3.8)
    line_height = top + len(images) * (CELL + gap)
    height = len(lines) * line_height + bottom
    figure = Figure(figsize=(width, height))

    def cell(line: int, row: int, column: int) -> Axes:
        x = left + column * (CELL + 0.06)
        y = height - line * line_height - top - row * (CELL + gap) - CELL
        axes = figure.add_axes((x / width, y / height, CELL / width, CELL / height))
        return bare(axes)

    for line, row in product(range(len(lines)), range(len(images))):
        shown = images[row]
        axes = cell(line, row, 0)
        axes.imshow(shown.pixels)
        outline(axes, shown.mask)
        axes.set_ylabel(literal(image_label(shown.image)), fontsize=7)
        if row == 0:
            axes.set_title("input, truth", fontsize=7.5)
        for column, method in enumerate(lines[line], start=1):
            axes, picture = cell(line, row, column), pictures[method][row]
            axes.imshow(picture.heat_map, cmap=COLOUR_MAP, norm=NORMALISE)
            outline(axes, shown.mask)
            axes.set_xlabel(values_line(picture), fontsize=6.5, labelpad=2)
            if row == 0:
                axes.set_title(heads[method], fontsize=7.5)
    colour_bar(figure, width, height)
    return figure


def bare(axes: Axes) -> Axes:
    """Axes for a picture: no ticks, no frame, no grid."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return axes


def outline(axes: Axes, mask: np.ndarray | None) -> None:
    """Draw a line around the true region, if it is known, legible on light and on dark ground."""
    if mask is None:
        return
    # A little outside of it, or the line would hide a scratch that is as thin as the line.
    around = binary_dilation(mask, iterations=max(1, len(mask) // 75))
    if around.any() and not around.all():
        edge = axes.contour(around, levels=[0.5], colors=OUTLINE, linewidths=0.7)
        edge.set_path_effects([patheffects.withStroke(linewidth=1.3, foreground="black")])


def values_line(picture: Picture) -> str:
    """The numbers below a map."""
    if math.isnan(picture.xauc) and math.isnan(picture.iou):
        return f"score {picture.score:.3g}"
    return f"X-AUC {picture.xauc:.2f} · IoU {picture.iou:.2f}"


def _wrapped(name: str) -> str:
    """Break a method's name behind hyphens and underscores, so that it fits above its column."""
    lines = [""]
    for part in re.findall(r"[^-_]*[-_]|[^-_]+", name):
        if lines[-1] and len(lines[-1]) + len(part) > LETTERS:
            lines.append("")
        lines[-1] += part
    return literal("\n".join(lines))


def colour_bar(figure: Figure, width: float, height: float) -> None:
    """Draw the scale of all heat maps at the bottom of a figure of so many inches."""
    length = min(3.2, width - 0.8)
    axes = figure.add_axes((0.5 - length / width / 2, 0.4 / height, length / width, 0.09 / height))
    bar = figure.colorbar(
        ScalarMappable(NORMALISE, COLOUR_MAP), cax=axes, orientation="horizontal", extend="both"
    )
    bar.set_ticks([-1, 0, 1, 3, 5], labels=["-1", "mean", "threshold", "3", "5"])
    bar.ax.tick_params(labelsize=6.5, length=2)
    bar.set_label("heat map, standard deviations from its mean", fontsize=7, labelpad=2)
