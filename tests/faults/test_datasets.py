"""Problems of a data set's files are all reported at once; the entries of the catalogue."""

import os
import shutil
import unicodedata
from pathlib import Path

import miniature_sets
import numpy as np
import pytest
from miniature_sets import MVTEC, SETS, problems

from aexad.cli.parser import main
from aexad.config.catalogue import Counts, Dataset, read_catalogue
from aexad.data.index import build_index, listing_digest
from aexad.data.masks import load_mask
from aexad.data.tables import read_index
from aexad.data.validate import validate
from aexad.runtime.errors import DataError
from aexad.runtime.files import write_csv

CATALOGUE = Path(__file__).parents[2] / "config/datasets.yaml"


@pytest.fixture
def bolts(tmp_path: Path) -> Path:
    return miniature_sets.mvtec_ad(tmp_path / "set")


# Names, masks, counts.


@pytest.mark.parametrize("name", ["000_mask.png", "000.png", "000.bmp"])
def test_accepted_names_of_masks(bolts: Path, name: str) -> None:
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


def test_decomposed_accents_of_macos(bolts: Path) -> None:
    for folder, form, ending in (("test", "NFC", ""), ("ground_truth", "NFD", "_mask")):
        path = bolts / f"bolt/{folder}/dent/000{ending}.png"
        path.rename(path.with_name(unicodedata.normalize(form, f"é{ending}.png")))
    masks = build_index(bolts, "set", MVTEC)["mask"].tolist()
    assert f"bolt/ground_truth/dent/{unicodedata.normalize('NFD', 'é_mask.png')}" in masks


def test_a_name_that_is_not_utf8(bolts: Path) -> None:
    name = os.fsdecode(b"Pr\xfcfling.png")
    try:
        (bolts / "bolt/train/good/000.png").rename(bolts / "bolt/train/good" / name)
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    with pytest.raises(
        DataError, match=r"good/Pr\\xfcfling\.png: its name is not UTF-8; rename it"
    ):
        build_index(bolts, "set", Dataset(title="S", adaptor="mvtec_layout"))


def test_two_images_with_one_stem(bolts: Path) -> None:
    miniature_sets.photo(bolts / "bolt/test/dent/001.bmp")
    (line,) = problems(bolts)
    assert "001.png: has the same mask as " in line
    assert line.endswith("test/dent/001.bmp; rename or remove one")


