"""Time and memory of the metrics and heat maps, against plain versions and other libraries.

    python benchmarks/metrics.py            # 60 maps of 948 x 948, 3 % anomalous: some minutes
    python benchmarks/metrics.py --quick    # 60 maps of 224 x 224

Everybody gets the same arrays in the same run, in turns, and one thread; only ratios of medians
count. The last line is one JSON object. The peers are an extra: ``pip install -e '.[benchmark]'``;
one that is not installed is ``null`` there. (anomalib brings many heavy packages: an environment of
its own is a good place for it.)
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
from plain import plain_heat_maps, plain_overlaps, plain_pro
from scipy import ndimage
from sklearn import metrics as sklearn_metrics
from threadpoolctl import threadpool_limits

from aexad.config.recipe import HeatMap
from aexad.evaluation import metrics
from aexad.explain.heatmap import heat_maps

LIMIT = 0.3
SETTINGS = HeatMap()


class Stopwatch:
    """Times of several contestants, and what each of them returned last."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}
        self.results: dict[str, Any] = {}

    def run(self, contestants: dict[str, Callable[[], Any]], repeats: int) -> None:
        """Let everyone run in turns, so that a slow moment of the machine hits them all."""
        for _ in range(repeats):
            for name, contestant in contestants.items():
                start = time.perf_counter()
                self.results[name] = contestant()
                self.seconds.setdefault(name, []).append(time.perf_counter() - start)
                print(f"  {name}: {self.seconds[name][-1]:.3f} s", flush=True)

    def median(self, name: str) -> float:
        """Seconds of a contestant."""
        return statistics.median(self.seconds[name])

    def ratio(self, other: str, ours: str) -> float | None:
        """How many times longer the other took; None if it did not run."""
        return self.median(other) / self.median(ours) if other in self.seconds else None


