"""Read anomaly maps that other programs wrote: NumPy, TIFF and PNG files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from aexad.runtime.errors import DataError, one_line

ENDINGS = (".npy", ".tiff", ".tif", ".png")


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

            values = tifffile.imread(path)
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
    if not np.isfinite(values).all():
        raise DataError(f"{path}: holds NaN or infinite values; give every pixel a number")
    return values.astype(np.promote_types(values.dtype, np.float32))
