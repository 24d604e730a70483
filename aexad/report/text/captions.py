"""The sentences that tables and figures share: which data they show, and how to read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from aexad.report.labels import QUANTITY, counted, scenario_phrase
from aexad.report.results import Results
from aexad.report.stats.aggregate import over_categories, seeds_of
from aexad.report.text.sentences import sentence


def caption(
    template: str,
    results: Results,
    metrics: pd.DataFrame,
    published: bool = False,
    **values: Any,
) -> str:
    """Fill the caption of a table that shows the rows ``metrics`` of ``metrics.csv``.

    Besides ``values``, the template gets ``data`` (which data the table shows), ``reading`` (which
    values are better, what is bold and italic) and ``emphasis`` (bold and italic alone).
    """
    return sentence(
        template,
        data=data_phrase(metrics, results.titles, results.method_titles),
        reading=reading_phrase(metrics, published),
        emphasis=emphasis_phrase(metrics),
        **values,
    )


def data_phrase(
    metrics: pd.DataFrame,
    titles: Mapping[str, str],
    method_titles: Mapping[str, str] | None = None,
) -> str:
    """Say which data, scenarios and seeds some rows of ``metrics.csv`` are of.

    Parameters
    ----------
    metrics : DataFrame
        Rows of ``metrics.csv``.
    titles : mapping of str to str
        Data set: its title.
    method_titles : mapping of str to str, optional
        Method: its title; default: the names of the methods.
    """
    images = metrics.groupby(["dataset", "category", "scenario", "seed"])["n"].max()
    datasets = []
    for dataset, part in metrics.groupby("dataset", sort=False):
        # The seed and scenario with the most test images.
        most = int(images[dataset].groupby(["scenario", "seed"]).sum().max())
        categories = counted(part["category"].nunique(), "category", "categories")
        datasets.append(f"{titles.get(str(dataset), dataset)} ({categories}, {most} test images)")
    seeds = sorted(int(seed) for seed in metrics["seed"].unique())
    own_seeds = seeds_of(metrics)
    fewer = [
        f"{(method_titles or {}).get(method, method)} only {len(own)}"
        for method, own in own_seeds.items()
        if len(own) < len(seeds)
    ]
    scenarios = [scenario_phrase(name) for name in metrics["scenario"].unique()]
    return sentence(
        "data",
        datasets=datasets,
        scenarios=scenarios,
        seeds=seeds,
        fewer=fewer,
        methods=len(own_seeds),
        complete=len(own_seeds) - len(fewer),
    )


def emphasis_phrase(metrics: pd.DataFrame) -> str:
    """Say what is bold and italic in a table of methods, without a full stop."""
    among = ", among the methods with all seeds" * _uneven(metrics)
    return f"Best bold, runner-up italic{among}"


def reading_phrase(metrics: pd.DataFrame, published: bool = False) -> str:
    """Say how to read a table of ``metrics``, with or without published columns."""
    names = metrics["metric"].unique()
    return sentence(
        "reading",
        lower=all(QUANTITY[name].lower for name in names if name in QUANTITY),
        ranked=len(set(metrics["method"])) > 1,
        uneven=_uneven(metrics),
        published=published,
        spread=len(set(metrics["seed"])) > 1,
    )


def _uneven(metrics: pd.DataFrame) -> bool:
    return not over_categories(metrics)["every_seed"].all()
