"""One class against all others, validation images, and limits for a small machine."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from aexad.config.catalogue import Dataset
from aexad.data.index import build_index
from aexad.data.split import split
from aexad.data.tables import INDEX_COLUMNS
from aexad.runtime.errors import ConfigError

COUNTS = {"cat": (10, 30), "dog": (20, 50), "eel": (30, 3)}  # train, test


def classes(**entry: Any) -> Dataset:
    return Dataset(title="Pets", adaptor="class_folders", **entry)


@pytest.fixture
def index() -> pd.DataFrame:
    rows = [
        (name, part, "good", f"{part}/{name}/{i:03}.png", "", "bright")
        for name, counts in COUNTS.items()
        for part, count in zip(("train", "test"), counts, strict=True)
        for i in range(count)
    ]
    return pd.DataFrame(sorted(rows), columns=INDEX_COLUMNS)


def roles(table: pd.DataFrame) -> dict[str, int]:
    return table["role"].value_counts(sort=False).to_dict()


def images(table: pd.DataFrame, role: str) -> set[str]:
    return set(table.loc[table["role"] == role, "image"])


def test_one_class_is_normal_and_all_others_are_anomalous(index: pd.DataFrame) -> None:
    table = split(index, classes(), "dog", "one_class", 0)
    assert roles(table) == {"normal": 20, "test": 83}
    test = table[table["role"] == "test"]
    assert test["defect"].value_counts().to_dict() == {"good": 50, "cat": 30, "eel": 3}
    for defect, part in test.groupby("defect"):
        name = "dog" if defect == "good" else defect
        assert all(image.startswith(f"test/{name}/") for image in part["image"])
    assert set(table["mask"]) == {""}


def test_other_scenarios_and_classes_are_refused(index: pd.DataFrame) -> None:
    for scenario in ("standard", "anomalies_only"):
        with pytest.raises(ConfigError, match=f"scenario '{scenario}' needs .*; use one_class"):
            split(index, classes(), "dog", scenario, 0)
    with pytest.raises(ConfigError, match=r"no category 'dogs'; did you mean 'dog'"):
        split(index, classes(), "dogs", "one_class", 0)


def test_validation_is_a_share_of_the_normal_images(index: pd.DataFrame) -> None:
    whole = split(index, classes(), "dog", "one_class", 0)
    table = split(index, classes(validation=0.2), "dog", "one_class", 0)
    assert list(roles(table).items()) == [("normal", 16), ("validation", 4), ("test", 83)]
    assert images(table, "normal") | images(table, "validation") == images(whole, "normal")
    assert images(table, "test") == images(whole, "test")
    other = split(index, classes(validation=0.2), "dog", "one_class", 1)
    assert images(other, "validation") != images(table, "validation")
    again = split(
        index.sample(frac=1, random_state=0), classes(validation=0.2), "dog", "one_class", 0
    )
    assert again.equals(table)


def test_validation_takes_at_least_one_image_and_never_all(index: pd.DataFrame) -> None:
    assert roles(split(index, classes(validation=0.01), "cat", "one_class", 0))["validation"] == 1
    with pytest.raises(ConfigError, match=r"'cat': validation 0\.97 of 10 normal .* leaves none"):
        split(index, classes(validation=0.97), "cat", "one_class", 0)


def test_mvtec_layout_has_validation_and_limits_too(tree: Path) -> None:
    dataset = Dataset(title="Set", adaptor="mvtec_layout", labelled=1, validation=0.25)
    index = build_index(tree, "set", dataset)
    for scenario, labelled in (("standard", 2), ("one_class", 0)):
        expected = {"normal": 3, "validation": 1, "test": 11 - labelled}
        expected |= {"labelled": labelled} if labelled else {}
        assert roles(split(index, dataset, "bolt", scenario, 0)) == expected
    assert "validation" not in roles(split(index, dataset, "bolt", "anomalies_only", 0))
    limited = Dataset(**dataset.model_dump() | {"limit": {"train": 2, "test": 5}})
    table = split(index, limited, "bolt", "standard", 0)
    assert roles(table) == {"normal": 2, "validation": 1, "labelled": 2, "test": 5}
    assert roles(split(index, limited, "bolt", "anomalies_only", 0)) == {"labelled": 2, "test": 5}


def test_a_limit_keeps_every_kind_in_proportion(index: pd.DataFrame) -> None:
    dataset = classes(validation=0.2, limit={"train": 5, "test": 20})
    table = split(index, dataset, "dog", "one_class", 0)
    assert roles(table) == {"normal": 5, "validation": 1, "test": 20}
    # 20 of 83: 12.05 of 50 good, 7.2 of 30 cats, 0.7 of 3 eels.
    kinds = table.loc[table["role"] == "test", "defect"].value_counts().to_dict()
    assert kinds == {"good": 12, "cat": 7, "eel": 1}
    whole = split(index, classes(validation=0.2), "dog", "one_class", 0)
    assert images(table, "validation") < images(whole, "validation")
    assert images(table, "normal") < images(whole, "normal")
    assert images(table, "test") < images(whole, "test")
    assert split(index, dataset, "dog", "one_class", 0).equals(table)
    other = split(index, dataset, "dog", "one_class", 1)
    assert images(other, "test") != images(table, "test")


def test_a_limit_keeps_the_proportion_of_validation_images_that_a_data_set_brings() -> None:
    rows = [
        ("can", part, "good", f"{part}/{i:03}.png", "", "bright")
        for part, count in {"train": 200, "validation": 40, "test": 10}.items()
        for i in range(count)
    ]
    dataset = Dataset(title="Cans", adaptor="mvtec_ad_2", limit={"train": 50, "test": 10})
    table = split(pd.DataFrame(sorted(rows), columns=INDEX_COLUMNS), dataset, "can", "one_class", 0)
    assert roles(table) == {"normal": 50, "validation": 10, "test": 10}


@pytest.mark.parametrize("total", range(3, 84))
def test_a_limit_of_test_images_is_met_exactly(index: pd.DataFrame, total: int) -> None:
    """At least one image of each kind; otherwise the exact proportion, rounded up or down."""
    table = split(index, classes(limit={"train": 1, "test": total}), "dog", "one_class", 0)
    counts = table.loc[table["role"] == "test", "defect"].value_counts()
    assert counts.sum() == total
    assert counts.min() >= 1
    exact = pd.Series({"good": 50, "cat": 30, "eel": 3}) * total / 83
    free = exact[exact >= 1].index if (exact >= 1).all() else []
    assert all(np.abs(counts[kind] - exact[kind]) < 1 for kind in free)


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        (
            {"train": 17, "test": 10},
            "category 'dog': limit.train is 17, and there are 16 normal training images; lower it",
        ),
        (
            {"train": 16, "test": 84},
            "category 'dog': limit.test is 84, and there are 83 test images; lower it in config/",
        ),
        ({"train": 16, "test": 2}, "limit.test 2 has no room for one image of each of 3 kinds"),
    ],
)
def test_a_limit_that_cannot_be_met(
    index: pd.DataFrame, limit: dict[str, int], message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        split(index, classes(validation=0.2, limit=limit), "dog", "one_class", 0)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_pinned_draws(index: pd.DataFrame) -> None:
    """Published splits must not change: a change of the code that moves them changes this test."""
    dataset = classes(validation=0.2, limit={"train": 2, "test": 4})
    table = split(index, dataset, "cat", "one_class", 0)
    assert [f"{role} {image}" for role, image in table[["role", "image"]].to_numpy()] == [
        "normal train/cat/002.png",
        "normal train/cat/004.png",
        "validation train/cat/003.png",
        "test test/dog/000.png",
        "test test/dog/030.png",
        "test test/eel/000.png",
        "test test/cat/008.png",
    ]
