"""Data sets in the layouts of their owners, in folders and in archives."""

import tarfile
from pathlib import Path

import miniature_sets
import numpy as np
import pandas as pd
import pytest
from miniature_sets import SETS, problems
from PIL import Image

from aexad.config.catalogue import Dataset
from aexad.data.index import build_index
from aexad.data.masks import ANY, load_mask
from aexad.data.sources.fetch import fetch
from aexad.data.split import split
from aexad.data.validate import local_categories
from aexad.runtime.errors import DataError, DownloadError


def index_of(root: Path, adaptor: str) -> pd.DataFrame:
    return build_index(root, "set", Dataset.model_validate({"title": "Set", "adaptor": adaptor}))


def test_btad_as_its_owners_publish_it(tmp_path: Path) -> None:
    root = miniature_sets.btad(tmp_path)
    index = index_of(root, "btad")
    assert index.groupby(["category", "split", "defect"]).size().to_dict() == {
        (category, *part): count
        for category in ("01", "02", "03")
        for part, count in {("train", "good"): 3, ("test", "good"): 2, ("test", "ko"): 2}.items()
    }
    first = index[(index["defect"] == "ko") & (index["category"] == "01")].iloc[0]
    assert (first["image"], first["mask"]) == ("01/test/ko/0000.bmp", "01/ground_truth/ko/0000.png")
    assert "03/ground_truth/ko/0001.bmp" in index["mask"].tolist()


def test_visa_follows_its_table(tmp_path: Path) -> None:
    root = miniature_sets.visa(tmp_path)
    photo = root / "candle/Data/Images/Normal/9999.JPG"
    miniature_sets.photo(photo)  # in the folder, but not in the table
    index = index_of(root, "visa")
    assert index.groupby(["category", "split", "defect"]).size().to_dict() == {
        (category, *part): count
        for category in ("candle", "pcb1")
        for part, count in {
            ("train", "good"): 3,
            ("test", "good"): 1,
            ("test", "anomaly"): 2,
        }.items()
    }
    first = index[index["defect"] == "anomaly"].iloc[0]
    assert first["image"] == "candle/Data/Images/Anomaly/000.JPG"
    assert first["mask"] == "candle/Data/Masks/Anomaly/000.png"
    assert first["marks"] == ANY


def test_masks_of_visa_hold_numbers_of_defects(tmp_path: Path) -> None:
    root = miniature_sets.visa(tmp_path)
    for number in (0, 1):
        read = load_mask(root / f"pcb1/Data/Masks/Anomaly/{number:03}.png", size=8, marks=ANY)
        assert read.sum() == 4
    indexed = Image.fromarray(np.array([[0, 3]], np.uint8), mode="P")
    indexed.putpalette([0, 0, 0] * 4)  # number 3 is black in this palette
    path = root / "pcb1/Data/Masks/Anomaly/001.png"
    indexed.save(path)
    assert load_mask(path, marks=ANY).tolist() == [[False, True]]
    colour = Image.fromarray(np.array([[[0, 0, 0, 255], [0, 2, 0, 255]]], np.uint8))
    colour.save(path)
    assert load_mask(path, marks=ANY).tolist() == [[False, True]]


def test_the_folder_of_a_mask_does_not_decide_what_it_means(tmp_path: Path) -> None:
    """A user's folder with the names of VisA's is read as every other one."""
    path = tmp_path / "part/Data/Masks/Anomaly/000.png"
    path.parent.mkdir(parents=True)
    Image.fromarray(np.array([[1, 255]], np.uint8)).save(path)
    assert load_mask(path).tolist() == [[False, True]]
    assert load_mask(path, marks=ANY).tolist() == [[True, True]]


@pytest.mark.parametrize("truth", ["test_public/ground_truth", "ground_truth"])
def test_mvtec_ad_2_has_a_public_test_set(tmp_path: Path, truth: str) -> None:
    root = miniature_sets.mvtec_ad_2(tmp_path, truth)
    index = index_of(root, "mvtec_ad_2")
    assert index.groupby(["category", "split", "defect"]).size().to_dict() == {
        (category, *part): count
        for category in ("can", "vial")
        for part, count in {
            ("train", "good"): 3,
            ("validation", "good"): 2,
            ("test", "good"): 2,
            ("test", "bad"): 2,
        }.items()
    }
    first = index[index["defect"] == "bad"].iloc[0]
    assert first["image"] == "can/test_public/bad/000_overexposed.png"
    assert first["mask"] == f"can/{truth}/bad/000_overexposed_mask.png"


