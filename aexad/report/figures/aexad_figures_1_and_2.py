"""One image step by step, by AE-XAD and by the plain autoencoder (AE-XAD, figures 1 and 2)."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from aexad.config.benchmark import Run
from aexad.report.figures.base import Drawing, Group, cnn_and_transformer
from aexad.report.images.pictures import (
    RULE,
    Photograph,
    Picture,
    image_label,
    in_deviations,
    read_photographs,
    read_pictures,
)
from aexad.report.images.steps import (
    Step,
    joined,
    map_step,
    mask_step,
    photo_step,
    picture_values,
    strip_figure,
    truth_step,
)
from aexad.report.images.unfiltered import read_settings, unfiltered_map
from aexad.report.style import TEXT_WIDTH

CELL = TEXT_WIDTH / 6 - 0.07  # inches: six steps in a line of text
SCALE = (
    "Heat maps are in standard deviations from their own mean, on one scale for all figures; the "
    "binary map is what lies above 1."
)


def steps_drawings(group: Group) -> Iterator[Drawing]:
    """``aexad_figure1`` of AE-XAD and ``aexad_figure2`` of a plain autoencoder, on one image."""
    pair = cnn_and_transformer(group)
    trained = group.trained_methods(model="aexad", loss="aexad")
    if not trained:
        return
    method = pair[0] if pair else trained[0]
    run = group.runs_of(method, group.seed)[0]
    chosen = group.one_image(run)
    if chosen.empty:
        return
    image = str(chosen["image"].iloc[0])
    shown = f"{image_label(image)} of {run.category}"

    def read(of: Run) -> tuple[Photograph, Picture]:
        photograph = read_photographs(chosen, group.root, group.size)[0]
        return photograph, read_pictures(group.folder(of), [image])[0]

    def heading(of: Run, photograph: Photograph, picture: Picture) -> list[str]:
        values = picture_values(picture, photograph)
        return [joined([group.shown(of.method), image]), joined(values)]

    def draw() -> Figure:
        photograph, picture = read(run)
        settings = read_settings(group.folder(run))
        raw = unfiltered_map(photograph.pixels, picture.reconstruction, settings)
        steps: list[Step] = [
            photo_step("input", photograph.pixels),
            photo_step("reconstruction", picture.reconstruction),
            map_step("raw heat map", in_deviations(raw)),
            map_step(f"filtered, k = {picture.k}", picture.heat_map),
            mask_step("binary", picture.binary),
            truth_step(photograph),
        ]
        return strip_figure(heading(run, photograph, picture), steps, CELL)

    yield Drawing(
        name=f"aexad_figure1_{group.where}",
        title=f"AE-XAD step by step: {group.place}",
        caption=f"{group.shown(method)} on {shown}, seed {run.seed} (figure 1 of AE-XAD). {SCALE} "
        f"{RULE}{group.look.note}",
        alt=f"Six pictures of {shown} under {group.shown(method)}: input, reconstruction, raw heat "
        "map, filtered heat map, binary map and the true region.",
        draw=draw,
    )
    plain = group.trained_methods(model="aexad", loss="mse")
    same = [each for each in group.runs if each.method in plain and each[:4] == run[:4]]
    if not same:
        return

    def draw_plain() -> Figure:
        photograph, picture = read(same[0])
        steps = [
            photo_step("reconstruction", picture.reconstruction),
            map_step(f"heat map, k = {picture.k}", picture.heat_map),
            mask_step("binary", picture.binary),
        ]
        return strip_figure(heading(same[0], photograph, picture), steps, CELL)

    name = group.shown(same[0].method)
    yield Drawing(
        name=f"aexad_figure2_{group.where}",
        title=f"A plain autoencoder on the same image: {group.place}",
        caption=f"{name} on {shown}, seed {run.seed} (figure 2 of AE-XAD): the same network, "
        f"trained to rebuild normal images and nothing else. {SCALE}{group.look.note}",
        alt=f"Three pictures of {shown} under {name}: reconstruction, heat map and binary map.",
        draw=draw_plain,
    )
