import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aexad.config.catalogue import Dataset
from aexad.data.index import build_index, listing_digest
from aexad.data.masks import BRIGHT
from aexad.data.tables import INDEX_COLUMNS, read_index
from aexad.data.validate import local_categories
from aexad.runtime.errors import DataError
from aexad.runtime.files import write_csv

DATASET = Dataset(title="Set", adaptor="mvtec_layout")
REAL = Path(__file__).parents[3] / "shared/data/parts"


def problems(root: Path, dataset: Dataset = DATASET) -> list[str]:
    with pytest.raises(DataError) as error:
        build_index(root, "set", dataset)
    return str(error.value).split("\n")


def test_the_index_lists_all_images_with_their_masks_sorted(tree: Path) -> None:
    index = build_index(tree, "set", DATASET)
    assert list(index.columns) == INDEX_COLUMNS
    assert len(index) == (4 + 4 + 4 + 3) + (2 + 2 + 2)
    assert index.iloc[0].tolist() == [
        "bolt", "test", "dent", "bolt/test/dent/000.png", "bolt/ground_truth/dent/000_mask.png",
        BRIGHT,
    ]  # fmt: skip
    assert index.iloc[-1].tolist() == ["nut", "train", "good", "nut/train/good/001.png", "", BRIGHT]
    keys = index[["category", "split", "defect", "image"]].to_numpy().tolist()
    assert keys == sorted(keys)
    assert (index["mask"] == "").equals(index["defect"] == "good")


def test_categories_of_the_catalogue_select(tree: Path) -> None:
    index = build_index(tree, "set", Dataset(title="S", adaptor="mvtec_layout", categories=["nut"]))
    assert set(index["category"]) == {"nut"}


def test_an_index_is_equal_after_writing_and_reading(tree: Path, tmp_path: Path) -> None:
    (tree / "bolt").rename(tree / "NA")  # a name that a reader of CSV may take for a missing value
    index = build_index(tree, "set", DATASET)
    write_csv(tmp_path / "index.csv", index)
    again = read_index(tmp_path / "index.csv")
    assert again.equals(index)
    assert set(again["category"]) == {"NA", "nut"}


def test_files_that_are_no_index_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "index.csv"
    with pytest.raises(DataError, match=r"index\.csv: no such file; make it with 'aexad index'"):
        read_index(path)
    path.write_text("")
    with pytest.raises(DataError, match="not a CSV table"):
        read_index(path)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="the columns are a, b instead of category, split"):
        read_index(path)
    path.write_text(",".join(INDEX_COLUMNS) + "\n")
    with pytest.raises(DataError, match=r"index\.csv: no row below the header; make it again"):
        read_index(path)


def test_an_unknown_split_is_refused(tree: Path, tmp_path: Path) -> None:
    index = build_index(tree, "set", DATASET).replace({"split": {"train": "Train"}})
    write_csv(tmp_path / "index.csv", index)
    with pytest.raises(DataError, match=r"'split' holds 'Train', and only train, validation, test"):
        read_index(tmp_path / "index.csv")


@pytest.mark.parametrize("name", ["000_mask.png", "000.png", "000_mask.BMP", "000.tif"])
def test_accepted_names_of_masks(tree: Path, name: str) -> None:
    mask = tree / "nut/ground_truth/dent/000_mask.png"
    content = Image.open(mask).copy()
    mask.unlink()
    content.save(mask.with_name(name))
    index = build_index(tree, "set", DATASET)
    assert f"nut/ground_truth/dent/{name}" in index["mask"].tolist()


def test_upper_case_and_other_endings_are_images(tree: Path) -> None:
    Image.fromarray(np.zeros((8, 5), np.uint8)).save(tree / "nut/train/good/900.JPG")
    Image.fromarray(np.zeros((7, 9), np.uint16)).save(tree / "nut/train/good/901.TIFF")
    images = build_index(tree, "set", DATASET)["image"].tolist()
    assert {"nut/train/good/900.JPG", "nut/train/good/901.TIFF"} <= set(images)


