"""For each category, the same test images under each method."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from aexad.config.benchmark import Run
from aexad.report.figures.base import Drawing, Group
from aexad.report.images.grid import gallery_figure
from aexad.report.images.pictures import RULE, SCALE
from aexad.report.labels import listed


def gallery_drawings(group: Group, count: int) -> Iterator[Drawing]:
    """``gallery_…_<category>`` with ``count`` test images."""
    for category in group.categories:
        seed = min(run.seed for run in group.runs if run.category == category)
        runs = [run for run in group.runs if (run.category, run.seed) == (category, seed)]

        def draw(runs: list[Run] = runs) -> Figure:
            chosen = group.choose(runs[0], count, masked=False)
            pictures = {run.method: group.pictures(run, chosen) for run in runs}
            return gallery_figure(group.photographs(chosen), pictures, group.look.titles)

        yield group.drawing(
            "gallery",
            f"The same test images of {category} under each method",
            f"Seed {seed}. A line runs around the true region, where it is known. Images without "
            f"X-AUC and IoU have their score below each map. {SCALE} {RULE}",
            f"Test images of {category} with the outline of the true defect, followed by the heat "
            f"maps of {listed([group.shown(run.method) for run in runs])}, with X-AUC and IoU "
            "below each map.",
            draw,
            end=f"_{category}",
        )
