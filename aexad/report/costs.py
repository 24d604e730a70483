"""Costs of a run as rows of ``metrics.csv``: time, memory, energy and CO2 of each phase.

A quantity that was not measured has no value and a reason, like any other metric.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aexad.report.labels import COSTS

NOT_MEASURED = "energy was not measured"
NO_RECORD = "the run recorded no cost of it"
TOGETHER = "one command trains and explains: see the costs of the training"
EXTERNAL = "external maps: how they were made is not known"


def costs_of(phase: str, record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List metric, value and reason of each cost of a phase of one run.

    Parameters
    ----------
    phase : str
        ``training`` (frozen features included) or ``inference`` (explaining the test images).
    record : mapping
        Content of ``provenance.json`` or ``inference.json``.
    """
    seconds, energy = record["seconds"], record.get("energy") or {}
    if phase == "training":
        seconds = float(seconds["features"]) + float(seconds["training"])
    reason = energy.get("reason") or NOT_MEASURED
    values = {
        "seconds": seconds,
        "peak_mb": float(record["peak_mb"]),
        "energy_kwh": energy.get("kwh"),
        "co2_g": energy.get("co2_g"),
    }
    if seconds is None:  # a command, whose provenance has the costs of training and inference
        return unknown_costs(phase, TOGETHER)
    return [
        {"metric": f"{phase}_{name}", "value": None, "reason": reason}
        if value is None
        else {"metric": f"{phase}_{name}", "value": float(value), "reason": ""}
        for name, value in values.items()
    ]


def unknown_costs(phase: str, reason: str) -> list[dict[str, Any]]:
    """List every cost of a phase without a value."""
    names = [cost.name for cost in COSTS if cost.name.startswith(phase)]
    return [{"metric": name, "value": None, "reason": reason} for name in names]
