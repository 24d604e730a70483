import numpy as np
import pandas as pd
import pytest

from aexad.files import write_csv, write_json, write_npz, written_whole


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("old")

    def fail_halfway():
        with written_whole(path) as temporary:
            temporary.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail_halfway()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_result_is_as_readable_as_any_new_file(tmp_path):
    (tmp_path / "plain").touch()
    write_json(tmp_path / "result.json", {})
    modes = [(tmp_path / name).stat().st_mode for name in ("plain", "result.json")]
    assert modes[0] == modes[1]


def test_equal_content_gives_equal_bytes(tmp_path):
    arrays = {"a": np.arange(5), "b": np.array(["x", "yy"])}
    table = pd.DataFrame({"value": [0.1, 1 / 3]})
    for folder in ("one", "two"):
        write_npz(tmp_path / folder / "maps.npz", arrays)
        write_csv(tmp_path / folder / "table.csv", table)
        write_json(tmp_path / folder / "values.json", {"b": 1, "a": [1.5]})
    for name in ("maps.npz", "table.csv", "values.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert pd.read_csv(tmp_path / "one" / "table.csv")["value"].tolist() == [0.1, 1 / 3]


def test_pickles_and_nan_are_refused(tmp_path):
    with pytest.raises(TypeError, match="array 'a' has dtype object"):
        write_npz(tmp_path / "maps.npz", {"a": np.array([None])})
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "values.json", float("nan"))
    assert list(tmp_path.iterdir()) == []
