"""Read photographs and masks: the one place that decides what a pixel of a file means.

Photographs become RGB with 8 bits per channel, masks become boolean. Every defect of a file is a
:class:`~aexad.runtime.errors.DataError` that names the file. All formats that Pillow itself decodes
are read.
"""

from __future__ import annotations

import os
import stat
import struct
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps
from PIL.PngImagePlugin import PngImageFile
from scipy import ndimage

from aexad.config.catalogue import WHOLE, Tile
from aexad.runtime.errors import DataError, one_line

# By content. Pillow starts a program for some others (EPS).
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "JPEG2000", "GIF", "PPM", "TGA", "DIB", "AVIF")
BRIGHT, ANY = "bright", "any"
NEAREST = "nearest"
MARKS = (BRIGHT, ANY, f"{BRIGHT}-{NEAREST}", f"{ANY}-{NEAREST}")
"""How a mask is read: which of its pixels are anomalous (the bright ones, or all whose number is
not 0), and that its size is changed by the nearest pixel, as the sources do."""
EDGE = 2
"""Pixels between dark and bright are an edge, up to this distance from a bright one."""
SHARE = 0.5
"""Share of its area from which a pixel of a smaller mask is anomalous."""
FAINT = 3
"""Largest value that a soft edge has beyond :data:`EDGE`, up to twice as far."""
MOST_CLASSES = 8
"""A mask with more levels probably has soft edges, and not numbers of defects."""
EIGHT = np.ones((3, 3), dtype=bool)
"""The neighbours of a pixel that belong to one region with it."""
LOSSY = ("JPEG", "MPO", "WEBP", "AVIF")
NOISE = 40
"""Largest value that a lossy format gives to black pixels near a bright region."""
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


Levels = tuple[int, int]
"""The 16-bit levels that become black and white."""


def load_image(
    path: str | os.PathLike[str], size: int | None = None, levels: Levels | None = None
) -> np.ndarray:
    """Read a photograph as RGB.

    Greyscale becomes three equal channels; 16 bits are scaled to 8 by the range of the type (65535
    becomes 255; of colours, the upper byte is taken) or by ``levels``, so that the brightness of an
    image never depends on its own extremes. Transparent pixels show a white background, as they do
    in a viewer. The orientation of EXIF or XMP is applied.

    Parameters
    ----------
    path
        A file of one of :data:`FORMATS`, with one page.
    size
        Working size S in pixels; the image is resized to S x S (bilinear, antialiased), whatever
        its proportions (default: the size of the file).
    levels
        The levels of 16 bits that become 0 and 255, the same for all images of a data set; what
        lies outside is clipped.

    Returns
    -------
    numpy.ndarray
        uint8 [S, S, 3], or [H, W, 3] without ``size``.

    Raises
    ------
    aexad.runtime.errors.DataError
        The file does not exist, is no image, damaged or too large, or has 32 bits per channel; or
        ``levels`` are given and it has 8 bits.
    """
    with _opened(path) as image:
        upright = _eight_bit(image, path, levels)
    rgb = _rgb(upright, background=255)
    return np.array(rgb if size is None else at_size(rgb, size))


def at_size(image: Image.Image, size: int) -> Image.Image:
    """Resize an image to S x S as models see it (bilinear, antialiased)."""
    if image.size == (size, size):
        return image
    return image.resize((size, size), Image.Resampling.BILINEAR)


def shape_at_scale(shape: tuple[int, int], tile: Tile, size: int) -> tuple[int, int]:
    """Height and width of an image [H, W] when ``tile`` of its pixels are ``size`` pixels.

    Neither is less than ``size``. With ``whole``, the longer one is ``size``.
    """
    side, least = (max(shape), 1) if tile == WHOLE else (int(tile), size)
    height, width = (max(least, round(length * size / side)) for length in shape)
    return height, width


