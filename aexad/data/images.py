"""Read photographs and masks: the one place that decides what a pixel of a file means.

Photographs become RGB with 8 bits per channel, masks become boolean. Every defect of a file is a
:class:`~aexad.runtime.errors.DataError` that names the file.
"""

from __future__ import annotations

import os
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from aexad.runtime.errors import DataError

FORMATS = ("PNG", "JPEG", "BMP", "TIFF")  # by content; Pillow starts a program for some others
THRESHOLD = 127  # of 255: a mask pixel above it is anomalous
BRIGHT, ANY = "bright", "any"
MARKS = (BRIGHT, ANY)
"""Which pixels of a mask are anomalous: the bright ones, or all whose number is not 0."""
SIDEWAYS = (5, 6, 7, 8)  # the EXIF orientations that exchange width and height
# What Pillow raises for damaged files, besides OSError; its decoders promise no single class.
DAMAGE = (SyntaxError, ValueError, EOFError, struct.error, LookupError, TypeError, OverflowError)


def load_image(path: str | os.PathLike[str], size: int | None = None) -> np.ndarray:
    """Read a photograph as RGB.

    Greyscale becomes three equal channels; 16 bits are scaled to 8 by the range of the type (65535
    becomes 255), so that the brightness of an image never depends on its own extremes. Transparent
    pixels show a white background, as they do in a viewer. The orientation of EXIF is applied.

    Parameters
    ----------
    path
        A PNG, JPEG, BMP or TIFF file.
    size
        Working size S in pixels; the image is resized to S x S (bilinear, antialiased), whatever
        its proportions (default: the size of the file).

    Returns
    -------
    numpy.ndarray
        uint8 [S, S, 3], or [H, W, 3] without ``size``.

    Raises
    ------
    aexad.runtime.errors.DataError
        The file does not exist, is no image, damaged or too large, or has 32 bits per channel.
    """
    with _opened(path) as image:
        upright = _eight_bit(ImageOps.exif_transpose(image), path)
    rgb = _rgb(upright, background=255)
    return np.array(rgb if size is None else at_size(rgb, size))


def at_size(image: Image.Image, size: int) -> Image.Image:
    """Resize an image to S x S as models see it (bilinear, antialiased)."""
    if image.size == (size, size):
        return image
    return image.resize((size, size), Image.Resampling.BILINEAR)


def load_mask(
    path: str | os.PathLike[str] | None,
    size: int | None = None,
    shape: tuple[int, int] | None = None,
    marks: str = BRIGHT,
) -> np.ndarray:
    """Read a mask: True where a pixel is anomalous.

    With ``marks="bright"``, a pixel is anomalous when its brightest channel is above 127 of 255
    *after* the resize (nearest), so masks in any bright colour, with a palette or of booleans can
    be read. With ``marks="any"``, a pixel holds the number of its defect, and every pixel but those
    of number 0 is anomalous; the number of a palette image is its index. The layout of a data set
    says which of the two its masks are.

    Parameters
    ----------
    path
        A PNG, JPEG, BMP or TIFF file; None for a normal image, which has no mask.
    size
        Working size S in pixels (default: the size of the file).
    shape
        Height and width of the image that the mask belongs to; a mask of another size is refused.
        For a normal image without ``size``, the shape of the result.
    marks
        One of :data:`MARKS`.

    Returns
    -------
    numpy.ndarray
        bool [S, S], or [H, W] without ``size``.

    Raises
    ------
    aexad.runtime.errors.DataError
        As for :func:`load_image`; the mask has not the shape of its image; or it marks something,
        but nothing above the threshold (labels 0 and 1, say), which would be lost without notice.
    """
    if path is None:
        shape = shape if size is None else (size, size)
        if shape is None:
            raise TypeError("without a path, load_mask needs 'size' or 'shape'")
        return np.zeros(shape, dtype=bool)
    with _opened(path) as image:
        upright = ImageOps.exif_transpose(image)
        if marks == ANY:
            levels = _numbered(upright)
        else:
            levels = _brightest_channel(_eight_bit(upright, path))
    highest = int(levels.max(initial=0))
    if 0 < highest <= THRESHOLD:
        raise DataError(
            f"{path}: the brightest pixel of this mask is {highest} of 255, and only pixels above "
            f"{THRESHOLD} are anomalous; save it with 255 for anomalous and 0 for normal"
        )
    if shape is not None and levels.shape != tuple(shape):
        raise DataError(
            f"{path}: the mask is {levels.shape[1]}x{levels.shape[0]} pixels and its image "
            f"{shape[1]}x{shape[0]}; save both at the same size"
        )
    if size is not None and levels.shape != (size, size):
        nearest = Image.fromarray(levels).resize((size, size), Image.Resampling.NEAREST)
        levels = np.asarray(nearest)
    return levels > THRESHOLD


