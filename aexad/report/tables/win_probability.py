"""Table 3 of the AE-XAD paper: on how many images one method explains better than another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from aexad.report.labels import METRIC, TRADED
from aexad.report.results import Results
from aexad.report.stats.aggregate import GROUP
from aexad.report.tables.format import blocks_of, group_columns, words
from aexad.report.tables.published_columns import AEXAD
from aexad.report.tables.table import BEST, Column, Table
from aexad.report.text.captions import caption
from aexad.report.text.numbers import number

SAME = "–"
PUBLISHED_SCENARIO = "standard"


def win_probability(images: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Share of the images on which the row's value is higher than the column's; [methods, methods].

    Parameters
    ----------
    images : DataFrame
        Columns category, seed, image, method and ``metric``, of one data set and scenario. An image
        counts once for each seed, and for a pair of methods where both have a value.
    metric : str

    Returns
    -------
    DataFrame
        NaN on the diagonal and where two methods have no image in common. Both directions of a pair
        sum to 1 less the share of ties.
    """
    names = list(images["method"].unique())
    table = images.pivot_table(
        index=["category", "seed", "image"], columns="method", values=metric, sort=False
    )
    values = table.reindex(columns=names).to_numpy()  # [images, methods]
    known = ~np.isnan(values)
    shares = np.full((len(names), len(names)), np.nan)
    for row in range(len(names)):
        both = (known & known[:, [row]]).sum(axis=0)
        wins = (values[:, [row]] > values).sum(axis=0)  # a comparison with NaN is no win
        shares[row] = np.divide(wins, both, out=shares[row], where=both > 0)
    np.fill_diagonal(shares, np.nan)
    return pd.DataFrame(shares, index=names, columns=names)


def win_table(results: Results) -> Iterator[Table]:
    """``aexad_table3``, if two methods have values on the same images."""
    images = results.images[results.images[list(TRADED)].notna().any(axis=1)]
    valued = set(images["method"])
    names = [name for name in results.metrics["method"].unique() if name in valued]
    if len(names) < 2:
        return
    wins = results.published.wins
    standard = images.loc[images["scenario"] == PUBLISHED_SCENARIO, "dataset"]
    wins = wins[(wins["source"] == AEXAD) & wins["dataset"].isin(standard)]
    # A method of a source may have the name of one of ours.
    theirs = {name: f"{name}_published" for name in wins["row_method"].unique()}
    wins = wins.replace({"row_method": theirs, "column_method": theirs})
    titles = {name: results.method_titles[name] for name in names}
    titles |= {key: f"{results.published.label(name)} (published)" for name, key in theirs.items()}
    parts, better = [], []
    for (dataset, scenario), part in images.groupby(GROUP, sort=False):
        published = wins[(wins["dataset"] == dataset) & (scenario == PUBLISHED_SCENARIO)]
        for metric in TRADED:
            printed = published[published["metric"] == metric].pivot_table(
                index="row_method", columns="column_method", values="value"
            )
            shares = pd.concat([win_probability(part, metric), printed])
            shares = shares.reindex(index=list(titles), columns=list(titles))
            known = shares.notna().any(axis=1)
            block = shares[known].rename_axis("method").reset_index()
            parts.append(block.assign(dataset=str(dataset), scenario=str(scenario), metric=metric))
            better.append((shares > shares.T)[known])
    data, emphasis = (
        pd.concat(parts, ignore_index=True),
        pd.concat(better).replace({True: BEST, False: ""}),
    )
    data = data[[*GROUP, "metric", "method", *titles]]
    rows = results.metrics
    yield Table(
        name="aexad_table3",
        title="Win probability (AE-XAD, table 3)",
        caption=caption(
            "win_probability",
            results,
            rows[rows["metric"].isin(TRADED) & rows["method"].isin(names)],
        ),
        columns=[
            *group_columns(data, results.titles, among=images),
            words("Metric", [METRIC[name].label for name in data["metric"]]),
            words("Method", [titles[name] for name in data["method"]]),
            *(
                Column(
                    title,
                    list(data[name].map(number).mask(data["method"] == name, SAME)),
                    list(emphasis[name]),
                )
                for name, title in titles.items()
            ),
        ],
        data=data,
        blocks_of=blocks_of(data, *GROUP, "metric"),
    )
