"""The trade-off of quality and CO2: T(m) = E / (m / (1 - m)) [AE-XAD paper, equation 5].

E is the grams of CO2 of a run's training, m its X-AUC, F1 or IoU. Lower is better: 0 for a perfect
method, ``inf`` for a method that finds nothing.
"""

from __future__ import annotations

import math

import pandas as pd

from aexad.report.labels import TRADED

EMITTED = "training_co2_g"
RUN = ["dataset", "category", "scenario", "method", "seed"]


def tradeoff(grams: float, quality: float) -> float:
    """T of one run; NaN where one of the two is NaN.

    >>> tradeoff(3.0, 0.75)
    1.0
    """
    if math.isnan(grams) or math.isnan(quality):
        return math.nan
    return grams * (1 - quality) / quality if quality > 0 else math.inf


def with_tradeoffs(metrics: pd.DataFrame) -> pd.DataFrame:
    """Append ``tradeoff_<m>`` of each run and metric m to the rows of ``metrics.csv``."""
    emitted = metrics[metrics["metric"] == EMITTED].set_index(RUN)[["value", "reason"]]
    emitted = emitted.rename(columns={"value": "grams", "reason": "unknown"})
    parts = [metrics]
    for name in TRADED:
        rows = metrics[metrics["metric"] == name].join(emitted, on=RUN)
        reason = rows["reason"].where(rows["value"].isna(), rows["unknown"])
        rows = rows.assign(
            metric=f"tradeoff_{name}",
            value=list(map(tradeoff, rows["grams"], rows["value"])),
            reason=reason.fillna("the CO2 of the training is not known"),
        )
        parts.append(rows[list(metrics.columns)])
    return pd.concat(parts, ignore_index=True)
