"""How figures look: one colour and marker a method, and files that are the same every time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from aexad.runtime.files import written_whole

# Okabe and Ito (2008), told apart with any common colour blindness; yellow is too pale on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444")
MARKERS = ("o", "s", "^", "D", "v", "P")
OUTLINE = "#00E5FF"
"""Of the true region: the one hue that neither photographs nor the heat maps' colours have."""

TEXT_WIDTH = 7.0
"""Inches; the width of a text column pair, and of the report's page."""

LEGEND_LINE = 0.17
"""Inches; the height of a line of a legend."""

FEWEST_TICKS = 3  # of an axis that can be read

_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same letters on every machine
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "svg.hashsalt": "aexad",
    "svg.fonttype": "path",
}


Line = Literal["-", "--", ":", "-."]


class MethodStyle(NamedTuple):
    """The look of one method."""

    colour: str
    marker: str
    line: Line


def method_styles(methods: Sequence[str]) -> dict[str, MethodStyle]:
    """Give each method its look; the first 42 have different pairs of colour and marker."""
    lines: tuple[Line, ...] = ("-", "--", ":", "-.")
    return {
        method: MethodStyle(
            COLOURS[i % len(COLOURS)],
            MARKERS[i % len(MARKERS)],
            lines[i // len(COLOURS) % len(lines)],
        )
        for i, method in enumerate(methods)
    }


def styled() -> AbstractContextManager[None]:
    """Draw in the report's style inside this context, whatever the user's matplotlibrc says."""
    return mpl.rc_context({**mpl.rcParamsDefault, "backend": "agg", **_STYLE})


def add_legend(figure: Figure, handles: Sequence[Line2D]) -> None:
    """Put a legend above the panels, in as many columns as its longest name leaves room for.

    The figure grows by the lines of it that are more than one: they take nothing from the panels.
    """
    longest = max(len(str(handle.get_label())) for handle in handles)
    columns = max(1, int(TEXT_WIDTH / (0.068 * longest + 0.55)))  # inches a letter, and a sample
    lines = -(-len(handles) // columns)
    figure.set_figheight(figure.get_figheight() + LEGEND_LINE * (lines - 1))
    figure.legend(handles=handles, loc="outside upper center", ncols=min(columns, len(handles)))


def grid_of(count: int, columns: int, height: float, margin: float) -> tuple[Figure, list[Axes]]:
    """Panels in rows of ``columns``, with shared axes; what a last row leaves over is not drawn.

    Parameters
    ----------
    count : int
        Panels.
    columns : int
        Most panels in a row.
    height, margin : float
        Inches: of a panel, and for legend and labels.

    Returns
    -------
    tuple of Figure and list of Axes
        ``count`` panels; each column has tick labels below its last panel.
    """
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(TEXT_WIDTH, rows * height + margin), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes in panels.flat[count:]:
        axes.set_visible(False)
    for axes in panels.flat[max(0, count - columns) : count]:
        axes.tick_params(labelbottom=True)
    return figure, list(panels.flat[:count])


def name_ticks(axis: Axis, low: float, high: float) -> None:
    """Tick a log axis from ``low`` to ``high`` at a few round numbers, and write them out."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
        ticks = [step * 10.0**power for power in powers for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) >= FEWEST_TICKS:
            break
    else:
        ticks = [tick for tick in MaxNLocator(5).tick_values(low, high) if low <= tick <= high]
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def literal(text: str) -> str:
    """``text`` as matplotlib prints it unchanged: a dollar sign would start a formula."""
    return text.replace("$", r"\$")


def save_png(figure: Figure, path: Path, dots: int = 200) -> None:
    """Write a PNG of ``dots`` an inch, without the version of matplotlib in it."""
    with written_whole(path) as temporary:
        figure.savefig(temporary, format="png", dpi=dots, metadata={"Software": None})


def save_svg(figure: Figure, path: Path) -> None:
    """Write an SVG without date and version."""
    with written_whole(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None})
