"""For each category, the same test images under each method."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from aexad.report.figures.base import Drawing, Group
from aexad.report.images.grid import gallery_figure
from aexad.report.images.pictures import RULE, SCALE, choose_images, read_photographs, read_pictures
from aexad.report.labels import listed


def gallery_drawings(group: Group, count: int) -> Iterator[Drawing]:
    """``gallery_…_<category>`` with ``count`` test images."""
    for category in dict.fromkeys(run.category for run in group.runs):
        yield _drawing(group, category, count)


def _drawing(group: Group, category: str, count: int) -> Drawing:
    seed = min(run.seed for run in group.runs if run.category == category)
    runs = [run for run in group.runs if run.category == category and run.seed == seed]

    def draw() -> Figure:
        chosen = choose_images(group.split(runs[0]), count)
        images = list(chosen["image"])
        pictures = {run.method: read_pictures(group.folder(run), images) for run in runs}
        photographs = read_photographs(chosen, group.root, group.size)
        return gallery_figure(photographs, pictures, group.look.names)

    return Drawing(
        name=f"gallery_{group.where}_{category}",
        title=f"The same test images under each method: {group.title}, {category}, "
        f"{group.scenario}",
        caption=f"Seed {seed}. A line runs around the true region, where it is known; where there "
        "is none, the image's score is printed instead of X-AUC and IoU. "
        f"{SCALE} {RULE}{group.look.note}",
        alt=f"Test images of {category} with the outline of the true defect, and beside each the "
        f"heat maps of {listed([group.shown(run.method) for run in runs])}, with X-AUC and IoU "
        "below each map.",
        draw=draw,
    )
