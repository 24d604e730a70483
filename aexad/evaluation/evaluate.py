"""Evaluate the heat maps of a test set against its masks and write three files.

``per_image.csv`` has one row per image. ``counts.npz`` has each image's pixels above a common grid
of thresholds, from which the report resamples test sets. ``metrics.json`` has the values of the
test set, each with the number of images that it averages over; a value that is not defined is
``null`` with a reason.
The maps come from a run (``maps.npz``) or are external (:mod:`aexad.evaluation.external_maps`).
Images are processed one by one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from aexad.data.image_files import image_size
from aexad.data.masks import load_mask
from aexad.data.resize import resized
from aexad.data.tables import GOOD, read_split
from aexad.evaluation.metrics import SWEEP, PixelSummary, image_ap, image_auroc, pixel_summary
from aexad.evaluation.metrics.image_counts import image_counts
from aexad.evaluation.metrics.pixel import mean_of_defined
from aexad.explain.run_maps import REMEDY, read_maps
from aexad.runtime.errors import DataError
from aexad.runtime.files import write_csv, write_json, write_npz

Size = Literal["model", "native"]
"""Size of the comparison: masks are resized to the maps, or maps are resized to the masks."""

Pair = tuple[np.ndarray, np.ndarray]
"""Heat map, real [H, W], and mask, bool [H, W], of one image."""

COUNTS = "counts.npz"
NO_MASKS = "the data set has no masks"
NO_ANOMALY, NO_NORMAL = "no anomalous pixels in the test set", "no normal pixels in the test set"
PER_IMAGE = ("f1", "iou")
POOLED = ("pixel_auroc", "pixel_ap", "f1_max", "iou_max", "pro")  # as in Ranking, then PRO


class ImageRow(NamedTuple):
    """The columns of ``per_image.csv`` that do not depend on the mask."""

    image: str
    defect: str
    score: float
    """Score of the image; higher is more anomalous."""
    k: int | None
    """Half size of the filter of its heat map; None for external maps."""


def evaluate_run(
    maps: str | os.PathLike[str],
    split: str | os.PathLike[str],
    root: str | os.PathLike[str],
    output: str | os.PathLike[str],
    size: Size = "model",
) -> dict[str, Any]:
    """Evaluate the heat maps of one run.

    If the data set has no masks, only the image scores are evaluated.

    Parameters
    ----------
    maps : path
        The run's ``maps.npz``.
    split : path
        The run's ``split.csv``; its test rows must list the images of ``maps`` in the same order.
    root : path
        Folder that the paths of the split are relative to.
    output : path
        Folder for the files.
    size : {"model", "native"}
        ``model``: masks are resized to the maps, as their ``marks`` say
        (:func:`aexad.data.masks.load_mask`). ``native``: maps are resized to the original masks
        (:func:`aexad.data.resize.resized`).

    Returns
    -------
    dict
        The content of ``metrics.json``.

    Raises
    ------
    DataError
        If a file is missing or damaged, or the maps do not belong to the split.
    """
    table = read_split(split)
    rows = table[table["role"] == "test"].reset_index(drop=True)
    arrays = _read_maps(maps)
    if list(arrays["image"]) != list(rows["image"]):
        raise DataError(f"{maps}: not the maps of the test images of {split}; {REMEDY}")
    images = [
        ImageRow(image, defect, float(score), int(k))
        for image, defect, score, k in zip(
            rows["image"], rows["defect"], arrays["score"], arrays["k"], strict=True
        )
    ]
    if without_masks(rows):
        return write_results(images, None, size, output)
    pairs = _run_pairs(rows, arrays["heat_map"], Path(root), size, str(maps))
    return write_evaluation(zip(images, pairs, strict=True), size, output)


def without_masks(rows: pd.DataFrame) -> bool:
    """Whether test rows of a split have anomalous images but no masks at all."""
    anomalous = rows["defect"] != GOOD
    return bool(anomalous.any() and (rows.loc[anomalous, "mask"] == "").all())


def write_evaluation(
    images: Iterable[tuple[ImageRow, Pair]], size: Size, output: str | os.PathLike[str]
) -> dict[str, Any]:
    """Evaluate maps against masks, and write the files.

    Parameters
    ----------
    images : iterable of ImageRow and its pair of heat map and mask
        May be a generator; only one pair is in memory at a time.
    size : {"model", "native"}
        Size of the pairs, as written to ``metrics.json``.
    output : path
        Folder for the files.
    """
    rows: list[ImageRow] = []

    def pairs() -> Iterator[Pair]:
        for row, pair in images:
            rows.append(row)
            yield pair

    summary = pixel_summary(pairs())  # fills ``rows``
    return write_results(rows, summary, size, output)


def write_results(
    rows: Sequence[ImageRow],
    summary: PixelSummary | None,
    size: Size,
    output: str | os.PathLike[str],
) -> dict[str, Any]:
    """Write the files of a test set; ``summary`` is None for a data set without masks."""
    content = metrics_of(rows, summary, size)
    write_csv(Path(output, "per_image.csv"), per_image_table(rows, summary))
    counts = summary.counts if summary else image_counts([], [])
    write_npz(Path(output, COUNTS), counts.to_arrays())
    write_json(Path(output, "metrics.json"), content)
    return content


def per_image_table(images: Sequence[ImageRow], summary: PixelSummary | None) -> pd.DataFrame:
    """The rows of ``per_image.csv``; a value that is not defined is missing."""
    table = pd.DataFrame(images, columns=ImageRow._fields).astype({"k": "Int64"})
    at = [named_at(name, a) for name in PER_IMAGE for a in SWEEP[1:]]
    columns = [*ImageRow._fields, "anomalous_pixels", "xauc", *PER_IMAGE, *at]
    if summary is None:
        return table.reindex(columns=columns)
    table["anomalous_pixels"] = summary.anomalous_pixels
    table["xauc"] = summary.xauc
    for column, a in enumerate(SWEEP):
        table[named_at("f1", a)] = summary.sweep.f1[:, column]
        table[named_at("iou", a)] = summary.sweep.iou[:, column]
    return table[columns]


def metrics_of(
    images: Sequence[ImageRow], summary: PixelSummary | None, size: Size
) -> dict[str, Any]:
    """The content of ``metrics.json``; ``summary`` is None for a data set without masks."""
    anomalous = np.array([image.defect != GOOD for image in images], dtype=bool)
    if summary is None:
        without, pixel = np.zeros_like(anomalous), _no_masks()
    else:
        without = anomalous & (summary.anomalous_pixels == 0)
        pixel = _per_image_means(summary) | _pooled_values(summary)
    return {
        "size": size,
        "images": {
            "test": len(images),
            "good": int((~anomalous).sum()),
            "anomalous": int(anomalous.sum()),
            "without_mask_pixels": [
                row.image for row, empty in zip(images, without, strict=True) if empty
            ],
        },
        "metrics": {
            **pixel,
            **_image_values(np.array([image.score for image in images]), anomalous),
        },
    }


def named_at(metric: str, a: float) -> str:
    """Name of a metric at the threshold mean + a std: ``f1`` at a = 1, ``f1@1.5`` at a = 1.5."""
    return metric if a == 1 else f"{metric}@{a}"


def _read_maps(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    arrays = read_maps(path, ("image", "heat_map", "score", "k"))
    shape = arrays["heat_map"].shape
    if len(shape) != 3:
        raise DataError(f"{path}: heat_map is {list(shape)}, not [n, S, S]; {REMEDY}")
    for name in ("heat_map", "score"):
        for image, values in zip(arrays["image"], arrays[name], strict=True):
            if not np.isfinite(values).all():
                raise DataError(f"{path}: {name} of {image} is NaN or infinite; {REMEDY}")
    return arrays


def _run_pairs(
    rows: pd.DataFrame, heat_maps: np.ndarray, root: Path, size: Size, maps: str
) -> Iterator[Pair]:
    """Read the mask of each test row and bring it and its heat map to one size."""
    columns = (rows[name] for name in ("image", "defect", "mask", "marks"))
    for image, defect, mask, marks, heat_map in zip(*columns, heat_maps, strict=True):
        if not mask and defect != GOOD:
            raise DataError(f"{maps}: {image} is anomalous and has no mask to compare with")
        path = root / mask if mask else None
        if size == "native":
            truth = load_mask(path, shape=image_size(root / image), marks=marks)
            yield resized(heat_map, truth.shape), truth
        else:
            yield heat_map, load_mask(path, size=len(heat_map), marks=marks)


def _no_masks() -> dict[str, Any]:
    at = [named_at(name, a) for name in PER_IMAGE for a in SWEEP]
    values = {name: _value(np.nan, 0, NO_MASKS) for name in ("xauc", *at, *POOLED)}
    values["pro"]["regions"] = 0
    return values


def _per_image_means(summary: PixelSummary) -> dict[str, Any]:
    values = {"xauc": _mean(summary.xauc, "no image has both anomalous and normal pixels")}
    for name, per_image in (("f1", summary.sweep.f1), ("iou", summary.sweep.iou)):
        for a, column in zip(SWEEP, per_image.T, strict=True):
            values[named_at(name, a)] = _mean(column, "no image has anomalous pixels")
    return values


def _pooled_values(summary: PixelSummary) -> dict[str, Any]:
    images = len(summary.anomalous_pixels)
    reason = NO_NORMAL if summary.regions else NO_ANOMALY
    values = zip(POOLED, (*summary.pooled, summary.pro), strict=True)
    result = {name: _value(value, images, reason) for name, value in values}
    result["pro"]["regions"] = summary.regions
    return result


def _image_values(scores: np.ndarray, anomalous: np.ndarray) -> dict[str, Any]:
    reason = "no good images in the test set" if anomalous.any() else "no anomalous images"
    return {
        "image_auroc": _value(image_auroc(scores, anomalous), len(scores), reason),
        "image_ap": _value(image_ap(scores, anomalous), len(scores), reason),
    }


def _mean(values: np.ndarray, reason: str) -> dict[str, Any]:
    return _value(mean_of_defined(values), int((~np.isnan(values)).sum()), reason)


def _value(value: float, images: int, reason: str) -> dict[str, Any]:
    if np.isnan(value):
        return {"value": None, "n": 0, "reason": reason}
    return {"value": value, "n": images}
