"""Small data sets in the layouts of published ones: few images, real folders and endings."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aexad.config.catalogue import Dataset
from aexad.data.index import build_index
from aexad.runtime.errors import DataError

SIZE = 16
MVTEC = Dataset(title="Set", adaptor="mvtec_layout")
RNG = np.random.default_rng(0)


def photo(path: Path) -> Path:
    return save(path, RNG.integers(0, 256, (SIZE, SIZE, 3), np.uint8))


def mask(path: Path, level: int = 255) -> Path:
    pixels = np.zeros((SIZE, SIZE), np.uint8)
    pixels[4:8, 6:10] = level
    return save(path, pixels)


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def mvtec_ad(root: Path) -> Path:
    """One category, bolt: 3 training, 2 good and 3 dented images."""
    for index in range(3):
        photo(root / f"bolt/train/good/{index:03}.png")
        photo(root / f"bolt/test/dent/{index:03}.png")
        mask(root / f"bolt/ground_truth/dent/{index:03}_mask.png")
    for index in range(2):
        photo(root / f"bolt/test/good/{index:03}.png")
    return root


def btad(root: Path) -> Path:
    """Categories 01 (masks .png of images .bmp), 02 (all .png), 03 (all .bmp)."""
    for category, image, truth in (
        ("01", "bmp", "png"),
        ("02", "png", "png"),
        ("03", "bmp", "bmp"),
    ):
        for index in range(3):
            photo(root / category / f"train/ok/{index:04}.{image}")
        for index in range(2):
            photo(root / category / f"test/ok/{index:04}.{image}")
            photo(root / category / f"test/ko/{index:04}.{image}")
            mask(root / category / f"ground_truth/ko/{index:04}.{truth}")
    return root


def visa(root: Path) -> Path:
    """Categories candle and pcb1; a mask's pixels are the number of its defect."""
    rows = []
    for name in ("candle", "pcb1"):
        for index in range(4):
            image = f"{name}/Data/Images/Normal/{index:04}.JPG"
            photo(root / image)
            rows.append([name, "train" if index < 3 else "test", "normal", image, ""])
        for index in range(2):
            image = f"{name}/Data/Images/Anomaly/{index:03}.JPG"
            truth = f"{name}/Data/Masks/Anomaly/{index:03}.png"
            photo(root / image)
            mask(root / truth, level=index + 1)
            rows.append([name, "test", "anomaly", image, truth])
        (root / name / "image_anno.csv").write_text("image,label,mask\n")
    write_table(root, rows)
    return root


def write_table(root: Path, rows: list[list[str]]) -> None:
    path = root / "split_csv/1cls.csv"
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["object", "split", "label", "image", "mask"], *rows])


def mvtec_ad_2(root: Path, truth: str = "test_public/ground_truth") -> Path:
    """Two categories, can and vial; the private test sets have only images."""
    for name in ("can", "vial"):
        for index in range(3):
            photo(root / name / f"train/good/{index:03}_regular.png")
        for index in range(2):
            photo(root / name / f"validation/good/{index:03}_regular.png")
            photo(root / name / f"test_public/good/{index:03}_regular.png")
            photo(root / name / f"test_public/bad/{index:03}_overexposed.png")
            mask(root / name / truth / f"bad/{index:03}_overexposed_mask.png")
            photo(root / name / f"test_private/{index:03}_regular.png")
            photo(root / name / f"test_private_mixed/{index:03}_mixed.png")
    return root


SETS = {
    "mvtec_layout": mvtec_ad,
    "btad": btad,
    "visa": visa,
    "mvtec_ad_2": mvtec_ad_2,
}


def problems(root: Path, dataset: Dataset = MVTEC) -> list[str]:
    with pytest.raises(DataError) as error:
        build_index(root, "set", dataset)
    first, *lines = str(error.value).split("\n")
    return lines or [first]