def image_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Height and width of an image as :func:`load_image` returns it, read from the header only."""
    with _opened(path) as image:
        return _upright_size(image)


def check_image(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Read a photograph to its end, and return its height and width as :func:`image_size` does.

    All bytes are read, but for a PNG only the checksums are computed, and a JPEG is decoded at an
    eighth of its size: a few milliseconds for a million pixels, where decoding takes 30.

    Raises
    ------
    aexad.runtime.errors.DataError
        As for :func:`load_image`.
    """
    with _opened(path) as image:
        _check_depth(image, path)
        size = _upright_size(image)
        if image.format == "PNG":
            image.verify()
        else:
            image.draft(None, (1, 1))  # for a JPEG: the smallest scale of its decoder
            image.load()
    return size


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Image.Image]:
    """Open an image; errors while it is opened or decoded name the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about metadata that is not used
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # An open file, not a path: Pillow would map an uncompressed TIFF into memory, and then
            # read a TIFF that lies on its side with the wrong width.
            with Path(path).open("rb") as file, Image.open(file, formats=FORMATS) as image:
                yield image
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; restore it, or build the index again") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        most = (Image.MAX_IMAGE_PIXELS or 0) // 10**6
        raise DataError(f"{path}: more than {most} million pixels; scale it down") from None
    except Image.UnidentifiedImageError:
        if Path(path).stat().st_size == 0:
            raise DataError(f"{path}: the file is empty; restore or replace it") from None
        raise DataError(
            f"{path}: not a PNG, JPEG, BMP or TIFF image, or its header is damaged; convert or "
            "replace it"
        ) from None
    except OSError as error:
        # Errors of the system (permission, a folder, a bad disk) have a number, Pillow's have none.
        reason = error.strerror if error.errno else f"damaged or truncated ({_line(error)})"
        raise DataError(f"{path}: cannot be read: {reason}; restore or replace it") from None
    except DAMAGE as error:
        raise DataError(f"{path}: damaged ({_line(error)}); restore or replace it") from None


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _upright_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    if image.format == "TIFF":  # Pillow applies the orientation of TIFF itself
        return height, width
    # Not image.getexif(): for PNG that would decode all pixels in search of a late EXIF chunk.
    orientation = Image.Image.getexif(image).get(ExifTags.Base.Orientation)
    return (width, height) if orientation in SIDEWAYS else (height, width)


def _check_depth(image: Image.Image, path: str | os.PathLike[str]) -> None:
    if image.mode in ("I", "F"):
        raise DataError(
            f"{path}: 32 bits per channel have no fixed range; save it with 8 or 16 bits"
        )


def _eight_bit(image: Image.Image, path: str | os.PathLike[str]) -> Image.Image:
    """Scale 16-bit greyscale to 8 bits by the range of its type; 32 bits have no range."""
    if image.mode.startswith("I;16"):
        levels = np.asarray(image).astype(np.uint32)
        return Image.fromarray(((levels + 128) // 257).astype(np.uint8))
    _check_depth(image, path)
    return image


def _rgb(image: Image.Image, background: int) -> Image.Image:
    """Convert any 8-bit mode to RGB; transparent pixels show the background, a grey level."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    below = Image.new("LA", layer.size, (background, 255)).convert("RGBA")
    return Image.alpha_composite(below, layer).convert("RGB")


def _numbered(image: Image.Image) -> np.ndarray:
    """The pixels whose number is not 0: 255 there and 0 elsewhere, uint8 [H, W].

    The number is the only channel (for a palette: the index) or any of several.
    """
    if len(image.getbands()) == 1:
        marked = np.asarray(image) != 0
    else:
        marked = np.asarray(image.convert("RGB")).any(axis=2)
    return np.where(marked, np.uint8(255), np.uint8(0))


def _brightest_channel(image: Image.Image) -> np.ndarray:
    """The brightest channel of each pixel, uint8 [H, W]: pure red is as bright as white."""
    if image.mode in ("1", "L") and not image.has_transparency_data:
        return np.asarray(image.convert("L"))
    return np.asarray(_rgb(image, background=0)).max(axis=2)
