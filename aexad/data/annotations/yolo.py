"""Read annotations of YOLO: one ``STEM.txt`` per image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from aexad.data.annotations.photographs import Match, Photographs
from aexad.data.annotations.regions import BOX, POLYGON, Annotation, region_of
from aexad.data.image_files import image_size

YOLO = "YOLO"
ROUNDING = 1e-3
"""How far values may lie outside of 0 to 1; what lies outside is cut off."""


def read(path: Path, content: None, photographs: Photographs) -> Iterator[tuple[Match, Annotation]]:
    """Read the boxes and polygons of an image, given in shares of its width and height."""
    match = photographs.of_file(path)
    if match is None:  # other texts, such as classes.txt, are not read
        return
    height, width = image_size(match.image)
    scale = np.array([width, height], dtype=np.float64)
    regions = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if not line.strip():
            continue
        label, *rest = line.split()
        try:
            values = np.array(rest, dtype=np.float64)
        except ValueError:
            values = np.full(1, np.nan)
        polygon = len(values) >= 6 and len(values) % 2 == 0
        inside = ((values >= -ROUNDING) & (values <= 1 + ROUNDING)).all()
        if not (len(values) == 4 or polygon) or not inside:
            raise ValueError(
                f"line {number} is no YOLO box 'class x y width height' and no polygon, with "
                "values from 0 to 1"
            )
        values = values.clip(0, 1)
        if polygon:
            regions.append(region_of(label, POLYGON, values.reshape(-1, 2) * scale))
        else:
            centre, half = values[:2], values[2:] / 2
            corners = np.stack([centre - half, centre + half]) * scale
            regions.append(region_of(label, BOX, corners))
    yield match, Annotation(YOLO, None, regions)