def load_mask(
    path: str | os.PathLike[str] | None,
    size: int | tuple[int, int] | None = None,
    shape: tuple[int, int] | None = None,
    marks: str = BRIGHT,
) -> np.ndarray:
    """Read a mask: True where a pixel is anomalous.

    With ``marks="bright"``, a pixel is anomalous when its brightest channel is above 127 of 255, so
    masks in any bright colour, with a palette or of booleans can be read. With ``marks="any"``, a
    pixel holds the number of its defect, and every number but 0 is anomalous; a palette image's
    number is its index. The layout of a data set says which its masks are.

    At another size, a pixel is anomalous when at least half of its area is (:func:`covered`), so
    that no defect vanishes; with ``marks`` that end in ``-nearest``, when its nearest pixel is.

    Parameters
    ----------
    path
        A file as for :func:`load_image`; a pattern of several, such as ``000/*``, whose union is
        the mask (:func:`mask_files`); None for a normal image, which has no mask.
    size
        Working size S in pixels, or height and width (default: the size of the file).
    shape
        Height and width of the image that the mask belongs to; a mask of another size is refused.
        For a normal image without ``size``, the shape of the result.
    marks
        One of :data:`MARKS`.

    Returns
    -------
    numpy.ndarray
        bool [S, S], or of the given height and width, or [H, W] without ``size``.

    Raises
    ------
    aexad.runtime.errors.DataError
        As for :func:`load_image`; the mask has not the shape of its image; or it marks something
        that is not above the threshold (labels 1 and 2, say, or a dark colour beside a bright one),
        which would be lost without notice.
    """
    target = size if size is None or isinstance(size, tuple) else (size, size)
    if path is None:
        shape = target or shape
        if shape is None:
            raise TypeError("without a path, load_mask needs 'size' or 'shape'")
        return np.zeros(shape, dtype=bool)
    kind, _, rule = marks.partition("-")
    parts = [_marked(file, kind) for file in mask_files(path)]
    if len({part.shape for part in parts}) > 1:
        raise DataError(f"{path}: these masks of one image differ in size; save them alike")
    marked = np.logical_or.reduce(parts)
    if shape is not None and marked.shape != tuple(shape):
        raise DataError(
            f"{path}: the mask is {marked.shape[1]}x{marked.shape[0]} pixels and its image "
            f"{shape[1]}x{shape[0]}; save both at the same size"
        )
    if target is None or marked.shape == target:
        return marked
    if rule == NEAREST:
        return np.array(Image.fromarray(marked).resize(target[::-1], Image.Resampling.NEAREST))
    return covered(marked, target)[0]


def mask_files(path: str | os.PathLike[str]) -> list[Path]:
    """The files of a mask: one, or all that match a name with a ``*``, sorted.

    Raises
    ------
    aexad.runtime.errors.DataError
        No file matches.
    """
    path = Path(path)
    if "*" not in path.name:
        return [path]
    files = sorted(file for file in path.parent.glob(path.name) if not file.name.startswith("."))
    if files:
        return files
    raise DataError(f"{path}: no such masks; restore them, or build the index again")


def _marked(path: Path, kind: str) -> np.ndarray:
    """The anomalous pixels of one file, bool [H, W]; ``kind``: ``bright`` or ``any``."""
    with _opened(path) as image:
        lossy = image.format in LOSSY
        if kind == ANY:
            if lossy or image.format == "JPEG2000":
                raise DataError(
                    f"{path}: {image.format} may change pixels, and numbers other than 0 then "
                    "surround each defect; class numbers need PNG: export the mask again as PNG"
                )
            return _numbered(image, path)
        return _bright(_brightest_channel(image, path), path, NOISE if lossy else 0)


