"""Mean ranks of the methods, and the groups that a test cannot separate (Demsar 2006, figure 1)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pandas as pd
from matplotlib.figure import Figure
from scikit_posthocs import critical_difference_diagram

from aexad.report.figures.base import Drawing, Group, Look
from aexad.report.labels import METRIC, counted, listed
from aexad.report.stats.aggregate import category_means
from aexad.report.stats.tests import Ranking, friedman_nemenyi
from aexad.report.style import TEXT_WIDTH, draw_points, literal

METRICS = ("xauc", "iou")


def rank_drawings(group: Group) -> Iterator[Drawing]:
    """``critical_difference`` for each of :data:`METRICS`; nothing where no test is possible."""
    for metric in METRICS:
        result = friedman_nemenyi(category_means(group.metrics, metric))
        if not isinstance(result, Ranking):
            continue
        label, difference = METRIC[metric].label, result.critical_difference
        ranks = pd.Series(result.ranks).sort_values(kind="stable")
        chance = f"p = {result.p:.2g}" if result.p >= 1e-4 else "p < 0.0001"
        spoken = [f"{group.shown(str(name))} {rank:.2f}" for name, rank in ranks.items()]
        bars = counted(len(not_separated(ranks, difference)), "bar")
        yield group.drawing(
            f"critical_difference_{metric}",
            f"Mean ranks by {label}",
            f"{group.phrase} Rank of each method by its mean {label} over the seeds, averaged "
            f"over {counted(result.categories, 'category', 'categories')}; 1 is best. Methods that "
            "a thick bar joins differ by less than the critical difference (Nemenyi, 0.05): the "
            f"data do not separate them. Friedman's test of all ranks: {chance}.",
            f"A scale of ranks. Mean ranks: {listed(spoken)}; critical difference "
            f"{difference:.2f}; {bars} over methods that the data do not separate.",
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
    """Draw a scale of ranks with a flag per method, and a bar over each set not separated.

    Parameters
    ----------
    ranks : Series
        Method: mean rank; 1 is best.
    difference : float
        Ranks that differ by less are not separated.
    look : Look
        Colours and titles of the methods.
    """
    values = ranks.to_numpy()
    close = pd.DataFrame(abs(values[:, None] - values) < difference, ranks.index, ranks.index)
    bars = len(not_separated(ranks, difference))
    height = 0.9 + 0.19 * (-(-len(ranks) // 2) + bars)
    figure = Figure(figsize=(TEXT_WIDTH, height), layout="constrained")
    axes = figure.subplots()
    axes.grid(visible=False)
    axes.spines["top"].set_visible(True)
    drawn = critical_difference_diagram(
        ranks,
        close.astype(float),  # p values: 1 within the critical difference, 0 beyond it
        ax=axes,
        label_props={"fontsize": 7.5},
        marker_props={"alpha": 0},
        elbow_props={"linewidth": 0.9},
        crossbar_props={"color": "black", "linewidth": 3},
        color_palette={method: look.styles[str(method)].colour for method in ranks.index},
        label_fmt_left="{label}\n{rank:.2f}",
        label_fmt_right="{label}\n{rank:.2f}",
        text_h_margin=0.15,
    )
    for label in drawn["labels"]:
        method, rank = label.get_text().split("\n")
        title = literal(look.titles[method])
        text = f"{title}  {rank} " if label.get_ha() == "right" else f" {rank}  {title}"
        label.set(text=text, color="black")
    points = pd.DataFrame({"method": ranks.index, "rank": values, "y": 0})
    draw_points(axes, points, "rank", "y", look.styles, clip_on=False)
    axes.set_xlim(1, len(ranks))
    axes.set_xticks(range(1, len(ranks) + 1))
    end = 1 + min(difference, len(ranks) - 1)
    axes.plot([1, end], [1.2, 1.2], "k|-", linewidth=0.9, clip_on=False)
    longer = " (longer than the scale)" if difference > len(ranks) - 1 else ""
    axes.text(1, 1.5, f"critical difference {difference:.2f}{longer}", fontsize=7.5)
    return figure
