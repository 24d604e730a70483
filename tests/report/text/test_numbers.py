"""An interval says on which side of zero it ends."""

import pytest

from aexad.report.stats.tests import Interval
from aexad.report.text.numbers import ends_text, interval_text, number, with_interval


@pytest.mark.parametrize(("low", "printed"), [(-0.0004, "-0.000"), (0.0004, "+0.000")])
def test_an_end_that_rounds_to_zero_keeps_its_sign(low: float, printed: str) -> None:
    interval = Interval(low, 0.026)
    assert with_interval(0.013, interval) == f"+0.013 [{printed}, +0.026]"
    assert interval_text(interval) == f"[{printed}, +0.026]"
    assert ends_text(interval) == f"{printed} to +0.026"


def test_zero_has_one_sign_and_a_mean_none() -> None:
    assert interval_text(Interval(-0.0, 0.0)) == "[+0.000, +0.000]"
    assert with_interval(0.5, Interval(0.4, 0.6), number) == "0.500 [0.400, 0.600]"