def test_a_mask_of_zeros_gives_a_warning(
    bolts: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Some published data sets have such masks, so they must be usable."""
    mask = miniature_sets.mask(bolts / "bolt/ground_truth/dent/001_mask.png", level=0)
    assert len(build_index(bolts, "set", MVTEC)) == 8
    (message,) = caplog.messages
    assert message.startswith(f"data set 'set': {mask}: this mask of a defect marks nothing")
    assert main(["check", str(bolts)]) == 0
    assert f"{mask}: this mask of a defect marks nothing" in capsys.readouterr().out


def test_a_mask_of_grey_levels(bolts: Path) -> None:
    levels = np.repeat(np.array([0, 60, 120, 250], np.uint8), [7, 1, 1, 7])[None].repeat(16, axis=0)
    path = miniature_sets.save(bolts / "bolt/ground_truth/dent/001_mask.png", levels)
    build_index(bolts, "set", MVTEC)
    assert load_mask(path)[0].tolist() == [False] * 9 + [True] * 7
    miniature_sets.save(path, levels // 3)
    (line,) = problems(bolts)
    assert "the brightest pixel of this mask is 83 of 255" in line
    gradient = np.tile(np.linspace(0, 255, 16).astype(np.uint8), (16, 1))
    miniature_sets.save(path, gradient)
    (line,) = problems(bolts)
    assert "80 pixels of this mask are neither black nor bright (17, 34, 51)" in line


def test_counts_that_differ_from_the_catalogue(bolts: Path) -> None:
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


def test_a_link_to_itself(bolts: Path) -> None:
    loop = bolts / "bolt/train/good/loop.png"
    loop.symlink_to(loop)
    (line,) = problems(bolts)
    assert line.startswith(f"data set 'set': {loop}: cannot be read: Too many levels of symbolic")


def test_links_to_folders_above(bolts: Path) -> None:
    """Two nested loops: a walk that follows them would take 2^40 steps."""
    before = listing_digest(bolts)
    (bolts / "bolt/again").symlink_to(bolts)
    (bolts / "bolt/train/up").symlink_to(bolts / "bolt")
    (bolts / "more").symlink_to(bolts / "bolt/test")
    digest = listing_digest(bolts)
    assert digest != before  # 'more' is no loop: its files count
    (line,) = problems(bolts)
    assert "train/up: only train/good, and anomalies with masks" in line


def test_a_broken_link(bolts: Path) -> None:
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
    rows = [line.split(maxsplit=2) for line in lines if "problem " in line and bolts.name in line]
    assert [row[0] for row in rows] == ["bolt", "bolt", "bolt", "nut"]


def test_check_of_a_single_category(bolts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bolts / "nut/train").mkdir(parents=True)  # not checked
    assert main(["check", str(bolts / "bolt")]) == 0
    shown = capsys.readouterr().out
    assert "bolt" in shown
    assert "nut" not in shown


def test_check_counts_problems_that_are_alike(
    bolts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (bolts / "bolt/ground_truth/dent").iterdir():
        path.unlink()
    (bolts / "bolt/train/good/000.png").write_bytes(b"")
    assert main(["check", str(bolts)]) == 1
    shown = capsys.readouterr()
    assert "3 times, for example" in shown.out
    assert all(f"bolt/test/dent/00{i}.png" in shown.out for i in range(3))
    assert shown.out.count("has no mask") == 1
    assert "4 problems" in shown.err  # the count is of files


@pytest.mark.parametrize("name", SETS)
def test_check_recognises_the_layout(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = SETS[name](tmp_path / "set")
    assert main(["check", str(root)]) == 0
    assert capsys.readouterr().out.startswith(f"{root} as {name}\n")
    assert main(["check", str(root), "--adaptor", name]) == 0


def test_check_uses_the_entry_of_the_catalogue(
    bolts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
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
        (["{}/none"], "no such file or folder; name the folder that holds the categories"),
        (["{}/bolt/test/dent"], "none of the known layouts; these are: split_csv/1cls.csv"),
        (["{}", "--adaptor", "btd"], "no adaptor 'btd'; did you mean 'btad'?"),
        (["{}", "--adaptor", "btad"], "no folder in it has the form <category>/train/ok (BTAD)"),
    ],
)
def test_check_of_a_folder_that_is_no_data_set(
    bolts: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *(text.format(bolts) for text in arguments)]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_check_and_index_find_the_same(bolts: Path) -> None:
    (bolts / "bolt/train/good/000.png").write_bytes(b"")
    (bolts / "bolt/ground_truth/dent/000_mask.png").unlink()
    _, findings = validate(bolts, "set", MVTEC)
    assert {finding.category for finding in findings} == {"bolt"}
    assert [line.strip() for line in problems(bolts)] == [finding.text for finding in findings]


# The catalogue.


LOCAL = (
    "textures",
    "textures_tiny",
    "parts",
    "six",
    "six_k1",
    "six_k5",
    "six_k10",
    "six_tiles",
    "six_padded",
)
"""Embedded, or without a public address: 'sources' names their folder."""


def test_every_entry_has_a_licence_and_a_source() -> None:
    for name, entry in read_catalogue(CATALOGUE).items():
        assert entry.licence, name
        sources = (entry.download, entry.torchvision, entry.source, entry.instructions)
        assert any(sources) or name in LOCAL, name
        if any(sources):
            assert entry.citation, name
            assert entry.categories, name


def test_counts_of_the_catalogue_add_up_to_the_published_numbers() -> None:
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


def test_a_data_set_without_download_gives_instructions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--datasets", str(CATALOGUE), "--data", str(tmp_path)]
    assert main(["fetch", "--dataset", "wood_surface", *arguments]) == 1
    error = capsys.readouterr().err
    assert "'wood_surface' has no download; ask the authors of the AE-XAD paper for it" in error
    assert "then name its folder or archive: --config 'sources={wood_surface: PATH}'" in error
    assert error.count("\n") == 1