def covered(mask: np.ndarray, size: int | tuple[int, int]) -> tuple[np.ndarray, float]:
    """Change the size of a mask without losing a defect.

    A pixel is anomalous when at least half of its area is. Where a region alone has no such pixel,
    because it is thinner than one, its most covered pixels are: those with at least half of its
    highest share of a pixel. Regions are found in the mask before its size is changed.

    Parameters
    ----------
    mask
        bool [H, W].
    size
        S, or height and width.

    Returns
    -------
    tuple of ndarray and float
        bool [S, S], or of the given height and width; and the least highest share of a region:
        below 0.5, defects are thinner than a pixel. It is 1 without regions.
    """
    whole = Image.fromarray(mask.astype(np.float32))
    height, width = (size, size) if isinstance(size, int) else size
    share = np.asarray(whole.resize((width, height), Image.Resampling.BOX))
    marked = share >= SHARE
    regions, number = ndimage.label(mask, structure=EIGHT)
    small, number_of_small = ndimage.label(share > 0, structure=EIGHT)
    if number == number_of_small:  # no two regions meet in a pixel, or in two that touch
        pixel = np.flatnonzero(small)
        region, own = small.ravel()[pixel], share.ravel()[pixel]
    else:
        pixel, region, own = _own_shares(regions, share)
    highest = np.zeros(number + 1)
    np.maximum.at(highest, region, own)
    limit = np.where(highest < SHARE, highest / 2, SHARE)
    marked.flat[pixel[own >= limit[region]]] = True
    return marked, float(highest[region].min(initial=1))


def _own_shares(
    regions: np.ndarray, share: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pixels of a smaller mask in which a region lies, and how much of them it alone covers.

    Regions that fill a pixel are left out: they are not thin, and may be very large.

    Parameters
    ----------
    regions
        The numbers of the regions, int [H, W]; 0 is normal.
    share
        The share of all regions together, float [h, w].

    Returns
    -------
    tuple of three ndarrays
        The index of the pixel in [h * w], the number of the region, and its share: of each pair.
    """
    height, width = share.shape
    larger = max(height, regions.shape[0]), max(width, regions.shape[1])
    if larger != regions.shape:  # a side becomes longer: each of its pixels is one of the mask
        enlarged = Image.fromarray(regions).resize(larger[::-1], Image.Resampling.BOX)
        regions = np.asarray(enlarged)
    rows, columns = _reduced(larger[0], height), _reduced(larger[1], width)
    y, x = np.nonzero(share > 1 - 1e-6)
    thin = np.ones(regions.max() + 1, dtype=bool)
    thin[0] = thin[regions[np.searchsorted(rows, y), np.searchsorted(columns, x)]] = False
    inside = np.flatnonzero(thin[regions])
    y, x = np.divmod(inside, larger[1])
    pairs, area = np.unique(
        (rows[y] * width + columns[x]) * len(thin) + regions.ravel()[inside], return_counts=True
    )
    pixel, region = np.divmod(pairs, len(thin))
    whole = np.outer(np.bincount(rows), np.bincount(columns)).ravel()
    return pixel, region, area / whole[pixel]


def _reduced(length: int, smaller: int) -> np.ndarray:
    """The pixel that holds the centre of each pixel of a longer row, as Pillow's BOX filter."""
    return np.ceil((np.arange(length) + 0.5) * smaller / length).astype(int) - 1


def page_count(image: Image.Image) -> int:
    """Pages of a file; a phone's photograph with a depth map has one."""
    return 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))


def orientation_of(path: str | os.PathLike[str]) -> int:
    """The orientation of a file by its EXIF or XMP, 1 to 8; 1 is upright."""
    with _opened(path) as image:
        return _orientation(image)


def lost_levels(
    path: str | os.PathLike[str], levels: Levels | None = None
) -> tuple[int, int] | None:
    """Levels in a 16-bit file, and how many of them 8 bits keep; None for other files."""
    with _opened(path) as image:
        if not _has_16_bits(image):
            return None
        found = np.unique(_sixteen_bit(image, path)[..., :3])
    return len(found), len(np.unique(at_eight_bits(found, levels)))


def level_range(paths: Sequence[str | os.PathLike[str]]) -> Levels | None:
    """The lowest and the highest level of 16-bit files; None if a file has 8 bits."""
    low, high = 65535, 0
    for path in paths:
        with _opened(path) as image:
            if not _has_16_bits(image):
                return None
            values = _sixteen_bit(image, path)[..., :3]
        low, high = min(low, int(values.min())), max(high, int(values.max()))
    return (low, high) if low <= high else None


