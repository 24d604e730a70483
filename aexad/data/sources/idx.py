"""Read IDX files, in which MNIST and similar data sets are published, packed with gzip or not.

Source: the description of the file format by LeCun, Cortes and Burges. Two zero bytes, 8 for
unsigned bytes, the number of dimensions; their lengths, 4 bytes each, big-endian; the values.
torchvision reads such files only under MNIST's own names, unpacked, and does not say what is wrong
with them.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from aexad.runtime.errors import DataError

DIMENSIONS = {"images": 3, "labels": 1}
NAMES = {
    ("train", "images"): "train-images-idx3-ubyte",
    ("train", "labels"): "train-labels-idx1-ubyte",
    ("test", "images"): "t10k-images-idx3-ubyte",
    ("test", "labels"): "t10k-labels-idx1-ubyte",
}


def idx_files(folder: Path) -> dict[tuple[str, str], Path]:
    """Find the four files of a data set in a folder, or where torchvision stores them in it.

    Files have the names in :data:`NAMES`, or a dot before ``idx``; with or without ``.gz``. An
    unpacked file is preferred.

    Returns
    -------
    dict
        Path of each file by (split, ``images`` or ``labels``); empty if the folder has none.

    Raises
    ------
    aexad.runtime.errors.DataError
        Some of the four files are missing.
    """
    for parent in (folder, folder / "raw", folder / "MNIST/raw"):
        files = {}
        for key, name in NAMES.items():
            pattern = name.replace("-idx", "[-.]idx")
            for path in (*parent.glob(f"{pattern}.gz"), *parent.glob(pattern)):
                files[key] = path
        if missing := [name for key, name in NAMES.items() if files and key not in files]:
            raise DataError(
                f"{parent}: {', '.join(missing)} missing; all four files of the data set are "
                "needed, each as it is or with .gz"
            )
        if files:
            return files
    return {}


def read_idx(images: Path, labels: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read the images of a split and their labels: uint8 [n, H, W] and uint8 [n].

    Raises
    ------
    aexad.runtime.errors.DataError
        A file is of another kind, damaged or truncated, or the two numbers of images differ.
    """
    pixels, numbers = _read(images, "images"), _read(labels, "labels")
    if len(pixels) != len(numbers):
        raise DataError(
            f"{images}: {len(pixels)} images, but {len(numbers)} labels in {labels.name}; get both "
            "again, from one place"
        )
    return pixels, numbers


def _read(path: Path, content: str) -> np.ndarray:
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: damaged or truncated ({error}); get it again") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; get it again") from None
    dimensions = DIMENSIONS[content]
    header, magic = 4 + 4 * dimensions, bytes([0, 0, 8, dimensions])
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