def test_hidden_and_other_files_are_ignored(tree: Path) -> None:
    before = build_index(tree, "set", DATASET)
    for name in (".DS_Store", "._000.png", "Thumbs.db", "readme.txt"):
        for folder in ("bolt/train/good", "bolt/test/dent", "bolt/ground_truth/dent", "bolt", "."):
            (tree / folder / name).write_text("no image")
    (tree / "bolt/test/.ipynb_checkpoints").mkdir()
    (tree / "documents").mkdir()
    assert build_index(tree, "set", DATASET).equals(before)


def test_a_missing_mask(tree: Path) -> None:
    (tree / "bolt/ground_truth/dent/002_mask.png").unlink()
    (line,) = problems(tree)
    image, mask = tree / "bolt/test/dent/002.png", tree / "bolt/ground_truth/dent/002_mask.png"
    assert line == f"data set 'set': {image}: has no mask; add {mask}, or remove the image"


def test_a_mask_of_another_size(tree: Path) -> None:
    mask = tree / "nut/ground_truth/dent/001_mask.png"
    Image.fromarray(np.zeros((16, 17), np.uint8)).save(mask)
    (line,) = problems(tree)
    assert line == (
        f"data set 'set': {mask}: the mask is 17x16 pixels and its image 16x16; "
        "save both at the same size"
    )


def test_empty_and_missing_folders(tree: Path) -> None:
    shutil.rmtree(tree / "bolt/test")
    for image in (tree / "nut/train/good").iterdir():
        image.unlink()
    (tree / "nut/test/scratch").mkdir()
    first, *lines = problems(tree)
    assert first == "data set 'set' has 3 problems:"
    assert lines[0] == f"  {tree}/bolt/test: no folder of a defect type; there is nothing to test"
    assert lines[1].startswith(f"  {tree}/nut/train/good: no images in it (known endings: .png")
    assert lines[2].startswith(f"  {tree}/nut/test/scratch: no images in it")


def test_images_in_the_wrong_place(tree: Path) -> None:
    shutil.copy(tree / "nut/test/dent/000.png", tree / "nut/test/000.png")
    shutil.copytree(tree / "nut/test/dent", tree / "nut/train/bent")
    _, *lines = problems(tree)
    assert lines[0].startswith(f"  {tree}/nut/test/000.png: not in the folder of a defect type")
    assert lines[1].startswith(f"  {tree}/nut/train/bent: only train/good, and anomalies with")


def test_anomalies_among_the_training_images(tree: Path) -> None:
    folder = tree / "nut/train/dent"
    folder.mkdir()
    (tree / "nut/test/dent/000.png").rename(folder / "000.png")
    index = build_index(tree, "set", Dataset(title="Set", adaptor="mvtec_layout"))
    (row,) = index[index["image"] == "nut/train/dent/000.png"].to_dict("records")
    assert (row["split"], row["defect"]) == ("train", "dent")
    assert row["mask"] == "nut/ground_truth/dent/000_mask.png"
    shutil.copy(folder / "000.png", tree / "nut/test/dent/000.png")
    (line,) = problems(tree)
    assert "nut/test/dent/000.png: has the same mask as " in line
    assert "nut/train/dent/000.png; rename" in line


def test_ambiguous_masks(tree: Path) -> None:
    folder = tree / "nut/ground_truth/dent"
    shutil.copy(folder / "000_mask.png", folder / "000.png")
    shutil.copy(tree / "nut/test/dent/001.png", tree / "nut/test/dent/001.bmp")
    _, *lines = problems(tree)
    assert lines[0].endswith("dent/000.png: has 2 masks (000.png, 000_mask.png); keep one")
    other = tree / "nut/test/dent/001.bmp"
    assert lines[1].endswith(f"/001.png: has the same mask as {other}; rename or remove one")


def test_a_category_that_does_not_exist(tree: Path) -> None:
    dataset = Dataset(title="S", adaptor="mvtec_layout", categories=["bolts", "nuts"])
    (line,) = problems(tree, dataset)
    assert line == (
        f"data set 'set': {tree} has none of the catalogue's categories (bolts, nuts), but bolt, "
        "nut; correct 'categories' in config/datasets.yaml, or the folder"
    )


