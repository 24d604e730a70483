"""Locks are held until their process ends, also when it is killed."""

import subprocess
import sys

import pytest

from aexad.runtime import locks
from aexad.runtime.errors import ConfigError

HOLD = """
import sys, time
from pathlib import Path
from aexad.runtime.locks import first_free, only_one
with only_one(Path(sys.argv[1]) / "run", "training"):
    print(first_free(["a", "b"], Path(sys.argv[1])), flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "0\n"
        yield process
        process.kill()


def test_one_process_locks_a_folder_until_it_ends_or_is_killed(tmp_path, other):
    with (
        pytest.raises(
            ConfigError, match="run: another process is training in this folder; wait for it"
        ),
        locks.only_one(tmp_path / "run", "training"),
    ):
        pass
    other.kill()
    other.wait()
    with locks.only_one(tmp_path / "run", "training"):
        pass
    with locks.only_one(tmp_path / "run", "training"):  # freed by the block above
        pass


def test_each_process_takes_another_free_name(tmp_path, other):
    assert locks.first_free(["a", "b"], tmp_path) == 1
    taken = [sys.executable, "-c", HOLD.replace('"run"', '"more"'), str(tmp_path)]
    with subprocess.Popen(taken, stdout=subprocess.PIPE, text=True) as third:
        assert third.stdout.readline() == "None\n"
        third.kill()
