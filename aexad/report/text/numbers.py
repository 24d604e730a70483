"""How numbers are printed: digits, signs, undefined values."""

from __future__ import annotations

import math
from collections.abc import Callable

from aexad.report.labels import Metric
from aexad.report.stats.tests import Interval, NoTest

DIGITS = 3
SIGNIFICANT = 3
UNDEFINED = "n/a"


def number(value: float) -> str:
    """Print the value of a metric; NaN as :data:`UNDEFINED`."""
    return UNDEFINED if math.isnan(value) else f"{value:z.{DIGITS}f}"


def signed(value: float) -> str:
    """Print a difference of two such values with its sign; NaN as :data:`UNDEFINED`."""
    return UNDEFINED if math.isnan(value) else f"{value:+z.{DIGITS}f}"


def signed_end(value: float) -> str:
    """Print an end of the interval of a difference; NaN as :data:`UNDEFINED`.

    An end that rounds to zero keeps its sign, which says on which side of zero the interval ends.

    >>> [signed_end(value) for value in (-0.0004, 0.0, 0.0004)]
    ['-0.000', '+0.000', '+0.000']
    """
    return UNDEFINED if math.isnan(value) else f"{value + 0.0:+.{DIGITS}f}"


def quantity(value: float) -> str:
    """Print a cost or a trade-off with three significant digits; ``inf``, NaN as ``n/a``.

    >>> [quantity(value) for value in (0.0123456, 5.394, 99.96, 13887.0, float("inf"))]
    ['0.0123', '5.39', '100', '13900', 'inf']
    """
    if math.isnan(value):
        return UNDEFINED
    if value == 0 or math.isinf(value):
        return f"{value:g}"
    rounded = float(f"{value:.{SIGNIFICANT}g}")
    return f"{rounded:.{max(0, SIGNIFICANT - 1 - math.floor(math.log10(abs(rounded))))}f}"


def printer(metric: Metric) -> Callable[[float], str]:
    """Return the function that prints the values of a metric."""
    return quantity if metric.lower else number


def mean_text(mean: float, std: float = math.nan, text: Callable[[float], str] = number) -> str:
    """Print ``0.900 ± 0.014``, ``0.900`` or ``n/a``."""
    return text(mean) if math.isnan(mean + std) else f"{text(mean)} ± {text(std)}"


def with_interval(
    value: float, interval: Interval | NoTest, text: Callable[[float], str] = signed
) -> str:
    """Print ``+0.015 [+0.010, +0.020]``; without a known interval, the value alone."""
    ends = signed_end if text is signed else text
    return text(value) + ("" if math.isnan(interval.low) else f" {interval_text(interval, ends)}")


def interval_text(interval: Interval | NoTest, text: Callable[[float], str] = signed_end) -> str:
    """Print ``[+0.010, +0.020]``; an unknown interval as :data:`UNDEFINED`."""
    if math.isnan(interval.low):
        return UNDEFINED
    return f"[{text(interval.low)}, {text(interval.high)}]"


def ends_text(interval: Interval) -> str:
    """Print the ends of an interval in a sentence: ``+0.010 to +0.020``."""
    return f"{signed_end(interval.low)} to {signed_end(interval.high)}"


def p_text(p: float) -> str:
    """Print the p of a test with three digits; NaN as :data:`UNDEFINED`."""
    return "< 0.001" if p < 0.001 else number(p)
