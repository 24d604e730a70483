"""Pictures inside the page: as small as they can be and still be read."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

LARGEST_SVG = 400_000  # bytes; a larger drawing holds photographs and is shown as pixels
QUALITY = 82


def data_uri(paths: Sequence[Path], width: int) -> str:
    """Make a ``data:`` address of a picture.

    Parameters
    ----------
    paths : sequence of Path
        The same picture in one or more formats, the preferred one first. A small SVG is taken as it
        is; anything else becomes a JPEG.
    width : int
        Largest width in pixels; a wider picture is scaled down.

    Raises
    ------
    FileNotFoundError
        If one of ``paths`` is missing.
    """
    for path in paths:
        if path.suffix == ".svg" and path.stat().st_size <= LARGEST_SVG:
            return _uri("image/svg+xml", path.read_bytes())
    with Image.open(next(path for path in paths if path.suffix != ".svg")) as image:
        picture = image.convert("RGB")
    if picture.width > width:
        height = round(picture.height * width / picture.width)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return _uri("image/jpeg", buffer.getvalue())


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
