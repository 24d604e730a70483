"""What the report calls things: metrics, scenarios, and how each is explained in a phrase.

The order of :data:`METRICS` is the order of rows, columns, panels and pages everywhere.
"""

from __future__ import annotations

from typing import NamedTuple


class Metric(NamedTuple):
    """A metric as the reader meets it."""

    name: str
    label: str
    title: str
    definition: str
    lower: bool = False
    """Whether lower is better, as of costs."""


METRICS = (
    Metric(
        "xauc",
        "X-AUC",
        "explanation AUROC",
        "pixel AUROC of the heat map within one anomalous test image, averaged over the anomalous "
        "test images",
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
        "pro",
        "PRO",
        "per-region overlap",
        "mean recall of the true regions against the false-positive rate over all test images, "
        "area up to a rate of 0.3, divided by 0.3",
    ),
    Metric(
        "pixel_auroc",
        "pixel AUROC",
        "pixel AUROC",
        "area under the ROC curve over all pixels of all test images together",
    ),
    Metric(
        "pixel_ap",
        "pixel AP",
        "pixel average precision",
        "average precision (step sum) over all pixels of all test images together",
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
        "f1_max",
        "F1 max",
        "oracle",
        "highest F1 over all thresholds, chosen with the truth at hand: an upper bound, not a "
        "result",
    ),
    Metric(
        "iou_max",
        "IoU max",
        "oracle",
        "highest intersection over union over all thresholds, chosen with the truth at hand: an "
        "upper bound, not a result",
    ),
)
"""The metrics that have a table of their own; ``f1@a`` and ``iou@a`` are points of one curve."""

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
"""What a run took, in ``metrics.csv`` beside what it reached."""

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
"""Everything that a table may be of."""

HEADLINE = ("xauc", "f1", "iou", "pro", "pixel_auroc", "image_auroc")
"""The metrics of the figures, and the tables that the report shows first."""

SCENARIOS = {
    "standard": "normal images and a few labelled anomalies of each defect type are trained on",
    "anomalies_only": "only a few labelled anomalies of each defect type are trained on",
    "one_class": "only normal images are trained on",
}

DAGGER = "†"
"""Marks a method whose encoder was not pre-trained."""


def order_of(metric: str) -> tuple[int, str]:
    """Sort key of a metric's name: the order of :data:`QUANTITY`, then the alphabet."""
    names = list(QUANTITY)
    return (names.index(metric) if metric in QUANTITY else len(names), metric)


def scenario_phrase(scenario: str) -> str:
    """``standard`` with its explanation, for captions."""
    meaning = SCENARIOS.get(scenario)
    return f"scenario {scenario}" + (f" ({meaning})" if meaning else "")


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """``1 seed``, ``3 seeds``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def listed(names: list[str], most: int | None = None) -> str:
    """``a``, ``a and b``, ``a, b and c``; beyond ``most`` names the rest are counted."""
    if most is not None and len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
