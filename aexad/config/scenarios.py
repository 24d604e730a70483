"""The scenarios: which kinds of images a method is trained on."""

from typing import Literal, get_args

Scenario = Literal["standard", "anomalies_only", "one_class"]
SCENARIOS: tuple[str, ...] = get_args(Scenario)
