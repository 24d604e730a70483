"""From means to printed columns: digits, best and runner-up, footnotes.

Best and runner-up are decided on the printed digits: readers cannot see a smaller lead, so what
prints the same is emphasised the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from aexad.report.labels import DAGGER, QUANTITY, counted, listed
from aexad.report.method_roles import not_pretrained, titles_of
from aexad.report.stats.aggregate import GROUP, over_categories, over_seeds, same_categories
from aexad.report.stats.tests import Interval, NoTest
from aexad.report.tables.table import BEST, SECOND, Column, Note
from aexad.report.text.numbers import UNDEFINED, mean_text, number, printer

MEAN = "mean"
"""The category of a row of means over the categories."""
TRAINING_COSTS = ("training_seconds", "training_co2_g")


def emphases(
    values: Sequence[float],
    text: Callable[[float], str] = number,
    lower: bool = False,
) -> list[str]:
    """Mark best and runner-up among ``values``, decided on the printed digits; NaN is neither.

    Ties share their emphasis. Where all are equal, or there is only one, nothing stands out.

    Parameters
    ----------
    values : sequence of float
    text : callable
        Prints a value.
    lower : bool
        Whether the lowest value is the best.
    """
    printed = [None if math.isnan(value) else float(text(value)) for value in values]
    ranked = sorted({value for value in printed if value is not None}, reverse=not lower)
    if len(ranked) < 2:
        return [""] * len(values)
    emphasis = {ranked[0]: BEST, ranked[1]: SECOND}
    return ["" if value is None else emphasis.get(value, "") for value in printed]


def category_cells(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the printed means over seeds of each category, then those over the categories."""
    by_category, means = over_seeds(metrics), over_categories(metrics)
    by_category["note"] = [_lost_seeds(row) for row in by_category.to_dict("records")]
    means["note"] = [_lost_from_mean(row) for row in means.to_dict("records")]
    by_category, means = (
        by_category.assign(cover=by_category["category"]),
        means.assign(category=MEAN),
    )
    return _printed(pd.concat([by_category, means], ignore_index=True))


