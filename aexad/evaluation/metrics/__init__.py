"""Metrics of heat maps and image scores: exact, pure functions over arrays; ties are merged."""

from aexad.evaluation.metrics.image import image_ap, image_auroc
from aexad.evaluation.metrics.pixel import (
    SWEEP,
    Sweep,
    f1,
    f1_max,
    iou,
    iou_max,
    pixel_ap,
    pixel_auroc,
    threshold_sweep,
    xauc,
    xauc_per_image,
)
from aexad.evaluation.metrics.pro import ProCurve, pro, pro_curve
from aexad.evaluation.metrics.summary import PixelSummary, pixel_summary

__all__ = [
    "SWEEP",
    "PixelSummary",
    "ProCurve",
    "Sweep",
    "f1",
    "f1_max",
    "image_ap",
    "image_auroc",
    "iou",
    "iou_max",
    "pixel_ap",
    "pixel_auroc",
    "pixel_summary",
    "pro",
    "pro_curve",
    "threshold_sweep",
    "xauc",
    "xauc_per_image",
]
