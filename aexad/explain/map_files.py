"""Read anomaly maps that other programs wrote: NumPy, TIFF and PNG files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from aexad.runtime.errors import DataError, one_line

ENDINGS = (".npy", ".tiff", ".tif", ".png")


MEANING = {"MINISWHITE": "it stores white as 0", "PALETTE": "it has a palette"}
"""How TIFF may store a grey picture so that its numbers are not the values of a map."""


def read_map(path: Path) -> np.ndarray:
    """Read one anomaly map: float32 or float64 [H, W], finite."""
    try:
        if path.suffix.lower() == ".npy":
            values = np.load(path, allow_pickle=False)
        elif path.suffix.lower() == ".png":
            with Image.open(path, formats=["PNG"]) as image:
                if image.mode == "P":  # its pixels are indices of colours
                    raise ValueError("it has a palette; save it as grey")
                values = np.asarray(image)
        else:
            import tifffile

            with tifffile.TiffFile(path) as file:
                values = _only_page(file).asarray()
    except ImportError:
        raise DataError(
            f"{path}: maps in TIFF files need tifffile; install it: pip install tifffile"
        ) from None
    except Exception as error:  # the readers document no single class for a damaged file
        reason = one_line(error)
        raise DataError(f"{path}: cannot be read as a map ({reason}); write it again") from None
    if values.ndim != 2 or not values.size or values.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: {values.dtype} {list(values.shape)} is no map; it must be [H, W], one real "
            "number per pixel"
        )
    with np.errstate(over="ignore"):
        finite = np.isfinite(values.astype(np.float32)).all()  # maps are stored as float32
    if not finite:
        raise DataError(
            f"{path}: holds NaN or infinite values, or some beyond 3e38; give each pixel a number"
        )
    return values.astype(np.promote_types(values.dtype, np.float32))


def _only_page(file: Any) -> Any:
    """The page of a TIFF file with one picture, upright, whose numbers are its values."""
    if len(file.pages) != 1:
        raise ValueError(f"it has {len(file.pages)} pages; write one")
    page = file.pages[0]
    if page.photometric.name in MEANING:
        raise ValueError(f"{MEANING[page.photometric.name]}; save it as plain grey")
    orientation = page.tags.get("Orientation")
    if orientation is not None and orientation.value != 1:
        raise ValueError(f"its orientation is {orientation.value}; write it upright, with 1")
    return page
