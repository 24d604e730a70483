"""Mean ranks of the methods, and which of them a test tells apart (Demsar 2006, figure 1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from aexad.report.figures.base import Drawing, Group, Look
from aexad.report.labels import METRIC, counted, listed
from aexad.report.stats.aggregate import category_means
from aexad.report.stats.tests import Ranking, friedman_nemenyi
from aexad.report.style import TEXT_WIDTH, literal

METRICS = ("xauc", "iou")


def rank_drawings(group: Group) -> Iterator[Drawing]:
    """``critical_difference`` for each of :data:`METRICS`; nothing where no test is possible."""
    for metric in METRICS:
        result = friedman_nemenyi(category_means(group.metrics, metric))
        if isinstance(result, Ranking):
            yield _drawing(group, metric, result)


def not_told_apart(ranks: pd.Series, difference: float) -> list[tuple[float, float]]:
    """Best and worst rank of each largest set of neighbours closer than the difference."""
    ordered = sorted(ranks)
    spans: list[tuple[float, float]] = []
    for i, first in enumerate(ordered):
        near = [rank for rank in ordered[i:] if rank - first < difference]
        if len(near) > 1 and (not spans or near[-1] > spans[-1][1]):
            spans.append((float(first), float(near[-1])))
    return spans


def rank_figure(ranks: pd.Series, difference: float, look: Look) -> Figure:
    """Draw a scale of ranks with a flag a method, and a bar over each set not told apart.

    Parameters
    ----------
    ranks : Series
        Method: mean rank; 1 is best.
    difference : float
        Ranks that differ by less are not told apart.
    look : Look
        Colours and names of the methods.
    """
    ordered = ranks.sort_values(kind="stable")
    half = -(-len(ordered) // 2)
    spans = not_told_apart(ranks, difference)
    line, first = 0.19, 0.28 + 0.11 * len(spans)  # inches: between flags, and above the first one
    height = 0.75 + first + line * half
    figure = Figure(figsize=(TEXT_WIDTH, height))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(0, TEXT_WIDTH)
    axes.set_ylim(-height + 0.75, 0.75)
    count = len(ordered)
    longest = max(len(look.names[str(method)]) for method in ranks.index)
    start = max(1.2, 0.062 * longest + 0.5)  # inches a letter, and room for the number
    width = TEXT_WIDTH - 2 * start

    def place(rank: float) -> float:
        return start + width * (rank - 1) / max(count - 1, 1)

    black: dict[str, Any] = {"color": "black", "linewidth": 0.9, "solid_capstyle": "butt"}
    axes.plot([place(1), place(count)], [0, 0], **black)
    for rank in range(1, count + 1):
        axes.plot([place(rank)] * 2, [0, 0.07], **black)
        axes.text(place(rank), 0.1, str(rank), ha="center", va="bottom", fontsize=7.5)
    shown = min(difference, count - 1)
    axes.plot([place(1), place(1 + shown)], [0.42, 0.42], **black)
    for end in (place(1), place(1 + shown)):
        axes.plot([end, end], [0.38, 0.46], **black)
    text = f"critical difference {difference:.2f}" + (" (longer than the scale)" * (
        difference > count - 1
    ))  # fmt: skip
    axes.text(place(1), 0.5, text, fontsize=7.5, va="bottom")
    for i, (method, rank) in enumerate(ordered.items()):
        left = i < half
        y = -first - line * (i if left else count - 1 - i)
        edge = start - 0.1 if left else start + width + 0.1
        style = look.styles[str(method)]
        x = place(float(rank))
        axes.plot([x, x, edge], [0, y, y], color=style.colour, linewidth=0.9)
        axes.plot(x, 0, marker=style.marker, color=style.colour, markersize=4, zorder=3)
        name, value = literal(look.names[str(method)]), f"{rank:.2f}"
        axes.text(
            edge + (-0.05 if left else 0.05),
            y,
            f"{name}  {value}" if left else f"{value}  {name}",
            ha="right" if left else "left",
            va="center",
            fontsize=7.5,
        )
    for i, (best, worst) in enumerate(spans):
        y = -0.14 - 0.11 * i
        axes.plot([place(best) - 0.04, place(worst) + 0.04], [y, y], color="black", linewidth=3)
    return figure


def _drawing(group: Group, metric: str, result: Ranking) -> Drawing:
    label = METRIC[metric].label
    ranks, difference = pd.Series(result.ranks), result.critical_difference
    chance = f"p = {result.p:.2g}" if result.p >= 1e-4 else "p < 0.0001"
    spoken = [
        f"{group.shown(str(m))} {rank:.2f}" for m, rank in ranks.sort_values(kind="stable").items()
    ]
    bars = counted(len(not_told_apart(ranks, difference)), "bar")
    return Drawing(
        name=f"critical_difference_{metric}_{group.where}",
        title=f"Mean ranks by {label}: {group.place}",
        caption=f"{group.phrase} Rank of each method by its mean {label} over the seeds, averaged "
        f"over {counted(result.categories, 'category', 'categories')}; 1 is best. Methods below "
        "one thick bar differ by less than the critical difference (Nemenyi, 0.05): the data do "
        f"not tell them apart. Friedman's test of all ranks: {chance}.{group.look.note}",
        alt=f"A scale of ranks. Mean ranks: {listed(spoken)}; critical difference "
        f"{difference:.2f}; {bars} over methods that are not told apart.",
        draw=lambda: rank_figure(ranks, difference, group.look),
    )
