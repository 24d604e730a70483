"""Kills at random moments: nothing may be lost, torn, or different in the end.

    python benchmarks/chaos.py --kills 50                    # half an hour and more on 2 cores
    python benchmarks/chaos.py --kills 50 --within 20        # where other work slows it down

The smoke benchmark runs in a copy of the project. Its whole process group is killed at random
moments (SIGKILL; every fifth time SIGTERM) and started again as a user would, after
`snakemake --unlock` where a lock was left. Once it is through, it starts from nothing again, until
there were as many kills as asked for. Then it may end. After each kill, every result is read whole;
at each end, the results are compared with those of a run that nobody disturbed.

The last line is one JSON object. `corrupt` counts result files that cannot be read whole; `lost`
counts finished results (not marked incomplete by Snakemake) that are gone after a later kill;
`identical_tables` is whether all results are the same bytes, but for measured seconds and memory.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from base64 import urlsafe_b64decode
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from safetensors import safe_open

ROOT = Path(__file__).parents[1]
PARTS = ("Snakefile", "workflow", "config", "profiles", "aexad", "environment.yml")
# Seconds and memory are measured anew in each run, and stand in these; as in tests/project.py.
COSTS = ("metrics.csv", "summary.md", "methods.", "accuracy_cost", "training.csv")
COMPARED = (".csv", ".safetensors", ".md", ".tex", "metrics.json", ".svg", ".png", ".npz")
PATIENCE = 120  # seconds for a run that was asked to end
REFUSED = "Directory cannot be locked"


class Project:
    """A copy of the project with its own library, data and results."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if folder.exists():
            return
        folder.mkdir(parents=True)
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, folder / part)

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """Start Snakemake as the leader of a process group; its output goes to a file."""
        command = [sys.executable, "-m", "snakemake", *options, "--cores", "2"]
        with (self.folder / "output.txt").open("wb") as output:
            return subprocess.Popen(
                [*command, "--config", "benchmark=smoke"],
                cwd=self.folder,
                env=os.environ | {"PYTHONPATH": str(self.folder), "HF_HUB_OFFLINE": "1"},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def output(self) -> str:
        """What the last call said."""
        return (self.folder / "output.txt").read_text(errors="replace")

    def finish(self) -> None:
        """Run to the end, as a user would after anything."""
        process = self.start()
        process.wait()
        if process.returncode and REFUSED in self.output():
            self.unlock()
            process = self.start()
            process.wait()
        if process.returncode:
            raise SystemExit(f"{self.output()[-3000:]}\nthe run cannot go on")

    def unlock(self) -> None:
        """Remove the lock that a killed Snakemake left."""
        if self.start("--unlock").wait():
            raise SystemExit(f"{self.output()[-3000:]}\nthe lock cannot be removed")

    def begin_again(self) -> None:
        """Forget all results."""
        for name in ("results", "data", ".snakemake"):
            shutil.rmtree(self.folder / name)

    def results(self) -> dict[str, Path]:
        """Result files by their paths below the project; temporary and hidden ones are none."""
        found = {}
        for place in ("results", "data"):
            for path in (self.folder / place).rglob("*"):
                parts = path.relative_to(self.folder).parts
                hidden = any(part.startswith(".") for part in parts)
                passing = path.name == "train.npz" or {"logs", "benchmarks"} & set(parts)
                if path.is_file() and not hidden and not passing:
                    found["/".join(parts)] = path
        return found

    def finished(self) -> set[str]:
        """Results that Snakemake takes for finished."""
        marks = self.folder / ".snakemake/incomplete"
        names = [path.name for path in marks.glob("*") if len(path.name) % 4 == 0]  # base64
        incomplete = [urlsafe_b64decode(name).decode() for name in names]
        return {
            name
            for name in self.results()
            if not any(name == each or name.startswith(f"{each}/") for each in incomplete)
        }

    def compared(self) -> dict[str, bytes]:
        """What has to be the same bytes in each run."""
        return {
            name: path.read_bytes()
            for name, path in self.results().items()
            if name.endswith(COMPARED)
        }


def read_whole(path: Path) -> None:
    """Read all of a result; anything is raised if it is torn."""
    if path.suffix == ".safetensors":
        with safe_open(path, framework="np") as file:
            for name in file.keys():  # noqa: SIM118 - it is no mapping
                file.get_tensor(name)
    elif path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            for name in arrays:
                arrays[name]
    elif path.suffix == ".json":
        json.loads(path.read_text(encoding="utf-8"))
    elif path.suffix == ".csv":
        if not path.read_bytes().endswith(b"\n"):
            raise ValueError("the last line has no end")
        pd.read_csv(path)
    elif path.suffix == ".png":
        with Image.open(path) as image:
            image.load()
    elif not path.stat().st_size:
        raise ValueError("empty")


def torn(project: Project) -> list[str]:
    """Results that cannot be read whole, and why."""
    problems = []
    for name, path in project.results().items():
        try:
            read_whole(path)
        except Exception as error:
            problems.append(f"{name}: {type(error).__name__}: {error}")
    return problems


def different(calm: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Results that are not the same, but for seconds and memory that were measured."""
    names = sorted(set(calm) ^ set(other))
    for name in sorted(set(calm) & set(other)):
        if calm[name] == other[name]:
            continue
        if not any(part in name for part in COSTS):
            names.append(name)
        elif name.endswith(("/metrics.csv", "/training.csv")):
            first, second = (without_costs(name, each[name]) for each in (calm, other))
            if not first.equals(second):
                names.append(name)
    return names


def without_costs(name: str, content: bytes) -> pd.DataFrame:
    """A table without its measured rows or columns."""
    table = pd.read_csv(io.BytesIO(content))
    if name.endswith("/training.csv"):
        return table.drop(columns="seconds")
    rows = table[~table["metric"].str.match("training_|inference_")]
    return rows.reset_index(drop=True)


def stop(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to a whole process group, and see to it that nothing of it is left."""
    os.killpg(process.pid, number)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        raise SystemExit(f"{number.name} did not end the run within {PATIENCE} s") from None
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    time.sleep(0.5)


def main() -> None:
    """Run undisturbed, then disturbed, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument(
        "--within",
        type=float,
        help="the latest moment, in seconds; default: a third of a whole run",
    )
    parser.add_argument(
        "--calm",
        type=Path,
        help="folder of the undisturbed run, to be used again; default: a temporary folder",
    )
    options = parser.parse_args()
    rng = random.Random(options.seed)  # noqa: S311 - moments, not secrets
    problems: dict[str, list[str]] = {"corrupt": [], "lost": [], "different": []}
    with tempfile.TemporaryDirectory() as name:
        calm = Project((options.calm or Path(name, "calm")).resolve())
        project = Project(Path(name, "killed"))
        known = bool(calm.results())
        began = time.perf_counter()
        calm.finish()
        seconds = time.perf_counter() - began
        told = "was there" if known else f"{seconds:.0f} s"
        print(f"undisturbed: {told}, {len(calm.compared())} files to compare", flush=True)
        latest = options.within or seconds / 3
        kills = passes = locks = 0
        finished: set[str] = set()
        while kills < options.kills:
            process, moment = project.start(), rng.uniform(0.5, latest)
            try:
                process.wait(moment)
            except subprocess.TimeoutExpired:
                kills += 1
                number = signal.SIGKILL if kills % 5 else signal.SIGTERM
                stop(process, number)
                problems["corrupt"] += torn(project)
                problems["lost"] += sorted(finished - set(project.results()))
                finished = project.finished()
                told = f"kill {kills}: {number.name} after {moment:.1f} s"
                print(f"{told}, {len(finished)} result files are finished", flush=True)
            else:
                if process.returncode == 0:
                    passes += 1
                    problems["different"] += different(calm.compared(), project.compared())
                    project.begin_again()
                    finished = set()
                elif REFUSED in project.output():
                    locks += 1
                    project.unlock()
                else:
                    raise SystemExit(f"{project.output()[-3000:]}\nthe run stopped by itself")
        project.finish()
        problems["different"] += different(calm.compared(), project.compared())
        problems["corrupt"] += torn(project)
        left = [str(path) for path in (project.folder / "results").rglob(".*-????????*")]
        print(f"{passes + 1} runs came to their end; {locks} locks removed; {len(left)} leftovers")
    for kind, names in problems.items():
        for name in names:
            print(f"{kind}: {name}")
    counts = {kind: len(problems[kind]) for kind in ("corrupt", "lost")}
    print(json.dumps({"kills": kills, **counts, "identical_tables": not problems["different"]}))


if __name__ == "__main__":
    main()
