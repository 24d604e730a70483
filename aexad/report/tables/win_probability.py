"""Table 3 of the AE-XAD paper: on how many images one method explains better than another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from aexad.report.labels import METRIC, TRADED
from aexad.report.results import Results
from aexad.report.tables.selection import AEXAD
from aexad.report.tables.table import BEST, Cell, Table, plain_table
from aexad.report.text.captions import data_phrase
from aexad.report.text.numbers import UNDEFINED, number

SAME = "–"
PUBLISHED_SCENARIO = "standard"


def win_probability(images: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Share of the images on which the row's value is higher than the column's; [methods, methods].

    Parameters
    ----------
    images : DataFrame
        Columns category, seed, image, method and ``metric``, of one data set and scenario. An image
        counts once a seed, and for a pair of methods where both have a value. NaN on the diagonal
        and where two methods have no image in common. Both directions of a pair sum to 1 less the
        share of ties.
    """
    names = list(images["method"].unique())
    table = images.pivot_table(
        index=["category", "seed", "image"], columns="method", values=metric, sort=False
    )
    values = table.reindex(columns=names).to_numpy()
    known = ~np.isnan(values)
    shares = np.full((len(names), len(names)), np.nan)
    for row in range(len(names)):
        both = (known & known[:, [row]]).sum(axis=0)
        wins = (values[:, [row]] > values).sum(axis=0)  # never where one is NaN
        shares[row] = np.divide(wins, both, out=shares[row], where=both > 0)
    np.fill_diagonal(shares, np.nan)
    return pd.DataFrame(shares, index=names, columns=names)


def win_table(measured: Results) -> Iterator[Table]:
    """``aexad_table3``, if two methods have values on the same images."""
    images = measured.images[measured.images[list(TRADED)].notna().any(axis=1)]
    there = set(images["method"])
    names = [name for name in measured.metrics["method"].unique() if name in there]
    if len(names) < 2:
        return
    theirs = _published(measured, images)
    labels = {name: f"{measured.published.label(name)} (published)" for name in theirs}
    several = len(images[["dataset", "scenario"]].drop_duplicates()) > 1
    blocks, records = [], []
    for keys, part in images.groupby(["dataset", "scenario"], sort=False):
        dataset, scenario = map(str, keys)
        for metric in TRADED:
            own = win_probability(part, metric).reindex(index=names, columns=names)
            printed = _printed(measured, dataset, metric, theirs, scenario)
            shares = pd.concat([own, printed]).reindex(columns=[*names, *theirs])
            shares = shares.dropna(how="all")
            where = [measured.titles.get(dataset, dataset), scenario] * several
            words = [*where, METRIC[metric].label]
            blocks.append(tuple(_row(words, labels, shares, name) for name in shares.index))
            records += [
                {"dataset": dataset, "scenario": scenario, "metric": metric, "method": name}
                | shares.loc[name].to_dict()
                for name in shares.index
            ]
    yield Table(
        name="aexad_table3",
        title="Win probability (AE-XAD, table 3)",
        caption="Share of the anomalous test images on which the row's method reaches a higher "
        "value than the column's; images of all categories and seeds together, ties count for "
        f"neither. {data_phrase(_behind(measured, names), measured.titles)} Bold: wins more often "
        "than it loses.",
        header=tuple(
            Cell(text)
            for text in [
                *["Data set", "Scenario"] * several,
                "Metric",
                "Method",
                *(labels.get(name, name) for name in [*names, *theirs]),
            ]
        ),
        blocks=tuple(blocks),
        words=4 if several else 2,
        notes=(),
        numbers=plain_table(records),
    )


def _row(
    words: Sequence[str], labels: Mapping[str, str], shares: pd.DataFrame, name: str
) -> tuple[Cell, ...]:
    losses = shares[name].to_dict()
    cells = []
    for other, win in shares.loc[name].to_dict().items():
        text = number(win) if not math.isnan(win) else SAME if other == name else UNDEFINED
        cells.append(Cell(text, BEST if win > losses.get(other, math.nan) else ""))
    return (*(Cell(word) for word in words), Cell(labels.get(name, name)), *cells)


def _behind(measured: Results, names: Sequence[str]) -> pd.DataFrame:
    """The rows of ``metrics.csv`` that say how many images and seeds are behind the table."""
    rows = measured.metrics
    return rows[rows["metric"].isin(TRADED) & rows["method"].isin(names)]


def _published(measured: Results, images: pd.DataFrame) -> list[str]:
    """The methods of the paper's table on these data sets."""
    standard = images[images["scenario"] == PUBLISHED_SCENARIO]
    return [str(name) for name in _cells(measured, set(standard["dataset"]))["row_method"].unique()]


def _printed(
    measured: Results, dataset: str, metric: str, methods: Sequence[str], scenario: str
) -> pd.DataFrame:
    """The paper's part of one block; empty where it has none."""
    cells = _cells(measured, {dataset} if scenario == PUBLISHED_SCENARIO else set())
    cells = cells[cells["metric"] == metric]
    table: dict[str, dict[str, Any]] = {name: {} for name in methods}
    for row in cells.to_dict("records"):
        table[row["column_method"]][row["row_method"]] = row["value"]
    return pd.DataFrame(table, index=list(methods), dtype=float)


def _cells(measured: Results, datasets: set[str]) -> pd.DataFrame:
    wins = measured.published.wins
    return wins[(wins["source"] == AEXAD) & wins["dataset"].isin(datasets)]
