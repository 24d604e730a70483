"""Labels of points, placed so that none hides another."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from matplotlib.transforms import Bbox

LETTERS = 6.5  # points
RINGS = (7, 14, 22, 32, 44, 58)  # points: distances of a label from its point, tried in this order
SIDES = (  # direction, and the edge of the label that is nearest to the point
    ((1, 0), "left", "center"),
    ((-1, 0), "right", "center"),
    ((0, 1), "center", "bottom"),
    ((0, -1), "center", "top"),
    ((0.7, 0.7), "left", "bottom"),
    ((0.7, -0.7), "left", "top"),
    ((-0.7, 0.7), "right", "bottom"),
    ((-0.7, -0.7), "right", "top"),
)  # fmt: skip


def place_labels(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    bars: Sequence[tuple[float, float]] = (),
) -> None:
    """Write a text at the nearest free place to each point, with a line to it where it is far.

    A place is free if the text covers no other text, point or bar. A text without a free place
    takes the first one. The layout of the figure must be final.

    Parameters
    ----------
    axes : Axes
    points : sequence of (x, y)
        In data coordinates.
    texts : sequence of str
    bars : sequence of (low, high)
        The ends of the vertical bar of each point; NaN for none.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None  # noqa: S101 - axes that are drawn have one
    renderer = FigureCanvasAgg(figure).get_renderer()
    places = axes.transData.transform(points)
    radius = 4 * figure.dpi / 72
    taken = [Bbox.from_extents(x - radius, y - radius, x + radius, y + radius) for x, y in places]
    for (x, _), ends in zip(points, bars, strict=False):
        if not any(map(math.isnan, ends)):
            (left, low), (_, high) = axes.transData.transform([(x, end) for end in ends])
            taken.append(Bbox.from_extents(left - 1, low, left + 1, high))
    whole = axes.get_window_extent(renderer)
    for point, text in zip(points, texts, strict=True):
        for ring, ((dx, dy), horizontal, vertical) in [(r, s) for r in RINGS for s in SIDES]:
            label = axes.annotate(
                text,
                point,
                (dx * ring, dy * ring),
                textcoords="offset points",
                fontsize=LETTERS,
                ha=horizontal,
                va=vertical,
                arrowprops=None
                if ring == RINGS[0]
                else {"arrowstyle": "-", "color": "#999999", "linewidth": 0.5, "shrinkB": 3},
            )
            label.update_positions(renderer)
            box = Text.get_window_extent(label, renderer)  # of the letters, without the line
            inside = whole.x0 <= box.x0 and box.x1 <= whole.x1
            if inside and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
            label.remove()
        else:
            axes.annotate(text, point, (7, 0), textcoords="offset points", fontsize=LETTERS)
