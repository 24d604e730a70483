"""How far a Transformer explains by the depth of its features, and the same defects by depth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from aexad.config.benchmark import Run
from aexad.config.methods import Method
from aexad.report.figures.base import Drawing, Group, cnn_and_transformer
from aexad.report.images.grid import gallery_figure
from aexad.report.images.pictures import (
    RULE,
    SCALE,
    Photograph,
    Picture,
    choose_images,
    read_photographs,
    read_pictures,
)
from aexad.report.labels import METRIC, listed
from aexad.report.stats.aggregate import on_common_seeds, over_categories
from aexad.report.style import COLOURS, MARKERS, TEXT_WIDTH, add_legend, literal
from aexad.report.text.numbers import number
from studies.layers.depth import Sweep, sweeps

SHOWN = ("xauc", "iou", "f1", "pro")
COLUMNS = 2
BAND = COLOURS[-1]  # grey: the lines have the colours before it
ROWS = 2  # images a category in the gallery


def depth_drawings(group: Group, recipes: Mapping[str, Method]) -> Iterator[Drawing]:
    """``depth`` and ``gallery_depth`` for each Transformer with features of several single blocks.

    A second sweep of the same data is ``depth_…_2``, and so on.
    """
    if not group.known("iou"):
        return
    methods = [run.method for run in group.runs]
    found = sweeps(recipes, methods, group.methods["family"].to_dict())
    for place, sweep in enumerate(found, start=1):
        end = f"_{place}" if place > 1 else ""
        pair = cnn_and_transformer(group)
        cnn = pair[0] if pair else None
        table = depth_table(group, sweep, cnn)
        yield _depth(group, sweep, cnn, table, end)
        yield from _gallery(group, sweep, cnn, end)


def depth_table(group: Group, sweep: Sweep, cnn: str | None) -> pd.DataFrame:
    """Macro means of the sweep and of the CNN, over the same categories and seeds.

    Returns
    -------
    DataFrame
        metric, method, mean (over the seeds that all have), std (over its own seeds; NaN of one),
        seeds (its own). Methods without a value in a
        category that others have (a run that is missing) have no row.
    """
    names = [*sweep.methods, *([cnn] if cnn else [])]
    rows = group.metrics
    rows = rows[rows["metric"].isin(SHOWN) & rows["method"].isin(names)]
    spreads = over_categories(rows).set_index(["metric", "method"])[["std", "seeds"]]
    means = over_categories(on_common_seeds(rows)).drop(columns=["std", "seeds"])
    means = means.join(spreads, on=["metric", "method"])
    whole = means.groupby("metric")["categories"].transform("max")
    kept = means[(means["categories"] == whole) & means["mean"].notna()]
    return kept[["metric", "method", "mean", "std", "seeds"]].reset_index(drop=True)


def depth_figure(group: Group, sweep: Sweep, cnn: str | None, table: pd.DataFrame) -> Figure:
    """Draw a panel a metric: a line an input size, whiskers and band one deviation of the seeds."""
    present = [name for name in SHOWN if (table["metric"] == name).any()]
    rows = -(-len(present) // COLUMNS)
    figure = Figure(figsize=(TEXT_WIDTH, rows * 2.0 + 0.5), layout="constrained")
    panels = figure.subplots(rows, COLUMNS, sharex=True, squeeze=False)
    for axes in panels.flat[len(present) :]:
        axes.set_visible(False)
    for axes, metric in zip(panels.flat, present, strict=False):
        values = table[table["metric"] == metric].set_index("method")
        _panel(axes, sweep, cnn, values)
        axes.set_title(METRIC[metric].label)
    for axes in panels.flat[max(0, len(present) - COLUMNS) : len(present)]:
        axes.set_xlabel("block (0 is the first)")
        axes.tick_params(labelbottom=True)
    handles = [
        Line2D([], [], color=colour, marker=marker, label=f"input of {_pixels(group, line)} pixels")
        for line, colour, marker in _looks(sweep)
    ]
    if cnn:
        label = literal(group.shown(cnn))
        handles.append(Line2D([], [], color=BAND, linestyle="--", label=label))
    add_legend(figure, handles)
    return figure


def _panel(axes: Axes, sweep: Sweep, cnn: str | None, values: pd.DataFrame) -> None:
    if cnn is not None and cnn in values.index:
        mean, std = float(values["mean"][cnn]), float(values["std"][cnn])
        axes.axhline(mean, color=BAND, linestyle="--", linewidth=1)
        if not math.isnan(std):  # not one seed
            axes.axhspan(mean - std, mean + std, color=BAND, alpha=0.18, linewidth=0)
    for line, colour, marker in _looks(sweep):
        points = {b: name for b, name in sweep.lines[line].items() if name in values.index}
        own = values.loc[list(points.values())]
        axes.errorbar(
            list(points),
            own["mean"],
            yerr=own["std"].fillna(0),
            color=colour,
            marker=marker,
            markersize=4.5,
            markeredgecolor="white",
            markeredgewidth=0.4,
            elinewidth=1,
            zorder=3,
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(length=2)


def _looks(sweep: Sweep) -> Iterator[tuple[int | None, str, str]]:
    for place, line in enumerate(sweep.lines):
        yield line, COLOURS[place % (len(COLOURS) - 1)], MARKERS[place % len(MARKERS)]


def _pixels(group: Group, line: int | None) -> int:
    return line or group.size


def _depth(group: Group, sweep: Sweep, cnn: str | None, table: pd.DataFrame, end: str) -> Drawing:
    several = [str(name) for name in table.loc[table["seeds"] > 1, "method"].unique()]
    seeds = "Each point is of one seed."
    if several:
        seeds = (
            "Whiskers and band are one standard deviation over the seeds of "
            f"{listed(several, most=4)}; means are over the seeds that all have."
        )
    band = f" The dashed line is {group.shown(cnn)}." if cnn else ""
    return Drawing(
        name=f"depth_{group.where}{end}",
        title=f"By depth of the features: {group.place}",
        caption=f"{group.phrase} Features of one block of {sweep.encoder}, all else being the "
        f"same; means over the categories.{band} {seeds} The axes do not start at 0."
        f"{group.look.note}",
        alt=f"Line plots against the block of {sweep.encoder}. {_spoken(group, sweep, table)}",
        draw=lambda: depth_figure(group, sweep, cnn, table),
    )


def _spoken(group: Group, sweep: Sweep, table: pd.DataFrame) -> str:
    """For each metric and input size, the best and the last block."""
    said = []
    values = table.set_index(["metric", "method"])["mean"]
    for metric in SHOWN:
        for line, blocks in sweep.lines.items():
            known = {b: values[metric, m] for b, m in blocks.items() if (metric, m) in values}
            if not known:
                continue
            best, last = max(known, key=lambda b: known[b]), max(known)
            said.append(
                f"{METRIC[metric].label} at {_pixels(group, line)} pixels: best in block {best} "
                f"({number(known[best])}), {number(known[last])} in block {last}"
            )
    return f"{'; '.join(said)}."


def _gallery(group: Group, sweep: Sweep, cnn: str | None, end: str) -> Iterator[Drawing]:
    """One figure of all categories that have every one of the runs."""
    blocks = sweep.lines[sweep.longest]
    heads = {name: f"block {block}" for block, name in blocks.items()}
    heads |= {cnn: group.shown(cnn)} if cnn else {}
    runs: dict[str, dict[str, Run]] = {}
    for run in group.runs:
        if run.seed == group.seed and run.method in heads:
            runs.setdefault(run.category, {})[run.method] = run
    whole = [of_category for of_category in runs.values() if set(of_category) == set(heads)]
    if not whole:
        return

    def draw() -> Figure:
        photographs: list[Photograph] = []
        pictures: dict[str, list[Picture]] = {name: [] for name in heads}
        for of_category in whole:
            split = group.split(next(iter(of_category.values())))
            chosen = choose_images(split[split["mask"] != ""], ROWS)
            photographs += read_photographs(chosen, group.root, group.size)
            for name, run in of_category.items():
                pictures[name] += read_pictures(group.folder(run), list(chosen["image"]))
        return gallery_figure(photographs, pictures, heads)

    size = _pixels(group, sweep.longest)
    yield Drawing(
        name=f"gallery_depth_{group.where}{end}",
        title=f"The same defects by depth of the features: {group.place}",
        caption=f"{ROWS} anomalous test images a category under features of single blocks of "
        f"{sweep.encoder} from an input of {size} pixels, seed {group.seed}. A line runs around "
        f"the true region. {SCALE} {RULE}{group.look.note}",
        alt="Photographs with the true region outlined, and beside each the heat maps of "
        f"{listed(list(heads.values()))}, with X-AUC and IoU below each map.",
        draw=draw,
    )
