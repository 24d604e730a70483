"""Entries of the catalogue that would do nothing, or something else than they say."""

from typing import Any

import pytest

from aexad.data.catalogue import Dataset
from aexad.errors import ConfigError
from aexad.schema import validate

ENTRY = {"title": "Set", "adaptor": "mvtec_layout", "labelled": 3}


@pytest.mark.parametrize(
    ("labelled_of", "message"),
    [
        ({"gird": 1}, "'labelled_of': no category 'gird'; did you mean 'grid'?"),
        ({"grid": 0}, "'labelled_of': 'grid' needs at least 1 labelled anomaly of each type"),
    ],
)
def test_labelled_of(labelled_of: dict[str, int], message: str) -> None:
    entry: dict[str, Any] = ENTRY | {"categories": ["grid", "nut"], "labelled_of": labelled_of}
    with pytest.raises(ConfigError) as error:
        validate(Dataset, entry, "file: data set 'set'")
    assert str(error.value) == f"file: data set 'set': {message} (got {labelled_of})"


def test_labelled_of_single_categories() -> None:
    for categories in (["grid", "nut"], None):
        entry: dict[str, Any] = ENTRY | {"categories": categories, "labelled_of": {"grid": 1}}
        dataset = validate(Dataset, entry, "file")
        assert dataset.labelled_per_defect("grid") == 1
        assert dataset.labelled_per_defect("nut") == 3
