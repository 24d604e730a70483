"""AnoViT and l2-CAE on the same images (AnoViT, figure 3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from aexad.report.figures.base import Drawing, Group
from aexad.report.images.grid import COLOUR_MAP, NORMALISE, bare, colour_bar
from aexad.report.images.pictures import (
    RULE,
    SCALE,
    Photograph,
    image_label,
    read_photographs,
    read_pictures,
)
from aexad.report.style import TEXT_WIDTH, literal

COLUMNS = 6
CELL, LEFT, GAP, TOP, BOTTOM = 1.0, 0.62, 0.06, 0.34, 0.62  # inches


class Column(NamedTuple):
    """One image: its photograph, and a heat map a method, in standard deviations."""

    category: str
    photograph: Photograph
    maps: list[np.ndarray]


def anovit_drawings(group: Group) -> Iterator[Drawing]:
    """``anovit_figure3``, where both models ran on images with masks."""
    models = [group.trained_methods(model=name)[:1] for name in ("l2_cae", "anovit")]
    methods = [method for found in models for method in found]
    if len(methods) < len(models):
        return
    first = group.runs_of(methods[0], group.seed)
    chosen = {run.category: group.one_image(run) for run in first}
    chosen = {category: rows for category, rows in chosen.items() if not rows.empty}
    if not chosen:
        return
    names = [group.shown(method) for method in methods]

    def draw() -> Figure:
        columns = []
        for category, rows in chosen.items():
            runs = [
                run
                for method in methods
                for run in group.runs_of(method, group.seed)
                if run.category == category
            ]
            maps = [
                read_pictures(group.folder(run), list(rows["image"]))[0].heat_map for run in runs
            ]
            photograph = read_photographs(rows, group.root, group.size)[0]
            columns.append(Column(category, photograph, maps))
        return anovit_figure(columns, names)

    yield Drawing(
        name=f"anovit_figure3_{group.where}",
        title=f"AnoViT and l2-CAE on the same images: {group.place}",
        caption=f"{group.phrase} Seed {group.seed}, one anomalous test image of each category: "
        f"input, truth, and the maps of {names[0]} and {names[1]} (figure 3 of AnoViT). {SCALE} "
        f"{RULE}{group.look.note}",
        alt=f"For one image of each category ({', '.join(chosen)}), from top to bottom: the input, "
        f"the true region, the heat map of {names[0]} and that of {names[1]}.",
        draw=draw,
    )


def anovit_figure(columns: Sequence[Column], names: Sequence[str]) -> Figure:
    """Draw a column an image, in blocks of :data:`COLUMNS`; all maps on one scale."""
    steps = ["input", "truth", *names]
    blocks = [columns[i : i + COLUMNS] for i in range(0, len(columns), COLUMNS)]
    block = TOP + len(steps) * (CELL + GAP)
    width = max(LEFT + min(len(columns), COLUMNS) * (CELL + GAP), 0.55 * TEXT_WIDTH)
    height = len(blocks) * block + BOTTOM
    figure = Figure(figsize=(width, height))
    for number, part in enumerate(blocks):
        for column, shown in enumerate(part):
            photograph = shown.photograph
            assert photograph.mask is not None  # noqa: S101 - Group.one_image has one
            pictures = [photograph.pixels, photograph.mask, *shown.maps]
            for row, (step, values) in enumerate(zip(steps, pictures, strict=True)):
                x = LEFT + column * (CELL + GAP)
                y = height - number * block - TOP - row * (CELL + GAP) - CELL
                place = (x / width, y / height, CELL / width, CELL / height)
                axes = bare(figure.add_axes(place))
                if row == 1:
                    axes.imshow(values, cmap="gray", vmin=0, vmax=1)
                else:  # an image in colours has no use for the scale
                    axes.imshow(values, cmap=COLOUR_MAP, norm=NORMALISE)
                if row == 0:
                    label = f"{shown.category}\n{image_label(photograph.image)}"
                    axes.set_title(literal(label), fontsize=6.5, fontweight="normal", pad=3)
                if column == 0:
                    axes.set_ylabel(literal(step.replace("-", "-\n")), fontsize=7)
    colour_bar(figure, width, height)
    return figure
