"""What the machine may do: a full or read-only disk, kills, two Snakemakes, a clock that jumps."""

import errno
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from smoke_run import DATA, RUN, TARGET

from aexad.training import features

pytestmark = pytest.mark.workflow

SLOW = "slow: {base: ae-smoke, epochs: 5000}\n"
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk: run it as root")
RESULTS = ("*.safetensors", "*.npz", "*.csv", "metrics.json")


@contextmanager
def mounted(folder, kilobytes):
    """A disk of its own at a folder; gone at the end."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mount is not permitted: run it where root may mount")
    try:
        yield lambda options: subprocess.run(
            ["mount", "-o", f"remount,{options}", str(folder)], check=True
        )
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def verb(project, line, **options):
    """Run a verb; its exit status, and what it printed."""
    process = subprocess.run(
        [sys.executable, "-m", "aexad", *line.split()],
        cwd=project.folder,
        env=os.environ | {"PYTHONPATH": str(project.folder)},
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
    return SimpleNamespace(status=process.returncode, text=process.stderr)


def is_one_line(done, *parts, status=1):
    assert done.status == status, done.text
    assert len(done.text.splitlines()) == 1, done.text
    assert done.text.startswith("aexad: ")
    for part in parts:
        assert part in done.text


def read_whole(folder):
    """Read every result; a torn one raises."""
    count = 0
    for path in folder.rglob("[!.]*"):
        if path.suffix == ".safetensors":
            with safe_open(path, framework="np") as file:
                assert [file.get_tensor(name) for name in file.keys()]  # noqa: SIM118
        elif path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                assert [arrays[name] for name in arrays]
        elif path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".csv":
            assert path.read_bytes().endswith(b"\n")
            assert len(pd.read_csv(path))
        else:
            continue
        count += 1
    return count


def results(project):
    """Bytes of the results; of the course of a training, without its seconds."""
    found = project.results(*RESULTS)
    for name in found:
        if name.endswith("training.csv"):
            curve = pd.read_csv(project.folder / "results" / name)
            found[name] = curve.drop(columns="seconds").to_csv()
    return found


INFER = (
    f"infer --method ae-smoke --dataset textures_tiny --model {RUN}/model.safetensors"
    f" --split {DATA}/split.csv --device cpu"
)
EVALUATE = f"evaluate --maps {RUN}/maps.npz --masks {DATA}/split.csv --dataset textures_tiny"


class TestFullDisk:
    @AS_ROOT
    def test_a_run_stops_in_one_line_and_goes_on_once_there_is_room(self, one_run, tmp_path):
        project = one_run.clone(tmp_path / "project", "data")
        (project.folder / "results").mkdir()
        with mounted(project.folder / "results", 2000) as remount:
            stopped = project.snakemake(TARGET, check=False)
            assert stopped.returncode
            told = [line for line in stopped.stdout.splitlines() if line.startswith("aexad: ")]
            assert told == [
                f"aexad: {RUN}/train.npz: No space left on device; make room on the disk, then go "
                "on with the same call"
            ]
            assert "Traceback" not in stopped.stdout
            assert read_whole(project.folder / "results") == 2  # index and split
            remount("size=100m")
            project.snakemake(TARGET)
            assert results(project) == results(one_run)

    @AS_ROOT
    def test_no_job_starts_on_a_disk_that_is_full_already(self, copy_of_run):
        shutil.rmtree(copy_of_run.folder / "results")
        (copy_of_run.folder / "results").mkdir()
        with mounted(copy_of_run.folder / "results", 512):
            stopped = copy_of_run.snakemake(TARGET, check=False)
        assert stopped.returncode
        assert "results: its disk has 0.5 MB left; make room" in stopped.stdout
        assert "Traceback" not in stopped.stdout
        assert "Select jobs" not in stopped.stdout

    @AS_ROOT
    def test_a_project_on_a_full_disk_is_told_before_snakemake_fails(self, one_run, tmp_path):
        (tmp_path / "disk").mkdir()
        with mounted(tmp_path / "disk", 4000):
            project = one_run.clone(tmp_path / "disk/project")
            with pytest.raises(OSError, match="No space left"):
                (tmp_path / "disk/filler").write_bytes(bytes(4_096_000))
            stopped = project.snakemake(TARGET, check=False)
        assert stopped.returncode
        assert ".: its disk has 0.0 MB left; make room" in stopped.stdout
        assert "Traceback" not in stopped.stdout

    @AS_ROOT
    def test_a_log_on_a_full_disk_hides_no_message(self, copy_of_run, tmp_path):
        (tmp_path / "full").mkdir()
        with mounted(tmp_path / "full", 4):  # a page: names fit, lines do not
            done = verb(
                copy_of_run, f"{EVALUATE} --output {tmp_path}/full/o --log {tmp_path}/full/log"
            )
        is_one_line(done, "/full/", "No space left on device; make room on the disk")

    def test_a_limit_on_the_size_of_files_is_told(self, copy_of_run):
        before = (copy_of_run.folder / RUN / "maps.npz").read_bytes()
        done = verb(
            copy_of_run,
            f"{INFER} --output {RUN}/maps.npz",
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
        )
        is_one_line(done, f"{RUN}/maps.npz: File too large; raise the limit")
        assert (copy_of_run.folder / RUN / "maps.npz").read_bytes() == before
        assert not list((copy_of_run.folder / RUN).glob(".maps-*"))


class TestReadOnly:
    @AS_ROOT
    def test_results_on_a_read_only_disk_are_told_before_the_first_job(self, copy_of_run):
        folder = copy_of_run.folder / "results"
        shutil.rmtree(folder / "runs")
        kept = shutil.copytree(folder, copy_of_run.folder / "kept")
        with mounted(folder, 20_000) as remount:
            shutil.copytree(kept, folder, dirs_exist_ok=True)
            remount("ro")
            stopped = copy_of_run.snakemake(TARGET, check=False)
            assert stopped.returncode
            assert "results: nothing can be written there (a read-only disk" in stopped.stdout
            assert "Traceback" not in stopped.stdout
            assert copy_of_run.planned(TARGET)["train"] == 1  # a plan writes no result

    @AS_ROOT
    def test_a_verb_on_a_read_only_disk_is_one_line(self, copy_of_run, tmp_path):
        (tmp_path / "disk").mkdir()
        with mounted(tmp_path / "disk", 1000) as remount:
            (tmp_path / "disk/o").mkdir()
            remount("ro")
            done = verb(copy_of_run, f"{EVALUATE} --output {tmp_path}/disk/o")
        is_one_line(done, "/disk/o/per_image.csv: Read-only file system; make it writable, or name")

    def test_a_file_in_the_place_of_the_results_is_told(self, one_run, tmp_path):
        project = one_run.clone(tmp_path / "project", "data")
        (project.folder / "results").touch()
        stopped = project.snakemake(TARGET, check=False)
        assert stopped.returncode
        assert "results: a file, where a folder must be; move it away" in stopped.stdout
        assert "Traceback" not in stopped.stdout


class Killing:
    """A project whose run is stopped by one signal after the other, and goes on each time."""

    def __init__(self, project):
        self.project, self.output = project, {}

    def start(self):
        return subprocess.Popen(
            [
                sys.executable,
                *f"-m snakemake --cores 2 --config benchmark=smoke -- {TARGET}".split(),
            ],
            cwd=self.project.folder,
            env=os.environ | {"PYTHONPATH": str(self.project.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def stop_in(self, rule, number, meanwhile=None):
        """Send a signal to all processes of the run once a job of this rule has begun."""
        log = self.project.folder / RUN / "logs" / f"{rule}.log"
        log.unlink(missing_ok=True)
        process = self.start()
        waiting = time.monotonic() + 120
        while not log.is_file() and process.poll() is None:
            assert time.monotonic() < waiting, f"{rule} does not begin"
            time.sleep(0.01)
        if meanwhile:
            os.killpg(process.pid, signal.SIGSTOP)  # it is still at work, however long this takes
            meanwhile()
        os.killpg(process.pid, number)
        output, _ = process.communicate(timeout=120)
        assert process.returncode, output
        self.output[number] = output
        assert read_whole(self.project.folder / "results")


@pytest.fixture(scope="module")
def killed(one_run, tmp_path_factory):
    """Stopped by Ctrl-C, by SIGTERM, and by SIGKILL while another Snakemake knocks."""
    killing = Killing(one_run.clone(tmp_path_factory.mktemp("killed") / "project", "data"))
    project = killing.project

    def knock():
        killing.output["second"] = project.snakemake(TARGET, check=False)

    # In trainings: shorter jobs may end before the signal comes.
    killing.stop_in("train", signal.SIGINT)
    killing.stop_in("train", signal.SIGTERM)
    killing.stop_in("infer", signal.SIGKILL, meanwhile=knock)
    killing.output["locked"] = project.snakemake(TARGET, check=False)
    project.snakemake("--unlock")
    killing.output["last"] = project.snakemake(TARGET)
    return killing


class TestKills:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
    def test_a_run_that_is_stopped_shows_no_traceback(self, killed, number):
        assert "Traceback" not in killed.output[number]
        assert f": stopped by {number.name}; what is finished is kept" in killed.output[number]

    def test_in_the_end_it_is_as_if_nothing_had_happened(self, killed, one_run):
        assert results(killed.project) == results(one_run)

    def test_what_was_finished_is_not_made_again(self, killed):
        assert "Training ae-smoke" not in killed.output["last"].stdout
        assert killed.project.planned(TARGET) == {}

    def test_a_second_snakemake_is_refused_and_harms_nothing(self, killed):
        assert killed.output["second"].returncode
        assert "Directory cannot be locked" in killed.output["second"].stdout
        assert "Traceback" not in killed.output["second"].stdout

    def test_a_lock_that_a_kill_left_is_told_with_the_way_out(self, killed):
        assert killed.output["locked"].returncode
        assert "--unlock" in killed.output["locked"].stdout
        assert "Traceback" not in killed.output["locked"].stdout

    def test_nothing_temporary_is_left(self, killed):
        left = [path.name for path in (killed.project.folder / "results").rglob(".*")]
        assert [name for name in left if name != ".lock"] == []


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=lambda n: str(n)
)
def test_a_verb_that_is_stopped_says_so_and_cleans_up(copy_of_run, number, status):
    with (copy_of_run.folder / "config/methods.yaml").open("a") as file:
        file.write(SLOW)
    copy_of_run.snakemake("--until", "augment", "--notemp", TARGET.replace("ae-smoke", "slow"))
    folder = copy_of_run.folder / DATA / "slow"
    line = (
        f"-m aexad train --method slow --seed 0 --training-set {DATA}/slow/train.npz"
        f" --output {DATA}/slow --device cpu --checkpoint-epochs 1"
    )
    with subprocess.Popen(
        [sys.executable, *line.split()],
        cwd=copy_of_run.folder,
        env=os.environ | {"PYTHONPATH": str(copy_of_run.folder)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not (folder / "checkpoint.safetensors").is_file():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        _, text = process.communicate(timeout=60)
    done = SimpleNamespace(status=process.returncode, text=text)
    is_one_line(done, f"train: stopped by {number.name}; ", "the same call goes on", status=status)
    assert {path.name for path in folder.glob("*.*")} == {
        "train.npz", "checkpoint.safetensors", ".lock",
    }  # fmt: skip


def test_a_signal_that_is_ignored_from_the_start_stays_ignored():
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from aexad.stopping import signals_raised\n"
        "with signals_raised(): signal.raise_signal(signal.SIGINT); print('went on')\n"
        "assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "went on\n"


YEAR = 365 * 24 * 3600


class TestClock:
    @pytest.mark.parametrize("jump", [YEAR, -YEAR], ids=["ahead", "back"])
    def test_results_of_another_time_are_not_made_again(self, copy_of_run, jump):
        """All that was written while the clock was wrong is wrong alike."""
        for path in (copy_of_run.folder / "results").rglob("*"):
            times = path.stat()
            os.utime(path, (times.st_atime + jump, times.st_mtime + jump))
        assert "train" not in copy_of_run.planned(TARGET)

    def test_after_a_jump_between_two_jobs_the_run_comes_to_its_end(self, copy_of_run, one_run):
        """The split and the model were written a year ahead; then the clock was corrected."""
        later = time.time() + YEAR
        os.utime(copy_of_run.folder / DATA / "split.csv", (later, later))
        os.utime(copy_of_run.folder / RUN / "model.safetensors", (later, later))
        for name in ("maps.npz", "inference.json", "per_image.csv", "metrics.json"):
            (copy_of_run.folder / RUN / name).unlink()
        output = copy_of_run.snakemake(TARGET).stdout
        assert "results: 2 files were newer than now, and are of now" in output
        assert results(copy_of_run) == results(one_run)
        assert copy_of_run.planned(TARGET) == {}


def test_features_that_find_no_room_on_the_disk_are_computed_in_each_step(tmp_path, monkeypatch):
    def full(handle, offset, length):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert features._on_disk((4, 2), torch.float32, tmp_path) is None
    assert list(tmp_path.iterdir()) == []
