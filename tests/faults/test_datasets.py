"""Data sets in their true layouts, and whatever may be wrong with a tree of files."""

import shutil
import tarfile
import unicodedata
from pathlib import Path

import miniature_sets
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from aexad.cli import main
from aexad.data.catalogue import Counts, Dataset, read_catalogue
from aexad.data.download import fetch
from aexad.data.examination import examine, local_categories
from aexad.data.images import load_mask
from aexad.data.index import build_index, listing_digest, read_index
from aexad.data.split import split
from aexad.errors import DataError, DownloadError
from aexad.files import write_csv

CATALOGUE = Path(__file__).parents[2] / "config/datasets.yaml"
SETS = {
    "mvtec_layout": miniature_sets.mvtec_ad,
    "btad": miniature_sets.btad,
    "visa": miniature_sets.visa,
    "mvtec_ad_2": miniature_sets.mvtec_ad_2,
}
MVTEC = Dataset(title="Set", adaptor="mvtec_layout")


@pytest.fixture
def bolts(tmp_path: Path) -> Path:
    return miniature_sets.mvtec_ad(tmp_path / "set")


def index_of(root: Path, adaptor: str) -> pd.DataFrame:
    return build_index(root, "set", Dataset.model_validate({"title": "Set", "adaptor": adaptor}))


def problems(root: Path, dataset: Dataset = MVTEC) -> list[str]:
    with pytest.raises(DataError) as error:
        build_index(root, "set", dataset)
    first, *lines = str(error.value).split("\n")
    return lines or [first]


# The layouts.


def test_btad_as_it_is_handed_on(tmp_path: Path) -> None:
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


def test_visa_by_its_table(tmp_path: Path) -> None:
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


def test_masks_of_visa_hold_numbers_of_defects(tmp_path: Path) -> None:
    root = miniature_sets.visa(tmp_path)
    for number in (0, 1):
        read = load_mask(root / f"pcb1/Data/Masks/Anomaly/{number:03}.png", size=8)
        assert read.sum() == 4
    indexed = Image.fromarray(np.array([[0, 3]], np.uint8), mode="P")
    indexed.putpalette([0, 0, 0] * 4)  # number 3 is black in this palette
    indexed.save(root / "pcb1/Data/Masks/Anomaly/001.png")
    assert load_mask(root / "pcb1/Data/Masks/Anomaly/001.png").tolist() == [[False, True]]
    colour = Image.fromarray(np.array([[[0, 0, 0, 255], [0, 2, 0, 255]]], np.uint8))
    colour.save(root / "pcb1/Data/Masks/Anomaly/001.png")
    assert load_mask(root / "pcb1/Data/Masks/Anomaly/001.png").tolist() == [[False, True]]


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
def test_images_that_a_data_set_sets_apart_validate(
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


def test_an_archive_of_another_data_set_is_named(tmp_path: Path) -> None:
    tree = miniature_sets.mvtec_ad(tmp_path / "tree")
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        file.add(tree, "tree")
    with pytest.raises(DownloadError, match=r"no folder in this archive .*train/ok \(BTAD\)"):
        fetch("btad", Dataset(title="BTAD", adaptor="btad"), tmp_path / "b", tmp_path / "a.tar")
    with pytest.raises(DataError, match=r"no folder in it has the form split_csv/1cls\.csv"):
        local_categories(tree, "visa")


# VisA's table.


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
        (["candle", "val", "normal", "a.JPG", ""], "split 'val' and label 'normal' are not of"),
        (["candle", "train", "anomaly", "a.JPG", "a.png"], "trained on as if it were normal"),
        (["candle", "test", "anomaly", "a.JPG", ""], "an anomaly has no mask"),
        (["candle", "test", "normal", "a.JPG", ""], "a.JPG: no such file"),
    ],
    ids=["out", "absolute", "empty", "split", "trained anomaly", "no mask", "no image"],
)
def test_a_row_of_visas_table_that_cannot_be_used(
    tmp_path: Path, row: list[str], message: str
) -> None:
    (line,) = visa_problems(tmp_path, row)
    assert message in line


def test_visas_table_with_other_columns(tmp_path: Path) -> None:
    root = miniature_sets.visa(tmp_path)
    (root / "split_csv/1cls.csv").write_text("object,split,image\n")
    (line,) = problems(root, Dataset(title="Set", adaptor="visa"))
    assert line.startswith(f"{root}/split_csv/1cls.csv: its columns are object, split, image and")


def test_visas_table_that_is_no_text(tmp_path: Path) -> None:
    root = miniature_sets.visa(tmp_path)
    (root / "split_csv/1cls.csv").write_bytes(b"\xff\xfe\x00")
    (line,) = problems(root, Dataset(title="Set", adaptor="visa"))
    assert "1cls.csv: cannot be read" in line


