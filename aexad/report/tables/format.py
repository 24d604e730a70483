"""From numbers to the columns of a table: printed digits, emphasis, footnotes.

Best and runner-up are decided on the printed digits: a lead that cannot be read off the table is
no lead, so what prints the same is emphasised the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from aexad.report.labels import DAGGER, counted, listed
from aexad.report.method_roles import not_pretrained, titles_of
from aexad.report.stats.tests import Interval, NoTest
from aexad.report.tables.table import BEST, SECOND, Column, Note
from aexad.report.text.numbers import UNDEFINED, number, signed

GROUP = ["dataset", "scenario"]


def emphases(
    values: Sequence[float],
    text: Callable[[float], str] = number,
    lower: bool = False,
    seeds: Sequence[float] | None = None,
) -> list[str]:
    """Best and runner-up among ``values``, decided on the printed digits; NaN is neither.

    Ties share their emphasis. Where all are equal, or there is but one, nothing stands out.

    Parameters
    ----------
    values : sequence of float
    text : callable
        Prints a value.
    lower : bool
        Whether the lowest value is the best.
    seeds : sequence of float, optional
        The number of seeds behind each value; only values with the most seeds are ranked. A seed
        decides which anomalies are labelled and may be an easy one for every method.
    """
    most = max(seeds, default=0) if seeds is not None else None
    ranked = [
        not math.isnan(value) and (seeds is None or seeds[i] == most)
        for i, value in enumerate(values)
    ]
    printed = [float(text(v)) if r else None for v, r in zip(values, ranked, strict=True)]
    levels = sorted({value for value in printed if value is not None}, reverse=not lower)
    if len(levels) < 2:
        return [""] * len(values)
    emphasis = {levels[0]: BEST, levels[1]: SECOND}
    return ["" if value is None else emphasis.get(value, "") for value in printed]


def mean_text(mean: float, std: float = math.nan, text: Callable[[float], str] = number) -> str:
    """``0.900 ± 0.014``, ``0.900`` or ``n/a``."""
    return defined(mean, text) + ("" if math.isnan(mean + std) else f" ± {text(std)}")


def defined(value: float, text: Callable[[float], str] = number) -> str:
    """The printed value; ``n/a`` for NaN."""
    return UNDEFINED if math.isnan(value) else text(value)


def interval_text(low: float, high: float, text: Callable[[float], str] = signed) -> str:
    """``[+0.010, +0.020]``; an empty text for NaN."""
    return "" if math.isnan(low) else f"[{text(low)}, {text(high)}]"


def p_text(p: float) -> str:
    """The p of a test, with three digits."""
    return "< 0.001" if p < 0.001 else defined(p, lambda value: f"{value:.3f}")


def no_interval(interval: Interval | NoTest) -> str:
    """The footnote of an interval that could not be computed; else an empty text."""
    return "" if isinstance(interval, Interval) else f"No interval: {interval.reason}."


def undefined_note(row: Mapping[Any, Any]) -> str:
    """The footnote of a mean: which categories or seeds have no value, and why.

    Parameters
    ----------
    row : mapping
        A row of :func:`~aexad.report.stats.aggregate.over_seeds` or ``over_categories``.
    """
    if "categories" not in row:
        lost = row["of"] - row["seeds"]
        if row["seeds"] == 0:
            return f"Undefined: {row['reason']}."
        return (
            f"Undefined for {counted(lost, 'seed')} of {row['of']}: {row['reason']}."
            if lost
            else ""
        )
    if row["categories"] == 0:
        return f"Undefined in every category: {row['reason']}."
    if row["categories"] < row["of"]:
        return f"Mean over the {row['categories']} of {row['of']} categories that have a value."
    return ""


def group_columns(
    data: pd.DataFrame, titles: Mapping[str, str], of: pd.DataFrame | None = None
) -> list[Column]:
    """Columns of words for data set and scenario, if ``of`` (default: ``data``) has several."""
    if len((data if of is None else of)[GROUP].drop_duplicates()) < 2:
        return []
    datasets = [titles.get(name, name) for name in data["dataset"]]
    return [words("Data set", datasets), words("Scenario", data["scenario"])]


def groups_of(data: pd.DataFrame, *more: str) -> list[tuple[Any, ...]]:
    """The block of each row: its data set and scenario, and other columns that part blocks."""
    return list(data[[*GROUP, *more]].itertuples(index=False, name=None))


def words(header: str, texts: Sequence[object] | pd.Series, **options: Any) -> Column:
    """A column of words."""
    return Column(header, [str(text) for text in texts], words=True, **options)


def method_notes(names: Sequence[str], methods: pd.DataFrame) -> list[str | Note]:
    """The footnote † of each method whose encoder was not pre-trained; else an empty text."""
    random = not_pretrained(list(dict.fromkeys(names)), methods)
    titles = titles_of(methods)
    text = f"Encoder not pre-trained (random weights): {listed([titles[name] for name in random])}."
    if len(random) < len(set(names)):
        text += " So this is not a comparison of architectures alone."
    return [Note(DAGGER, text) if name in random else "" for name in names]


def method_column(names: pd.Series, methods: pd.DataFrame) -> Column:
    """A column of the methods' titles, with † where the encoder was not pre-trained."""
    titles = titles_of(methods)
    return words(
        "Method", [titles[name] for name in names], notes=method_notes(list(names), methods)
    )
