"""The explanation of one image: its score, its anomalous regions, and an overlay of both."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from aexad.app.overlay import draw_overlay
from aexad.data.layouts.folders import RESULTS
from aexad.data.masks import EIGHT
from aexad.data.resize import resized
from aexad.explain.heatmap import binarised
from aexad.runtime.files import written_whole

FILES = dict(zip(RESULTS, (".png", ".npy", ".png"), strict=True))
"""Folders and file endings of :meth:`Explanation.save`."""

THUMBNAIL = 640  # pixels; longer side of the picture in a notebook


class Region(NamedTuple):
    """One 8-connected region of a mask."""

    box: tuple[int, int, int, int]
    """left, top, right, bottom in pixels of the image; right and bottom are exclusive."""
    area: int
    """Number of pixels."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """The explanation of one image of H x W pixels."""

    image: np.ndarray
    """uint8 [H, W, 3]."""
    heat_map: np.ndarray
    """float32 [S, S], raw: neither clamped nor rescaled. In tiles: [H', W'], the scaled size."""
    reconstruction: np.ndarray | None
    """uint8 [S, S, 3], or [H', W', 3]; None if the method does not rebuild images."""
    score: float
    """Score of the image; higher is more anomalous."""
    threshold: float | None
    """The score above which an image is anomalous; None if the model has no threshold."""
    k: int
    """Half size of the heat map's filter, in pixels of the heat map."""
    milliseconds: float
    """Time from pixels to heat map (resize, network, filter); in a batch, the mean per image."""

    @property
    def verdict(self) -> Literal["anomalous", "normal"] | None:
        """Whether the score exceeds the threshold; None if there is no threshold."""
        if self.threshold is None:
            return None
        return "anomalous" if self.score > self.threshold else "normal"

    @cached_property
    def mask(self) -> np.ndarray:
        """The anomalous pixels, bool [H, W]: heat map above its mean plus one standard deviation.

        The heat map is first resized to the image; mean and deviation are of the resized map, as
        in ``aexad evaluate --native``. The mask of an image with the verdict "normal" is empty,
        because every heat map exceeds its own mean somewhere.
        """
        height, width = self.image.shape[:2]
        if self.verdict == "normal":
            return np.zeros((height, width), dtype=bool)
        return binarised(resized(self.heat_map, (height, width))[None])[0]

    @cached_property
    def regions(self) -> list[Region]:
        """The 8-connected regions of the mask, the largest first."""
        labels, number = ndimage.label(self.mask, EIGHT)
        areas = np.bincount(labels.ravel(), minlength=number + 1)[1:]
        regions = [
            Region((x.start, y.start, x.stop, y.stop), int(area))
            for (y, x), area in zip(ndimage.find_objects(labels), areas, strict=True)
        ]
        return sorted(regions, key=lambda region: (-region.area, region.box))

    def overlay(self) -> np.ndarray:
        """The image with the mask outlined and tinted by the heat map, uint8 [H, W, 3].

        The tint grows with the heat, in standard deviations of the heat map above its mean. A
        normal image is not changed.
        """
        return draw_overlay(self.image, self.heat_map, self.mask)

    def summary(self) -> dict[str, Any]:
        """Verdict, score, regions and sizes as plain values, ready for JSON."""
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

        Overlay and mask have the image's size; the heat map is float32 [S, S]. ``aexad evaluate``
        can read the folder ``heat_maps``.

        Returns
        -------
        list of Path
            The three files.

        Raises
        ------
        ValueError
            The name is no place inside of the folders, such as an absolute path: overlay and mask
            would be one file, perhaps the photograph itself.
        """
        if Path(name).is_absolute() or not Path(name).name or ".." in Path(name).parts:
            raise ValueError(f"{name}: name a result inside of {folder}: 'part' or 'line1/part'")
        paths = [Path(folder, kind, f"{name}{ending}") for kind, ending in FILES.items()]
        for path, pixels in zip(paths, (self.overlay(), self.heat_map, self.mask), strict=True):
            with written_whole(path) as temporary:
                if path.suffix == ".npy":
                    np.save(temporary, pixels, allow_pickle=False)
                else:
                    # Level 1 takes a sixth of the default's time; files are hardly larger.
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
