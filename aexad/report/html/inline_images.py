"""Pictures inside the page, as small as possible without loss of legibility."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

LARGEST_SVG = 400_000  # bytes; a larger drawing contains photographs and is shown as pixels
QUALITY = 82


def embedded(paths: Sequence[Path], width: int) -> tuple[str, int]:
    """Make a ``data:`` address of a picture.

    Parameters
    ----------
    paths : sequence of Path
        The same picture in one or more formats, the preferred one first and a PNG last. A small SVG
        is included unchanged; another picture becomes a JPEG.
    width : int
        Largest width in pixels; a wider picture is scaled down.

    Returns
    -------
    tuple of str and int
        The address, and the width of the PNG in pixels.

    Raises
    ------
    FileNotFoundError
        If one of ``paths`` is missing.
    """
    with Image.open(paths[-1]) as image:
        original = image.width
        for path in paths[:-1]:
            if path.stat().st_size <= LARGEST_SVG:
                return _address("svg+xml", path.read_bytes()), original
        picture = image.convert("RGB")
    picture.thumbnail((width, picture.height), Image.Resampling.LANCZOS, reducing_gap=None)
    buffer = io.BytesIO()
    # Full colour resolution, because the outlines are coloured and thin.
    picture.save(buffer, "JPEG", quality=QUALITY, optimize=True, subsampling=0)
    return _address("jpeg", buffer.getvalue()), original


def _address(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
