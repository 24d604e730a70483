"""Entries of the catalogue that would do nothing, or something else than they say."""

from pathlib import Path
from typing import Any

import pytest

from aexad.config.catalogue import Dataset, Limit, read_catalogue
from aexad.config.scenarios import SCENARIOS
from aexad.config.schema import validate
from aexad.data.tables import TRAINED_ROLES
from aexad.report.labels import SCENARIO_PHRASES
from aexad.runtime.errors import ConfigError

ENTRY = {"title": "Set", "adaptor": "mvtec_layout", "labelled": 3}


@pytest.mark.parametrize(
    ("labelled_of", "message"),
    [
        (
            {"gird": 1},
            "'labelled_of': no category 'gird'; did you mean 'grid'? (got {'gird': 1})",
        ),
        ({"grid": 0}, "'labelled_of.grid': input should be greater than or equal to 1 (got 0)"),
    ],
)
def test_labelled_of(labelled_of: dict[str, int], message: str) -> None:
    entry: dict[str, Any] = ENTRY | {"categories": ["grid", "nut"], "labelled_of": labelled_of}
    with pytest.raises(ConfigError) as error:
        validate(Dataset, entry, "file: data set 'set'")
    assert str(error.value) == f"file: data set 'set': {message}"


def test_labelled_of_single_categories() -> None:
    for categories in (["grid", "nut"], None):
        entry: dict[str, Any] = ENTRY | {"categories": categories, "labelled_of": {"grid": 1}}
        dataset = validate(Dataset, entry, "file")
        assert dataset.labelled_per_defect("grid") == 1
        assert dataset.labelled_per_defect("nut") == 3


CLASSES = {"title": "Set", "adaptor": "class_folders"}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            ENTRY | {"torchvision": "MNIST"},
            "'torchvision' and 'stored_size' apply to class_folders",
        ),
        (ENTRY | {"stored_size": 28}, "'torchvision' and 'stored_size' apply to class_folders"),
        (CLASSES | {"stored_size": 300}, "'stored_size' 300 is larger than 'size' 224"),
        (CLASSES | {"evaluation": {"size": "native"}}, "class_folders have no masks"),
        (CLASSES | {"limit": {"train": 0, "test": 1}}, "'limit.train': input should be greater"),
        (CLASSES | {"validation": 1}, "'validation': input should be less than 1"),
    ],
)
def test_an_entry_that_contradicts_itself(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        validate(Dataset, entry, "file: data set 'set'")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


ENTRIES = """
whole: {title: Digits, adaptor: class_folders, source: /digits, stored_size: 28, validation: 0.2}
small: {base: whole, limit: {train: 20, test: 10}}
smaller: {base: small, limit: {test: 5}}
"""


def test_an_entry_with_a_base_uses_its_files(tmp_path: Path) -> None:
    path = tmp_path / "datasets.yaml"
    path.write_text(ENTRIES)
    catalogue = read_catalogue(path)
    assert [entry.files for entry in catalogue.values()] == [None, "whole", "whole"]
    smaller = catalogue["smaller"]
    assert (smaller.source, smaller.stored, smaller.validation) == ("/digits", 28, 0.2)
    assert smaller.limit == Limit(train=20, test=5)
    assert catalogue["whole"].full_title == "Digits"
    assert smaller.full_title == "Digits limited to 20 training and 5 test images per category"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{base: whole, source: /here}", "its base 'whole' gives the files, so source cannot"),
        ("{base: whale}", "no base 'whale'; did you mean 'whole'?"),
        ("{base: mine}", "'base' runs in a circle: mine -> mine"),
    ],
)
def test_a_base_that_cannot_be(tmp_path: Path, entry: str, message: str) -> None:
    path = tmp_path / "datasets.yaml"
    path.write_text(f"{ENTRIES}mine: {entry}")
    with pytest.raises(ConfigError) as error:
        read_catalogue(path)
    assert str(error.value).startswith(f"{path}: data set 'mine': {message}")


def test_classes_allow_one_scenario() -> None:
    assert Dataset(**CLASSES).scenarios == ("one_class",)
    assert len(Dataset(**ENTRY).scenarios) == 3


def test_the_catalogue_of_the_project_is_whole() -> None:
    catalogue = read_catalogue(Path(__file__).parents[2] / "config/datasets.yaml")
    assert catalogue["mnist"].categories == [str(digit) for digit in range(10)]
    assert (catalogue["mnist_small"].files, catalogue["cifar10_small"].files) == (
        "mnist",
        "cifar10",
    )
    assert (catalogue["mnist"].validation, catalogue["cifar10"].validation) == (0.2, 0.1)


def test_every_scenario_has_its_images_and_its_words() -> None:
    assert tuple(TRAINED_ROLES) == tuple(SCENARIO_PHRASES) == SCENARIOS
