"""IDX, the form in which MNIST and its likes are handed on: images and labels in four files.

Source: the description of the file format by LeCun, Cortes and Burges. Two zero bytes, 8 for
unsigned bytes, the number of dimensions; their lengths, 4 bytes each, the highest first; values.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from aexad.runtime.errors import DataError

PARTS = {"train": "train", "test": "t10k"}
"""What the names of the two files of a split begin with."""

DIMENSIONS = {"images": 3, "labels": 1}
PLACES = ("", "raw", "MNIST/raw")  # the last two: where torchvision has them


def idx_files(folder: Path) -> dict[tuple[str, str], Path]:
    """The four files of a folder, or of torchvision's folders in it, by split and content.

    The name is that of MNIST (``train-images-idx3-ubyte``, or with a dot before ``idx3``), with or
    without ``.gz``; where both are there, the one that is not packed. Nothing if there is none.

    Raises
    ------
    aexad.runtime.errors.DataError
        Some of the four are missing.
    """
    for place in PLACES:
        found, missing = {}, []
        for split, part in PARTS.items():
            for content, dimensions in DIMENSIONS.items():
                pattern = f"{part}-{content}[-.]idx{dimensions}-ubyte"
                names = [*(folder / place).glob(pattern), *(folder / place).glob(f"{pattern}.gz")]
                if names:
                    found[split, content] = names[0]
                else:
                    missing.append(f"{part}-{content}-idx{dimensions}-ubyte")
        if found and missing:
            raise DataError(
                f"{folder / place}: {', '.join(missing)} missing; all four files of the data set "
                "are needed, each as it is or with .gz"
            )
        if found:
            return found
    return {}


def read_idx(images: Path, labels: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read the images of a split and their labels.

    Returns
    -------
    tuple of numpy.ndarray
        uint8 [n, H, W] and uint8 [n].

    Raises
    ------
    aexad.runtime.errors.DataError
        A file is of another kind, damaged or truncated, or the two differ in number.
    """
    pixels, numbers = _read(images, "images"), _read(labels, "labels")
    if len(pixels) != len(numbers):
        raise DataError(
            f"{images}: {len(pixels)} images, but {len(numbers)} labels in {labels.name}; get both "
            "again, from one place"
        )
    return pixels, numbers


def _read(path: Path, content: str) -> np.ndarray:
    data, dimensions = _unpacked(path), DIMENSIONS[content]
    header = 4 + 4 * dimensions
    magic = bytes([0, 0, 8, dimensions])
    if data[:4] != magic:
        raise DataError(
            f"{path}: no IDX file of {content}: it begins with {data[:4].hex() or 'nothing'} and "
            f"not with {magic.hex()}; get it again"
        )
    if len(data) < header:
        raise DataError(f"{path}: truncated within its header; get it again")
    shape = struct.unpack(f">{dimensions}I", data[4:header])
    if len(data) - header != math.prod(shape) or not math.prod(shape):
        raise DataError(
            f"{path}: {len(data) - header} bytes of {content}, and its header announces "
            f"{' x '.join(map(str, shape))}: truncated or damaged; get it again"
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def _unpacked(path: Path) -> bytes:
    try:
        if path.suffix != ".gz":
            return path.read_bytes()
        with gzip.open(path) as file:
            return file.read()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: damaged or truncated ({error}); get it again") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; get it again") from None
