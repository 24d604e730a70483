"""The look of figures: one colour and marker per method, and reproducible files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from aexad.runtime.files import written_whole

# Okabe and Ito (2008): distinct with any common colour blindness. Yellow is too pale on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444")
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES: tuple[tuple[float, ...], ...] = ((), (4, 1.5), (1, 1), (4, 1.5, 1, 1.5))

TEXT_WIDTH = 7.0  # inches: two columns of text, and the page of the report
LEGEND_LINE = 0.17  # inches: the height of a line of a legend
FEWEST_TICKS = 3

_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters on every machine
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
    "xtick.major.size": 2,
    "ytick.major.size": 2,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "svg.hashsalt": "aexad",
    "svg.fonttype": "path",
}


class MethodStyle(NamedTuple):
    """The look of one method; ``dashes`` are lengths of dashes and gaps, empty for a solid line."""

    colour: str
    marker: str
    dashes: tuple[float, ...]

    def handle(self, label: str, line: bool = True) -> Line2D:
        """An entry of a legend."""
        handle = Line2D([], [], color=self.colour, marker=self.marker, label=literal(label))
        handle.set_linestyle((0, self.dashes) if self.dashes and line else "-" if line else "")
        return handle


def method_styles(methods: Sequence[str]) -> dict[str, MethodStyle]:
    """Give each method its look; the first 42 have different pairs of colour and marker."""
    return {
        method: MethodStyle(
            COLOURS[i % len(COLOURS)],
            MARKERS[i % len(MARKERS)],
            DASHES[i // len(COLOURS) % len(DASHES)],
        )
        for i, method in enumerate(methods)
    }


def styled() -> AbstractContextManager[None]:
    """Draw in the report's style inside this context, whatever the user's matplotlibrc says."""
    return mpl.rc_context({**mpl.rcParamsDefault, "backend": "agg", **_STYLE})


def draw_points(
    axes: Axes, table: pd.DataFrame, x: str, y: str, styles: Mapping[str, MethodStyle], **how: Any
) -> None:
    """Draw a mark for each row of a tidy table, in the look of its ``method``."""
    options = {"s": 20, "edgecolor": "white", "linewidth": 0.4, "zorder": 3}
    table = table.reset_index(drop=True)  # seaborn cannot align rows of one name
    sns.scatterplot(table, x=x, y=y, ax=axes, **_look(styles), **(options | how))
    axes.set(xlabel="", ylabel="")


def draw_lines(
    axes: Axes, table: pd.DataFrame, x: str, y: str, styles: Mapping[str, MethodStyle], **how: Any
) -> None:
    """Draw a line through the rows of each ``method`` of a tidy table, in its look."""
    options = {"dashes": {name: style.dashes or "" for name, style in styles.items()}}
    options |= _look(styles) | how
    table = table.reset_index(drop=True)
    sns.lineplot(table, x=x, y=y, ax=axes, estimator=None, **options)
    axes.set(xlabel="", ylabel="")


def add_legend(figure: Figure, handles: Sequence[Line2D]) -> None:
    """Put a legend above the panels, in as many columns as its longest name leaves room for.

    The figure grows by the lines of the legend after the first, so that the panels keep their size.
    """
    longest = max(len(str(handle.get_label())) for handle in handles)
    columns = max(1, int(TEXT_WIDTH / (0.062 * longest + 0.55)))  # inches of a letter and a sample
    lines = -(-len(handles) // columns)
    figure.set_figheight(figure.get_figheight() + LEGEND_LINE * (lines - 1))
    figure.legend(handles=handles, loc="outside upper center", ncols=min(columns, len(handles)))


def grid_of(
    count: int, columns: int, height: float, margin: float, **share: Any
) -> tuple[Figure, list[Axes]]:
    """Make ``count`` panels in rows of ``columns``; the rest of the last row stays empty.

    Parameters
    ----------
    count, columns : int
        Number of panels, and largest number of panels in a row.
    height, margin : float
        Inches: the height of a panel, and of legend and labels.
    **share
        ``sharex`` and ``sharey`` of ``Figure.subplots``. Of shared axes, the last panel of each
        column has the tick labels.
    """
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(TEXT_WIDTH, rows * height + margin), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, **share)
    for axes in panels.flat[count:]:
        axes.set_visible(False)
    for axes in panels.flat[max(0, count - columns) : count]:
        axes.tick_params(labelbottom=True)
    return figure, list(panels.flat[:count])


def name_ticks(axis: Axis, low: float, high: float) -> None:
    """Label a few round numbers of a log axis from ``low`` to ``high``."""
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
    """Escape dollar signs, with which matplotlib would start a formula."""
    return text.replace("$", r"\$")


def save_figure(figure: Figure, path: Path, dots: int = 200) -> None:
    """Write an SVG, or a PNG of ``dots`` per inch, without date and version of matplotlib."""
    kind = path.suffix.removeprefix(".")
    hidden = ("Software",) if kind == "png" else ("Date", "Creator")
    with written_whole(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=dots, metadata=dict.fromkeys(hidden))


def _look(styles: Mapping[str, MethodStyle]) -> dict[str, Any]:
    """Colours and markers of methods, for seaborn."""
    return {
        "hue": "method",
        "style": "method",
        "palette": {name: style.colour for name, style in styles.items()},
        "markers": {name: style.marker for name, style in styles.items()},
        "legend": False,
    }