def test_missing_categories_are_left_out_with_a_warning(
    tree: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = ["nut", "screw", "bolt", "wood"]
    dataset = Dataset(title="S", adaptor="mvtec_layout", categories=names)
    assert build_index(tree, "set", dataset).equals(build_index(tree, "set", DATASET))
    assert caplog.messages == [
        f"data set 'set': {tree} has no folder of these categories, which are left out: screw, wood"
    ]
    (tree / "screw").mkdir()
    _, *lines = problems(tree, dataset)
    assert lines[0] == f"  {tree}/screw/train/good: no such folder; add it, with images"


def test_a_missing_folder_with_an_existing_marker(tree: Path) -> None:
    shutil.rmtree(tree)
    marker = tree.with_name("set.json")
    marker.write_text("{}")
    (line,) = problems(tree)
    assert line == (
        f"{tree}: no such folder, but its marker exists; delete {marker} and call again"
    )


def test_unreadable_images(tree: Path) -> None:
    (tree / "bolt/train/good/001.png").write_bytes(b"")
    (tree / "bolt/ground_truth/rust/001_mask.png").write_bytes(b"no image")
    _, *lines = problems(tree)
    assert [line.split(": ")[1] for line in lines] == [
        "the file is empty; restore or replace it",
        "no image that can be read, or its header is damaged; convert it to PNG, or replace it",
    ]


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "tif"])
def test_truncated_images(tree: Path, ending: str) -> None:
    path = tree / f"bolt/train/good/900.{ending}"
    Image.fromarray(np.arange(256 * 256, dtype=np.uint8).reshape(256, 256)).save(path)
    build_index(tree, "set", DATASET)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 4])
    (line,) = problems(tree)
    assert line.startswith(f"data set 'set': {path}: ")
    assert line.endswith("restore or replace it")


def test_a_flipped_bit_in_a_png(tree: Path) -> None:
    path = tree / "bolt/train/good/001.png"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    (line,) = problems(tree)
    assert line.startswith(f"data set 'set': {path}: damaged")


def test_masks_with_labels_0_and_1_are_refused(tree: Path) -> None:
    mask = tree / "nut/ground_truth/dent/001_mask.png"
    Image.fromarray(np.eye(16, dtype=np.uint8)).save(mask)
    (line,) = problems(tree)
    assert line.startswith(f"data set 'set': {mask}: the brightest pixel of this mask is 1 of 255")


def test_at_most_20_problems_are_listed(tmp_path: Path, make_category: Callable[..., None]) -> None:
    make_category(tmp_path, "bolt", dent=25)
    shutil.rmtree(tmp_path / "bolt/ground_truth")
    first, *lines = problems(tmp_path)
    assert first == "data set 'set' has 25 problems:"
    assert len(lines) == 21
    assert lines[-1] == "  and 5 more"


def test_local_categories(tree: Path) -> None:
    assert local_categories(tree) == ["bolt", "nut"]
    with pytest.raises(DataError, match="none: no such folder"):
        local_categories(tree / "none")
    with pytest.raises(DataError, match=r"bolt: no folder in it .* name the folder above it"):
        local_categories(tree / "bolt")
    with pytest.raises(DataError, match=r"no folder in it has the form <category>/train/good$"):
        local_categories(tree / "bolt/test")


def test_the_listing_digest_depends_on_names_and_sizes(tree: Path, tmp_path: Path) -> None:
    before = listing_digest(tree)
    (tmp_path / "link").symlink_to(tree)
    assert listing_digest(tmp_path / "link") == before
    (tree / "bolt/.DS_Store").write_text("hidden")
    assert listing_digest(tree) == before
    image = tree / "bolt/train/good/000.png"
    image.rename(image.with_name("999.png"))
    renamed = listing_digest(tree)
    assert renamed != before
    with image.with_name("999.png").open("ab") as file:
        file.write(b"x")
    assert listing_digest(tree) != renamed
    image.with_name("999.png").unlink()
    assert listing_digest(tree) not in (before, renamed)
    with pytest.raises(DataError, match="no such folder"):
        listing_digest(tree / "none")


@pytest.mark.realdata
@pytest.mark.skipif(not REAL.is_dir(), reason="shared/data/parts does not exist")
def test_real_parts() -> None:
    index = build_index(REAL, "parts", DATASET)
    counts = index.groupby(["category", "split", "defect"]).size().to_dict()
    assert counts["metal_plate", "test", "defective"] == 71
    assert counts["metal_plate", "train", "good"] == 54
    assert counts["grid", "test", "metal_contamination"] == 2
    assert len(index) == 241
