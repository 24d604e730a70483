from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from aexad.config.catalogue import Dataset
from aexad.data.index import build_index
from aexad.data.masks import MARKS
from aexad.data.split import split
from aexad.data.tables import SPLIT_COLUMNS, read_split
from aexad.runtime.errors import ConfigError, DataError
from aexad.runtime.files import write_csv


@pytest.fixture
def index(tree: Path) -> pd.DataFrame:
    return build_index(tree, "set", Dataset(title="Set", adaptor="mvtec_layout"))


def of(labelled: int, **entry: Any) -> Dataset:
    return Dataset(title="Set", adaptor="mvtec_layout", **entry).model_copy(
        update={"labelled": labelled}
    )


def images(table: pd.DataFrame, role: str) -> list[str]:
    return table.loc[table["role"] == role, "image"].tolist()


def test_standard(index: pd.DataFrame) -> None:
    table = split(index, of(2), "bolt", "standard", seed=0)
    assert list(table.columns) == SPLIT_COLUMNS
    assert table["role"].value_counts().to_dict() == {"normal": 4, "labelled": 4, "test": 7}
    labelled = table[table["role"] == "labelled"]
    assert labelled["defect"].tolist() == ["dent", "dent", "rust", "rust"]
    assert (labelled["mask"] != "").all()
    assert not set(images(table, "labelled")) & set(images(table, "test"))
    assert len(set(table["image"])) == 15
    roles = table["role"].drop_duplicates().tolist()
    assert roles == ["normal", "labelled", "test"]
    for role in roles:
        keys = table.loc[table["role"] == role, ["defect", "image"]].to_numpy().tolist()
        assert keys == sorted(keys)


def test_anomalies_only_tests_on_the_same_images(index: pd.DataFrame) -> None:
    standard = split(index, of(1), "bolt", "standard", seed=3)
    alone = split(index, of(1), "bolt", "anomalies_only", seed=3)
    assert alone.equals(standard[standard["role"] != "normal"].reset_index(drop=True))


def test_one_class_tests_all_test_images(index: pd.DataFrame) -> None:
    table = split(index, of(99), "bolt", "one_class", seed=0)
    assert table["role"].value_counts().to_dict() == {"test": 11, "normal": 4}


def test_draws_depend_only_on_the_seed(index: pd.DataFrame) -> None:
    def drawn(table: pd.DataFrame, seed: int) -> tuple[str, ...]:
        return tuple(images(split(table, of(2), "bolt", "standard", seed), "labelled"))

    assert drawn(index, 1) == drawn(index, 1)
    assert len({drawn(index, seed) for seed in range(20)}) > 8
    assert drawn(index.sample(frac=1, random_state=0), 1) == drawn(index, 1)
    without_rust = index[index["defect"] != "rust"]
    assert drawn(without_rust, 1) == drawn(index, 1)[:2]


def test_pinned_draws(index: pd.DataFrame) -> None:
    """Published splits must not change: a change of the code that moves them changes this test."""
    table = split(index, of(2), "bolt", "standard", seed=0)
    assert images(table, "labelled") == [
        "bolt/test/dent/001.png",
        "bolt/test/dent/003.png",
        "bolt/test/rust/000.png",
        "bolt/test/rust/002.png",
    ]


def test_every_image_can_be_drawn(index: pd.DataFrame) -> None:
    drawn = set()
    for seed in range(40):
        drawn.update(images(split(index, of(1), "nut", "standard", seed), "labelled"))
    assert drawn == {"nut/test/dent/000.png", "nut/test/dent/001.png"}


def test_anomalies_among_the_training_images_are_the_labelled_ones(index: pd.DataFrame) -> None:
    """Then the test set stays whole, and those that are not drawn are left out."""
    whole = split(index, of(1), "bolt", "one_class", seed=0)
    own = index["image"].isin([f"bolt/test/dent/00{number}.png" for number in (0, 1, 2)])
    moved = index.assign(split=index["split"].mask(own, "train"))
    table = split(moved, of(2), "bolt", "standard", seed=0)
    assert set(images(table, "labelled")) < set(index.loc[own, "image"])
    assert len(images(table, "labelled")) == 2
    assert len(images(table, "normal")) == 4
    assert set(images(table, "test")) == set(images(whole, "test")) - set(index.loc[own, "image"])
    assert len(images(split(moved, of(3), "bolt", "standard", seed=0), "labelled")) == 3
    with pytest.raises(ConfigError, match=r"4 labelled .* are not there \('dent' has 3\); set"):
        split(moved, of(4), "bolt", "standard", seed=0)
    assert split(moved, of(1), "bolt", "one_class", seed=0)["role"].value_counts().to_dict() == {
        "test": 8,
        "normal": 4,
    }


