"""Mean ranks of the methods, and the groups that a test cannot separate (Demsar 2006, figure 1)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from aexad.report.figures.base import Drawing, Group, Look
from aexad.report.labels import METRIC, counted, listed
from aexad.report.stats.aggregate import on_common_seeds, ranked_means
from aexad.report.stats.tests import Ranking, friedman_nemenyi
from aexad.report.style import draw_points, grid_of, literal

METRICS = ("xauc", "iou")


def rank_drawings(group: Group) -> Iterator[Drawing]:
    """``critical_difference`` for each of :data:`METRICS`; nothing where no test is possible."""
    for metric in METRICS:
        result = friedman_nemenyi(ranked_means(group.metrics, metric))
        if not isinstance(result, Ranking):
            continue
        label, difference = METRIC[metric].label, result.critical_difference
        ranks = pd.Series(result.ranks).sort_values(kind="stable")
        chance = f"p = {result.p:.2g}" if result.p >= 1e-4 else "p < 0.0001"
        spoken = [f"{group.shown(str(name))} {rank:.2f}" for name, rank in ranks.items()]
        lacking = listed([group.shown(name) for name in result.left_out], most=6)
        left_out = f" Left out, because they lack a category: {lacking}." if lacking else ""
        rows = group.metrics[group.metrics["metric"] == metric]
        seeds = on_common_seeds(rows, result.ranks).groupby("category")["seed"].nunique()
        common = listed([str(number) for number in sorted(set(seeds))])
        bars = counted(len(not_separated(ranks, difference)), "bar")
        yield group.drawing(
            f"critical_difference_{metric}",
            f"Mean ranks by {label}",
            f"{group.phrase} Rank of each method by its mean {label} over the seeds that all of "
            f"them share ({common} in a category), averaged "
            f"over {counted(result.categories, 'category', 'categories')}; 1 is best. Methods that "
            "share a thick bar differ by less than the critical difference (Nemenyi, 0.05): the "
            f"data do not separate them. Friedman's test of all ranks: {chance}."
            f"{left_out}",
            f"One row per method on a scale of ranks. Mean ranks: {listed(spoken)}; critical "
            f"difference {difference:.2f}; {bars} beside methods that the data do not separate.",
            partial(rank_figure, ranks, difference, group.look),
        )


def not_separated(ranks: pd.Series, difference: float) -> list[tuple[float, float]]:
    """Best and worst rank of each largest set of neighbours closer than the difference."""
    ordered = sorted(ranks)
    spans: list[tuple[float, float]] = []
    for i, first in enumerate(ordered):
        near = [rank for rank in ordered[i:] if rank - first < difference]
        if len(near) > 1 and (not spans or near[-1] > spans[-1][1]):
            spans.append((float(first), float(near[-1])))
    return spans


def rank_figure(ranks: pd.Series, difference: float, look: Look) -> Figure:
    """Draw one row per method, the best first, and a bar beside each set not separated.

    Parameters
    ----------
    ranks : Series
        Mean rank by method; 1 is best.
    difference : float
        Ranks that differ by less are not separated.
    look : Look
        Styles and titles of the methods.
    """
    ordered = ranks.sort_values(kind="stable")
    count = len(ordered)
    table = pd.DataFrame({"method": ordered.index, "rank": ordered.array, "line": range(count)})
    figure, (axes,) = grid_of(1, 1, 0.19 * count + 0.6, margin=0.1)
    styles = {str(method): look.styles[str(method)] for method in ordered.index}
    draw_points(axes, table, "rank", "line", styles, s=30)
    for line, rank in enumerate(ordered):
        point = (rank, line)
        axes.annotate(f"{rank:.2f}", point, (6, 0), textcoords="offset points", va="center")
    length = min(difference, count - 1)
    axes.plot([1, 1 + length], [-0.8, -0.8], color="black", marker="|", linewidth=0.9)
    longer = " (longer than the scale)" if difference > count - 1 else ""
    axes.text(1, -1.1, f"critical difference {difference:.2f}{longer}", va="bottom")
    for i, (best, worst) in enumerate(not_separated(ranks, difference)):
        lines = table.loc[table["rank"].between(best, worst), "line"]
        ends = [lines.min() - 0.3, lines.max() + 0.3]
        place: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "clip_on": False}
        axes.plot([1.02 + 0.02 * i] * 2, ends, color="black", linewidth=3, **place)
    axes.set_yticks(table["line"], [literal(look.titles[method]) for method in styles])
    axes.set(xlim=(0.7, count + 0.6), ylim=(count - 0.5, -2.0), xticks=range(1, count + 1))
    axes.set_xlabel("mean rank")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    return figure
