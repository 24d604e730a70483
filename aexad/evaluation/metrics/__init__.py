"""Metrics of heat maps and image scores: exact, pure functions over arrays; ties are merged."""

from aexad.evaluation.metrics.image import image_ap as image_ap
from aexad.evaluation.metrics.image import image_auroc as image_auroc
from aexad.evaluation.metrics.pixel import SWEEP as SWEEP
from aexad.evaluation.metrics.pixel import Sweep as Sweep
from aexad.evaluation.metrics.pixel import f1 as f1
from aexad.evaluation.metrics.pixel import f1_max as f1_max
from aexad.evaluation.metrics.pixel import iou as iou
from aexad.evaluation.metrics.pixel import iou_max as iou_max
from aexad.evaluation.metrics.pixel import pixel_ap as pixel_ap
from aexad.evaluation.metrics.pixel import pixel_auroc as pixel_auroc
from aexad.evaluation.metrics.pixel import threshold_sweep as threshold_sweep
from aexad.evaluation.metrics.pixel import xauc as xauc
from aexad.evaluation.metrics.pixel import xauc_per_image as xauc_per_image
from aexad.evaluation.metrics.pro import pro as pro
from aexad.evaluation.metrics.summary import PixelSummary as PixelSummary
from aexad.evaluation.metrics.summary import pixel_summary as pixel_summary
