"""File times in the future, which the workflow sets to now before its first job."""

import os
import time
from pathlib import Path

import pytest

from aexad.runtime.errors import MachineError
from aexad.runtime.preflight import reset_future_file_times


@pytest.fixture
def future(tmp_path):
    """A file from tomorrow, beside one from yesterday."""
    path, now = tmp_path / "runs/maps.npz", time.time()
    path.parent.mkdir()
    for each, moment in ((path, now + 86400), (tmp_path / "old.csv", now - 86400)):
        each.touch()
        os.utime(each, (moment, moment))
    return path


def test_times_in_the_future_are_set_to_now(future, tmp_path):
    assert reset_future_file_times(tmp_path) == 1
    assert future.stat().st_mtime <= time.time()
    assert reset_future_file_times(tmp_path) == 0


def test_a_folder_that_a_job_removes_meanwhile_is_passed_over(future, tmp_path, monkeypatch):
    """Jobs on a cluster go on when Snakemake was killed and is called again."""
    temporary, scandir = tmp_path / "runs/.maps.npz-abcdefgh", os.scandir
    temporary.mkdir()

    def removing(folder):
        if Path(folder) == temporary:
            temporary.rmdir()
        return scandir(folder)

    monkeypatch.setattr("os.scandir", removing)
    assert reset_future_file_times(tmp_path) == 1


def test_a_file_of_another_user_is_told(future, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.utime", refuse)  # root may set any time
    with pytest.raises(MachineError) as caught:
        reset_future_file_times(tmp_path)
    assert str(caught.value) == (
        f"{future}: its time is in the future and cannot be set (Operation not permitted); ask its "
        f"owner for 'touch {future}'"
    )
