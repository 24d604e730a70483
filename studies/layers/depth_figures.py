"""Metrics and heat maps of a Transformer by the depth of its features."""

from __future__ import annotations

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
from aexad.report.images.pictures import RULE, SCALE, Photograph, Picture
from aexad.report.labels import METRIC, listed
from aexad.report.stats.aggregate import on_common_seeds, over_categories, whole_means
from aexad.report.style import COLOURS, add_legend, grid_of, literal, method_styles
from aexad.report.text.numbers import number
from studies.layers.depth import Sweep, sweeps

SHOWN = ("xauc", "iou", "f1", "pro")
COLUMNS = 2
BAND = COLOURS[-1]  # grey: the lines have the colours before it
ROWS = 2  # images per category in the gallery


def depth_drawings(group: Group, recipes: Mapping[str, Method]) -> Iterator[Drawing]:
    """``depth`` and ``gallery_depth`` for each Transformer with features of several single blocks.

    A second sweep of the same data is ``depth_…_2``, and so on.
    """
    if not group.known("iou"):
        return
    pair = cnn_and_transformer(group)
    cnn = pair[0] if pair else None
    names, families = [run.method for run in group.runs], group.methods["family"].to_dict()
    for i, sweep in enumerate(sweeps(recipes, names, families), start=1):
        end = f"_{i}" if i > 1 else ""
        yield _depth(group, sweep, cnn, end)
        yield from _gallery(group.pictured, sweep, cnn, end)


def depth_table(group: Group, sweep: Sweep, cnn: str | None) -> pd.DataFrame:
    """Macro means of the sweep and of the CNN, over the same categories and seeds.

    Returns
    -------
    DataFrame
        metric, method, mean (over the seeds that all methods have); and of all seeds of the
        method: their mean as centre, std (NaN for one seed) and number as seeds. Methods without a
        value in a category that others have (a missing run) have no row.
    """
    names = [*sweep.methods, *([cnn] if cnn else [])]
    rows = group.metrics
    rows = rows[rows["metric"].isin(SHOWN) & rows["method"].isin(names)]
    every = over_categories(rows).rename(columns={"mean": "centre"})
    every = every.set_index(["metric", "method"])[["centre", "std", "seeds"]]
    common = pd.concat([on_common_seeds(part) for _, part in rows.groupby("metric", sort=False)])
    means = whole_means(common).drop(columns=["std", "seeds"])
    means = means[means["mean"].notna()].join(every, on=["metric", "method"])
    return means[["metric", "method", "mean", "centre", "std", "seeds"]].reset_index(drop=True)


def depth_figure(group: Group, sweep: Sweep, cnn: str | None, table: pd.DataFrame) -> Figure:
    """Draw one panel per metric and one line per input size.

    Whiskers and band are one standard deviation over all seeds of a method around their mean, which
    points and dashed line need not be: these are of the seeds that all methods have.
    """
    present = [name for name in SHOWN if (table["metric"] == name).any()]
    figure, panels = grid_of(len(present), COLUMNS, height=2.0, margin=0.5, sharex=True)
    styles = method_styles([f"input of {_pixels(group, size)} pixels" for size in sweep.lines])
    for axes, metric in zip(panels, present, strict=True):
        values = table[table["metric"] == metric].set_index("method")
        if cnn in values.index:
            _draw_band(axes, values.loc[cnn])
        for style, blocks in zip(styles.values(), sweep.lines.values(), strict=True):
            points = {block: name for block, name in blocks.items() if name in values.index}
            rows = values.loc[list(points.values())]
            how = {"color": style.colour, "marker": style.marker, "markersize": 4.5}
            how |= {"markeredgecolor": "white", "markeredgewidth": 0.4}
            axes.plot(list(points), rows["mean"], zorder=3, **how)
            low, high = rows["centre"] - rows["std"], rows["centre"] + rows["std"]
            axes.vlines(list(points), low, high, colors=style.colour, linewidth=1)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_title(METRIC[metric].label)
    for axes in panels[-COLUMNS:]:
        axes.set_xlabel("block (0 is the first)")
    handles = [style.handle(name) for name, style in styles.items()]
    if cnn:
        label = literal(group.shown(cnn))
        handles.append(Line2D([], [], color=BAND, linestyle="--", label=label))
    add_legend(figure, handles)
    return figure


