"""Open image files: what their headers, orientation and bits per channel say.

Every defect of a file is a :class:`~aexad.runtime.errors.DataError` that names the file. All
formats that Pillow itself decodes are read. :mod:`~aexad.data.images` and :mod:`~aexad.data.masks`
say what a pixel means.
"""

from __future__ import annotations

import os
import stat
import struct
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps
from PIL.PngImagePlugin import PngImageFile

from aexad.runtime.errors import DataError, one_line

# By content. Pillow starts a program for some others (EPS).
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "JPEG2000", "GIF", "PPM", "TGA", "DIB", "AVIF")
ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".jfif", ".jpe", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".avif"),
    *(".jp2", ".j2k", ".jpx", ".mpo", ".gif", ".ppm", ".pgm", ".pbm", ".pnm", ".tga"),
)
"""The endings of image files, in lower case; upper case is accepted too."""
SIDEWAYS = (5, 6, 7, 8)  # the EXIF orientations that exchange width and height
WITH_ORIENTATION = (b"eXIf", b"iTXt", b"tEXt", b"zTXt")  # chunks of a PNG: EXIF, XMP, older EXIF
# What Pillow raises for damaged files, besides OSError; its decoders promise no single class.
DAMAGE = (SyntaxError, ValueError, EOFError, struct.error, LookupError, TypeError, OverflowError)
OTHER_ORDER = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}
"""The order of bytes at the end of Pillow's raw modes, and the opposite one."""
COLOURS_OF_16_BITS = (
    *(f"{colours};16{order}" for colours in ("RGB", "RGBX", "RGBA") for order in OTHER_ORDER),
    "LA;16B",
)
"""Pillow's raw modes of 16 bits per channel, of which it keeps the upper byte alone."""


def is_image(path: str | os.PathLike[str]) -> bool:
    """Whether a name is the name of an image: a known ending, and not hidden."""
    path = Path(path)
    return path.suffix.lower() in ENDINGS and not path.name.startswith(".")


def image_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Height and width of an image as it is loaded (upright), read from the header only."""
    with opened(path) as image:
        return _upright_size(image)


def orientation_of(path: str | os.PathLike[str]) -> int:
    """The orientation of a file by its EXIF or XMP, 1 to 8; 1 is upright."""
    with opened(path) as image:
        return _orientation(image)


def check_image(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Read a photograph to its end, and return its height and width as :func:`image_size` does.

    All bytes are read, but for a PNG only the checksums are computed, and a JPEG is decoded at an
    eighth of its size: a few milliseconds for a million pixels, where decoding takes 30.

    Raises
    ------
    aexad.runtime.errors.DataError
        As for :func:`aexad.data.images.load_image`.
    """
    with opened(path) as image:
        check_depth(image, path)
        size = _upright_size(image)
        if image.format == "PNG":
            image.verify()
        else:
            image.draft(None, (1, 1))  # for a JPEG: the smallest scale of its decoder
            image.load()
    return size


def page_count(image: Image.Image) -> int:
    """Pages of a file; a phone's photograph with a depth map has one."""
    return 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))


@cache
def _formats() -> tuple[str, ...]:
    """The formats in :data:`FORMATS` that this build of Pillow decodes."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Image.Image]:
    """Open an image; errors while it is opened or decoded name the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about metadata that is not used
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            if not stat.S_ISREG(Path(path).stat().st_mode):  # a pipe would be waited for for ever
                raise DataError(f"{path}: cannot be read: it is no regular file; move it away")
            # An open file, not a path: Pillow would map an uncompressed TIFF into memory, and then
            # read a TIFF that lies on its side with the wrong width.
            with Path(path).open("rb") as file, Image.open(file, formats=_formats()) as image:
                if (pages := page_count(image)) > 1:
                    raise DataError(
                        f"{path}: has {pages} pages, and one image is needed; save each page as a "
                        "file of its own"
                    )
                if _has_planes_of_16_bits(image):
                    raise DataError(
                        f"{path}: stores each colour of 16 bits as a plane of its own, which "
                        "cannot be read; save it with interleaved colours (planar configuration 1)"
                    )
                if _has_signed_bytes(image):
                    raise DataError(
                        f"{path}: its numbers of 8 bits have a sign, which cannot be read; save it "
                        "with values from 0 to 255"
                    )
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
            f"{path}: no image that can be read, or its header is damaged; convert it to PNG, or "
            "replace it"
        ) from None
    except OSError as error:
        # Errors of the system (permission, a folder, a bad disk) have a number, Pillow's have none.
        reason = error.strerror if error.errno else f"damaged or truncated ({one_line(error)})"
        raise DataError(f"{path}: cannot be read: {reason}; restore or replace it") from None
    except DAMAGE as error:
        raise DataError(f"{path}: damaged ({one_line(error)}); restore or replace it") from None


