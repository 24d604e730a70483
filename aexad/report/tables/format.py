"""From means to the cells of a table: printed digits, emphasis, footnotes.

Best and runner-up are decided on the printed digits: a lead that cannot be read off the table is
no lead, so what prints the same is emphasised the same.
"""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pandas as pd

from aexad.report.labels import DAGGER, counted, listed
from aexad.report.method_roles import not_pretrained
from aexad.report.stats.aggregate import same_categories
from aexad.report.tables.table import BEST, SECOND, Cell, Note
from aexad.report.text.numbers import UNDEFINED, number, quantity

TRAINING_COSTS = ("training_seconds", "training_co2_g")


class Value(NamedTuple):
    """What a cell prints: a mean, its spread over the seeds (NaN: none), and why it is special."""

    mean: float
    std: float
    note: str = ""
    seeds: int = 1
    """Behind the mean: what has fewer than another one is not ranked beside it."""


class Notes:
    """The footnotes of one table: † for random encoders, a letter for every other text."""

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}

    def mark(self, text: str) -> str:
        """The mark of a footnote; the same text has the same mark, no text has none."""
        letters = sum(mark != DAGGER for mark in self._marks.values())
        again, letter = divmod(letters, len(string.ascii_lowercase))
        mark = string.ascii_lowercase[letter] * (again + 1)
        return self._marks.setdefault(text, mark) if text else ""

    def dagger(self, text: str) -> str:
        """The mark † for ``text``."""
        return self._marks.setdefault(text, DAGGER)

    def all(self) -> tuple[Note, ...]:
        """Every footnote, in the order of the marks' first use."""
        return tuple(Note(mark, text) for text, mark in self._marks.items())


def emphases(
    values: Sequence[float], text: Callable[[float], str] = number, lower: bool = False
) -> list[str]:
    """Best and runner-up among ``values``, decided on the printed digits; NaN is neither.

    Ties share their emphasis. Where all are equal, or there is but one, nothing stands out.
    """
    printed = [None if math.isnan(value) else float(text(value)) for value in values]
    ranked = sorted({value for value in printed if value is not None}, reverse=not lower)
    if len(ranked) < 2:
        return [""] * len(values)
    place = {ranked[0]: BEST, ranked[1]: SECOND}
    return ["" if value is None else place.get(value, "") for value in printed]


def number_cells(
    values: Sequence[Value],
    notes: Notes,
    ranked: bool = True,
    text: Callable[[float], str] = number,
    lower: bool = False,
) -> list[Cell]:
    """One cell a value; without ``ranked`` none is called the best."""
    places = ranks(values, text, lower) if ranked else [""] * len(values)
    return [
        Cell(printed(value, text), place, notes.mark(value.note))
        for value, place in zip(values, places, strict=True)
    ]


def ranks(
    values: Sequence[Value], text: Callable[[float], str] = number, lower: bool = False
) -> list[str]:
    """:func:`emphases` of the values with the most seeds.

    A seed decides which anomalies are labelled and may be an easy one for every method, so a mean
    over fewer seeds is no better for being higher.
    """
    most = max((value.seeds for value in values), default=0)
    means = [value.mean if value.seeds == most else math.nan for value in values]
    return emphases(means, text, lower)


def method_cells(names: Sequence[str], methods: pd.DataFrame, notes: Notes) -> list[Cell]:
    """One cell a method; † and a footnote where its encoder was not pre-trained."""
    random = not_pretrained(names, methods)
    if not random:
        return [Cell(name) for name in names]
    text = f"Encoder not pre-trained (random weights): {listed(random)}."
    if len(random) < len(names):
        text += " So this is not a comparison of architectures alone."
    return [Cell(name, "", notes.dagger(text) if name in random else "") for name in names]


def by_method(
    means: pd.DataFrame, names: Sequence[str], meaning: Callable[[pd.Series], Value]
) -> list[Value]:
    """One value a method, from the rows of ``means``, which ``meaning`` understands."""
    rows = {name: row for name, (_, row) in zip(means["method"], means.iterrows(), strict=True)}
    missing = Value(math.nan, math.nan, "Not run.", seeds=0)
    return [meaning(rows[name]) if name in rows else missing for name in names]


def macro_values(means: pd.DataFrame, metric: str, names: Sequence[str]) -> list[Value]:
    """One value a method of a metric, from rows of ``over_categories``."""
    return by_method(means[means["metric"] == metric], names, of_all_categories)


def comparable(means: pd.DataFrame, metric: str) -> bool:
    """Whether one method may be called the best by a metric, see :func:`same_categories`."""
    return same_categories(means[means["metric"] == metric])


def training_cost_columns(
    means: pd.DataFrame, names: Sequence[str], notes: Notes
) -> list[list[Cell]]:
    """A column for each of :data:`TRAINING_COSTS`, without spreads; the lowest is the best."""
    columns = []
    for cost in TRAINING_COSTS:
        values = [value._replace(std=math.nan) for value in macro_values(means, cost, names)]
        columns.append(number_cells(values, notes, comparable(means, cost), quantity, lower=True))
    return columns


def of_category(row: pd.Series) -> Value:
    """A value over seeds (a row of ``over_seeds``); seeds without one are a footnote."""
    lost, note = row["of"] - row["seeds"], ""
    if row["seeds"] == 0:
        note = f"Undefined: {row['reason']}."
    elif lost:
        note = f"Undefined for {counted(lost, 'seed')} of {row['of']}: {row['reason']}."
    return Value(row["mean"], row["std"], note, int(row["seeds"]))


def of_all_categories(row: pd.Series) -> Value:
    """A value over categories (a row of ``over_categories``); those without one are a footnote."""
    note = ""
    if row["categories"] == 0:
        note = f"Undefined in every category: {row['reason']}."
    elif row["categories"] < row["of"]:
        note = f"Mean over the {row['categories']} of {row['of']} categories that have a value."
    return Value(row["mean"], row["std"], note, int(row["seeds"]))


def printed(value: Value, text: Callable[[float], str] = number) -> str:
    """``0.900 ± 0.014``, ``0.900`` or ``n/a``."""
    if math.isnan(value.mean):
        return UNDEFINED
    return text(value.mean) + ("" if math.isnan(value.std) else f" ± {text(value.std)}")
