"""The explanation of one image: how anomalous it is, where, and a picture of that."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from aexad.explain.heatmap import mean_and_std
from aexad.runtime.files import written_whole

FILES = {"overlays": ".png", "heat_maps": ".npy", "masks": ".png"}
"""Folders of what :meth:`Explanation.save` writes, and the endings."""

COLOUR = (255, 0, 144)  # a magenta that few products have
Z_OPAQUE = 5.0  # standard deviations above the mean of the heat map where the tint is strongest
TINT = 0.55  # share of the colour there
THUMBNAIL = 640  # pixels; longer side of the picture in a notebook
_ROWS = 256  # of a large image that are worked on at a time
_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)


class Region(NamedTuple):
    """One 8-connected region of a mask."""

    box: tuple[int, int, int, int]
    """left, top, right, bottom in pixels of the image; right and bottom are just outside."""
    area: int
    """Its pixels."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """What a model has to say of one image of H x W pixels."""

    image: np.ndarray
    """uint8 [H, W, 3]."""
    heat_map: np.ndarray
    """float32 [S, S], raw: neither clamped nor rescaled."""
    reconstruction: np.ndarray
    """uint8 [S, S, 3]."""
    score: float
    """Of the image; higher is more anomalous."""
    threshold: float | None
    """The score above which the model takes an image for anomalous; none: it knows none."""
    k: int
    """Half size in pixels (of S) of the filter of the heat map."""
    milliseconds: float
    """From pixels to heat map: resize, network, filter; of a batch, its share of the time."""

    @property
    def verdict(self) -> Literal["anomalous", "normal"] | None:
        """What the score means at the threshold; none where there is no threshold."""
        if self.threshold is None:
            return None
        return "anomalous" if self.score > self.threshold else "normal"

    @cached_property
    def mask(self) -> np.ndarray:
        """Where it is anomalous, bool [H, W]: the heat map above its mean + one deviation.

        The heat map is brought to the image's size (bilinear) and then compared. An image whose
        verdict is normal has nothing marked: every heat map exceeds its own mean somewhere.
        """
        mask = np.zeros(self.image.shape[:2], dtype=bool)
        mean, std = mean_and_std(self.heat_map)
        if self.verdict != "normal" and std > 0:
            for rows, heat in self._strips():
                mask[rows] = heat.astype(np.float64) > mean + std
        return mask

    @cached_property
    def regions(self) -> list[Region]:
        """The 8-connected regions of the mask, the largest first."""
        labels, number = ndimage.label(self.mask, _EIGHT_NEIGHBOURS)
        areas = np.bincount(labels.ravel(), minlength=number + 1)[1:]
        regions = [
            Region((x.start, y.start, x.stop, y.stop), int(area))
            for (y, x), area in zip(ndimage.find_objects(labels), areas, strict=True)
        ]
        return sorted(regions, key=lambda region: (-region.area, region.box))

    def overlay(self) -> np.ndarray:
        """The image with its mask outlined and tinted by the heat, uint8 [H, W, 3].

        The tint is stronger the higher the heat is, in standard deviations of the heat map. A
        normal image is shown as it is.
        """
        picture = self.image.copy()
        if not self.mask.any():
            return picture
        mean, std = mean_and_std(self.heat_map)
        line = self._outline()
        for rows, heat in self._strips():
            inside = self.mask[rows]
            share = ((heat - np.float32(mean)) / np.float32(std * Z_OPAQUE)).clip(0, 1) * TINT
            share = np.where(line[rows], 1, np.where(inside, share, 0))[..., None]
            marked = np.flatnonzero(share.any(axis=(1, 2)))
            if len(marked):
                part = slice(marked[0], marked[-1] + 1)
                colour = np.array(COLOUR, np.float32)
                tinted = picture[rows][part] * (1 - share[part]) + colour * share[part]
                picture[rows][part] = np.rint(tinted).astype(np.uint8)
        return picture

    def summary(self) -> dict[str, Any]:
        """What can be said in numbers, as plain values."""
        return {
            "verdict": self.verdict,
            "score": self.score,
            "threshold": self.threshold,
            "regions": [{"box": list(box), "area": area} for box, area in self.regions],
            "k": self.k,
            "milliseconds": round(self.milliseconds, 3),
            "width": self.image.shape[1],
            "height": self.image.shape[0],
        }

    def save(self, folder: str | os.PathLike[str], name: str) -> list[Path]:
        """Write ``overlays/<name>.png``, ``heat_maps/<name>.npy`` and ``masks/<name>.png``.

        Overlay and mask have the image's size; the heat map is [S, S], float32. The layout of
        ``heat_maps`` is one that ``aexad evaluate`` reads.
        """
        paths = [Path(folder, kind, f"{name}{ending}") for kind, ending in FILES.items()]
        for path, pixels in zip(paths, (self.overlay(), self.heat_map, self.mask), strict=True):
            with written_whole(path) as temporary:
                if path.suffix == ".npy":
                    np.save(temporary, pixels, allow_pickle=False)
                else:
                    # Level 1: a sixth of the time of the default, and files hardly larger.
                    Image.fromarray(pixels).save(temporary, compress_level=1)
        return paths

    def _repr_png_(self) -> bytes:
        """The overlay, for notebooks."""
        picture = Image.fromarray(self.overlay())
        picture.thumbnail((THUMBNAIL, THUMBNAIL))
        buffer = io.BytesIO()
        picture.save(buffer, "png")
        return buffer.getvalue()

    def __repr__(self) -> str:
        return (
            f"<Explanation: {self.verdict or 'no verdict'}, score {self.score:.4g}, "
            f"{len(self.regions)} regions>"
        )

    def _strips(self) -> Iterator[tuple[slice, np.ndarray]]:
        """The heat map at the image's size, some rows at a time: float32 [rows, W]."""
        (height, width), side = self.image.shape[:2], len(self.heat_map)
        source = Image.fromarray(self.heat_map)
        for top in range(0, height, _ROWS):
            bottom = min(top + _ROWS, height)
            box = (0, top * side / height, side, bottom * side / height)
            rows = source.resize((width, bottom - top), Image.Resampling.BILINEAR, box)
            yield slice(top, bottom), np.asarray(rows)

    def _outline(self) -> np.ndarray:
        """The inner border of the mask, bool [H, W]: as thick as can be seen in the whole image."""
        thickness = max(1, round(max(self.mask.shape) / 400))
        inner = ndimage.minimum_filter(self.mask, 2 * thickness + 1, mode="nearest")
        return self.mask & ~inner