def smooth_field(rng: np.random.Generator, size: int) -> np.ndarray:
    """Random values in [0, 1], interpolated between points 16 pixels apart: [size, size]."""
    coarse = rng.random((size // 16 + 2, size // 16 + 2))
    return ndimage.zoom(coarse, size / len(coarse), order=1)[:size, :size]


def make_masks(images: int, size: int) -> np.ndarray:
    """Discs on 3 of 4 images, 3 % of all pixels: bool [images, size, size]."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size]
    masks = np.zeros((images, size, size), dtype=bool)
    for index in range(images):
        while index % 4 and masks[index].mean() < 0.032:
            (cy, cx), radius = rng.uniform(0.1, 0.9, 2) * size, rng.uniform(0.03, 0.08) * size
            masks[index] |= (y - cy) ** 2 + (x - cx) ** 2 < radius**2
    return masks


def make_scores(masks: np.ndarray) -> np.ndarray:
    """Maps that are higher on the masks, smooth and with a little noise: float32."""
    rng = np.random.default_rng(1)
    scores = np.empty(masks.shape, dtype=np.float32)
    for score, mask in zip(scores, masks, strict=True):
        noise = rng.normal(0, 0.05, mask.shape)
        score[:] = (
            smooth_field(rng, len(mask)) + 0.4 * ndimage.gaussian_filter(1.0 * mask, 4) + noise
        )
    return scores


def make_reconstructions(masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images, float32 [n, 3, S, S], and reconstructions that fail on the masks."""
    rng = np.random.default_rng(2)
    size = masks.shape[1]
    images = np.stack([[smooth_field(rng, size) for _ in range(3)] for _ in masks])
    patches = np.stack([ndimage.gaussian_filter(0.8 * mask, size / 200) for mask in masks])
    wrong = np.clip(images + patches[:, None], 0, 1) + rng.normal(0, 0.02, images.shape)
    return images.astype(np.float32), wrong.astype(np.float32)


def anomalib_pro(scores: np.ndarray, masks: np.ndarray) -> Callable[[], float] | None:
    """AUPRO of anomalib, or None if it is not installed."""
    try:
        import torch
        from anomalib.metrics.aupro import _AUPRO  # without the wrapper for its own data classes
    except ImportError:
        print("anomalib is not installed: its column stays empty")
        return None

    def run() -> float:
        metric = _AUPRO(fpr_limit=LIMIT)
        metric.update(torch.from_numpy(scores), torch.from_numpy(masks.astype(np.int32)))
        return float(metric.compute())

    return run


def pyaupro_pro(scores: np.ndarray, masks: np.ndarray) -> Callable[[], float] | None:
    """AUPRO of pyaupro in its reference implementation (MVTec's), or None if not installed."""
    try:
        import torch
        from pyaupro import PerRegionOverlap, auc_compute
    except ImportError:
        print("pyaupro is not installed: its column stays empty")
        return None

    def run() -> float:
        metric = PerRegionOverlap(reference_implementation=True)
        metric.update(torch.from_numpy(scores), torch.from_numpy(masks.astype(np.int32)))
        return float(auc_compute(*metric.compute(), limit=LIMIT))

    return run


def sklearn_xauc(scores: np.ndarray, masks: np.ndarray) -> float:
    """Mean AUROC of the anomalous images by scikit-learn, image by image."""
    pairs = zip(scores, masks, strict=True)
    return statistics.fmean(
        sklearn_metrics.roc_auc_score(mask.ravel(), score.ravel())
        for score, mask in pairs
        if mask.any()
    )


def sklearn_best(scores: np.ndarray, masks: np.ndarray) -> tuple[float, float]:
    """Best F1 and IoU over all thresholds, from scikit-learn's precision-recall curve."""
    precision, recall, _ = sklearn_metrics.precision_recall_curve(masks.ravel(), scores.ravel())
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-300)
    return float(f1.max()), float((f1 / (2 - f1)).max())


def torch_heat_maps(images: np.ndarray, reconstructions: np.ndarray) -> Callable[[], Any] | None:
    """The plain heat maps with one 2-D convolution by torch in place of SciPy's two passes."""
    try:
        import torch
    except ImportError:
        return None

    def smooth(image: np.ndarray, k: int) -> np.ndarray:
        y, x = np.mgrid[-k : k + 1, -k : k + 1]
        kernel = np.exp(-(x**2 + y**2) / (2 * (k / 3) ** 2))
        kernel /= kernel.sum()
        padded = np.pad(image, k, mode="symmetric").astype(np.float32)
        weight = torch.from_numpy(kernel.astype(np.float32))[None, None]
        return torch.conv2d(torch.from_numpy(padded)[None, None], weight)[0, 0].numpy()

    return lambda: plain_heat_maps(images, reconstructions, smooth)


def peak_of(scores: np.ndarray, masks: np.ndarray) -> float:
    """Peak memory of all metrics, the input arrays included, over the size of the input arrays."""
    tracemalloc.start()
    scores, masks = scores.copy(), masks.copy()
    tracemalloc.reset_peak()
    metrics.pixel_summary(zip(scores, masks, strict=True))
    for name in ("xauc", "f1", "iou", "pixel_auroc", "pixel_ap", "pro", "f1_max", "iou_max"):
        getattr(metrics, name)(scores, masks)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / (scores.nbytes + masks.nbytes)


def main() -> None:
    """Run the contest and print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="60 maps of 224 x 224")
    parser.add_argument("--repeats", type=int, default=3, help="of each contestant; medians count")
    args = parser.parse_args()
    size, heat_images = (224, 60) if args.quick else (948, 2)
    masks = make_masks(60, size)
    scores = make_scores(masks)
    print(f"60 maps of {size} x {size}, {masks.mean():.1%} anomalous; seconds of each run:")
    ours = {
        "pro": lambda: metrics.pro(scores, masks, LIMIT),
        "xauc": lambda: metrics.xauc(scores, masks),
        "all pixel metrics": lambda: metrics.pixel_summary(zip(scores, masks, strict=True)),
    }
    peers = {
        "pro, plain": lambda: plain_pro(scores, masks, LIMIT),
        "pro, anomalib": anomalib_pro(scores, masks),
        "pro, pyaupro": pyaupro_pro(scores, masks),
        "xauc, sklearn": lambda: sklearn_xauc(scores, masks),
        "pixel_auroc, sklearn": lambda: sklearn_metrics.roc_auc_score(
            masks.ravel(), scores.ravel()
        ),
        "pixel_ap, sklearn": lambda: sklearn_metrics.average_precision_score(
            masks.ravel(), scores.ravel()
        ),
        "f1_max and iou_max, sklearn": lambda: sklearn_best(scores, masks),
        "f1 and iou, plain": lambda: plain_overlaps(scores, masks, metrics.SWEEP),
    }
    images, wrong = make_reconstructions(masks[1 : heat_images + 1])
    heat = {
        "heat maps": lambda: heat_maps(images, wrong, SETTINGS),
        "heat maps, scipy": lambda: plain_heat_maps(images, wrong),
        "heat maps, torch 2-D": torch_heat_maps(images, wrong),
    }
    watch = Stopwatch()
    contestants = {name: run for name, run in {**ours, **peers, **heat}.items() if run}
    with threadpool_limits(limits=1):
        watch.run(contestants, args.repeats)
    report(watch, peak_of(scores, masks), masks)


def report(watch: Stopwatch, peak: float, masks: np.ndarray) -> None:
    """Print the table, and as the last line the JSON object."""
    results = watch.results
    summary, maps = results["all pixel metrics"], results["heat maps"]
    defined = summary.xauc[masks.any(axis=(1, 2))]
    differences = {
        "pro, plain": abs(results["pro"] - results["pro, plain"]),
        "xauc, sklearn": abs(results["xauc"] - results["xauc, sklearn"]),
        "pixel_auroc, sklearn": abs(summary.pooled.auroc - results["pixel_auroc, sklearn"]),
        "pixel_ap, sklearn": abs(summary.pooled.average_precision - results["pixel_ap, sklearn"]),
        "f1_max and iou_max, sklearn": np.abs(
            np.subtract(summary.pooled[2:], results["f1_max and iou_max, sklearn"])
        ).max(),
        "f1 and iou, plain": np.nanmax(
            np.abs(np.subtract(summary.sweep[1:3], results["f1 and iou, plain"]))
        ),
    }
    assert np.isclose(defined.mean(), results["xauc"], atol=1e-12)
    for name in ("pro, anomalib", "pro, pyaupro"):
        if name in results:
            differences[name] = abs(results["pro"] - results[name])
    for name in ("heat maps, scipy", "heat maps, torch 2-D"):
        if name in results:
            assert (results[name][1] == maps.k).all()
            differences[name] = np.abs(maps.heat_map - results[name][0]).max()
    print(f"\nk of the heat maps: {maps.k.min()} to {maps.k.max()}\n")
    print("| metric, contestant | seconds | times ours | largest difference |")
    print("|---|---|---|---|")
    for name in watch.seconds:
        ours = name.split(",")[0]
        compared = ours != name and ours in watch.seconds
        ratio = f"{watch.ratio(name, ours):.1f}" if compared else ""
        shown = f"{differences[name]:.1e}" if name in differences else ""
        print(f"| {name} | {watch.median(name):.3f} | {ratio} | {shown} |")
    aupro = "pro, anomalib" if "pro, anomalib" in results else "pro, plain"
    separate = [aupro, *(name for name in watch.seconds if name in SEPARATE)]
    together = sum(map(watch.median, separate)) / watch.median("all pixel metrics")
    print(f"| the separate peers together ({aupro}) | | {together:.1f} | |\n")
    ratios = {
        "pro_vs_plain": watch.ratio("pro, plain", "pro"),
        "pro_vs_anomalib": watch.ratio("pro, anomalib", "pro"),
        "pro_max_abs_diff": float(differences["pro, plain"]),
        "xauc_vs_sklearn": watch.ratio("xauc, sklearn", "xauc"),
        "all_pixel_metrics_vs_separate_peers": together,
        "heatmap_vs_scipy": watch.ratio("heat maps, scipy", "heat maps"),
        "peak_memory_vs_input": peak,
    }
    print(json.dumps({name: value and float(f"{value:.4g}") for name, value in ratios.items()}))


SEPARATE = (
    "xauc, sklearn",
    "pixel_auroc, sklearn",
    "pixel_ap, sklearn",
    "f1_max and iou_max, sklearn",
    "f1 and iou, plain",
)

if __name__ == "__main__":
    main()
