"""Small data sets in the layout of MVTec AD."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SIZE = 16


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def category(root: Path, name: str, normals: int = 4, **defects: int) -> None:
    """Write images of random colours; each mask is a square of 4 x 4 pixels."""
    rng = np.random.default_rng(len(name))
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[4:8, 6:10] = 255
    for index in range(normals):
        for folder in ("train/good", "test/good"):
            pixels = rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
            save(root / name / folder / f"{index:03}.png", pixels)
    for defect, count in defects.items():
        for index in range(count):
            pixels = rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
            save(root / name / "test" / defect / f"{index:03}.png", pixels)
            save(root / name / "ground_truth" / defect / f"{index:03}_mask.png", mask)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two categories: bolt (dent 4, rust 3) and nut (dent 2)."""
    root = tmp_path / "set"
    category(root, "bolt", dent=4, rust=3)
    category(root, "nut", normals=2, dent=2)
    return root


@pytest.fixture
def make_category() -> Callable[..., None]:
    return category