@pytest.mark.parametrize(
    ("scenario", "roles"),
    [
        ("standard", {"normal": 3, "validation": 2, "labelled": 1, "test": 3}),
        ("anomalies_only", {"labelled": 1, "test": 3}),
        ("one_class", {"normal": 3, "validation": 2, "test": 4}),
    ],
)
def test_validation_images_of_a_data_set(
    tmp_path: Path, scenario: str, roles: dict[str, int]
) -> None:
    dataset = Dataset(title="Set", adaptor="mvtec_ad_2", labelled=1)
    index = build_index(miniature_sets.mvtec_ad_2(tmp_path), "set", dataset)
    rows = split(index, dataset, "can", scenario, seed=0)
    assert rows["role"].value_counts().to_dict() == roles
    held = rows[rows["role"] == "validation"]["image"]
    assert all(image.startswith("can/validation/good/") for image in held)


@pytest.mark.parametrize("name", SETS)
def test_an_archive_of_each_layout_is_found_below_its_wrapper(tmp_path: Path, name: str) -> None:
    tree = SETS[name](tmp_path / "tree")
    (tmp_path / "readme.txt").write_text("of the owner")
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        file.add(tree, "wrapper/inner")
        file.add(tmp_path / "readme.txt", "wrapper/readme.txt")
    dataset = Dataset.model_validate({"title": "Set", "adaptor": name})
    fetch("set", dataset, tmp_path / "data/set", tmp_path / "a.tar")
    assert build_index(tmp_path / "data/set", "set", dataset).equals(index_of(tree, name))


def test_an_archive_of_another_data_set_is_refused(tmp_path: Path) -> None:
    tree = miniature_sets.mvtec_ad(tmp_path / "tree")
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        file.add(tree, "tree")
    with pytest.raises(DownloadError, match=r"no folder in this archive .*train/ok \(BTAD\)"):
        fetch("btad", Dataset(title="BTAD", adaptor="btad"), tmp_path / "b", tmp_path / "a.tar")
    with pytest.raises(DataError, match=r"no folder in it has the form split_csv/1cls\.csv"):
        local_categories(tree, "visa")


# The table of VisA.


def visa_problems(root: Path, row: list[str]) -> list[str]:
    miniature_sets.visa(root)
    with (root / "split_csv/1cls.csv").open("a", newline="") as file:
        file.write(",".join(row) + "\r\n")
    return problems(root, Dataset(title="Set", adaptor="visa"))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (["candle", "train", "normal", "../secret.JPG", ""], "does not lie in the data set's"),
        (["candle", "test", "anomaly", "a.JPG", "/etc/passwd"], "does not lie in the data set's"),
        (["candle", "train", "normal", "", ""], "a row: its path does not lie"),
        (["candle", "val", "normal", "a.JPG", ""], "split 'val' is not one of train, test"),
        (["candle", "test", "odd", "a.JPG", ""], "label 'odd' is not one of normal, anomaly"),
        (["candle", "train", "anomaly", "a.JPG", "a.png"], "training as if it were normal"),
        (["candle", "test", "anomaly", "a.JPG", ""], "an anomaly has no mask"),
        (["candle", "test", "normal", "a.JPG", ""], "a.JPG: no such file"),
    ],
    ids=["out", "absolute", "empty", "split", "label", "trained anomaly", "no mask", "no image"],
)
def test_invalid_rows_of_the_table_of_visa(tmp_path: Path, row: list[str], message: str) -> None:
    (line,) = visa_problems(tmp_path, row)
    assert message in line


@pytest.mark.parametrize("part", ["train", "test"])
def test_an_image_that_the_table_of_visa_names_twice(tmp_path: Path, part: str) -> None:
    image = "candle/Data/Images/Normal/0000.JPG"
    (line,) = visa_problems(tmp_path, ["candle", part, "normal", image, ""])
    assert line.endswith(f"1cls.csv: {image}: is in 2 rows; restore the table")


def test_a_table_of_visa_with_other_columns(tmp_path: Path) -> None:
    root = miniature_sets.visa(tmp_path)
    (root / "split_csv/1cls.csv").write_text("object,split,image\n")
    (line,) = problems(root, Dataset(title="Set", adaptor="visa"))
    assert line.startswith(f"{root}/split_csv/1cls.csv: its columns are object, split, image and")


def test_a_table_of_visa_that_is_no_text(tmp_path: Path) -> None:
    root = miniature_sets.visa(tmp_path)
    (root / "split_csv/1cls.csv").write_bytes(b"\xff\xfe\x00")
    (line,) = problems(root, Dataset(title="Set", adaptor="visa"))
    assert "1cls.csv: cannot be read" in line


def test_a_category_missing_in_the_table_of_visa(tmp_path: Path) -> None:
    root = miniature_sets.visa(tmp_path)
    (root / "fryum").mkdir()
    (line,) = problems(root, Dataset(title="S", adaptor="visa", categories=["candle", "fryum"]))
    assert line.endswith("1cls.csv: no row of 'fryum'; restore the table")
