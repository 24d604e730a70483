"""How many normal pixels AE-XAD's error, the probe's map and their product mark.

Each map has the threshold at which it marks the same share of the defects' pixels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from aexad.config.recipe import HeatMap
from aexad.data.images import Levels, load_image, load_mask
from aexad.explain.heatmap import heat_maps
from aexad.report.style import literal
from studies.layers.heat_map_trials import output_of

RECALLS = (0.8, 0.5)
MAPS = {"error": "AE-XAD's error", "probability": "probe's map", "product": "product of both"}
"""Column: what it is called in the figure."""


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
    """Bars of the shares of marked normal pixels, one group per category.

    ``table`` has the rows of :func:`false_marks` and the column ``category``.
    """
    shown = table[table["recall"] == recall].set_index("category")
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.add_subplot()
    width = 0.8 / len(MAPS)
    for number, (name, label) in enumerate(MAPS.items()):
        places = np.arange(len(shown)) + (number - (len(MAPS) - 1) / 2) * width
        axes.bar(places, shown[name], width, label=label)
    axes.set_xticks(range(len(shown)), [literal(str(name)) for name in shown.index])
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    axes.set_ylabel(f"normal pixels marked, where\n{recall:.0%} of defect pixels are")
    figure.legend(loc="outside upper center", ncols=len(MAPS))
    return figure
