"""Tables of methods x metrics: macro means of each method on each data set and scenario."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from aexad.report.labels import QUANTITY
from aexad.report.stats.aggregate import over_categories, same_categories
from aexad.report.tables.format import GROUP, emphases, mean_text, undefined_note
from aexad.report.tables.table import Column
from aexad.report.text.numbers import number, quantity

TRAINING_COSTS = ("training_seconds", "training_co2_g")
ROW = [*GROUP, "method"]


class MethodMeans:
    """Macro means; one row for each data set, scenario and method.

    Best and runner-up are those of the methods on one data set under one scenario.

    Attributes
    ----------
    rows : DataFrame
        Columns dataset, scenario, method: the rows of the table, in the order of ``metrics``.
    """

    def __init__(self, metrics: pd.DataFrame, shown: Sequence[str]) -> None:
        """Average the metrics ``shown``.

        Parameters
        ----------
        metrics : DataFrame
            Rows of ``metrics.csv``; every method in them has a row.
        """
        groups = [part for _, part in metrics.groupby(GROUP, sort=False)]
        self.rows = pd.concat(groups)[ROW].drop_duplicates(ignore_index=True)
        means = over_categories(metrics[metrics["metric"].isin(shown)])
        self._means = means.assign(note=[undefined_note(row) for row in means.to_dict("records")])

    def of(self, metric: str) -> pd.DataFrame:
        """Columns mean, std, seeds, cover, note of one metric, in the order of ``rows``."""
        values = self.rows.merge(self._means[self._means["metric"] == metric], on=ROW, how="left")
        return values.fillna({"seeds": 0, "note": "Not run."})

    def highest(self, column: str) -> pd.Series:
        """The highest number in ``column`` over the metrics, in the order of ``rows``."""
        highest = self._means.groupby(ROW)[column].max()
        return self.rows.join(highest, on=ROW)[column]

    def column(
        self,
        metric: str,
        text: Callable[[float], str] = number,
        texts: Sequence[str] | None = None,
        notes: Sequence[str] | None = None,
    ) -> Column:
        """The printed column of a metric: mean ± standard deviation, best and runner-up marked.

        Parameters
        ----------
        metric : str
        text : callable
            Prints a value; decides which values are equal.
        texts : sequence of str, optional
            The cells, where they are not mean ± standard deviation.
        notes : sequence of str, optional
            A footnote of each row, after the one about categories without a value.
        """
        values, ranked = self.of(metric), []
        for _, part in values.groupby(GROUP, sort=False):
            best = emphases(list(part["mean"]), text, QUANTITY[metric].lower, list(part["seeds"]))
            ranked += best if same_categories(part) else [""] * len(part)
        if texts is None:
            pairs = zip(values["mean"], values["std"], strict=True)
            texts = [mean_text(mean, std, text) for mean, std in pairs]
        more = notes or [""] * len(values)
        joined = [f"{a} {b}".strip() for a, b in zip(values["note"], more, strict=True)]
        return Column(QUANTITY[metric].label, texts, ranked, joined)

    def cost_columns(self) -> list[Column]:
        """A column for each of :data:`TRAINING_COSTS`, without spreads; the lowest is the best."""
        return [
            self.column(
                cost, quantity, [mean_text(mean, text=quantity) for mean in self.of(cost)["mean"]]
            )
            for cost in TRAINING_COSTS
        ]
