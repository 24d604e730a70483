"""Snakemake itself: DAG and dry run of benchmarks of many runs; nothing is fetched or trained."""

from __future__ import annotations

import os
import pstats
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import yaml

from aexad.config.methods import read_methods, trained_as

ROOT = Path(__file__).parents[1]
# Twenty trained methods on five categories: a hundred runs a seed.
CATEGORIES = ["bottle", "cable", "capsule", "carpet", "grid"]
METHODS = 20


def limits(counts: list[int], profiled: bool) -> list[dict[str, Any]]:
    """CPU seconds and memory of Snakemake for benchmarks of so many runs."""
    rows = []
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            project = Path(folder)
            for part in ("Snakefile", "workflow", "config", "profiles", "aexad", "environment.yml"):
                source = ROOT / part
                copy = shutil.copytree if source.is_dir() else shutil.copy2
                copy(source, project / part)
            names = _trained_by_themselves()[:METHODS]
            described = {
                "title": "Scaling",
                "datasets": {"mvtec_ad": CATEGORIES},
                "seeds": list(range(count // (METHODS * len(CATEGORIES)))),
                "methods": names,
            }
            (project / "config/benchmarks/scaling.yaml").write_text(yaml.safe_dump(described))
            rows.append({"runs": count} | _dry_run(project, profiled))
        print(rows[-1], flush=True)
    return rows


def _trained_by_themselves() -> list[str]:
    shared = trained_as(read_methods(ROOT / "config/methods"))
    return [name for name, other in shared.items() if name == other and name.startswith("aexad-")]


def _dry_run(project: Path, profiled: bool) -> dict[str, Any]:
    profile = project / "profile"
    profiling = ["-m", "cProfile", "-o", str(profile)] if profiled else []
    options = ["--dry-run", "--profile", "profiles/slurm", "--config", "benchmark=scaling"]
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *profiling, "-m", "snakemake", *options],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    built, tail = 0.0, ""
    for line in process.stdout:
        if not built and line.startswith("Job stats:"):
            built = sum(psutil.Process(process.pid).cpu_times()[:2])
        tail = (tail + line)[-2000:]
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(tail)
    if profiled:
        pstats.Stats(str(profile)).sort_stats("cumulative").print_stats(60)
    return {
        "dag_cpu_seconds": round(built, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "seconds": round(time.perf_counter() - start, 1),
        "peak_mb": round(usage.ru_maxrss * 1024 / 1e6),
    }
