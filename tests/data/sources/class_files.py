"""Small images of two classes, in the file formats of MNIST and CIFAR-10."""

import gzip
import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torchvision.datasets
from PIL import Image

NAMES = {"train": ("train", 6), "test": ("t10k", 4)}
BATCH = np.random.default_rng(0).integers(0, 256, (4, 3072), np.uint8)
FILES = [
    f"{part}-{content}"
    for part in ("train", "t10k")
    for content in ("images-idx3-ubyte", "labels-idx1-ubyte")
]


def idx(values: np.ndarray) -> bytes:
    lengths = b"".join(length.to_bytes(4, "big") for length in values.shape)
    return bytes([0, 0, 8, values.ndim]) + lengths + values.tobytes()


def digits(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images of 5 x 7 pixels (height, width), labels 0, 1, 0, 1 ..."""
    count = NAMES[split][1]
    images = np.random.default_rng(count).integers(0, 256, (count, 5, 7), np.uint8)
    return images, np.arange(count, dtype=np.uint8) % 2


def md5_of(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def write_idx(folder: Path, packed: bool = False, dot: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for split, (part, _) in NAMES.items():
        for content, values in zip(("images", "labels"), digits(split), strict=True):
            name = f"{part}-{content}{'.' if dot else '-'}idx{values.ndim}-ubyte"
            if packed:
                (folder / f"{name}.gz").write_bytes(gzip.compress(idx(values), mtime=0))
            else:
                (folder / name).write_bytes(idx(values))
    return folder


def write_classes(root: Path, *names: str, ending: str = "png", count: int = 2) -> Path:
    for split in ("train", "test"):
        for name in names:
            for i in range(count):
                path = root / split / name / f"{i:03}.{ending}"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (6, 6), (i, 40, 90)).save(path)
    return root


def write_batches(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a small CIFAR-10, two batches of 4 images, and set their md5 in torchvision."""
    folder.mkdir(parents=True)
    contents: dict[str, Any] = {
        "data_batch_1": {"data": BATCH, "labels": [0, 1, 1, 0]},
        "test_batch": {"data": BATCH[::-1], "labels": [1, 0, 0, 1]},
        "batches.meta": {"label_names": ["airplane", "automobile"]},
    }
    md5 = {}
    for name, content in contents.items():
        (folder / name).write_bytes(pickle.dumps(content))
        md5[name] = md5_of(folder / name)
    cifar = torchvision.datasets.CIFAR10
    monkeypatch.setattr(cifar, "train_list", [["data_batch_1", md5["data_batch_1"]]])
    monkeypatch.setattr(cifar, "test_list", [["test_batch", md5["test_batch"]]])
    monkeypatch.setattr(cifar, "meta", cifar.meta | {"md5": md5["batches.meta"]})
    return folder
