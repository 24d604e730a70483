"""Read annotations of CVAT for images: one ``.xml`` for all images."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from aexad.data.annotations.photographs import Match, Photographs
from aexad.data.annotations.regions import (
    BOX,
    ELLIPSE,
    MASK,
    POLYGON,
    Annotation,
    Region,
    region_of,
    runs_to_pixels,
    without_area,
)

ELLIPSE_POINTS = 64
"""Points of the polygon of a rotated ellipse."""


def read(
    path: Path, root: ET.Element, photographs: Photographs
) -> Iterator[tuple[Match, Annotation]]:
    """Read the boxes, polygons, ellipses and masks of images."""
    declared = [each.findtext("name", "") for each in root.iter("label")]
    for entry in root.iter("image"):
        size = int(entry.attrib["height"]), int(entry.attrib["width"])
        regions = [_region(shape) for shape in entry if "label" in shape.attrib]
        if match := photographs.of_name(entry.attrib["name"]):
            drawn = [each for each in regions if each is not None]
            yield match, Annotation("CVAT", size, drawn, declared)


def _region(shape: ET.Element) -> Region | None:
    """A region; None for a tag, which says something about the image as a whole."""
    values = shape.attrib
    label = values["label"]

    def numbers(*names: str) -> list[float]:
        return [float(values[name]) for name in names]

    match shape.tag:
        case "box":
            corners = numbers("xtl", "ytl", "xbr", "ybr")
            return _rotated(region_of(label, BOX, corners), float(values.get("rotation", 0)))
        case "polygon":
            pairs = [pair.split(",") for pair in values["points"].split(";")]
            return region_of(label, POLYGON, pairs)
        case "ellipse":
            x, y, rx, ry = numbers("cx", "cy", "rx", "ry")
            ellipse = region_of(label, ELLIPSE, [(x - rx, y - ry), (x + rx, y + ry)])
            return _rotated(ellipse, float(values.get("rotation", 0)))
        case "mask":
            left, top, width, height = map(int, numbers("left", "top", "width", "height"))
            counts = [int(count) for count in values["rle"].split(",")]
            pixels = runs_to_pixels(counts).reshape(height, width)
            return region_of(label, MASK, [(left, top)], pixels)
        case "tag":
            return None
        case other:
            return without_area(label, other)


def _rotated(region: Region, degrees: float) -> Region:
    """Turn a box or ellipse clockwise about its centre.

    A polygon goes through the centres of pixels and marks them too, so that its corners lie half a
    pixel inside the edges of the box.
    """
    if not degrees:
        return region
    low, high = region.points
    centre, half = (low + high - 1) / 2, (high - low - 1).clip(min=0) / 2
    if region.kind == BOX:
        unit = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    else:
        angles = np.linspace(0, 2 * np.pi, ELLIPSE_POINTS, endpoint=False)
        unit = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turned = (unit * half) @ np.array([[cosine, sine], [-sine, cosine]])  # y points down
    return region_of(region.label, POLYGON, (centre + turned).round(6))  # 9.9999999 marks row 9
