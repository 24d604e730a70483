"""Names of metrics, costs and scenarios in the report, each with a phrase that explains it.

The order of :data:`METRICS` is the order of rows, columns and panels everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Metric(NamedTuple):
    """A metric, or a cost, as the report shows it."""

    name: str
    label: str
    title: str
    definition: str
    lower: bool = False
    """Whether lower is better, as for costs."""


METRICS = (
    Metric(
        "xauc",
        "X-AUC",
        "explanation AUROC",
        "pixel AUROC of the heat map within one anomalous test image, averaged over the anomalous "
        "test images",
    ),
    Metric(
        "pro",
        "PRO",
        "per-region overlap",
        "mean recall of the true regions against the false-positive rate over all test images, "
        "area up to a rate of 0.3, divided by 0.3",
    ),
    Metric(
        "pixel_ap",
        "pixel AP",
        "pixel average precision",
        "average precision (step sum) over all pixels of all test images together",
    ),
    Metric(
        "f1_max",
        "F1 max",
        "oracle",
        "highest F1 over all thresholds: an upper bound, not a result, because the masks choose "
        "the threshold",
    ),
    Metric(
        "f1",
        "F1",
        "F1",
        "F1 over the pixels of the heat map binarised at its own mean + standard deviation, "
        "averaged over the anomalous test images",
    ),
    Metric(
        "iou",
        "IoU",
        "intersection over union",
        "intersection over union of the true region and the heat map binarised at its own mean + "
        "standard deviation, averaged over the anomalous test images",
    ),
    Metric(
        "pixel_auroc",
        "pixel AUROC",
        "pixel AUROC",
        "area under the ROC curve over all pixels of all test images together",
    ),
    Metric(
        "image_auroc",
        "image AUROC",
        "image AUROC",
        "area under the ROC curve of the images' anomaly scores, good against anomalous test "
        "images",
    ),
    Metric(
        "image_ap",
        "image AP",
        "image average precision",
        "average precision (step sum) of the images' anomaly scores",
    ),
    Metric(
        "iou_max",
        "IoU max",
        "oracle",
        "highest intersection over union over all thresholds: an upper bound, not a result, "
        "because the masks choose the threshold",
    ),
)
"""The metrics with one table each; ``f1@a`` and ``iou@a`` are points of one curve."""

METRIC = {metric.name: metric for metric in METRICS}

PHASES = {"training": "training", "inference": "explaining the test images"}
COSTS = tuple(
    Metric(f"{phase}_{name}", f"{phase} [{unit}]", title, f"{title} of {doing}", lower=True)
    for phase, doing in PHASES.items()
    for name, unit, title in (
        ("seconds", "s", "wall-clock time"),
        ("peak_mb", "MB", "largest resident memory"),
        ("energy_kwh", "kWh", "energy"),
        ("co2_g", "g CO2", "CO2 equivalents"),
    )
)
"""The costs of a run, in ``metrics.csv`` like its metrics."""

TRADED = ("xauc", "f1", "iou")
TRADEOFFS = tuple(
    Metric(
        f"tradeoff_{name}",
        f"T({METRIC[name].label})",
        f"trade-off of {METRIC[name].label} and CO2",
        f"E / (m / (1 - m)), E the grams of CO2 of the training, m the {METRIC[name].label}",
        lower=True,
    )
    for name in TRADED
)
QUANTITY = {metric.name: metric for metric in (*METRICS, *COSTS, *TRADEOFFS)}
"""Metrics, costs and trade-offs by name."""

HEADLINE = ("xauc", "pro", "pixel_ap", "f1_max", "f1", "iou", "pixel_auroc", "image_auroc")
"""The metrics of the figures and of the tables that the report shows first.

Those that depend on the order of a heat map's values come before those of its binary map.
"""

SCENARIO_PHRASES = {
    "standard": "normal images and a few labelled anomalies of each defect type are trained on",
    "anomalies_only": "only a few labelled anomalies of each defect type are trained on",
    "one_class": "only normal images are trained on",
}

DAGGER = "†"
"""Marks a method whose encoder was not pre-trained."""

COLLAPSED = "‡"
"""Marks a method with a run whose training collapsed."""


def order_of(metric: str) -> tuple[int, str]:
    """Sort key of the name of a metric: the order of :data:`QUANTITY`, then the alphabet."""
    names = list(QUANTITY)
    return (names.index(metric) if metric in QUANTITY else len(names), metric)


def scenario_phrase(scenario: str) -> str:
    """Name a scenario and explain it, for captions."""
    meaning = SCENARIO_PHRASES.get(scenario)
    return f"scenario {scenario}" + (f" ({meaning})" if meaning else "")


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Write a number with its noun: ``1 seed``, ``3 seeds``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def distinct(texts: Iterable[str]) -> str:
    """Join the different texts with semicolons, without empty ones."""
    return "; ".join(dict.fromkeys(filter(None, texts)))


def listed(names: list[str], most: int | None = None) -> str:
    """Join names: ``a``, ``a and b``, ``a, b and c``; names beyond ``most`` are only counted."""
    if most is not None and len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
