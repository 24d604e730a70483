"""A copy of the project for tests that run Snakemake, with its own library and results."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = ("Snakefile", "workflow", "config", "profiles", "aexad", "studies", "environment.yml")
COSTS = ("metrics.csv", "summary.md", "methods.", "accuracy_cost", "training.csv")
"""Parts of the names of results with seconds and memory, which are measured anew in each run."""


class Project:
    """A working copy of the project."""

    def __init__(self, folder):
        self.folder = folder

    @classmethod
    def copied(cls, folder, original=ROOT):
        folder.mkdir()
        for part in PARTS:
            source = original / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, folder / part)
        return cls(folder)

    def run(self, *arguments, check=True):
        """Run a module of this copy, not of the installed library."""
        environment = os.environ | {"PYTHONPATH": str(self.folder), "HF_HUB_OFFLINE": "1"}
        environment.pop("AEXAD_WEIGHTS", None)
        # Without the active environment: rules must find the interpreter of Snakemake themselves.
        environment["PATH"] = "/usr/local/bin:/usr/bin:/bin"
        result = subprocess.run(
            [sys.executable, "-m", *map(str, arguments)],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert not check or result.returncode == 0, result.stdout[-5000:]
        return result

    def snakemake(self, *arguments, config=("benchmark=smoke",), **options):
        cores = ("--cores", "2")
        return self.run("snakemake", *arguments, *cores, "--config", *config, **options)

    def planned(self, *targets, **options):
        """Rules that a call would run, with their numbers of jobs; nothing is run."""
        output = self.snakemake("--dry-run", *targets, **options).stdout
        jobs = dict(re.findall(r"^(\w+) +(\d+)$", output, flags=re.MULTILINE))
        assert jobs or "Nothing to be done" in output, output[-3000:]
        return {rule: int(count) for rule, count in jobs.items() if rule not in ("total", "all")}

    def edit(self, path, old, new):
        path = self.folder / path
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path}"
        path.write_text(text.replace(old, new))

    def clone(self, folder, *with_folders):
        """A new copy of the sources and of some folders with their file times."""
        other = Project.copied(folder, self.folder)
        for name in with_folders:
            shutil.copytree(self.folder / name, folder / name)
        return other

    def results(self, *patterns):
        """Bytes of the result files that match."""
        folder = self.folder / "results"
        paths = sorted(path for pattern in patterns for path in folder.rglob(pattern))
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
