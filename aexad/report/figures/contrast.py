"""Where a convolutional and a Transformer encoder differ most: the images at both ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from aexad.config.benchmark import Run
from aexad.report.figures.base import Drawing, Group, cnn_and_transformer
from aexad.report.images.grid import (
    CELL,
    COLOUR_MAP,
    NORMALISE,
    bare,
    colour_bar,
    outline,
    values_line,
)
from aexad.report.images.pictures import (
    SCALE,
    Photograph,
    Picture,
    image_label,
    read_photographs,
    read_pictures,
)
from aexad.report.labels import listed
from aexad.report.style import literal

ROWS = 3  # images at each end
LEFT, BETWEEN, TOP, BOTTOM, GAP = 0.1, 0.3, 0.4, 0.62, 0.32  # inches


class Case(NamedTuple):
    """One image under both methods."""

    category: str
    photograph: Photograph
    pictures: tuple[Picture, Picture]


def contrast_drawings(group: Group) -> Iterator[Drawing]:
    """``gallery``: the images with the largest differences in IoU, both ways."""
    pair = cnn_and_transformer(group)
    if pair is None or not group.known("iou"):
        return
    ends = extremes(differences(group, pair), ROWS)
    cnn, transformer = (group.shown(method) for method in pair)
    heads = (f"{transformer} is better", f"{cnn} is better")

    def draw() -> Figure:
        cases = [[_case(group, pair, *key) for *key, _ in end] for end in ends]
        return contrast_figure(cases, (cnn, transformer), heads)

    spoken = [
        listed(
            [f"{image_label(image)} of {category} ({lead:+.2f})" for category, image, lead in end]
        )
        for end in ends
    ]
    yield Drawing(
        name=f"gallery_{group.where}",
        title=f"Where the two kinds of encoder differ most: {group.place}",
        caption=f"{cnn} and {transformer} (the first method of each kind), seed {group.seed}: the "
        f"{ROWS} test images of all categories on which one leads the other by the largest "
        "difference in IoU. The images are chosen by the scores, to show where the methods "
        f"differ: they say nothing about the average. {SCALE}{group.look.note}",
        alt=f"Photographs with the true region outlined, and both heat maps. {transformer} leads "
        f"most on {spoken[0] or 'no image'}; {cnn} leads most on {spoken[1] or 'no image'}. "
        f"In brackets: IoU of {transformer} minus that of {cnn}.",
        draw=draw,
    )


def differences(group: Group, pair: tuple[str, str]) -> pd.Series:
    """IoU of the second method minus the first's on each anomalous test image of the lowest seed.

    Returns
    -------
    Series
        By category and image.
    """
    rows = group.per_image(pair)
    rows = rows[rows["seed"] == group.seed]
    sides = rows.pivot_table(index=["category", "image"], columns="method", values="iou")
    return (sides[pair[1]] - sides[pair[0]]).dropna().sort_index()


def extremes(difference: pd.Series, count: int) -> tuple[list[Any], list[Any]]:
    """Images that the second method leads on, and images that the first does.

    Returns
    -------
    tuple of two lists
        Up to ``count`` of (category, image, difference) each, the largest differences first.
    """
    ordered = difference.sort_values(kind="stable")
    rows = list(ordered.reset_index().itertuples(index=False, name=None))
    first, second = [row for row in rows if row[2] < 0], [row for row in rows if row[2] > 0]
    return second[::-1][:count], first[:count]


def contrast_figure(
    ends: Sequence[Sequence[Case]], names: tuple[str, str], heads: tuple[str, str]
) -> Figure:
    """Draw two blocks side by side, a row an image: the photograph, and the map of each method."""
    rows = max(1, *map(len, ends))
    block = 3 * (CELL + 0.06)
    width = LEFT + 2 * block + BETWEEN
    height = TOP + rows * (CELL + GAP) + BOTTOM
    figure = Figure(figsize=(width, height))
    for side, (end, head) in enumerate(zip(ends, heads, strict=True)):
        left = LEFT + side * (block + BETWEEN)
        figure.text(
            left / width, 1 - 0.06 / height, literal(head), va="top", fontsize=8, fontweight="bold"
        )
        if not end:
            figure.text(left / width, 1 - 0.4 / height, "on no image", va="top", fontsize=8)
        for row, case in enumerate(end):
            y = height - TOP - row * (CELL + GAP) - CELL
            for column in range(3):
                x = left + column * (CELL + 0.06)
                axes = bare(figure.add_axes((x / width, y / height, CELL / width, CELL / height)))
                if column == 0:
                    axes.imshow(case.photograph.pixels)
                    label = f"{case.category}\n{image_label(case.photograph.image)}"
                    axes.set_xlabel(literal(label), fontsize=6.5, labelpad=2)
                else:
                    picture = case.pictures[column - 1]
                    axes.imshow(picture.heat_map, cmap=COLOUR_MAP, norm=NORMALISE)
                    axes.set_xlabel(values_line(picture), fontsize=6.5, labelpad=2)
                outline(axes, case.photograph.mask)
                if row == 0:
                    title = ("input, truth", *names)[column]
                    axes.set_title(literal(title), fontsize=6.5, fontweight="normal", pad=3)
    colour_bar(figure, width, height)
    return figure


def _case(group: Group, pair: tuple[str, str], category: str, image: str) -> Case:
    runs: list[Run] = [
        run
        for method in pair
        for run in group.runs_of(method, group.seed)
        if run.category == category
    ]
    split = group.split(runs[0])
    photograph = read_photographs(split[split["image"] == image], group.root, group.size)[0]
    first, second = (read_pictures(group.folder(run), [image])[0] for run in runs)
    return Case(category, photograph, (first, second))
