"""The page about explained images: verdicts, overlays, scores, and what the threshold promises."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aexad.app.card import ModelCard, Threshold
from aexad.report.html.inline_images import embedded
from aexad.report.html.jinja import template
from aexad.runtime.files import write_text

TEMPLATE = Path(__file__).parent / "templates" / "explained.html.j2"
MOST_SHOWN = 100
"""Images with a picture on the page, those with the highest scores; all are in the table."""
PICTURE_WIDTH = 480
BINS = 32
"""About: an edge of a bin lies on the threshold."""
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
MOST_TICKS = 8
"""With more of them, powers of ten alone are labelled."""
WIDTH, HEIGHT = 420, 48
"""Pixels of one row of the histogram."""


class Bar(NamedTuple):
    """A bar of the histogram, in pixels from the upper left corner of its row."""

    x: float
    y: float
    width: float
    height: float
    above: bool
    """Whether the bar lies above the threshold."""


class Row(NamedTuple):
    """One row of the histogram."""

    label: str
    images: int
    bars: list[Bar]


class Histogram(NamedTuple):
    """The scores of several kinds of images on one axis."""

    rows: list[Row]
    ticks: list[tuple[float, str]]
    """Position in pixels and label."""
    threshold: float
    """Its position in pixels."""
    axis: str


def write_explained(
    path: Path,
    source: Path,
    rows: Sequence[Mapping[str, Any]],
    names: Mapping[str, str],
    card: ModelCard,
    threshold: float | None,
    warnings: Sequence[str],
    passed_over: int = 0,
) -> None:
    """Write the page: one file that needs no network and no other file.

    Parameters
    ----------
    path : Path
        The page; the folder ``overlays`` lies beside it.
    source : Path
        The image or folder that was explained.
    rows : sequence of mapping
        One row per image, as :func:`aexad.app.explain_folder.explain_files` returns them.
    names : mapping of str to str
        Image: name of its overlay, without the ending.
    card : ModelCard
        The card of the model.
    threshold : float or None
        The threshold of the verdicts; it may differ from the one of the card.
    warnings : sequence of str
        Warnings about images and masks, and about files that were not read.
    passed_over : int
        Number of files whose endings are not known.
    """
    read = [row for row in rows if "error" not in row]
    read.sort(key=lambda row: -row["score"])
    shown = read[:MOST_SHOWN]
    own = card.threshold if card.threshold and threshold == card.threshold.value else None
    page = template(TEMPLATE).render(
        source=source.name or str(source),
        date=datetime.date.today().isoformat(),
        anomalous=sum(row["verdict"] == "anomalous" for row in read),
        good=sum(row["verdict"] == "normal" for row in read),
        read=read,
        shown=[
            dict(row) | {"picture": _overlay(path.parent, names[row["image"]])} for row in shown
        ],
        not_read=len(rows) - len(read) + passed_over,
        broken=[row["error"] for row in rows if "error" in row],
        warnings=list(warnings),
        threshold=threshold,
        promise=promise(own),
        histogram=histogram(read, card.threshold, threshold) if threshold is not None else None,
        width=WIDTH,
        height=HEIGHT,
        card=card,
    )
    write_text(path, page)


def _overlay(folder: Path, name: str) -> str:
    return embedded([folder / f"overlays/{name}.png"], PICTURE_WIDTH)[0]


def promise(threshold: Threshold | None) -> str:
    """What the threshold of a model promises, and from how many images."""
    if threshold is None:
        return (
            "This threshold was given by hand, or the model has none: nothing is known about the "
            "share of false alarms."
        )
    groups = f" in {threshold.held_out_groups} groups" if threshold.held_out_groups else ""
    return (
        f"Of new good images like those that it was found with, at most "
        f"{100 * threshold.false_alarms:.1f} % are expected to be called anomalous by mistake. The "
        f"threshold comes from {threshold.held_out_normals} good images{groups} that were not "
        "trained on. How many defects are missed is not known."
    )


def histogram(
    read: Sequence[Mapping[str, Any]], found: Threshold | None, threshold: float
) -> Histogram:
    """The scores of these images, of the held-out good ones and of the defects of the training."""
    kinds = {"these images": [float(row["score"]) for row in read]}
    if found is not None:
        kinds["good, held out of training"] = found.good_scores
        kinds["defects that were trained on"] = found.defect_scores
    kinds = {label: scores for label, scores in kinds.items() if scores}
    every = np.array([score for scores in kinds.values() for score in scores] + [threshold])
    ratio = bool((every > 0).all())
    values = np.log(every / threshold) if ratio else every
    line = 0.0 if ratio else threshold
    low, high = float(values.min()), float(values.max())
    step = (high - low) / BINS or 1.0
    first, last = math.floor((low - line) / step - 0.5), math.ceil((high - line) / step + 0.5)
    edges = line + step * np.arange(first, last + 1)

    def position(value: float) -> float:
        return round(WIDTH * (value - edges[0]) / (edges[-1] - edges[0]), 1)

    rows = []
    width = WIDTH / (len(edges) - 1)
    for label, scores in kinds.items():
        own = np.log(np.array(scores) / threshold) if ratio else np.array(scores)
        # A bin is open below and closed above, as a score equal to the threshold is no alarm.
        counts = np.histogram(-own, -edges[::-1])[0][::-1]
        bars = [
            Bar(
                round(i * width + 0.5, 1),
                round(HEIGHT * (1 - count / counts.max()), 1),
                round(width - 1, 1),
                round(HEIGHT * count / counts.max(), 1),
                i + first >= 0,
            )
            for i, count in enumerate(counts.tolist())
            if count
        ]
        rows.append(Row(label, len(scores), bars))
    if ratio:
        inside = [tick for tick in TICKS if edges[0] <= math.log(tick) <= edges[-1]]
        if len(inside) > MOST_TICKS:
            inside = [tick for tick in inside if math.log10(tick).is_integer()]
        ticks = [(position(math.log(tick)), f"{tick:g}") for tick in inside]
    else:
        ticks = [(position(value), f"{value:.3g}") for value in np.linspace(low, high, 5).tolist()]
    axis = "Score as a multiple of the threshold, on a log scale" if ratio else "Score"
    return Histogram(rows, ticks, position(line), axis)