def test_a_category_that_visas_table_lacks(tmp_path: Path) -> None:
    root = miniature_sets.visa(tmp_path)
    (root / "fryum").mkdir()
    (line,) = problems(root, Dataset(title="S", adaptor="visa", categories=["candle", "fryum"]))
    assert line.endswith("1cls.csv: no row of 'fryum'; restore the table")


# Names, masks, counts.


@pytest.mark.parametrize("name", ["000_mask.png", "000.png", "000.bmp"])
def test_names_of_masks(bolts: Path, name: str) -> None:
    folder = bolts / "bolt/ground_truth/dent"
    (folder / "000_mask.png").unlink()
    miniature_sets.mask(folder / name)
    assert f"bolt/ground_truth/dent/{name}" in build_index(bolts, "set", MVTEC)["mask"].tolist()


def test_names_with_spaces_and_unicode(bolts: Path, tmp_path: Path) -> None:
    root, name = tmp_path / "mein Satz ü", "Nuß, 7 – «α» 螺丝"
    bolts.rename(root)
    (root / "bolt").rename(root / "Große Schraube")
    folder = root / "Große Schraube"
    (folder / "test/dent/000.png").rename(folder / f"test/dent/{name}.png")
    (folder / "ground_truth/dent/000_mask.png").rename(
        folder / f"ground_truth/dent/{name}_mask.png"
    )
    write_csv(tmp_path / "index.csv", build_index(root, "set", MVTEC))
    index = read_index(tmp_path / "index.csv")
    row = index[index["image"] == f"Große Schraube/test/dent/{name}.png"].iloc[0]
    assert load_mask(root / row["mask"]).any()


def test_an_accent_that_a_mac_wrote_apart(bolts: Path) -> None:
    for folder, form, ending in (("test", "NFC", ""), ("ground_truth", "NFD", "_mask")):
        path = bolts / f"bolt/{folder}/dent/000{ending}.png"
        path.rename(path.with_name(unicodedata.normalize(form, f"é{ending}.png")))
    masks = build_index(bolts, "set", MVTEC)["mask"].tolist()
    assert f"bolt/ground_truth/dent/{unicodedata.normalize('NFD', 'é_mask.png')}" in masks


def test_two_images_with_one_stem(bolts: Path) -> None:
    miniature_sets.photo(bolts / "bolt/test/dent/001.bmp")
    (line,) = problems(bolts)
    assert line.endswith("001.png: has the same mask as 001.bmp; rename or remove one")


