"""The drawer of picture grids: rows of photographs, heat maps, masks, reconstructions and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from scipy.ndimage import binary_dilation

from aexad.report.images.pictures import Z_HIGH, Z_LOW, Photograph, Picture, image_label
from aexad.report.style import literal

COLOUR_MAP = "inferno"
OUTLINE = "#00E5FF"
"""Colour of the line around the true region: in neither the photographs nor the heat maps."""

CELL = 1.15  # inches: the side of a picture
GAP, BETWEEN = 0.06, 0.3  # inches: between cells, and between blocks of columns
LINE = 0.135  # inches: the height of a line of text
LETTER = 0.056  # inches: the width of a letter
NARROWEST = 3.8  # inches: a figure that has room for a colour bar
MOST_METHODS = 10  # columns of a gallery, before its cells are too small on a page


@dataclass(frozen=True, eq=False)
class Scale:
    """The colours of a map: the range of its values, and the words below the colour bar."""

    range: Normalize
    label: str
    ticks: Mapping[float, str] | None = None


DEVIATIONS = Scale(
    Normalize(Z_LOW, Z_HIGH, clip=True),
    "heat map, standard deviations from its mean",
    {-1: "-1", 0: "mean", 1: "threshold", 3: "3", 5: "5"},
)
"""The scale of all heat maps, shared by the methods."""


@dataclass(frozen=True)
class Cell:
    """One picture, or words in its place.

    ``picture`` is a photograph [S, S, 3], a mask (bool [S, S]), a map [S, S] in the colours of
    ``scale``, or a text. ``title`` stands above and ``label`` below it; the line of ``outline``
    (bool [S, S]) runs around the true region.
    """

    picture: np.ndarray | str
    scale: Scale | None = None
    title: str = ""
    label: str = ""
    outline: np.ndarray | None = None


@dataclass(frozen=True)
class Row:
    """Cells side by side, and the words on their left; None leaves a place empty."""

    cells: Sequence[Cell | None]
    label: str = ""


def picture_grid(
    rows: Sequence[Row], headings: Mapping[int, str] | None = None, cell: float = CELL
) -> Figure:
    """Draw rows of cells, with a colour bar for each scale that the cells have.

    Parameters
    ----------
    rows : sequence of Row
        From top to bottom. Titles, labels and headings are wrapped; rows are as high as they need.
    headings : mapping of int to str, optional
        Column: a bold text over the block of columns that starts there.
    cell : float
        Inches; the side of a picture.
    """
    headings = dict(headings or {})
    columns = max(len(row.cells) for row in rows)
    starts = [*sorted({0, *headings}), columns]
    names = [_wrapped(row.label, cell) for row in rows]
    left = GAP + max(_height(name) for name in names)
    x = left + np.arange(columns) * (cell + GAP)  # [columns]: left edges
    x += BETWEEN * (np.searchsorted(starts, range(columns), side="right") - 1)
    scales = list(dict.fromkeys(c.scale for row in rows for c in row.cells if c and c.scale))
    needed = x[-1] + cell + GAP
    width = max(needed, NARROWEST if scales else 0)
    x += (width - needed) / 2  # a narrow grid is in the middle
    ends = [*(x[start] - BETWEEN for start in starts[1:-1]), width]  # right edges of the blocks
    heads = {
        start: _wrapped(headings[start], end - x[start], bold=True)
        for start, end in zip(starts, ends, strict=False)
        if start in headings
    }
    top = GAP + max(map(_height, heads.values()), default=0)
    above = [max((_height(_title(c, cell)) for c in row.cells if c), default=0) for row in rows]
    below = [max((_height(_label(c, cell)) for c in row.cells if c), default=0) for row in rows]
    bottom = 0.62 if scales else GAP
    height = top + sum(above) + sum(below) + len(rows) * (cell + GAP) + bottom
    figure = Figure(figsize=(width, height))
    for start, text in heads.items():
        figure.text(x[start] / width, 1 - 0.05 / height, text, va="top", fontweight="bold")
    y = height - top
    for row, name, title, label in zip(rows, names, above, below, strict=True):
        y -= title + cell
        for i, content in enumerate(row.cells):
            if content:
                axes = figure.add_axes((x[i] / width, y / height, cell / width, cell / height))
                _draw(axes, content, cell)
                axes.set_ylabel(name if i == 0 else "", fontsize=7)
        y -= label + GAP
    for i, scale in enumerate(scales):
        _colour_bar(figure, scale, (i + 0.5) * width / len(scales), width / len(scales))
    return figure


def gallery_figure(
    images: Sequence[Photograph],
    pictures: Mapping[str, Sequence[Picture]],
    titles: Mapping[str, str],
    categories: Sequence[str] = (),
) -> Figure:
    """Draw one row per image: the photograph, then its heat map under each method.

    More than :data:`MOST_METHODS` methods continue below, with the photographs again.

    Parameters
    ----------
    images : sequence of Photograph
        The rows.
    pictures : mapping of str to sequence of Picture
        Method: its maps of the same images, in the same order.
    titles : mapping of str to str
        Method: the title above its column.
    categories : sequence of str, optional
        The category of each image, if they are of several.
    """
    labels = [image_label(image.image) for image in images]
    if categories:
        labels = [f"{name}\n{label}" for name, label in zip(categories, labels, strict=True)]
    methods = list(pictures)
    lines = -(-len(methods) // MOST_METHODS)
    length = -(-len(methods) // lines)  # all lines of about the same length
    rows = []
    for start in range(0, len(methods), length):
        for i, image in enumerate(images):
            maps = [
                map_cell(pictures[name][i], image, titles[name] if i == 0 else "")
                for name in methods[start : start + length]
            ]
            rows.append(Row([input_cell(image, i == 0), *maps], labels[i]))
    return picture_grid(rows)


def input_cell(image: Photograph, titled: bool, label: str = "") -> Cell:
    """A photograph with its true region outlined."""
    return Cell(image.pixels, None, "input, truth" if titled else "", label, image.mask)


def map_cell(picture: Picture, image: Photograph, title: str) -> Cell:
    """A heat map with the true region outlined, and its metrics below."""
    return Cell(picture.heat_map, DEVIATIONS, title, picture.metrics, image.mask)


def _draw(axes: Axes, cell: Cell, side: float) -> None:
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set_title(_title(cell, side), fontsize=7, fontweight="normal", pad=3)
    axes.set_xlabel(_label(cell, side), fontsize=6.5, labelpad=2)
    if isinstance(cell.picture, str):
        text = _wrapped(cell.picture, side)
        axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=7.5)
    elif cell.scale:
        axes.imshow(cell.picture, cmap=COLOUR_MAP, norm=cell.scale.range)
    elif cell.picture.ndim == 2:
        axes.imshow(cell.picture, cmap="gray", vmin=0, vmax=1)
    else:
        axes.imshow(cell.picture)
    if cell.outline is not None:
        _outline(axes, cell.outline)


def _outline(axes: Axes, mask: np.ndarray) -> None:
    """Draw a line around the true region, legible on light and on dark ground."""
    # A little outside of the region, or the line would hide a scratch that is as thin as the line.
    around = binary_dilation(mask, iterations=max(1, len(mask) // 75))
    if around.any() and not around.all():
        edge = axes.contour(around, levels=[0.5], colors=OUTLINE, linewidths=0.7)
        edge.set_path_effects([patheffects.withStroke(linewidth=1.3, foreground="black")])


def _title(cell: Cell, side: float) -> str:
    return _wrapped(cell.title, side)


def _label(cell: Cell, side: float) -> str:
    return _wrapped(cell.label, side + GAP)


def _wrapped(text: str, inches: float, bold: bool = False) -> str:
    """Break lines that are longer than a width, if possible at spaces and hyphens."""
    letters = max(8, int(inches / (1.25 * LETTER if bold else LETTER)))
    return literal("\n".join(part for line in text.split("\n") for part in wrap(line, letters)))


def _height(text: str) -> float:
    """Inches that a text needs."""
    return LINE * (text.count("\n") + 1) if text else 0.0


def _colour_bar(figure: Figure, scale: Scale, centre: float, room: float) -> None:
    """Draw a colour bar at the bottom of a figure; ``centre`` and ``room`` in inches."""
    width, height = figure.get_size_inches()
    length = min(3.2, room - 0.8)
    left = (centre - length / 2) / width
    axes = figure.add_axes((left, 0.4 / height, length / width, 0.09 / height))
    bar = figure.colorbar(
        ScalarMappable(scale.range, COLOUR_MAP),
        cax=axes,
        orientation="horizontal",
        extend="both" if scale.range.clip else "neither",
    )
    if scale.ticks:
        bar.set_ticks(list(scale.ticks), labels=list(scale.ticks.values()))
    bar.ax.tick_params(labelsize=6.5, length=2)
    bar.set_label(scale.label, fontsize=7, labelpad=2)
