"""How far our results are from the published numbers, cell by cell."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pandas as pd

from aexad.report.labels import METRIC, QUANTITY, counted, listed
from aexad.report.published import OVERALL
from aexad.report.results import Results
from aexad.report.stats.aggregate import over_categories, over_seeds
from aexad.report.tables.format import defined, mean_text, words
from aexad.report.tables.published_columns import MEAN, OUR_NAMES
from aexad.report.tables.table import Column, Table
from aexad.report.text.numbers import DIGITS, printer

ROUNDING = 0.0005
"""Half of the third digit, the last one that most sources print."""

AGREES, HIGHER, LOWER = "agrees", "higher", "lower"
ONE_SEED, OTHER_MACHINE = "one seed", "other machine"
VERDICTS = {
    AGREES: "within the tolerance",
    HIGHER: "measured above it",
    LOWER: "measured below it",
    ONE_SEED: "no spread to judge by",
    OTHER_MACHINE: "CO2 of another machine: not judged",
}
CELL = ["source", "table", "scenario", "dataset", "category", "metric", "method"]


def fidelity_table(results: Results) -> Iterator[Table]:
    """``fidelity``: every cell that is both published and measured, if there is one."""
    both = compared(results)
    if both.empty:
        return
    counts = Counter(both["verdict"])
    found = listed([f"{counts[name]} {name}" for name in VERDICTS if name in counts])
    meanings = "; ".join(f"{name}: {VERDICTS[name]}" for name in VERDICTS if name in counts)
    yield Table(
        name="fidelity",
        title="Fidelity",
        caption=f"Measured minus published, {counted(len(both), 'cell')}: {found}. Tolerance: two "
        "sample standard deviations over the seeds, and half of the third digit. Where a source "
        "prints no mean, it is that of its categories, if all were measured. "
        f"{meanings[0].upper()}{meanings[1:]}.",
        columns=_columns(results, both),
        data=both,
        blocks_of=list(zip(both["source"], both["table"], strict=True)),
    )


def compared(results: Results) -> pd.DataFrame:
    """Published cells that a method of ours repeats, with what was measured.

    Returns
    -------
    DataFrame
        Columns source, table, scenario, dataset, category (``mean`` too), metric, method (ours),
        measured, std, seeds, published, difference, tolerance (NaN where not
        judged), verdict.
    """
    ours = [
        (theirs, name)
        for theirs, method in results.published.methods.items()
        for name in method.ours
    ]
    pairs = pd.DataFrame(ours, columns=["theirs", "method"])
    cells = _with_means(results.published.cells).rename(columns={"method": "theirs"})
    cells = cells.assign(metric=cells["metric"].replace(OUR_NAMES)).merge(pairs, on="theirs")
    found = cells.merge(_measured(results, cells), on=CELL[2:]).rename(
        columns={"value": "published"}
    )
    found = found[found["measured"].notna()]
    judged = [_judged(row) for row in found.to_dict("records")]
    columns = [*CELL, "measured", "std", "seeds", "published", "difference", "tolerance", "verdict"]
    # Means that no source prints were put last: each to the rest of its table.
    tables = [
        part for _, part in pd.DataFrame(judged, columns=columns).groupby(CELL[:2], sort=False)
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _measured(results: Results, cells: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds by category, and over the categories where all published ones are there."""
    rows = results.quantities
    rows = rows[rows["dataset"].isin(cells["dataset"]) & rows["metric"].isin(cells["metric"])]
    if rows.empty:
        return pd.DataFrame(columns=[*CELL[2:], "measured", "std", "seeds"])
    means = over_categories(rows)
    whole = cells[~cells["category"].isin(OVERALL)]
    number = whole.groupby(["dataset", "metric"])["category"].nunique().rename("published_of")
    means = means.join(number, on=["dataset", "metric"])
    means = means[means["categories"] == means["published_of"]].assign(category=MEAN)
    every = pd.concat([over_seeds(rows), means])
    return every.rename(columns={"mean": "measured"})[[*CELL[2:], "measured", "std", "seeds"]]


def _with_means(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells, and the mean of the categories where a source's table prints none."""
    where = ["source", "table", "scenario", "dataset", "method", "metric"]
    quality = cells[cells["metric"].isin(METRIC) & ~cells["category"].isin(OVERALL)]
    means = quality.groupby(where, sort=False)["value"].agg(["mean", "size"]).reset_index()
    means = means[means["size"] > 1].rename(columns={"mean": "value"}).assign(category=MEAN)
    stated = cells.loc[cells["category"] == MEAN, where]
    known = means.merge(stated, on=where, how="left", indicator=True)["_merge"] == "both"
    return pd.concat([cells, means[~known.to_numpy()].drop(columns="size")], ignore_index=True)


def _judged(row: dict[Any, Any]) -> dict[Any, Any]:
    difference = row["measured"] - row["published"]
    tolerance = 2 * row["std"] + ROUNDING
    if row["metric"] not in METRIC:
        tolerance, verdict = math.nan, OTHER_MACHINE
    elif math.isnan(tolerance):
        verdict = ONE_SEED
    elif abs(difference) <= tolerance:
        verdict = AGREES
    else:
        verdict = HIGHER if difference > 0 else LOWER
    return row | {"difference": difference, "tolerance": tolerance, "verdict": verdict}


def _columns(results: Results, data: pd.DataFrame) -> list[Column]:
    texts = [printer(QUANTITY[metric]) for metric in data["metric"]]
    sources = zip(data["source"], data["table"], strict=True)
    measured = zip(data["measured"], data["std"], texts, strict=True)
    published = zip(data["published"], texts, strict=True)
    differences = zip(data["difference"], texts, strict=True)
    return [
        words("Source", [f"{source}, {table}" for source, table in sources]),
        words("Data set", [results.titles.get(name, name) for name in data["dataset"]]),
        words("Scenario", data["scenario"]),
        words("Category", data["category"]),
        words("Metric", [QUANTITY[metric].label for metric in data["metric"]]),
        words("Method", [results.method_titles[name] for name in data["method"]]),
        Column("Measured", [mean_text(*each) for each in measured]),
        Column("Published", [text(value) for value, text in published]),
        Column(
            "Difference",
            ["+" * (value > 0) + defined(value, text) for value, text in differences],
        ),
        Column("Tolerance", [defined(value, _tolerance) for value in data["tolerance"]]),
        Column("Verdict", list(data["verdict"])),
    ]


def _tolerance(value: float) -> str:
    return f"{value:.{DIGITS + 1}f}"
