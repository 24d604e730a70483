"""A training job that is killed, as Snakemake runs it: one verb, one process, one folder."""

import json
import multiprocessing
import signal
import sys
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from aexad.cli.parser import main
from aexad.runtime.energy import INTERRUPTED
from aexad.runtime.files import write_npz
from aexad.training.loop import Training

EPOCHS = 40  # so many that the start, which differs from machine to machine, is the smaller part
KILLS = 10
METHODS = f"""
slow: {{encoder: test_vit.r160_in1k, weights: none, tuning: full, batch_size: 6, epochs: {EPOCHS}}}
"""


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
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["aexad.training.train", "aexad.cli.training", __name__])

    def one(folder):
        process = context.Process(target=train_in, args=(folder,))
        process.start()
        return process

    return one


def result(folder):
    history = pd.read_csv(folder / "training.csv").drop(columns="seconds")
    return (folder / "model.safetensors").read_bytes(), history.to_csv()


def changed_at(path):
    return path.stat().st_mtime_ns if path.is_file() else None


def test_killed_ten_times_it_ends_with_the_same_bytes(tmp_path, start):
    whole = start("whole")
    whole.join()
    assert whole.exitcode == 0
    began = time.perf_counter()
    start("timed").join()
    seconds = time.perf_counter() - began
    # Moments of which each leaves some epochs to do, even if every one comes early.
    moments = np.random.default_rng(0).uniform(0.02, 0.25, KILLS) * seconds
    killed = 0
    checkpoint = tmp_path / "resumed" / "checkpoint.safetensors"
    for number, moment in enumerate(moments):
        before = changed_at(checkpoint)
        process = start("resumed")
        if number % 2:  # right after its next checkpoint, however fast the machine is
            while process.is_alive() and changed_at(checkpoint) == before:
                time.sleep(0.002)
        else:
            process.join(moment)
        if process.is_alive():
            process.kill()
            process.join()
            assert process.exitcode == -signal.SIGKILL
            killed += 1
    assert killed >= KILLS - 2, "the machine was too uneven for the moments of this test"
    last = start("resumed")
    last.join()
    assert last.exitcode == 0
    assert "resumed after epoch" in (tmp_path / "resumed.log").read_text()
    assert result(tmp_path / "resumed") == result(tmp_path / "whole")
    left = {path.name for path in (tmp_path / "resumed").iterdir()}
    assert left == {"model.safetensors", "training.csv", "provenance.json", ".lock"}


def test_two_processes_on_one_run_do_not_corrupt_it(tmp_path, start):
    start("whole").join()
    both = [start("run"), start("run")]
    for process in both:
        process.join()
    assert sorted(process.exitcode for process in both) == [0, 1]
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
