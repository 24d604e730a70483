"""What a run took, as rows of ``metrics.csv``: seconds, memory, energy and CO2 of either phase.

A quantity that was not measured has no value and a reason, as any other metric.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from aexad.report.labels import COSTS

NOT_MEASURED = "energy was not measured"
NO_RECORD = "the run recorded no cost of it"
NOT_KNOWN = "somebody else's maps: how they were made is not known"


class Cost(NamedTuple):
    """A row of ``metrics.csv``, without the run; ``reason`` is empty where there is a value."""

    metric: str
    value: float | None
    reason: str


def training_costs(provenance: dict[str, Any]) -> list[Cost]:
    """The costs of a training, features of a frozen encoder included, from ``provenance.json``."""
    seconds = provenance["seconds"]
    total = float(seconds["features"]) + float(seconds["training"])
    return _costs("training", total, provenance)


def inference_costs(record: dict[str, Any]) -> list[Cost]:
    """The costs of explaining a run's test images, from ``inference.json``."""
    return _costs("inference", float(record["seconds"]), record)


def unknown_costs(phase: str, reason: str) -> list[Cost]:
    """No value for any cost of a phase, and why."""
    return [Cost(cost.name, None, reason) for cost in COSTS if cost.name.startswith(phase)]


def _costs(phase: str, seconds: float, record: dict[str, Any]) -> list[Cost]:
    energy = record.get("energy") or {}
    reason = energy.get("reason") or NOT_MEASURED
    return [
        Cost(f"{phase}_seconds", seconds, ""),
        Cost(f"{phase}_peak_mb", float(record["peak_mb"]), ""),
        *(
            Cost(f"{phase}_{to}", None if value is None else float(value), reason * (value is None))
            for to, value in (
                ("energy_kwh", energy.get("kwh")),
                ("co2_g", energy.get("co2_g")),
            )
        ),
    ]