def _draw_band(axes: Axes, cnn: pd.Series) -> None:
    axes.axhline(cnn["mean"], color=BAND, linestyle="--", linewidth=1)
    if pd.notna(cnn["std"]):  # it has more than one seed
        low, high = cnn["centre"] - cnn["std"], cnn["centre"] + cnn["std"]
        axes.axhspan(low, high, color=BAND, alpha=0.18, linewidth=0)


def _pixels(group: Group, size: int | None) -> int:
    return size or group.size


def _depth(group: Group, sweep: Sweep, cnn: str | None, end: str) -> Drawing:
    table = depth_table(group, sweep, cnn)
    several = [group.shown(str(name)) for name in table.loc[table["seeds"] > 1, "method"].unique()]
    seeds = "Each point is one seed."
    if several:
        seeds = (
            "Points and dashed line: mean over the seeds that all methods have. Whiskers and grey "
            f"band: mean ± one standard deviation over all seeds of {listed(several, most=4)}."
        )
    band = f" The dashed line is {group.shown(cnn)}." if cnn else ""
    return group.drawing(
        "depth",
        "By depth of the features",
        f"{group.phrase} Features of one block of {sweep.encoder}; all else is the same. Means "
        f"over the categories.{band} {seeds} The axes do not start at 0.",
        f"Line plots against the block of {sweep.encoder}. {_spoken(group, sweep, table)}",
        lambda: depth_figure(group, sweep, cnn, table),
        end,
    )


def _spoken(group: Group, sweep: Sweep, table: pd.DataFrame) -> str:
    """For each metric and input size, the best and the last block."""
    phrases = []
    values = table.set_index(["metric", "method"])["mean"]
    for metric in SHOWN:
        for size, blocks in sweep.lines.items():
            known = {b: values[metric, m] for b, m in blocks.items() if (metric, m) in values}
            if not known:
                continue
            best, last = max(known, key=lambda block: known[block]), max(known)
            phrases.append(
                f"{METRIC[metric].label} at {_pixels(group, size)} pixels: best in block {best} "
                f"({number(known[best])}), {number(known[last])} in block {last}"
            )
    return f"{'; '.join(phrases)}."


def _gallery(group: Group, sweep: Sweep, cnn: str | None, end: str) -> Iterator[Drawing]:
    """One figure of all categories that have every one of the runs."""
    titles = {name: f"block {block}" for block, name in sweep.lines[sweep.longest].items()}
    titles |= {cnn: group.shown(cnn)} if cnn else {}
    runs: dict[str, dict[str, Run]] = {}
    for run in group.runs:
        if run.seed == group.seed and run.method in titles:
            runs.setdefault(run.category, {})[run.method] = run
    complete = [of_category for of_category in runs.values() if set(of_category) == set(titles)]
    if not complete:
        return

    def draw() -> Figure:
        photographs: list[Photograph] = []
        categories: list[str] = []
        pictures: dict[str, list[Picture]] = {name: [] for name in titles}
        for of_category in complete:
            chosen = group.choose(next(iter(of_category.values())), ROWS)
            photographs += group.photographs(chosen)
            categories += [next(iter(of_category.values())).category] * len(chosen)
            for name, run in of_category.items():
                pictures[name] += group.pictures(run, chosen)
        return gallery_figure(photographs, pictures, titles, categories)

    yield group.drawing(
        "gallery_depth",
        "The same defects by depth of the features",
        f"{ROWS} anomalous test images per category under features of single blocks of "
        f"{sweep.encoder} from an input of {_pixels(group, sweep.longest)} pixels, seed "
        f"{group.seed}. A line runs around the true region. {SCALE} {RULE}",
        "Photographs with the true region outlined, followed by the heat maps of "
        f"{listed(list(titles.values()))}, with X-AUC and IoU below each map.",
        draw,
        end,
    )