def test_too_many_labelled(index: pd.DataFrame, make_category: Callable[..., None]) -> None:
    with pytest.raises(ConfigError) as error:
        split(index, of(3), "bolt", "standard", seed=0)
    assert str(error.value) == (
        "category 'bolt': 3 labelled images of each defect type leave none to test ('rust' has 3); "
        "set 'labelled_of: {bolt: 2}' in its entry of config/datasets.yaml"
    )
    with pytest.raises(ConfigError, match=r"'dent' has 4, 'rust' has 3"):
        split(index, of(5), "bolt", "anomalies_only", seed=0)
    with pytest.raises(ConfigError, match="labelled=0; at least 1"):
        split(index, of(0), "bolt", "standard", seed=0)
    single = index[~index["image"].str.contains("nut/test/dent/001")]
    with pytest.raises(ConfigError, match="add images to that type, or remove it"):
        split(single, of(1), "nut", "standard", seed=0)


def test_unknown_categories_and_scenarios_are_refused(index: pd.DataFrame) -> None:
    with pytest.raises(ConfigError, match=r"no category 'bolts'; did you mean 'bolt'.* add it and"):
        split(index, of(1), "bolts", "standard", 0)
    with pytest.raises(ConfigError, match="no scenario 'one-class'; did you mean 'one_class'"):
        split(index, of(1), "bolt", "one-class", 0)


def test_a_split_is_equal_after_writing_and_reading(index: pd.DataFrame, tmp_path: Path) -> None:
    table = split(index, of(1), "nut", "standard", 0)
    write_csv(tmp_path / "split.csv", table)
    assert read_split(tmp_path / "split.csv").equals(table)


def test_unknown_roles_and_empty_tables_are_refused(index: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    table = split(index, of(1), "nut", "standard", 0)
    write_csv(path, table.replace({"role": {"test": "testt"}}))
    with pytest.raises(DataError) as error:
        read_split(path)
    assert str(error.value) == (
        f"{path}: column 'role' holds 'testt', and only normal, validation, labelled, test are "
        "allowed; correct it, or make it again with 'aexad split'"
    )
    write_csv(path, table.iloc[:0])
    with pytest.raises(DataError, match=r"split\.csv: no row below the header; make it again"):
        read_split(path)


def lose(tree: Path, *defects: str) -> Dataset:
    """Shrink the masks of some defects to one pixel, which size 8 does not sample."""
    for name in defects:
        save_mask(tree, name, np.s_[4, 6])
    return of(2, size=16).model_copy(update={"size": 8})


def test_an_anomaly_whose_mask_is_lost_is_not_labelled(
    tree: Path, index: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    index["marks"] = MARKS[2]  # the nearest pixel decides
    before = split(index, of(2), "bolt", "standard", 0)
    lost, kept = images(before, "labelled")[:2]
    dataset = lose(tree, f"dent/{Path(lost).stem}")
    after = split(index, dataset, "bolt", "standard", 0, tree)
    assert lost in images(after, "test")
    labelled = images(after, "labelled")
    assert len(labelled) == 4
    assert kept in labelled
    assert set(images(before, "labelled")[2:]) <= set(labelled)  # the other type
    assert f"{lost}: marks no pixel at working size 8, so 1 of the 2 labelled 'dent'" in caplog.text
    # Where no drawn mask is lost, the draw is that of every other size.
    other = next(name for name in images(after, "test") if "/dent/" in name and name != lost)
    lose(tree, f"dent/{Path(other).stem}")
    save_mask(tree, f"dent/{Path(lost).stem}", np.s_[4:8, 6:10])
    assert split(index, dataset, "bolt", "standard", 0, tree).equals(before)


def save_mask(tree: Path, defect: str, marked: Any) -> None:
    mask = np.zeros((16, 16), np.uint8)
    mask[marked] = 255
    Image.fromarray(mask).save(tree / f"bolt/ground_truth/{defect}_mask.png")


def test_lost_masks_without_another_anomaly_are_an_error(tree: Path, index: pd.DataFrame) -> None:
    index["marks"] = MARKS[2]  # the nearest pixel decides
    dataset = lose(tree, *(f"dent/{i:03}" for i in range(4)))
    with pytest.raises(DataError, match=r"marks no pixel at working size 8, and no other 'dent'"):
        split(index, dataset, "bolt", "standard", 0, tree)
