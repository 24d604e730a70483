"""Faults of the machine: a full or read-only disk, a clock that jumps."""

import errno
import os
import resource
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch
from smoke_run import DATA, RUN, TARGET, is_one_line, read_whole, results

from aexad.training import features

pytestmark = pytest.mark.workflow

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk: run it as root")


@contextmanager
def mounted(folder, kilobytes):
    """Mount a small disk at a folder while the block runs."""
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
    """Run a verb; return its exit status and what it printed."""
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


INFER = (
    f"infer --method ae-smoke --dataset textures_tiny --model {RUN}/model.safetensors"
    f" --split {DATA}/split.csv --device cpu"
)
EVALUATE = f"evaluate --maps {RUN}/maps.npz --masks {DATA}/split.csv --dataset textures_tiny"


class TestFullDisk:
    @AS_ROOT
    def test_a_run_stops_with_one_line_and_continues_when_there_is_room(self, one_run, tmp_path):
        project = one_run.clone(tmp_path / "project", "data")
        (project.folder / "results").mkdir()
        with mounted(project.folder / "results", 2000) as remount:
            stopped = project.snakemake(TARGET, check=False)
            assert stopped.returncode
            messages = [line for line in stopped.stdout.splitlines() if line.startswith("aexad: ")]
            assert messages == [
                f"aexad: {RUN}/train.npz: No space left on device; make room on the disk, then "
                "continue with the same call"
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
    def test_a_project_on_a_full_disk_is_reported_before_snakemake_fails(self, one_run, tmp_path):
        (tmp_path / "disk").mkdir()
        kilobytes = 20_000  # more than the sources, with the archives of the studies
        with mounted(tmp_path / "disk", kilobytes):
            project = one_run.clone(tmp_path / "disk/project")
            with pytest.raises(OSError, match="No space left"):
                (tmp_path / "disk/filler").write_bytes(bytes(1024 * kilobytes))
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

    def test_a_limit_on_the_size_of_files_is_reported(self, copy_of_run):
        before = (copy_of_run.folder / RUN / "maps.npz").read_bytes()
        done = verb(
            copy_of_run,
            f"{INFER} --output {RUN}/maps.npz",
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
        )
        is_one_line(done, f"{RUN}/maps.npz: File too large; raise the limit")
        assert (copy_of_run.folder / RUN / "maps.npz").read_bytes() == before
        assert not list((copy_of_run.folder / RUN).glob(".maps*"))


class TestReadOnly:
    @AS_ROOT
    def test_results_on_a_read_only_disk_are_reported_before_the_first_job(self, copy_of_run):
        folder = copy_of_run.folder / "results"
        shutil.rmtree(folder / "runs")
        kept = shutil.copytree(folder, copy_of_run.folder / "kept")
        with mounted(folder, 20_000) as remount:
            shutil.copytree(kept, folder, dirs_exist_ok=True)
            remount("ro")
            stopped = copy_of_run.snakemake(TARGET, check=False)
            assert stopped.returncode
            assert "results: not writable (a read-only disk" in stopped.stdout
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

    def test_a_home_that_cannot_be_written_to(self, one_run, tmp_path, monkeypatch):
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        monkeypatch.setenv("HOME", "/proc/none")
        project = one_run.clone(tmp_path / "project", "data")
        assert project.planned(TARGET)["train"] == 1
        assert (project.folder / ".snakemake/cache").is_dir()

    def test_a_file_in_the_place_of_the_results_is_reported(self, one_run, tmp_path):
        project = one_run.clone(tmp_path / "project", "data")
        (project.folder / "results").touch()
        stopped = project.snakemake(TARGET, check=False)
        assert stopped.returncode
        assert "results: a file, where a folder must be; move it away" in stopped.stdout
        assert "Traceback" not in stopped.stdout


YEAR = 365 * 24 * 3600


class TestClock:
    @pytest.mark.parametrize("jump", [YEAR, -YEAR], ids=["ahead", "back"])
    def test_results_of_another_time_are_not_made_again(self, copy_of_run, jump):
        """All times that were written while the clock was wrong are wrong by the same amount."""
        for path in (copy_of_run.folder / "results").rglob("*"):
            times = path.stat()
            os.utime(path, (times.st_atime + jump, times.st_mtime + jump))
        assert "train" not in copy_of_run.planned(TARGET)

    def test_a_run_ends_after_a_jump_between_two_jobs(self, copy_of_run, one_run):
        """The split and the model are a year ahead; then the clock was corrected."""
        later = time.time() + YEAR
        os.utime(copy_of_run.folder / DATA / "split.csv", (later, later))
        os.utime(copy_of_run.folder / RUN / "model.safetensors", (later, later))
        for name in ("maps.npz", "inference.json", "per_image.csv", "metrics.json"):
            (copy_of_run.folder / RUN / name).unlink()
        output = copy_of_run.snakemake(TARGET).stdout
        assert "results: 2 file times in the future were set to now" in output
        assert results(copy_of_run) == results(one_run)
        assert copy_of_run.planned(TARGET) == {}


def test_features_without_room_on_the_disk_are_computed_in_each_step(tmp_path, monkeypatch):
    def full(handle, offset, length):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert features._on_disk((4, 2), torch.float32, tmp_path) is None
    assert list(tmp_path.iterdir()) == []
