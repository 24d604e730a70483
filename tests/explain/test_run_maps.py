"""The file of a run's maps: what is written is read, and settings of other versions are errors."""

import numpy as np
import pytest

from aexad.config.catalogue import Dataset
from aexad.config.recipe import HeatMap
from aexad.explain.run_maps import read_maps, read_settings, write_maps
from aexad.runtime.errors import DataError
from aexad.runtime.files import write_npz

MAPS = {"image": np.array(["a.png", "b.png"]), "heat_map": np.ones((2, 3, 3), np.float32)}


@pytest.mark.parametrize(
    ("keys", "levels", "tile"), [({}, None, None), ({"tile": 64, "levels": (1, 9)}, (1, 9), 64)]
)
def test_what_is_written_is_read(tmp_path, keys, levels, tile):
    dataset = Dataset(title="Mine", adaptor="mvtec_layout", **keys)
    path, settings = tmp_path / "maps.npz", HeatMap(filter=5)
    write_maps(path, MAPS, settings, dataset)
    found = read_maps(path, ["image", "heat_map"], ["reconstruction"])
    assert list(found) == list(MAPS)
    np.testing.assert_array_equal(found["heat_map"], MAPS["heat_map"])
    assert read_settings(path) == (settings, levels, tile)


@pytest.mark.parametrize("texts", [['{"filter": "of next year"}'], ["{"], ["{}", "{}"]])
def test_settings_of_another_version(tmp_path, texts):
    write_npz(tmp_path / "maps.npz", {"settings": np.array(texts)})
    with pytest.raises(DataError, match=r"maps\.npz: its settings are of another version; make it"):
        read_settings(tmp_path / "maps.npz")


def test_external_maps_have_no_settings(tmp_path):
    write_maps(tmp_path / "maps.npz", MAPS)
    with pytest.raises(DataError, match=r"without one of the arrays settings; make it with"):
        read_settings(tmp_path / "maps.npz")
