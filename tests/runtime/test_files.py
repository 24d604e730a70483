"""Files are written completely or not at all; arrays are checked when they are read."""

import errno
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aexad.runtime.atomic_folder import replaced_folder
from aexad.runtime.errors import DataError
from aexad.runtime.files import (
    read_npz,
    temporary_folder,
    write_csv,
    write_json,
    write_npz,
    write_text,
    written_whole,
)
from aexad.runtime.signals import Stopped, user_message


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


def message_of(path, names=("a", "b")):
    with pytest.raises(DataError) as caught:
        read_npz(path, names, "make it again")
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.endswith("; make it again")
    assert "\n" not in message
    return message


def test_arrays_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "a.npz"
    write_npz(path, {"a": np.arange(3), "b": np.array(["x", "y", "z"]), "other": np.zeros(7)})
    arrays = read_npz(path, ["a", "b"], "")
    assert [*arrays] == ["a", "b"]
    assert arrays["a"].tolist() == [0, 1, 2]
    assert arrays["b"].tolist() == ["x", "y", "z"]


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut", b"\x93NUMPY"])
def test_a_damaged_archive_is_reported(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    assert "damaged, or without one of the arrays a, b" in message_of(tmp_path / "a.npz")


def test_every_cut_of_an_archive_is_reported(tmp_path):
    write_npz(tmp_path / "whole.npz", {"a": np.arange(3), "b": np.arange(3)})
    whole = (tmp_path / "whole.npz").read_bytes()
    for end in range(0, len(whole), 17):
        (tmp_path / "a.npz").write_bytes(whole[:end])
        assert "damaged" in message_of(tmp_path / "a.npz")


def test_a_file_that_is_not_an_archive_of_these_arrays_is_reported(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(3))
    assert "damaged, or without" in message_of(tmp_path / "a.npy")
    assert "no such file" in message_of(tmp_path / "none.npz")
    assert "cannot be read (Is a directory)" in message_of(tmp_path)
    write_npz(tmp_path / "a.npz", {"a": np.arange(3)})
    assert "damaged, or without" in message_of(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", a=np.array([None]), b=np.array([None]))
    assert "damaged, or without" in message_of(tmp_path / "a.npz")


def test_arrays_of_different_lengths_are_reported(tmp_path):
    path = tmp_path / "a.npz"
    write_npz(path, {"a": np.zeros((3, 2)), "b": np.zeros(2)})
    assert "its arrays differ in length (a [3, 2], b [2])" in message_of(path)
    np.savez(path, a=np.float64(1), b=np.float64(2))
    assert "its arrays differ in length (a [], b [])" in message_of(path)


def test_only_leftovers_of_killed_processes_are_removed(tmp_path):
    kept = {".features", ".model.csv-abcdefgh", ".other.safetensors-abcdefgh", "a-b.csv"}
    for name in (*kept, ".model.safetensors-abcdefgh"):
        (tmp_path / name).mkdir()
    (tmp_path / ".model.safetensors-abcdefgh/model.safetensors").touch()
    with written_whole(tmp_path / "model.safetensors") as first:
        with written_whole(tmp_path / "model.safetensors") as second:
            assert first.parent.is_dir()  # held by a process that is writing
            second.write_text("second")
        first.write_text("first")
    assert (tmp_path / "model.safetensors").read_text() == "first"
    assert {path.name for path in tmp_path.iterdir()} == kept | {"model.safetensors"}


@pytest.mark.parametrize("stem", ["a" * 251, "é" * 125, "a" + "é" * 125])
def test_a_long_name_can_be_written(tmp_path, stem):
    path = tmp_path / f"{stem}.csv"
    with written_whole(path) as temporary:
        left = temporary.parent.with_name(f"{temporary.parent.name[:-8]}abcdefgh")
        temporary.touch()
    left.mkdir()  # of a killed process
    write_text(path, "second")
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_that_is_too_long_is_told(tmp_path):
    with pytest.raises(OSError, match="too long") as caught:
        write_text(tmp_path / ("a" * 256), "")
    assert user_message(caught.value).endswith(f"{'a' * 256}: File name too long; shorten the name")


def test_a_folder_that_is_not_replaced_stays(tmp_path, monkeypatch):
    """A signal between the two renames must not cost both the old and the new files."""
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/old.csv").touch()
    rename = Path.rename

    def stopped(self, target):
        if self.name == "new":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", stopped)
    with (
        pytest.raises(KeyboardInterrupt),
        replaced_folder(tmp_path / "tables", "*.csv") as new,
    ):
        (new / "new.csv").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["tables", "old.csv"]


def test_leftovers_of_a_folder_are_removed(tmp_path):
    left = tmp_path / ".panels-abcdefgh"
    (left / "new").mkdir(parents=True)
    (left / "new/crack_000.png").touch()
    with temporary_folder(tmp_path / "panels") as first:
        with temporary_folder(tmp_path / "panels"):
            assert first.is_dir()
        assert list(tmp_path.iterdir()) == [first]
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_a_write_names_the_result(tmp_path):
    def fail(error):
        with written_whole(tmp_path / "result.txt"):
            raise error

    with pytest.raises(OSError, match=r"No space left on device: .*result.txt"):
        fail(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    with pytest.raises(OSError, match=r"encoder error -2: .*result.txt"):
        fail(OSError("encoder error -2"))  # Pillow's, on some full disks
    with pytest.raises(FileNotFoundError, match="elsewhere"):
        fail(FileNotFoundError(errno.ENOENT, "no such file", "/elsewhere/input.txt"))


def test_file_and_folder_are_flushed_around_the_rename(tmp_path, monkeypatch):
    seen = []
    path = tmp_path / "result.txt"
    monkeypatch.setattr("aexad.runtime.files.flush", lambda p: seen.append((p, path.exists())))
    write_text(path, "whole")
    (temporary, before), (folder, after) = seen
    assert temporary.name == "result.txt"
    assert temporary.parent.name.startswith(".result.txt-")
    assert (before, folder, after) == (False, tmp_path, True)


def test_a_signal_while_the_temporary_folder_is_removed_leaves_nothing(tmp_path, monkeypatch):
    remove, calls = shutil.rmtree, []

    def interrupted_once(folder, **options):
        calls.append(folder)
        if len(calls) == 1:
            raise Stopped(signal.SIGTERM)
        remove(folder, **options)

    monkeypatch.setattr("aexad.runtime.files.shutil.rmtree", interrupted_once)
    with pytest.raises(Stopped), written_whole(tmp_path / "a.txt") as temporary:
        temporary.write_text("a")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
