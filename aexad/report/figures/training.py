"""The figure of the training: both parts of the loss by epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from aexad.report.figures.base import Drawing, Group
from aexad.report.labels import listed
from aexad.report.style import TEXT_WIDTH, MethodStyle, add_legend, literal
from aexad.runtime.errors import DataError

PARTS = {"loss_normal": "normal pixels", "loss_anomalous": "anomalous pixels"}

SHORT = 50  # an axis from low to 50 x low has too few powers of ten to be read

Curves = Mapping[tuple[str, str, int], pd.DataFrame]
"""``training.csv`` by category, method and seed."""


def training_drawings(group: Group) -> Iterator[Drawing]:
    """``training``: the loss of every run that trained a model."""
    if not group.runs:
        return
    own = {run.method for run in group.runs}
    styles = {method: style for method, style in group.look.styles.items() if method in own}

    def draw() -> Figure:
        curves = {
            (run.category, run.method, run.seed): _read_curve(
                group.results / run.folder / "training.csv"
            )
            for run in group.runs
        }
        return training_figure(curves, styles, group.look.names)

    yield Drawing(
        name=f"training_{group.where}",
        title=f"Training curves: {group.place}",
        caption=f"{group.phrase} The two parts of the training loss by epoch, one line a seed, log "
        "scale. Methods with different losses differ in level by definition; compare the shapes."
        f"{group.look.note}",
        alt="Line plots of the training loss by epoch on normal and on anomalous pixels, a row of "
        "panels for each category, a line for each method "
        f"({listed([group.shown(method) for method in styles])}).",
        draw=draw,
    )


def training_figure(
    curves: Curves, styles: Mapping[str, MethodStyle], names: Mapping[str, str]
) -> Figure:
    """Draw a row a category, a panel a part of the loss, a line a run; log scale.

    Parameters
    ----------
    curves : mapping
        ``training.csv`` (columns epoch, loss_normal, loss_anomalous) by category, method and seed.
    styles : mapping of str to MethodStyle
        The look of each method, in the order of drawing.
    names : mapping of str to str
        Method: its name in the legend.
    """
    categories = list(dict.fromkeys(category for category, _, _ in curves))
    figure = Figure(figsize=(TEXT_WIDTH, 1.5 * len(categories) + 0.7), layout="constrained")
    panels = figure.subplots(len(categories), len(PARTS), sharex=True, squeeze=False)
    for row, category in zip(panels, categories, strict=True):
        for axes, (part, title) in zip(row, PARTS.items(), strict=True):
            for method, style in styles.items():
                lines = [
                    curve
                    for (where, who, _), curve in curves.items()
                    if (where, who) == (category, method)
                ]
                _lines(axes, lines, part, style)
            _finish(axes)
            if category == categories[0]:
                axes.set_title(title)
            if category == categories[-1]:
                axes.set_xlabel("epoch")
        row[0].set_ylabel(f"{literal(category)}\nloss")
    handles = [
        Line2D([], [], color=style.colour, linestyle=style.line, label=names[method])
        for method, style in styles.items()
    ]
    add_legend(figure, handles)
    return figure


def _lines(axes: Axes, curves: Sequence[pd.DataFrame], part: str, style: MethodStyle) -> None:
    for curve in curves:
        # A part that a loss does not have is empty or 0, which a log scale cannot show.
        known = curve[curve[part] > 0]
        if known.empty:
            continue
        axes.plot(
            known["epoch"],
            known[part],
            color=style.colour,
            linestyle=style.line,
            linewidth=1.2 if len(curves) == 1 else 0.8,
            alpha=1 if len(curves) == 1 else 0.7,
            marker=style.marker if len(known) == 1 else "",
            markersize=3,
        )


def _finish(axes: Axes) -> None:
    if axes.get_lines():
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        short = high / low < SHORT
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if short else (1,), numticks=6))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no such part", transform=axes.transAxes, ha="center", color="#777777")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))
    axes.tick_params(length=2)


def _read_curve(path: Path) -> pd.DataFrame:
    try:
        curve = pd.read_csv(path)
        return curve[["epoch", "loss_normal", "loss_anomalous"]].astype("float64")
    except (ValueError, KeyError) as error:
        told = " ".join(str(error).split())
        raise DataError(f"{path}: {told}; make it anew with 'aexad train'") from None
