"""Read annotations of LabelMe: one ``STEM.json`` per image."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from aexad.data.annotations.photographs import Match, Photographs
from aexad.data.annotations.regions import (
    BOX,
    ELLIPSE,
    MASK,
    POLYGON,
    Annotation,
    Region,
    region_of,
    without_area,
)
from aexad.data.image_files import DAMAGE


def read(path: Path, content: Any, photographs: Photographs) -> Iterator[tuple[Match, Annotation]]:
    """Read the polygons, boxes, circles and masks of an image."""
    regions = [_region(shape) for shape in content["shapes"]]
    size = content.get("imageHeight"), content.get("imageWidth")
    known = None if None in size else (int(size[0]), int(size[1]))
    if match := photographs.of_file(path):
        yield match, Annotation("LabelMe", known, regions)


def _region(shape: Mapping[str, Any]) -> Region:
    label, points = str(shape["label"]), shape["points"]
    match shape.get("shape_type") or POLYGON:
        case "polygon":
            return region_of(label, POLYGON, points)
        case "rectangle":
            return region_of(label, BOX, points)
        case "circle":
            centre, edge = region_of(label, ELLIPSE, points).points[:2]
            radius = float(np.hypot(*(edge - centre)))
            return region_of(label, ELLIPSE, [centre - radius, centre + radius])
        case "mask":
            return region_of(label, MASK, points, _encoded(shape["mask"]))
        case other:
            return without_area(label, str(other))


def _encoded(text: str) -> np.ndarray:
    """A PNG in base 64, bool [h, w]."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(text)), formats=["PNG"]) as image:
            return np.asarray(image.convert("L")) > 0
    except (OSError, *DAMAGE):
        raise ValueError("a mask is no PNG in base 64") from None
