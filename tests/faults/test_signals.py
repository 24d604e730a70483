"""Runs that are stopped or killed, and two Snakemakes: they continue, and nothing is lost."""

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from smoke_run import DATA, RUN, TARGET, is_one_line, read_whole, results

pytestmark = pytest.mark.workflow

SLOW = "slow: {base: ae-smoke, epochs: 5000}\n"


@pytest.fixture(scope="module", autouse=True)
def heard():
    """SIGINT is heard: the shell of a script has it ignored by ``pytest &`` and all children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Killing:
    """A project whose run is stopped by several signals and continued each time."""

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
        """Send a signal to all processes of the run when a job of this rule has begun."""
        log = self.project.folder / RUN / "logs" / f"{rule}.log"
        log.unlink(missing_ok=True)
        process = self.start()
        waiting = time.monotonic() + 120
        while not log.is_file() and process.poll() is None:
            assert time.monotonic() < waiting, f"{rule} does not begin"
            time.sleep(0.01)
        if meanwhile:
            os.killpg(process.pid, signal.SIGSTOP)  # it keeps its lock meanwhile
            meanwhile()
        os.killpg(process.pid, number)
        output, _ = process.communicate(timeout=120)
        assert process.returncode, output
        self.output[number] = output
        assert read_whole(self.project.folder / "results")


@pytest.fixture(scope="module")
def killed(heard, one_run, tmp_path_factory):
    """Stopped by Ctrl-C, by SIGTERM, and by SIGKILL while a second Snakemake starts."""
    killing = Killing(one_run.clone(tmp_path_factory.mktemp("killed") / "project", "data"))
    project = killing.project

    def start_second():
        killing.output["second"] = project.snakemake(TARGET, check=False)

    # In trainings: shorter jobs may end before the signal comes.
    killing.stop_in("train", signal.SIGINT)
    killing.stop_in("train", signal.SIGTERM)
    killing.stop_in("infer", signal.SIGKILL, meanwhile=start_second)
    killing.output["locked"] = project.snakemake(TARGET, check=False)
    project.snakemake("--unlock")
    killing.output["last"] = project.snakemake(TARGET)
    return killing


class TestKills:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
    def test_a_run_that_is_stopped_shows_no_traceback(self, killed, number):
        assert "Traceback" not in killed.output[number]
        assert f": stopped by {number.name}; finished results are kept" in killed.output[number]

    def test_the_results_equal_an_undisturbed_run(self, killed, one_run):
        assert results(killed.project) == results(one_run)

    def test_finished_results_are_not_made_again(self, killed):
        assert "Training ae-smoke" not in killed.output["last"].stdout
        assert killed.project.planned(TARGET) == {}

    def test_a_second_snakemake_is_refused_and_harms_nothing(self, killed):
        assert killed.output["second"].returncode
        assert "Directory cannot be locked" in killed.output["second"].stdout
        assert "Traceback" not in killed.output["second"].stdout

    def test_a_lock_of_a_killed_snakemake_is_reported_with_its_remedy(self, killed):
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
    with (copy_of_run.folder / "config/methods/own.yaml").open("a") as file:
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
    is_one_line(
        done, f"train: stopped by {number.name}; ", "the same call continues", status=status
    )
    assert {path.name for path in folder.glob("*.*")} == {
        "train.npz", "checkpoint.safetensors", ".lock",
    }  # fmt: skip


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


class TestDropped:
    """Python drops the exceptions of finalizers and of the callbacks of weak references."""

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
    def test_a_signal_in_a_callback_stops_all_the_same(self, number):
        code = (
            "import signal, time, weakref\n"
            "from aexad.runtime.signals import Stopped, signals_raised\n"
            f"signal.signal({number}, signal.SIG_DFL)\n"
            "class Thing: pass\n"
            "thing = Thing()\n"
            f"held = weakref.ref(thing, lambda _: signal.raise_signal({number}))\n"
            "try:\n"
            "    with signals_raised():\n"
            "        del thing\n"
            "        time.sleep(10)\n"
            "        print('went on')\n"
            "except Stopped as stopped: print(stopped)\n"
        )
        done = run_python(code)
        assert done.stdout.startswith(f"stopped by {number.name}; ")
        assert done.stderr == ""

    def test_other_errors_are_shown_as_ever(self):
        code = (
            "from aexad.runtime.signals import signals_raised\n"
            "class Thing:\n"
            "    def __del__(self): 1 / 0\n"
            "thing = Thing()\n"
            "with signals_raised(): del thing\n"
        )
        done = run_python(code)
        assert "ZeroDivisionError" in done.stderr


def test_a_signal_that_is_ignored_from_the_start_stays_ignored():
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from aexad.runtime.signals import signals_raised\n"
        "with signals_raised(): signal.raise_signal(signal.SIGINT); print('went on')\n"
        "assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL\n"
    )
    done = run_python(code)
    assert done.stdout == "went on\n"
