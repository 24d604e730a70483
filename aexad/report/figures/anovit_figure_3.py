"""AnoViT and l2-CAE on the same images (AnoViT, figure 3)."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from aexad.report.figures.base import Drawing, Group
from aexad.report.images.grid import DEVIATIONS, Cell, Row, picture_grid
from aexad.report.images.pictures import RULE, SCALE, image_label

COLUMNS = 6


def anovit_drawings(group: Group) -> Iterator[Drawing]:
    """``anovit_figure3``, where both models ran on images with masks."""
    pair = [name for m in ("l2_cae", "anovit") for name in group.trained_methods(model=m)[:1]]
    if len(pair) < 2:
        return
    group = group.common(*pair)
    chosen = {run.category: group.choose(run, 1) for run in group.runs_of(pair[0])}
    chosen = {category: rows for category, rows in chosen.items() if not rows.empty}
    if not chosen:
        return
    titles = [group.shown(method) for method in pair]

    def draw() -> Figure:
        columns = []
        for category, rows in chosen.items():
            (photo,) = group.photographs(rows)
            runs = [run for m in pair for run in group.runs_of(m, category=category)]
            maps = [group.pictures(run, rows)[0].heat_map for run in runs]
            title = f"{category}\n{image_label(photo.image)}"
            truth = Cell("no mask" if photo.mask is None else photo.mask)
            maps_of = [Cell(heat_map, DEVIATIONS) for heat_map in maps]
            columns.append([Cell(photo.pixels, title=title), truth, *maps_of])
        blocks = [columns[i : i + COLUMNS] for i in range(0, len(columns), COLUMNS)]
        labels = ["input", "truth", *titles]
        rows_of = [
            Row([column[i] for column in block], label)
            for block in blocks
            for i, label in enumerate(labels)
        ]
        return picture_grid(rows_of, cell=1.0)

    yield group.drawing(
        "anovit_figure3",
        "AnoViT and l2-CAE on the same images",
        f"{group.phrase} Seed {group.seed}, one anomalous test image of each category: input, "
        f"truth, and the maps of {titles[0]} and {titles[1]} (figure 3 of AnoViT). {SCALE} {RULE}",
        f"For one image of each category ({', '.join(chosen)}), from top to bottom: the input, "
        f"the true region, the heat map of {titles[0]} and the heat map of {titles[1]}.",
        draw,
    )
