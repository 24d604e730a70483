"""A training job that is killed, as Snakemake runs it: one verb, one process, one folder."""

import importlib
import itertools
import json
import multiprocessing
import os
import re
import signal
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from aexad.cli.parser import main
from aexad.runtime.energy import INTERRUPTED
from aexad.runtime.files import write_npz
from aexad.training.loop import Training

EPOCHS = 12
STEP = "aexad.training.step:Step.__call__"  # once to measure its memory, then twice an epoch
UPDATE, RENAME = "torch.optim:Adam.step", "pathlib:Path.replace"
KILLS = [
    (STEP, 1),  # before the first epoch
    (STEP, 5),
    (UPDATE, 3),  # between the gradients and the update
    ("aexad.training.checkpoint:Checkpoints.write", 2),
    (RENAME, 1),  # the checkpoint is written and not yet in its place
    (RENAME, 2),
    ("aexad.training.loop:restore_optimiser", 1),
    (STEP, 2),
    ("aexad.training.loop:Training._state", 3),
    ("aexad.training.model_store:save_model", 1),  # after the last epoch
]
RESUMED = [0, 0, 1, 2, 3, 3, 4, 4, 4, 6, 11]
"""Where the process kills itself, the same on every machine: a function, and which of its calls."""
METHODS = f"""
slow: {{encoder: test_vit.r160_in1k, weights: none, tuning: full, batch_size: 6, epochs: {EPOCHS}}}
"""


CONTEXT = multiprocessing.get_context("forkserver")
LONG = 300  # seconds that a process waits for another one


def at(place, number, act):
    """Call ``act`` when a function is called for the ``number``-th time, before its own code."""
    module, names = place.split(":")
    owner = importlib.import_module(module)
    *outer, name = names.split(".")
    for each in outer:
        owner = getattr(owner, each)
    original, calls = getattr(owner, name), itertools.count(1)

    def watched(*arguments, **named):
        if next(calls) == number:
            act()
        return original(*arguments, **named)

    setattr(owner, name, watched)


def killed_in(place, number, folder):
    at(place, number, lambda: os.kill(os.getpid(), signal.SIGKILL))
    train_in(folder)


def held_in(folder, trains, goes_on):
    """Train, but say when the first step is reached, and wait there."""
    at(STEP, 1, lambda: (trains.set(), goes_on.wait(LONG)))
    train_in(folder)


def train_in(folder, *more):
    arguments = ["--method", "slow", "--methods", "methods.yaml", "--seed", "0", "--device", "cpu"]
    arguments += ["--training-set", "train.npz", "--checkpoint-epochs", "1"]
    raise SystemExit(
        main(["train", *arguments, "--output", folder, "--log", f"{folder}.log", *more])
    )


@pytest.fixture
def start(tmp_path, monkeypatch, data):
    """Starts a training in a process of its own, from a server that has imported torch already."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "methods.yaml").write_text(METHODS)
    write_npz(tmp_path / "train.npz", data._asdict() | {"size": np.array([data.size])})
    CONTEXT.set_forkserver_preload(["aexad.training.train", "aexad.cli.training", __name__])

    def one(task, *arguments):
        process = CONTEXT.Process(target=task, args=arguments)
        process.start()
        return process

    return one


def result(folder):
    history = pd.read_csv(folder / "training.csv").drop(columns="seconds")
    return (folder / "model.safetensors").read_bytes(), history.to_csv()


def resumed_after(log):
    """The epoch after which the training of a log went on; 0 if it began anew."""
    return max([0, *map(int, re.findall(r"resumed after epoch (\d+)", log.read_text()))])


def test_killed_ten_times_it_ends_with_the_same_bytes(tmp_path, start):
    whole = start(train_in, "whole")
    whole.join()
    assert whole.exitcode == 0
    resumed = []
    for place, number in KILLS:
        process = start(killed_in, place, number, "resumed")
        process.join()
        assert process.exitcode == -signal.SIGKILL, f"{place} was not called {number} times"
        resumed.append(resumed_after(tmp_path / "resumed.log"))
    last = start(train_in, "resumed")
    last.join()
    assert last.exitcode == 0
    assert [*resumed, resumed_after(tmp_path / "resumed.log")] == RESUMED
    assert result(tmp_path / "resumed") == result(tmp_path / "whole")
    left = {path.name for path in (tmp_path / "resumed").iterdir()}
    assert left == {"model.safetensors", "training.csv", "provenance.json", ".lock"}


def test_two_processes_on_one_run_do_not_corrupt_it(tmp_path, start):
    start(train_in, "whole").join()
    trains, goes_on = CONTEXT.Event(), CONTEXT.Event()
    first = start(held_in, "run", trains, goes_on)
    assert trains.wait(LONG)
    second = start(train_in, "run")
    second.join()
    goes_on.set()
    first.join()
    assert (first.exitcode, second.exitcode) == (0, 1)
    assert result(tmp_path / "run") == result(tmp_path / "whole")


class Tracker:
    """codecarbon's, as far as it is used; 0.5 kWh whatever happens."""

    def __init__(self, **_):
        self.final_emissions_data = SimpleNamespace(
            energy_consumed=0.5, emissions=0.25, country_name="Germany"
        )

    def start(self):
        pass

    def stop(self):
        pass


def test_the_energy_of_its_last_part_is_not_taken_for_the_whole(tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    codecarbon = SimpleNamespace(OfflineEmissionsTracker=Tracker)
    monkeypatch.setitem(sys.modules, "codecarbon", codecarbon)
    (tmp_path / "methods.yaml").write_text(METHODS.replace(f"epochs: {EPOCHS}", "epochs: 3"))
    write_npz(tmp_path / "train.npz", data._asdict() | {"size": np.array([data.size])})

    def energy(folder):
        with pytest.raises(SystemExit, match="0"):
            train_in(folder, "--country", "DEU")
        return json.loads((tmp_path / folder / "provenance.json").read_text())["energy"]

    assert energy("whole") == {"kwh": 0.5, "co2_g": 250.0, "reason": None}
    whole = Training._epoch

    def killed(self, epoch):
        if epoch == 3:
            raise KeyboardInterrupt
        return whole(self, epoch)

    with monkeypatch.context() as patch:
        patch.setattr(Training, "_epoch", killed)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            train_in("resumed")
    assert energy("resumed") == {"kwh": None, "co2_g": None, "reason": INTERRUPTED}
