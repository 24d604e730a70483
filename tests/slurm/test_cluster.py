"""The workflow on a real Slurm: `make test-slurm`."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pandas as pd
import pytest
import yaml
from conftest import CONFIG
from project import COSTS

pytestmark = pytest.mark.slurm

RUN = "results/runs/textures_tiny/brick/standard/seed0"
LONG = "aexad-smoke_vit"
# As in profiles/slurm, but with frequent status checks and a short wait for files.
POLLING = (
    *("--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "1"),
    # The cluster has no accounting, so no sacct.
    *("--slurm-status-command", "squeue", "--latency-wait", "5"),
)


@contextmanager
def on_slurm(project, *arguments):
    """Run Snakemake with the profile in the background; yield the process and its log file."""
    scratch = project.folder.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    environment = os.environ | {
        "PYTHONPATH": str(project.folder),
        "HF_HUB_OFFLINE": "1",
        "TMPDIR": str(scratch),
    }
    ends_with_us = ("setpriv", "--pdeathsig", "INT", sys.executable)
    command = (*ends_with_us, "-m", "snakemake", "--profile", "profiles/slurm", *POLLING)
    log = project.folder.parent / "snakemake.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, *arguments, "--config", *CONFIG],
            cwd=project.folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process, log
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)  # cancels its jobs
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def finish(running, seconds=1500):
    process, log = running
    code = process.wait(seconds)
    text = log.read_text()
    assert code == 0, text[-5000:]
    return text


def submitted(text):
    return re.findall(r"submitted with SLURM jobid (\d+)", text)


def trains(project, running):
    """Wait until the long training has a checkpoint; return the id of its job."""
    checkpoint = project.folder / RUN / LONG / "checkpoint.safetensors"
    end = time.monotonic() + 900
    while not checkpoint.exists():
        assert running[0].poll() is None, running[1].read_text()[-5000:]
        assert time.monotonic() < end, running[1].read_text()[-5000:]
        time.sleep(0.1)
    # Slurm does not know what a group does; the log of the job says it.
    logs = (project.folder / ".snakemake/slurm_logs").rglob("*.log")
    (job,) = [log.stem for log in logs if f"Training {LONG}" in log.read_text()]
    return job


def continued(project):
    """Whether the long training continued from a checkpoint."""
    return "resumed after epoch" in (project.folder / RUN / LONG / "logs/train.log").read_text()


def assert_same_tables(project, local):
    """Compare the bytes of all results, except measured seconds and memory."""
    patterns = ("*.csv", "*.safetensors", "*.md", "*.tex", "metrics.json", "*.npz")
    ours, theirs = project.results(*patterns), local.results(*patterns)
    assert list(ours) == list(theirs)
    assert len([name for name in ours if "/tables/" in name]) > 10
    assert [
        name
        for name in ours
        if ours[name] != theirs[name] and not any(part in name for part in COSTS)
    ] == []
    tables = [pd.read_csv(io.BytesIO(each["smoke/metrics.csv"])) for each in (ours, theirs)]
    values = [table[~table["metric"].str.match("training_|inference_")] for table in tables]
    pd.testing.assert_frame_equal(*values)
    for name in (name for name in ours if name.endswith("training.csv")):
        curves = [
            pd.read_csv(io.BytesIO(each[name])).drop(columns="seconds") for each in (ours, theirs)
        ]
        pd.testing.assert_frame_equal(*curves)


def test_a_run_is_a_job(cluster, project, local):
    before = len(cluster.all_jobs())
    with on_slurm(project) as running:
        text = finish(running)
    assert (project.folder / "results/smoke/report.html").is_file()
    jobs = [what for _, _, what in cluster.all_jobs()[::-1]][: len(cluster.all_jobs()) - before]
    # Three runs; and what docs/cluster.md tells: the figures, the page and the explorer.
    assert len(submitted(text)) == 3 + 3
    assert len(jobs) == 6
    for rule in ("figures", "report", "explorer"):
        assert sum(rule in what for what in jobs) == 1, rule
    assert_same_tables(project, local)
    # The training sets were on the node's own disk, and are gone.
    assert not list((project.folder / "results").rglob("train.npz"))
    assert not list((project.folder.parent / "scratch").glob("aexad-*"))
    assert not list((project.folder / "results").rglob(".trained"))


def test_a_cancelled_training_continues(cluster, project, local):
    with on_slurm(project, "tables") as running:
        cluster.command("scancel", trains(project, running))
        text = finish(running)
    assert len(submitted(text)) == 4
    assert continued(project)
    assert_same_tables(project, local)


def test_a_node_that_fails_loses_no_training(cluster, project, local):
    with on_slurm(project, "tables") as running:
        trains(project, running)
        cluster.node("down")
        time.sleep(2)
        cluster.node("resume")
        text = finish(running)
    assert len(submitted(text)) == 3  # Slurm itself put the jobs back into its queue
    assert continued(project)
    assert_same_tables(project, local)


def test_a_job_over_its_memory_is_given_more(cluster, project, local):
    little = "300 if attempt == 1 and wildcards.method == 'ae-smoke' else 8000"
    path = project.folder / "profiles/slurm/profile.yaml"
    profile = yaml.safe_load(path.read_text())
    for rule in ("augment", "train", "infer", "evaluate"):
        profile["set-resources"].setdefault(rule, {})["mem_mb"] = little
    path.write_text(yaml.safe_dump(profile))
    with on_slurm(project, "tables") as running:
        text = finish(running)
    assert len(submitted(text)) == 4
    logs = (project.folder / ".snakemake/slurm_logs").rglob("*.log")
    assert any("exceeded memory limit" in log.read_text() for log in logs)
    assert_same_tables(project, local)
