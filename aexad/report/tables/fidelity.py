"""How far the measured numbers are from the published ones, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from aexad.report.labels import METRIC, QUANTITY
from aexad.report.published import OVERALL
from aexad.report.results import Results
from aexad.report.stats.aggregate import over_categories, over_seeds
from aexad.report.tables.format import MEAN, blocks_of, words
from aexad.report.tables.published_columns import OUR_NAMES
from aexad.report.tables.table import Column, Table
from aexad.report.text.numbers import DIGITS, UNDEFINED, mean_text, printer
from aexad.report.text.sentences import sentence

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
COLUMNS = [*CELL, "measured", "std", "seeds", "published", "difference", "tolerance", "verdict"]


def fidelity_table(results: Results) -> Iterator[Table]:
    """``fidelity``: every cell that is both published and measured, if there is one."""
    both = compared(results)
    if both.empty:
        return
    counts = both["verdict"].value_counts()
    verdicts = [name for name in VERDICTS if name in counts]
    printers = [printer(QUANTITY[name]) for name in both["metric"]]
    rows = list(zip(printers, both.to_dict("records"), strict=True))
    yield Table(
        name="fidelity",
        title="Fidelity",
        caption=sentence(
            "fidelity",
            cells=len(both),
            counts=[f"{counts[name]} {name}" for name in verdicts],
            meanings=[f"{name}: {VERDICTS[name]}" for name in verdicts],
        ),
        columns=[
            words("Source", both["source"] + ", " + both["table"]),
            words("Data set", [results.titles.get(name, name) for name in both["dataset"]]),
            words("Scenario", both["scenario"]),
            words("Category", both["category"]),
            words("Metric", [QUANTITY[name].label for name in both["metric"]]),
            words("Method", [results.method_titles[name] for name in both["method"]]),
            Column(
                "Measured", [mean_text(row["measured"], row["std"], text) for text, row in rows]
            ),
            Column("Published", [text(row["published"]) for text, row in rows]),
            Column(
                "Difference",
                ["+" * (row["difference"] > 0) + text(row["difference"]) for text, row in rows],
            ),
            Column(
                "Tolerance",
                [
                    UNDEFINED if value != value else f"{value:.{DIGITS + 1}f}"
                    for value in both["tolerance"]
                ],
            ),
            Column("Verdict", list(both["verdict"])),
        ],
        data=both,
        blocks_of=blocks_of(both, "source", "table"),
    )


def compared(results: Results) -> pd.DataFrame:
    """Published cells that a method of ours repeats, with what was measured.

    Returns
    -------
    DataFrame
        Columns :data:`COLUMNS`; category may be ``mean``, tolerance is NaN where nothing is judged.
    """
    ours = [
        (theirs, name)
        for theirs, method in results.published.methods.items()
        for name in method.ours
    ]
    pairs = pd.DataFrame(ours, columns=["theirs", "method"])
    cells = _with_means(results.published.cells).rename(columns={"method": "theirs"})
    cells = cells.assign(metric=cells["metric"].replace(OUR_NAMES)).merge(pairs, on="theirs")
    both = cells.merge(_measured(results, cells), on=CELL[2:])
    both = both[both["measured"].notna()].rename(columns={"value": "published"})
    quality = both["metric"].isin(METRIC)
    difference = (both["measured"] - both["published"]).astype(float)
    tolerance = (2 * both["std"] + ROUNDING).astype(float).where(quality)
    verdict = np.select(
        [~quality, tolerance.isna(), difference.abs() <= tolerance, difference > 0],
        [OTHER_MACHINE, ONE_SEED, AGREES, HIGHER],
        LOWER,
    )
    both = both.assign(difference=difference, tolerance=tolerance, verdict=verdict)
    # Means that no source prints were put last: each to the rest of its table.
    tables = [part for _, part in both.groupby(CELL[:2], sort=False)]
    return pd.concat([both[:0], *tables], ignore_index=True)[COLUMNS]


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