def mean_cells(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the printed means over the categories; training costs are printed without spread.

    Returns
    -------
    DataFrame
        The columns of :func:`~aexad.report.stats.aggregate.over_categories`, and text, emphasis
        (best and runner-up among the methods of a data set and scenario) and note.
    """
    means = over_categories(metrics)
    means["note"] = [_lost_from_mean(row) for row in means.to_dict("records")]
    means["std"] = means["std"].mask(means["metric"].isin(TRAINING_COSTS))
    return _printed(means.assign(category=MEAN))


def _printed(means: pd.DataFrame) -> pd.DataFrame:
    """Add the columns text and emphasis; methods are compared in each data set and category.

    A method without all seeds of the others is not ranked: a seed decides which anomalies are
    labelled, and may be an easy one for every method.
    """
    texts = [
        mean_text(row["mean"], row["std"], printer(QUANTITY[row["metric"]]))
        for row in means.to_dict("records")
    ]
    emphasis: dict[Any, str] = {}
    for _, part in means.groupby([*GROUP, "category", "metric"], sort=False):
        if same_categories(part):
            metric = QUANTITY[part["metric"].iloc[0]]
            values = list(part["mean"].where(part["every_seed"]))
            marks = emphases(values, printer(metric), metric.lower)
            emphasis |= dict(zip(part.index, marks, strict=True))
    return means.assign(text=texts, emphasis=[emphasis.get(i, "") for i in means.index])


def method_rows(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return data set, scenario and method of each row of a table of methods, in blocks."""
    groups = [part for _, part in metrics.groupby(GROUP, sort=False)]
    return pd.concat(groups)[[*GROUP, "method"]].drop_duplicates(ignore_index=True)


def cells_of(rows: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Return the cell of each row, in the order of ``rows``; a gap is marked as not run.

    All columns of ``rows`` are keys.
    """
    found = rows.merge(cells, how="left", on=list(rows.columns))
    return found.fillna({"text": UNDEFINED, "emphasis": "", "note": "Not run."})


def printed_column(header: str, cells: pd.DataFrame, header_note: str | Note = "") -> Column:
    """Return the column of ``cells``, which has the columns text, emphasis and note."""
    texts, emphasis, notes = (list(cells[key]) for key in ("text", "emphasis", "note"))
    return Column(header, texts, emphasis, notes, header_note)


def metric_columns(
    rows: pd.DataFrame, cells: pd.DataFrame, metrics: Sequence[str], spread: bool = True
) -> tuple[pd.DataFrame, list[Column]]:
    """Return the numbers and the printed columns of ``metrics`` in a table of methods.

    The numbers have a column ``<metric>`` and, with ``spread``, ``<metric>_std``.
    """
    numbers, columns = pd.DataFrame(index=rows.index), []
    for metric in metrics:
        own = cells_of(rows, cells[cells["metric"] == metric])
        numbers[metric] = own["mean"]
        if spread:
            numbers[f"{metric}_std"] = own["std"]
        columns.append(printed_column(QUANTITY[metric].label, own))
    return numbers, columns


def blocks_of(data: pd.DataFrame, *keys: str) -> list[tuple[Any, ...]]:
    """Return the block of each row: neighbours with the same ``keys`` are one block."""
    return list(data[[*keys]].itertuples(index=False, name=None))


def words(header: str, texts: Sequence[object] | pd.Series, **options: Any) -> Column:
    """Return a column of words."""
    return Column(header, [str(text) for text in texts], words=True, **options)


def group_columns(
    data: pd.DataFrame, titles: Mapping[str, str], among: pd.DataFrame | None = None
) -> list[Column]:
    """Return columns for data set and, where ``data`` has it, scenario.

    No columns if ``among`` (default: ``data``) has a single data set and scenario.
    """
    keys = [key for key in GROUP if key in data]
    if len((data if among is None else among)[keys].drop_duplicates()) < 2:
        return []
    datasets = words("Data set", [titles.get(name, name) for name in data["dataset"]])
    return [datasets, *(words("Scenario", data[key]) for key in keys[1:])]


def method_column(names: Sequence[str] | pd.Series, methods: pd.DataFrame) -> Column:
    """Return the column of the methods' titles, with † where the encoder was not pre-trained."""
    titles = titles_of(methods)
    notes = method_notes(list(names), methods)
    return words("Method", [titles[name] for name in names], notes=notes)


def method_notes(names: Sequence[str], methods: pd.DataFrame) -> list[str | Note]:
    """Return the footnote † of each method whose encoder was not pre-trained, else no text."""
    random, titles = not_pretrained(list(dict.fromkeys(names)), methods), titles_of(methods)
    text = f"Encoder not pre-trained (random weights): {listed([titles[name] for name in random])}."
    if len(random) < len(set(names)):
        text += " So this is not a comparison of architectures alone."
    return [Note(DAGGER, text) if name in random else "" for name in names]


def no_interval(interval: Interval | NoTest) -> str:
    """Return the footnote of an interval that is missing or leaves out the seeds, else no text."""
    if isinstance(interval, NoTest):
        return f"No interval: {interval.reason}."
    if not interval.images_alone:
        return ""
    return "Without two seeds in every category: interval of the chance of the test images alone."


def _lost_seeds(row: Mapping[Any, Any]) -> str:
    """The footnote of a mean over seeds: which seeds have no value, and why."""
    lost = row["of"] - row["seeds"]
    if row["seeds"] == 0:
        return f"Undefined: {row['reason']}."
    return f"Undefined for {counted(lost, 'seed')} of {row['of']}: {row['reason']}." * bool(lost)


def _lost_from_mean(row: Mapping[Any, Any]) -> str:
    """The footnote of a mean over categories: how many categories and seeds have no value."""
    if row["categories"] == 0:
        return f"Undefined in every category: {row['reason']}."
    notes = []
    if row["categories"] < row["of"]:
        notes.append(
            f"Mean over the {row['categories']} of {row['of']} categories that have a value."
        )
    if row["seeds"] < row["of_seeds"]:
        where = "each of these" if notes else "every category"
        notes.append(f"Seeds with a value in {where}: {row['seeds']} of {row['of_seeds']}.")
    return " ".join(notes)
