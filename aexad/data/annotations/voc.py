"""Read annotations of Pascal VOC: one ``STEM.xml`` per image."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from aexad.data.annotations.photographs import Match, Photographs
from aexad.data.annotations.regions import BOX, Annotation, region_of


def read(
    path: Path, root: ET.Element, photographs: Photographs
) -> Iterator[tuple[Match, Annotation]]:
    """Read the boxes of an image."""
    size = root.find("size")
    known = (0, 0) if size is None else (_number(size, "height"), _number(size, "width"))
    regions = []
    for each in root.iter("object"):
        box = each.find("bndbox")
        if box is None:
            raise ValueError("an object without bndbox")
        low, high = ("xmin", "ymin"), ("xmax", "ymax")
        corners = [[float(box.findtext(name, "")) for name in side] for side in (low, high)]
        regions.append(region_of(each.findtext("name", ""), BOX, corners))
    if match := photographs.of_file(path):
        # Old versions of LabelImg write 0 for a size that they do not know.
        yield match, Annotation("Pascal VOC", known if any(known) else None, regions)


def _number(element: ET.Element, name: str) -> int:
    return int(float(element.findtext(name, "")))