def _upright_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    if image.format == "TIFF":  # there, image.size is turned by the tag of TIFF, but not by XMP
        width, height = (image.tag_v2[tag] for tag in (256, 257))  # type: ignore[attr-defined]
    return (width, height) if _orientation(image) in SIDEWAYS else (height, width)


def _orientation(image: Image.Image) -> int:
    """The orientation of an opened image that is not decoded, as Pillow's decoder will find it."""
    if isinstance(image, PngImageFile):
        _read_late_chunks(image)
    # Not image.getexif(): for PNG that would decode all pixels in search of a late EXIF chunk.
    found = Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1)
    return int(found) if found in range(1, 9) else 1


def _read_late_chunks(image: PngImageFile) -> None:
    """Let Pillow read the chunks after the pixels of a PNG that may hold its orientation."""
    stream, file = image.png, image.fp
    if stream is None or file is None:  # decoded: Pillow has read them
        return
    start = file.tell()
    file.seek(image.tile[0].offset - 8)
    with suppress(struct.error, SyntaxError):  # truncated: Pillow's decoder stops there, too
        kind, position, length = stream.read()
        while kind != b"IEND":
            if kind in WITH_ORIENTATION:
                stream.call(kind, position, length)
            file.seek(position + length + 4)  # behind the checksum
            kind, position, length = stream.read()
    file.seek(start)


def check_depth(image: Image.Image, path: str | os.PathLike[str]) -> None:
    """Refuse an opened image of 32 bits per channel, which have no fixed range."""
    if image.mode in ("I", "F") and not is_grey_of_16_bits(image):
        raise DataError(
            f"{path}: 32 bits per channel have no fixed range; save it with 8 or 16 bits"
        )


def _raw_mode(image: Image.Image) -> object:
    """How the pixels of an opened image are stored, in Pillow's terms, before it is decoded."""
    tiles = getattr(image, "tile", None)
    args = tiles[0].args if tiles else None
    return args[0] if isinstance(args, tuple) and args else args


def has_16_bits(image: Image.Image) -> bool:
    """Whether an opened image, which is not decoded yet, has 16 bits per channel."""
    return is_grey_of_16_bits(image) or _raw_mode(image) in COLOURS_OF_16_BITS


def is_grey_of_16_bits(image: Image.Image) -> bool:
    """Whether an opened image is grey with 16 bits: of a PGM, Pillow makes 0 to 65535 in mode I."""
    return image.mode.startswith("I;16") or (image.mode, image.format) == ("I", "PPM")


def _has_planes_of_16_bits(image: Image.Image) -> bool:
    """Whether a TIFF has planes of 16 bits: Pillow takes two bytes of one for two pixels."""
    if image.format != "TIFF" or len(image.getbands()) == 1:
        return False
    tags = image.tag_v2  # type: ignore[attr-defined]
    return tags.get(284) == 2 and 16 in tags.get(258, ())


def _has_signed_bytes(image: Image.Image) -> bool:
    """Whether a TIFF has values from -128 to 127: Pillow takes them for 0 to 255."""
    if image.format != "TIFF":
        return False
    tags = image.tag_v2  # type: ignore[attr-defined]
    return 2 in tags.get(339, ()) and 8 in tags.get(258, ())


def sixteen_bit(image: Image.Image, path: str | os.PathLike[str]) -> np.ndarray:
    """The values of an opened image of 16 bits, upright, with 0 as black.

    Pillow decodes the upper bytes of colours alone. When it is told that the bytes have the other
    order, it decodes the lower ones.

    Returns
    -------
    numpy.ndarray
        uint16 [H, W, C]: C is 1 for grey, 3 for RGB, and 4 for RGB with transparency.
    """
    inverted, raw = white_is_zero(image), str(_raw_mode(image))
    upper = np.asarray(ImageOps.exif_transpose(image)).astype(np.uint16)
    if upper.ndim == 2:
        return (65535 - upper if inverted else upper)[..., None]
    with opened(path) as again:
        other = "RGBA" if raw == "LA;16B" else raw[:-1] + OTHER_ORDER[raw[-1]]
        again.tile = [  # type: ignore[attr-defined]
            tile._replace(args=(other, *tile.args[1:]) if isinstance(tile.args, tuple) else other)
            for tile in again.tile  # type: ignore[attr-defined]
        ]
        lower = np.asarray(ImageOps.exif_transpose(again))
    if raw == "LA;16B":  # its four bytes: grey, upper and lower, and transparency
        lower = lower[..., [1, 1, 1, 3]]
    return upper << 8 | lower


def white_is_zero(image: Image.Image) -> bool:
    """Whether an opened TIFF stores white as 0; Pillow turns that around for 8 bits alone."""
    return image.format == "TIFF" and image.tag_v2.get(262) == 0  # type: ignore[attr-defined]


def on_background(image: Image.Image, background: int) -> Image.Image:
    """Convert any 8-bit mode to RGB; transparent pixels show the background, a grey level."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    below = Image.new("LA", layer.size, (background, 255)).convert("RGBA")
    return Image.alpha_composite(below, layer).convert("RGB")
