"""How far the measured numbers are from the published ones, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats

from aexad.report.labels import METRIC, QUANTITY
from aexad.report.published import OVERALL
from aexad.report.results import Results
from aexad.report.stats.aggregate import over_categories, over_seeds
from aexad.report.stats.tests import Interval
from aexad.report.tables.format import MEAN, blocks_of, words
from aexad.report.tables.published_columns import OUR_NAMES
from aexad.report.tables.table import Column, Table
from aexad.report.text.numbers import interval_text, mean_text, printer
from aexad.report.text.sentences import sentence

MARGIN = 0.02
"""The largest difference that still counts as agreement, stated before any comparison."""
ROUNDING = 0.0005
"""Half of the third digit, the last one that most sources print; added to the margin."""

AGREES, HIGHER, LOWER, NOT_KNOWN = "agrees", "higher", "lower", "not known"
ONE_SEED, OTHER_MACHINE = "one seed", "other machine"
VERDICTS = {
    AGREES: f"the whole interval lies within ±{MARGIN}",
    HIGHER: "it lies above that",
    LOWER: "it lies below that",
    NOT_KNOWN: "it reaches across an end of that",
    ONE_SEED: "no interval to judge by",
    OTHER_MACHINE: "CO2 of another machine: not judged",
}
CELL = ["source", "table", "scenario", "dataset", "category", "metric", "method"]
COLUMNS = [*CELL, "measured", "std", "seeds", "published", "difference", "low", "high", "verdict"]


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
            margin=MARGIN,
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
                "90 % interval",
                [interval_text(Interval(row["low"], row["high"])) for _, row in rows],
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
        Columns :data:`COLUMNS`; category may be ``mean``. ``low`` and ``high`` are the ends of the
        90 % interval of the difference over seeds (Student's t), NaN where nothing is judged.

    Notes
    -----
    The verdict is a test of equivalence, two one-sided tests at 5 % (Schuirmann 1987): the 90 %
    interval lies within the margin or it does not. So a method that varies much over its seeds is
    not known to agree.
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
    seeds = both["seeds"].astype(float)
    # NaN with one seed, which has no standard deviation.
    error: pd.Series = (both["std"] / np.sqrt(seeds)).astype(float).where(quality)
    half = stats.t.ppf(0.95, (seeds - 1).clip(lower=1)) * error
    low, high, margin = difference - half, difference + half, MARGIN + ROUNDING
    verdict = np.select(
        [~quality, half.isna(), (low >= -margin) & (high <= margin), low > margin, high < -margin],
        [OTHER_MACHINE, ONE_SEED, AGREES, HIGHER, LOWER],
        NOT_KNOWN,
    )
    both = both.assign(difference=difference, low=low, high=high, verdict=verdict)
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