def at_eight_bits(values: np.ndarray, levels: Levels | None = None) -> np.ndarray:
    """Scale uint16 values to uint8, by the range of the type or by ``levels``."""
    if levels is None:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    low, high = levels
    scaled = np.rint((np.arange(65536).clip(low, high) - low) * 255 / (high - low))
    return scaled.astype(np.uint8)[values]


def is_binary(path: str | os.PathLike[str]) -> bool:
    """Whether a file has two levels at most, as masks have."""
    with _opened(path) as image:
        one = len(image.getbands()) == 1  # a palette's indices, or 16 bits, which "L" would clip
        return len(np.unique(np.asarray(image if one else image.convert("L")))) <= 2


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


@cache
def _formats() -> tuple[str, ...]:
    """The formats in :data:`FORMATS` that this build of Pillow decodes."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Image.Image]:
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


def _check_depth(image: Image.Image, path: str | os.PathLike[str]) -> None:
    if image.mode in ("I", "F") and not _is_grey_of_16_bits(image):
        raise DataError(
            f"{path}: 32 bits per channel have no fixed range; save it with 8 or 16 bits"
        )


def _eight_bit(
    image: Image.Image, path: str | os.PathLike[str], levels: Levels | None
) -> Image.Image:
    """Decode an opened image, upright; 16 bits are scaled to 8, and 32 bits have no range."""
    _check_depth(image, path)
    if levels is not None and not _has_16_bits(image):
        raise DataError(
            f"{path}: is read with 8 bits, and the levels {levels[0]} to {levels[1]} are of 16 "
            "bits; give all images as grey or RGB of 16 bits"
        )
    if levels is None and not _is_grey_of_16_bits(image):
        return ImageOps.exif_transpose(image)
    values = _sixteen_bit(image, path)
    pixels = at_eight_bits(values, levels)
    pixels[..., 3:] = values[..., 3:] >> 8  # transparency has no levels
    return Image.fromarray(pixels if pixels.shape[2] > 1 else pixels[..., 0])


def _raw_mode(image: Image.Image) -> object:
    """How the pixels of an opened image are stored, in Pillow's terms, before it is decoded."""
    tiles = getattr(image, "tile", None)
    args = tiles[0].args if tiles else None
    return args[0] if isinstance(args, tuple) and args else args


def _has_16_bits(image: Image.Image) -> bool:
    """Whether an opened image, which is not decoded yet, has 16 bits per channel."""
    return _is_grey_of_16_bits(image) or _raw_mode(image) in COLOURS_OF_16_BITS


def _is_grey_of_16_bits(image: Image.Image) -> bool:
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


def _sixteen_bit(image: Image.Image, path: str | os.PathLike[str]) -> np.ndarray:
    """The values of an opened image of 16 bits, upright, with 0 as black.

    Pillow decodes the upper bytes of colours alone. When it is told that the bytes have the other
    order, it decodes the lower ones.

    Returns
    -------
    numpy.ndarray
        uint16 [H, W, C]: C is 1 for grey, 3 for RGB, and 4 for RGB with transparency.
    """
    inverted, raw = _white_is_zero(image), str(_raw_mode(image))
    upper = np.asarray(ImageOps.exif_transpose(image)).astype(np.uint16)
    if upper.ndim == 2:
        return (65535 - upper if inverted else upper)[..., None]
    with _opened(path) as again:
        other = "RGBA" if raw == "LA;16B" else raw[:-1] + OTHER_ORDER[raw[-1]]
        again.tile = [  # type: ignore[attr-defined]
            tile._replace(args=(other, *tile.args[1:]) if isinstance(tile.args, tuple) else other)
            for tile in again.tile  # type: ignore[attr-defined]
        ]
        lower = np.asarray(ImageOps.exif_transpose(again))
    if raw == "LA;16B":  # its four bytes: grey, upper and lower, and transparency
        lower = lower[..., [1, 1, 1, 3]]
    return upper << 8 | lower


