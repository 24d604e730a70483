"""The sentences that tables and figures share: which data are behind them, and how to read them."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from aexad.data.index import NO_MASKS
from aexad.report.labels import QUANTITY, counted, listed, scenario_phrase
from aexad.report.stats.aggregate import seeds_of


def data_phrase(metrics: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """Say which data, scenarios and seeds are behind some rows of ``metrics.csv``."""
    images = metrics.groupby(["dataset", "category", "scenario", "seed"])["n"].max()
    seeds = sorted(int(seed) for seed in metrics["seed"].unique())
    parts = []
    for dataset, part in metrics.groupby("dataset", sort=False):
        # Of several seeds and scenarios, the one with the most test images.
        most = int(images[dataset].groupby(["scenario", "seed"]).sum().max())
        categories = counted(part["category"].nunique(), "category", "categories")
        parts.append(f"{titles.get(str(dataset), dataset)} ({categories}, {most} test images)")
    scenarios = [scenario_phrase(name) for name in metrics["scenario"].unique()]
    numbers = listed([str(seed) for seed in seeds], most=5)
    told = f"{counted(len(seeds), 'seed')} ({numbers}){_with_fewer_seeds(metrics, len(seeds))}"
    return f"Data: {listed(parts)}; {listed(scenarios)}; {told}."


def _with_fewer_seeds(metrics: pd.DataFrame, most: int) -> str:
    """Name the methods that have fewer seeds than the others, and how many."""
    fewer = [
        f"{method} only {len(seeds)}"
        for method, seeds in seeds_of(metrics).items()
        if len(seeds) < most
    ]
    return f", but {listed(fewer, most=5)}" if fewer else ""


def emphasis_phrase(metrics: pd.DataFrame) -> str:
    """Say what is bold and italic in a table of methods, without a full stop."""
    return "Best bold, runner-up italic" + _of_the_most_seeds(metrics)


def _of_the_most_seeds(metrics: pd.DataFrame) -> str:
    uneven = len({len(seeds) for seeds in seeds_of(metrics).values()}) > 1
    return ", among the methods with all seeds" * uneven


def of_masks(metrics: pd.DataFrame) -> pd.DataFrame:
    """Rows of ``metrics.csv`` without the metrics that need masks where no data set has any."""
    lost = metrics["reason"].eq(NO_MASKS).groupby(metrics["metric"]).all()
    return metrics[~metrics["metric"].map(lost).astype(bool)]


def reading_phrase(metrics: pd.DataFrame, published: bool = False) -> str:
    """Say how a table of ``metrics`` is to be read."""
    lower = all(QUANTITY[name].lower for name in metrics["metric"].unique() if name in QUANTITY)
    text = "Lower is better" if lower else "Higher is better"
    if len(set(metrics["method"])) > 1:
        text += "; best bold, runner-up italic" + _of_the_most_seeds(metrics)
        text += ", among the measured" if published else ""
    if len(set(metrics["seed"])) > 1:
        text += "; mean ± sample standard deviation over the seeds"
    return text + "."
