"""Read annotations of COCO: one ``.json`` for all images."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from aexad.data.annotations.photographs import Match, Photographs
from aexad.data.annotations.regions import (
    BOX,
    MASK,
    POLYGON,
    Annotation,
    Region,
    region_of,
    runs_to_pixels,
    without_area,
)
from aexad.runtime.errors import DataError


def read(path: Path, content: Any, photographs: Photographs) -> Iterator[tuple[Match, Annotation]]:
    """Read the regions of images: their segmentation or, without one, their box."""
    names = {each["id"]: str(each["name"]) for each in content.get("categories", [])}
    regions: dict[Any, list[Region]] = defaultdict(list)
    for each in content["annotations"]:
        label = names.get(each.get("category_id"), str(each.get("category_id")))
        regions[each["image_id"]] += _regions(label, each)
    ids = Counter(entry["id"] for entry in content["images"])
    for wanted in regions.keys() - ids.keys():
        known = str(list(ids)[:3])[1:-1]
        raise ValueError(f"image_id {wanted!r} is the id of no image; ids are {known}")
    for entry in content["images"]:
        key, name = entry["id"], str(entry["file_name"])
        size = int(entry["height"]), int(entry["width"])
        match = photographs.of_name(name)
        if match is None:
            continue
        if ids[key] > 1:
            raise ValueError(f"{ids[key]} images have the id {key!r}, for example {name}")
        for region in regions[key]:
            if region.pixels is not None and region.pixels.shape != size:
                raise ValueError(
                    "run lengths of {1}x{0} pixels".format(*region.pixels.shape)
                    + ", and their image {2} has {1}x{0}".format(*size, name)
                )
        yield match, Annotation("COCO", size, regions[key], names.values())


def _regions(label: str, annotation: Mapping[str, Any]) -> Iterator[Region]:
    segmentation = annotation.get("segmentation")
    if isinstance(segmentation, dict):
        yield region_of(label, MASK, [(0, 0)], _run_lengths(segmentation))
    elif segmentation:
        for polygon in segmentation:
            yield region_of(label, POLYGON, polygon)
    else:
        x, y, width, height = map(float, annotation["bbox"])
        if width < 0 or height < 0:
            yield without_area(label, "box of negative size")
        else:
            yield region_of(label, BOX, [(x, y), (x + width, y + height)])


def _run_lengths(segmentation: Mapping[str, Any]) -> np.ndarray:
    """COCO's run lengths, column by column, bool [H, W]."""
    counts, (height, width) = segmentation["counts"], segmentation["size"]
    if isinstance(counts, str):
        try:
            from pycocotools import mask as coco
        except ImportError:
            raise DataError(
                "compressed run lengths of COCO need pycocotools: pip install pycocotools"
            ) from None
        return coco.decode({"size": [height, width], "counts": counts.encode()}).astype(bool)
    return runs_to_pixels(counts).reshape(width, height).T