def _rgb(image: Image.Image, background: int) -> Image.Image:
    """Convert any 8-bit mode to RGB; transparent pixels show the background, a grey level."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    below = Image.new("LA", layer.size, (background, 255)).convert("RGBA")
    return Image.alpha_composite(below, layer).convert("RGB")


def _white_is_zero(image: Image.Image) -> bool:
    """Whether an opened TIFF stores white as 0; Pillow turns that around for 8 bits alone."""
    return image.format == "TIFF" and image.tag_v2.get(262) == 0  # type: ignore[attr-defined]


def _numbered(image: Image.Image, path: str | os.PathLike[str]) -> np.ndarray:
    """The pixels of an opened image whose number is not 0, bool [H, W].

    The number is the only channel (for a palette: the index) or any of several; transparent pixels
    are 0.
    """
    if _has_16_bits(image):
        values = _sixteen_bit(image, path)
        return np.array(values[..., :3].any(axis=2) & values[..., 3:].all(axis=2))
    upright = ImageOps.exif_transpose(image)
    one = len(upright.getbands()) == 1
    numbers = np.asarray(upright)[..., None] if one else np.asarray(upright.convert("RGB"))
    marked = numbers.any(axis=2)
    if upright.has_transparency_data:
        marked &= np.asarray(upright.convert("RGBA"))[..., 3] > 0
    return np.array(marked)


def _bright(values: np.ndarray, path: str | os.PathLike[str], noise: int) -> np.ndarray:
    """The pixels above half of the range of their type, bool [H, W].

    Pixels that are neither black (up to ``noise`` of 255) nor bright must be edges of bright
    regions; otherwise they are marks that would be lost, and the mask is refused.
    """
    most = int(np.iinfo(values.dtype).max)
    bright = values > most // 2
    dark = (values > noise * (most // 255)) & ~bright
    if not dark.any():
        return bright
    lost = dark & ~_near(bright, EDGE)
    soft = len(np.unique(values)) > MOST_CLASSES
    if soft and lost.any():
        lost &= (values > FAINT * (most // 255)) | ~_near(bright, 2 * EDGE)
    if not lost.any() or (noise and bright.any() and lost.sum() < 0.01 * bright.sum()):
        return bright
    examples = ", ".join(map(str, np.unique(values[lost])[:3]))
    what = f"{int(lost.sum())} pixels of this mask are neither black nor bright ({examples})"
    if not bright.any():
        what = f"the brightest pixel of this mask is {int(values.max())} of {most}"
    save = "save it with 255 for anomalous and 0 for normal"
    any_number = (
        "if any but 0 marks a defect, say so with 'marks: any' of the data set or --marks any of "
        "'aexad fit'"
    )
    # 'any' would mark soft edges too, so it comes last where there are some.
    remedy = f"if its edges are soft, {save}, cut at half; {any_number}"
    if not soft:
        remedy = f"{any_number}; else {save}"
    raise DataError(f"{path}: {what}, and only pixels above {most // 2} are anomalous; {remedy}")


def _near(bright: np.ndarray, distance: int) -> np.ndarray:
    """The pixels up to a distance from a bright one, along rows and columns, bool [H, W]."""
    square = np.ones((2 * distance + 1, 2 * distance + 1), dtype=bool)
    return ndimage.binary_dilation(bright, structure=square)


def _brightest_channel(image: Image.Image, path: str | os.PathLike[str]) -> np.ndarray:
    """The brightest channel of each pixel of an opened image, uint8 or uint16 [H, W].

    Pure red is as bright as white; transparent pixels are black.
    """
    if _has_16_bits(image):
        values = _sixteen_bit(image, path)
        brightest = values[..., :3].max(axis=2)
        if values.shape[2] == 4:
            return (brightest.astype(np.uint32) * values[..., 3] // 65535).astype(np.uint16)
        return brightest
    _check_depth(image, path)
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("1", "L") and not upright.has_transparency_data:
        return np.asarray(upright.convert("L"))
    return np.asarray(_rgb(upright, background=0)).max(axis=2)
