"""How many normal pixels AE-XAD's error, the probe's map and their product mark.

Each map has the threshold at which it marks the same share of the defects' pixels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from aexad.config.recipe import HeatMap
from aexad.data.images import Levels, load_image
from aexad.data.masks import load_mask
from aexad.explain.heatmap import heat_maps
from aexad.report.style import add_legend, grid_of, literal, method_styles, name_ticks
from studies.layers.heat_map_trials import output_of

RECALLS = (0.8, 0.5)
MAPS = {"error": "AE-XAD's error", "probability": "probe's map", "product": "product of both"}
"""Column: what it is called in the figure."""
BESIDE = 0.12
"""Distance between the points of two maps, of the distance between two categories."""


def false_marks(
    run: Path,
    table: pd.DataFrame,
    root: Path,
    weights_dir: Path | None,
    size: int,
    levels: Levels | None = None,
) -> pd.DataFrame:
    """Share of the normal pixels of the test images that each map marks.

    Parameters
    ----------
    run
        Folder of a run of ``aexad_probe``.
    table, root
        Its split, and the folder of the data set.
    levels
        The levels of 16 bits that become black and white.

    Returns
    -------
    DataFrame
        One row per recall of :data:`RECALLS`; the columns of :data:`MAPS`, and ``both``: the share
        that the error and the probe's map mark alike.
    """
    rows = table[table["role"] == "test"]
    images = np.stack([load_image(root / name, size, levels) for name in rows["image"]])
    masks = zip(rows["mask"], rows["marks"], strict=True)
    truth = np.stack(
        [load_mask(root / name if name else None, size, marks=marks) for name, marks in masks]
    )
    seen = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    output, target = output_of(run, seen, weights_dir)
    plain = HeatMap(filter="none", score="max", target=target)
    maps = {
        "error": heat_maps(seen, output[:, :3], plain).heat_map,
        "probability": output[:, 3].numpy(),
        "product": heat_maps(seen, output, plain).heat_map,
    }
    return pd.DataFrame([{"recall": recall, **_shares(maps, truth, recall)} for recall in RECALLS])


def _shares(maps: dict[str, np.ndarray], truth: np.ndarray, recall: float) -> dict[str, float]:
    """Shares of normal pixels above the thresholds that mark the share ``recall`` of defects."""
    marked = {
        name: values[~truth] >= np.quantile(values[truth], 1 - recall)
        for name, values in maps.items()
    }
    marked["both"] = marked["error"] & marked["probability"]
    return {name: float(each.mean()) for name, each in marked.items()}


def false_marks_figure(table: pd.DataFrame, recall: float) -> Figure:
    """Points of the shares of marked normal pixels, one column per category, on a log axis.

    ``table`` has the rows of :func:`false_marks` and the column ``category``.
    """
    shown = table[table["recall"] == recall]
    figure, (axes,) = grid_of(1, 1, height=2.6, margin=0.4)
    styles = method_styles(list(MAPS))
    for i, (name, style) in enumerate(styles.items()):
        places = np.arange(len(shown)) + BESIDE * (i - (len(styles) - 1) / 2)
        how = {"color": style.colour, "marker": style.marker, "linestyle": ""}
        axes.plot(places, 100 * shown[name], markersize=6, **how)
    axes.set_xticks(range(len(shown)), [literal(str(name)) for name in shown["category"]])
    axes.set_yscale("log")
    name_ticks(axes.yaxis, *axes.get_ylim())
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    axes.set_ylabel(
        f"share of normal pixels marked when\n{100 * recall:g} % of the defect pixels are marked"
    )
    add_legend(figure, [style.handle(MAPS[name], line=False) for name, style in styles.items()])
    return figure
