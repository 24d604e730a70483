"""How numbers are printed: digits, signs, undefined values."""

from __future__ import annotations

import math
from collections.abc import Callable

from aexad.report.labels import Metric

DIGITS = 3


SIGNIFICANT = 3


UNDEFINED = "n/a"


def number(value: float) -> str:
    """A metric's value as the report prints it."""
    return f"{value:z.{DIGITS}f}"


def signed(value: float) -> str:
    """A difference of two such values, with its sign; NaN as :data:`UNDEFINED`."""
    return UNDEFINED if math.isnan(value) else f"{value:+z.{DIGITS}f}"


def quantity(value: float) -> str:
    """A cost or a trade-off as the report prints it: three significant digits, or ``inf``.

    >>> [quantity(value) for value in (0.0123456, 5.394, 99.96, 13887.0, float("inf"))]
    ['0.0123', '5.39', '100', '13900', 'inf']
    """
    if value == 0 or math.isinf(value):
        return f"{value:g}"
    rounded = float(f"{value:.{SIGNIFICANT}g}")
    return f"{rounded:.{max(0, SIGNIFICANT - 1 - math.floor(math.log10(abs(rounded))))}f}"


def printer(metric: Metric) -> Callable[[float], str]:
    """How the values of a metric are printed."""
    return quantity if metric.lower else number
