"""Read masks as booleans: which pixels are anomalous, at the size of the file or another one."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

from aexad.data.image_files import (
    check_depth,
    has_16_bits,
    is_image,
    on_background,
    opened,
    sixteen_bit,
    white_is_zero,
)
from aexad.runtime.errors import DataError

BRIGHT, ANY = "bright", "any"
NEAREST = "nearest"
MARKS = (BRIGHT, ANY, f"{BRIGHT}-{NEAREST}", f"{ANY}-{NEAREST}")
"""Ways to read a mask. ``bright``: bright pixels are anomalous; ``any``: all but 0. ``-nearest``:
resized by the nearest pixel, as the sources do; else by covered area."""
EDGE = 2
"""Pixels between dark and bright are an edge, up to this distance from a bright one."""
SHARE = 0.5
"""Share of its area from which a pixel of a smaller mask is anomalous."""
FAINT = 3
"""Largest grey value (of 255) accepted from :data:`EDGE` to 2 EDGE pixels away from a bright
region: the faint end of a soft edge."""
MOST_CLASSES = 8
"""A mask with more levels probably has soft edges, and not numbers of defects."""
EIGHT = np.ones((3, 3), dtype=bool)
"""The neighbours of a pixel that belong to one region with it."""
LOSSY = ("JPEG", "MPO", "WEBP", "AVIF")
NOISE = 40
"""Largest value that a lossy format gives to black pixels near a bright region."""


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
        A file as for :func:`~aexad.data.images.load_image`; a pattern of several, such as
        ``000/*``, whose union is the mask (:func:`mask_files`); None for a normal image, which has
        no mask.
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
        As for :func:`~aexad.data.images.load_image`; the mask has not the shape of its image; or it
        marks something that is not above the threshold (labels 1 and 2, say, or a dark colour
        beside a bright one), which would be lost without notice.
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
    found = sorted(path.parent.glob(path.name))
    files = [file for file in found if is_image(file) and not file.is_dir()]
    if files:
        return files
    raise DataError(f"{path}: no such masks; restore them, or build the index again")


def is_binary(path: str | os.PathLike[str]) -> bool:
    """Whether a file has two levels at most, as masks have."""
    with opened(path) as image:
        one = len(image.getbands()) == 1  # a palette's indices, or 16 bits, which "L" would clip
        return len(np.unique(np.asarray(image if one else image.convert("L")))) <= 2


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


def _marked(path: Path, kind: str) -> np.ndarray:
    """The anomalous pixels of one file, bool [H, W]; ``kind``: ``bright`` or ``any``."""
    with opened(path) as image:
        lossy = image.format in LOSSY
        if kind == ANY:
            if lossy or image.format == "JPEG2000":
                raise DataError(
                    f"{path}: {image.format} may change pixels, and numbers other than 0 then "
                    "surround each defect; class numbers need PNG: export the mask again as PNG"
                )
            if white_is_zero(image) and image.mode != "1":
                raise DataError(
                    f"{path}: this TIFF stores white as 0, so its class numbers are ambiguous; "
                    "export the mask again as PNG, or with 0 as black"
                )
            return _numbered(image, path)
        return _bright(_brightest_channel(image, path), path, NOISE if lossy else 0)


def _numbered(image: Image.Image, path: str | os.PathLike[str]) -> np.ndarray:
    """The pixels of an opened image whose number is not 0, bool [H, W].

    The number is the only channel (for a palette: the index) or any of several; transparent pixels
    are 0.
    """
    if has_16_bits(image):
        values = sixteen_bit(image, path)
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
    if has_16_bits(image):
        values = sixteen_bit(image, path)
        brightest = values[..., :3].max(axis=2)
        if values.shape[2] == 4:
            return (brightest.astype(np.uint32) * values[..., 3] // 65535).astype(np.uint16)
        return brightest
    check_depth(image, path)
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("1", "L") and not upright.has_transparency_data:
        return np.asarray(upright.convert("L"))
    return np.asarray(on_background(upright, background=0)).max(axis=2)