def test_a_mask_of_zeros_is_told_and_no_obstacle(
    bolts: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Published data sets have some, which nobody here can correct."""
    mask = miniature_sets.mask(bolts / "bolt/ground_truth/dent/001_mask.png", level=0)
    assert len(build_index(bolts, "set", MVTEC)) == 8
    (message,) = caplog.messages
    assert message.startswith(f"data set 'set': 1 masks of a defect mark nothing, the first {mask}")
    assert main(["check", str(bolts)]) == 0
    assert f"{mask}: this mask of a defect marks nothing" in capsys.readouterr().out


def test_a_mask_of_grey_levels(bolts: Path) -> None:
    levels = np.tile(np.linspace(0, 255, 16).astype(np.uint8), (16, 1))
    path = miniature_sets.save(bolts / "bolt/ground_truth/dent/001_mask.png", levels)
    build_index(bolts, "set", MVTEC)
    assert load_mask(path)[0].tolist() == [False] * 8 + [True] * 8
    miniature_sets.save(path, levels // 3)
    (line,) = problems(bolts)
    assert "the brightest pixel of this mask is 85 of 255" in line


def test_counts_that_differ_from_the_catalogues(bolts: Path) -> None:
    expected = Counts(train=3, good=2, anomalous=3)
    dataset = Dataset(title="S", adaptor="mvtec_layout", counts={"bolt": expected})
    assert len(build_index(bolts, "set", dataset)) == 8
    (bolts / "bolt/train/good/002.png").unlink()
    (line,) = problems(bolts, dataset)
    assert line == (
        f"data set 'set': {bolts}/bolt: 2 training, 2 good and 3 anomalous, and the catalogue "
        "expects 3 training, 2 good and 3 anomalous; restore its files, or remove 'bolt' from "
        "'counts' in config/datasets.yaml"
    )


# Links.


def test_a_link_that_leads_to_itself(bolts: Path) -> None:
    loop = bolts / "bolt/train/good/loop.png"
    loop.symlink_to(loop)
    (line,) = problems(bolts)
    assert line.startswith(f"data set 'set': {loop}: cannot be read: Too many levels of symbolic")


def test_folders_that_link_to_each_other(bolts: Path) -> None:
    """Two loops in one another: a walk that follows them would take 2^40 steps."""
    before = listing_digest(bolts)
    (bolts / "bolt/again").symlink_to(bolts)
    (bolts / "bolt/train/up").symlink_to(bolts / "bolt")
    (bolts / "more").symlink_to(bolts / "bolt/test")
    digest = listing_digest(bolts)
    assert digest != before  # 'more' is no loop: its files count
    (line,) = problems(bolts)
    assert "train/up: only train/good is used for training" in line


def test_a_link_to_nowhere(bolts: Path) -> None:
    (bolts / "bolt/train/good/gone.png").symlink_to("nowhere.png")
    (line,) = problems(bolts)
    assert "gone.png: no such file" in line


# check


def test_check_shows_all_problems_at_once(bolts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(bolts / "bolt", bolts / "nut")
    (bolts / "bolt/train/good/000.png").write_bytes(b"")
    (bolts / "bolt/train/good/001.png").write_text("no image")
    (bolts / "bolt/ground_truth/dent/000_mask.png").unlink()
    (bolts / "nut/test/scratch").mkdir()
    assert main(["check", str(bolts)]) == 1
    shown = capsys.readouterr()
    assert shown.err == f"aexad: {bolts}: 4 problems, listed above; correct them\n"
    lines = shown.out.splitlines()
    assert lines[0] == f"{bolts} as mvtec_layout"
    assert [line.split() for line in lines if line.startswith(("bolt ", "nut "))][:2] == [
        ["bolt", "3", "0", "2", "3", "1", "3", "0"],
        ["nut", "3", "0", "2", "3", "1", "1", "0"],
    ]
    told = [line.split(maxsplit=2) for line in lines if "problem " in line and bolts.name in line]
    assert [row[0] for row in told] == ["bolt", "bolt", "bolt", "nut"]


@pytest.mark.parametrize("name", SETS)
def test_check_recognises_the_layout(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = SETS[name](tmp_path / "set")
    assert main(["check", str(root)]) == 0
    assert capsys.readouterr().out.startswith(f"{root} as {name}\n")
    assert main(["check", str(root), "--adaptor", name]) == 0


def test_check_by_the_catalogue(bolts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    catalogue = bolts.parent / "datasets.yaml"
    catalogue.write_text(
        "bolts: {title: B, adaptor: mvtec_layout, counts: {bolt: {train: 9, good: 2}}}"
    )
    arguments = ["check", str(bolts), "--datasets", str(catalogue), "--dataset"]
    assert main([*arguments, "bolts"]) == 1
    assert "expects 9 training, 2 good and 0 anomalous" in capsys.readouterr().out
    assert main([*arguments, "bolt"]) == 1
    assert "no data set 'bolt'; did you mean 'bolts'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{}/bolt"], "none of the known layouts (it looks like one category: name the folder"),
        (["{}/none"], "no such file or folder; name the folder that holds the categories"),
        (["{}/bolt/test/dent"], "none of the known layouts; these are: split_csv/1cls.csv"),
        (["{}", "--adaptor", "btd"], "no adaptor 'btd'; did you mean 'btad'?"),
        (["{}", "--adaptor", "btad"], "no folder in it has the form <category>/train/ok (BTAD)"),
    ],
)
def test_check_of_what_is_no_data_set(
    bolts: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *(text.format(bolts) for text in arguments)]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_check_and_index_find_the_same(bolts: Path) -> None:
    (bolts / "bolt/train/good/000.png").write_bytes(b"")
    (bolts / "bolt/ground_truth/dent/000_mask.png").unlink()
    found = examine(bolts, "set", MVTEC)
    assert [line.strip() for line in problems(bolts)] == found.problems["bolt"]


# The catalogue.


def test_every_entry_says_what_it_is_and_how_it_is_had() -> None:
    for name, entry in read_catalogue(CATALOGUE).items():
        assert entry.licence, name
        sources = (entry.download, entry.torchvision, entry.source, entry.instructions)
        assert any(sources) or name in ("textures", "textures_tiny", "parts"), name
        if any(sources):
            assert entry.citation, name
            assert entry.categories, name


def test_counts_of_the_catalogue_add_up_to_what_the_owners_publish() -> None:
    totals = {
        name: tuple(
            sum(getattr(counts, part) for counts in entry.counts.values())
            for part in ("train", "good", "anomalous")
        )
        for name, entry in read_catalogue(CATALOGUE).items()
        if entry.counts
    }
    assert totals == {
        "mvtec_ad": (3629, 467, 1258),
        "btad": (1799, 451, 290),
        "visa": (8659, 962, 1200),
        "mpdd": (888, 176, 282),
    }


def test_what_has_no_download_tells_how_to_get_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--datasets", str(CATALOGUE), "--data", str(tmp_path)]
    assert main(["fetch", "--dataset", "wood_surface", *arguments]) == 1
    error = capsys.readouterr().err
    assert "'wood_surface' has no download; ask the authors of the AE-XAD paper for it" in error
    assert "then name its folder or archive: --config 'sources={wood_surface: PATH}'" in error
    assert error.count("\n") == 1
