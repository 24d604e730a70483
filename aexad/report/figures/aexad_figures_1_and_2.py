"""One image step by step, by AE-XAD and by the plain autoencoder (AE-XAD, figures 1 and 2)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from matplotlib.figure import Figure

from aexad.config.benchmark import Run
from aexad.explain.run_maps import MAPS, read_settings
from aexad.report.figures.base import Drawing, Group, cnn_and_transformer
from aexad.report.images.grid import DEVIATIONS, GAP, Cell, Row, picture_grid
from aexad.report.images.panels import truth_cell
from aexad.report.images.pictures import (
    RULE,
    image_label,
    in_deviations,
    joined,
)
from aexad.report.images.unfiltered import unfiltered_map
from aexad.report.style import TEXT_WIDTH

SIDE = TEXT_WIDTH / 6 - GAP - 0.01  # inches: six pictures across a page
SCALE = (
    "Heat maps are in standard deviations from their own mean, on one scale for all figures; the "
    "binary map is the part above 1."
)


def steps_drawings(group: Group) -> Iterator[Drawing]:
    """``aexad_figure1`` of AE-XAD and ``aexad_figure2`` of a plain autoencoder, on one image."""
    trained = group.trained_methods(model="aexad", loss="aexad")
    if not trained:
        return
    pair = cnn_and_transformer(group)
    run = group.common(pair[0] if pair else trained[0]).runs[0]
    chosen = group.choose(run, 1)
    if chosen.empty:
        return
    image = str(chosen["image"].iloc[0])
    phrase = f"{image_label(image)} of {run.category}"

    def drawn(of: Run, full: bool) -> Figure:
        (photo,), (picture,) = group.photographs(chosen), group.pictures(of, chosen)
        heading = f"{group.shown(of.method)}  ·  {image}\n{joined(picture.values(photo))}"
        cells = [
            Cell(picture.rebuilt, title="reconstruction"),
            Cell(picture.heat_map, DEVIATIONS, f"heat map, k = {picture.k}"),
            Cell(picture.binary, title="binary"),
        ]
        if full:
            settings = read_settings(group.folder(of) / MAPS).heat_map
            raw = unfiltered_map(photo.pixels, picture.rebuilt, settings)
            cells.insert(1, Cell(in_deviations(raw), DEVIATIONS, "raw heat map"))
            cells = [Cell(photo.pixels, title="input"), *cells, truth_cell(photo)]
        return picture_grid([Row(cells)], {0: heading}, SIDE)

    title = group.shown(run.method)
    yield group.drawing(
        "aexad_figure1",
        "AE-XAD step by step",
        f"{title} on {phrase}, seed {run.seed} (figure 1 of AE-XAD). {SCALE} {RULE}",
        f"Six pictures of {phrase} under {title}: input, reconstruction, raw heat map, filtered "
        "heat map, binary map and the true region.",
        partial(drawn, run, full=True),
    )
    for method in group.trained_methods(model="aexad", loss="mse"):
        for same in group.runs_of(method, run.seed, run.category)[:1]:
            plain = group.shown(method)
            yield group.drawing(
                "aexad_figure2",
                "A plain autoencoder on the same image",
                f"{plain} on {phrase}, seed {run.seed} (figure 2 of AE-XAD): the same network, "
                f"trained only to rebuild normal images. {SCALE}",
                f"Three pictures of {phrase} under {plain}: reconstruction, heat map and binary "
                "map.",
                partial(drawn, same, full=False),
            )
            return
