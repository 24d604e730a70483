"""Table 3 of the AE-XAD paper: on how many images one method explains better than another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from aexad.report.labels import METRIC, TRADED
from aexad.report.results import Results
from aexad.report.tables.format import defined, group_columns, groups_of, words
from aexad.report.tables.published_columns import AEXAD
from aexad.report.tables.table import BEST, Column, Table
from aexad.report.text.captions import data_phrase

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


def win_table(results: Results) -> Iterator[Table]:
    """``aexad_table3``, if two methods have values on the same images."""
    images = results.images[results.images[list(TRADED)].notna().any(axis=1)]
    names = [name for name in results.metrics["method"].unique() if name in set(images["method"])]
    if len(names) < 2:
        return
    wins = results.published.wins[results.published.wins["source"] == AEXAD]
    standard = images.loc[images["scenario"] == PUBLISHED_SCENARIO, "dataset"].unique()
    wins = wins[wins["dataset"].isin(standard)]
    theirs = list(wins["row_method"].unique())
    blocks, better = [], []
    for (dataset, scenario), part in images.groupby(["dataset", "scenario"], sort=False):
        for metric in TRADED:
            own = win_probability(part, metric).reindex(index=names, columns=names)
            there = wins[(wins["dataset"] == dataset) & (wins["metric"] == metric)]
            there = there[: len(there) * (scenario == PUBLISHED_SCENARIO)]
            printed = there.pivot_table(index="row_method", columns="column_method", values="value")
            shares = pd.concat([own, printed.reindex(index=theirs, columns=theirs)])
            shares = shares.reindex(columns=[*names, *theirs]).dropna(how="all")
            better.append(shares > shares.T.reindex_like(shares))
            where = {"dataset": str(dataset), "scenario": str(scenario), "metric": metric}
            blocks.append(shares.assign(**where, method=shares.index))
    data, wins_more = pd.concat(blocks, ignore_index=True), pd.concat(better)
    data = data[["dataset", "scenario", "metric", "method", *names, *theirs]]
    labels = {name: f"{results.published.label(name)} (published)" for name in theirs}
    labels = {name: results.method_titles[name] for name in names} | labels
    metrics = results.metrics[results.metrics["metric"].isin(TRADED)]
    metrics = metrics[metrics["method"].isin(names)]
    yield Table(
        name="aexad_table3",
        title="Win probability (AE-XAD, table 3)",
        caption="Share of the anomalous test images on which the row's method reaches a higher "
        "value than the column's; images of all categories and seeds together, ties count for "
        f"neither. {data_phrase(metrics, results.titles, results.method_titles)} Bold: wins more "
        "often than it loses.",
        columns=[
            *group_columns(data, results.titles, of=images),
            words("Metric", [METRIC[name].label for name in data["metric"]]),
            words("Method", [labels[name] for name in data["method"]]),
            *(_shares(data, name, labels[name], wins_more[name]) for name in [*names, *theirs]),
        ],
        data=data,
        blocks_of=groups_of(data, "metric"),
    )


def _shares(data: pd.DataFrame, opponent: str, header: str, wins: pd.Series) -> Column:
    """How often each row's method wins against the opponent; bold where it ``wins`` more often."""
    shares = zip(data["method"], data[opponent], strict=True)
    texts = [SAME if method == opponent else defined(share) for method, share in shares]
    return Column(header, texts, [BEST if win else "" for win in wins])
