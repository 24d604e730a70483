"""How long a benchmark takes on 1 … 1,000 GPUs, and how large a benchmark Snakemake can plan.

    python benchmarks/scaling.py simulate --measured results --plot docs/scaling.svg
    python benchmarks/scaling.py limits --runs 1500 5000 20000  # long; --profile: where it goes

`simulate` takes the seconds of each rule from Snakemake's `benchmark:` files, and schedules the
runs of a benchmark as profiles/slurm does: a run is one job, local rules take turns on the login
node.
`limits` builds the DAG for the given numbers of runs and does a dry run of each; nothing is fetched
or trained.
Both end with one JSON object. simpy is an extra: ``pip install -e '.[benchmark]'``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import pandas as pd
import simpy
from dry_runs import limits

from aexad.config.benchmark import Run, Settings, read_benchmark
from aexad.config.catalogue import read_catalogue
from aexad.config.methods import read_methods, trained_as
from aexad.plan.runs import runs_of

mpl.use("Agg")
from matplotlib import pyplot as plt

ROOT = Path(__file__).parents[1]
GPUS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000]
# After a training, or a model that already exists.
IN_A_JOB = ("infer", "evaluate", "panels", "strips")
TRAINING = ("augment", "train")
LAST = ("collect", "tables", "figures", "report", "explorer")
ON_A_GPU = ("train", "infer")


class Job(NamedTuple):
    """A run as one job: its seconds, and what it waits for."""

    run: Run
    seconds: float
    after: Run | None
    """The run whose model it shares."""


class Outcome(NamedTuple):
    """A simulated call."""

    makespan: float
    busy: float
    """Share of the GPUs' seconds that jobs held."""


def measured(folders: list[Path], column: str) -> dict[str, dict[str, float]]:
    """Median seconds of each rule, by method; under "" those of all methods together."""
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for path in sorted(path for folder in folders for path in folder.rglob("benchmarks/*.tsv")):
        seconds = float(pd.read_csv(path, sep="\t")[column].iloc[0])
        rule = path.stem.rpartition(".")[2]  # <dataset>.index.tsv
        method = path.parents[1].name
        for key in ("", method):
            values[rule, key].append(seconds)
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for (rule, method), seconds in values.items():
        found[rule][method] = statistics.median(seconds)
    lacking = {"split", *TRAINING, *IN_A_JOB, *LAST} - found.keys()
    if lacking:
        sys.exit(
            f"{', '.join(map(str, folders))}: no benchmark file of {', '.join(sorted(lacking))}; "
            "run a benchmark to its end, or name a further folder with --measured"
        )
    return found


def benchmark_runs(benchmark: str) -> tuple[list[Run], dict[str, str]]:
    """All runs, and for each method the one whose model it has."""
    catalogue = read_catalogue(ROOT / "config/datasets.yaml")
    methods = read_methods(ROOT / "config/methods")
    where = f"config/benchmarks/{benchmark}.yaml"
    described = read_benchmark(ROOT / "config/benchmarks", benchmark)
    return runs_of(described, catalogue, methods, Settings(), where), trained_as(methods)


def jobs_of(
    runs: list[Run], model_of: dict[str, str], seconds: dict[str, dict[str, float]], factor: float
) -> list[Job]:
    """Each run as a job; ``factor`` multiplies the seconds of what runs on a GPU."""

    def of(rule: str, method: str) -> float:
        value = seconds[rule].get(method, seconds[rule][""])
        return value * (factor if rule in ON_A_GPU else 1)

    jobs = []
    for run in runs:
        shared = model_of[run.method] != run.method
        rules = IN_A_JOB if shared else TRAINING + IN_A_JOB
        after = run._replace(method=model_of[run.method]) if shared else None
        jobs.append(Job(run, sum(of(rule, run.method) for rule in rules), after))
    return jobs


def simulate(
    jobs: list[Job],
    seconds: dict[str, dict[str, float]],
    gpus: int,
    *,
    queue: int,
    submit: float,
    start: float,
) -> Outcome:
    """Schedule the jobs of a benchmark whose data sets are there.

    Parameters
    ----------
    queue
        Jobs that Snakemake has submitted at a time.
    submit
        Seconds of the login node for a job: it submits one after the other.
    start
        Seconds of a job before and between its rules, while Snakemake starts in it.
    """
    world = simpy.Environment()
    login, slots = simpy.Resource(world), simpy.Resource(world, queue)
    devices = simpy.Resource(world, gpus)
    held = 0.0

    def local(duration: float) -> Iterator[simpy.Event]:
        with login.request() as turn:
            yield turn
            yield world.timeout(duration)

    splits = {
        data: world.process(local(seconds["split"][""]))
        for data in dict.fromkeys(job.run[:-1] for job in jobs)
    }
    done: dict[Run, simpy.Event] = {job.run: world.event() for job in jobs}

    def job(each: Job) -> Iterator[simpy.Event]:
        nonlocal held
        yield splits[each.run[:-1]]
        if each.after is not None:
            yield done[each.after]
        with slots.request() as slot:
            yield slot
            yield from local(submit)
            with devices.request() as device:
                yield device
                yield world.timeout(start + each.seconds)
                held += start + each.seconds
        done[each.run].succeed()

    def call() -> Iterator[simpy.Event]:
        running = [world.process(job(each)) for each in jobs]
        yield world.all_of(running)
        for rule in LAST:
            yield world.timeout(seconds[rule][""])

    world.run(until=world.process(call()))
    return Outcome(world.now, held / (gpus * world.now))


def critical_path(
    jobs: list[Job], seconds: dict[str, dict[str, float]], submit: float, start: float
) -> float:
    """Seconds with a GPU for every run and a login node for every job."""
    length: dict[Run, float] = {}
    for each in sorted(jobs, key=lambda job: job.after is not None):
        before = length[each.after] if each.after else seconds["split"][""]
        length[each.run] = before + submit + start + each.seconds
    return max(length.values()) + sum(seconds[rule][""] for rule in LAST)


def plot(table: pd.DataFrame, paths: dict[float, float], path: Path) -> None:
    """Makespan and utilisation against the number of GPUs; dashed: the critical path."""
    mpl.rcParams["svg.hashsalt"] = "aexad"
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    colours = plt.get_cmap("viridis")([0.1, 0.45, 0.8])
    for (factor, rows), colour in zip(table.groupby("factor", sort=False), colours, strict=False):
        left.loglog(rows["gpus"], rows["hours"], "o-", ms=3, color=colour, label=f"{factor:g}")
        left.axhline(paths[factor] / 3600, color=colour, linestyle="--", linewidth=0.8)
        right.semilogx(rows["gpus"], 100 * rows["busy"], "o-", ms=3, color=colour)
    left.set(xlabel="GPUs", ylabel="makespan [h]")
    left.legend(title="seconds on a GPU,\nof those measured", frameon=False)
    right.set(xlabel="GPUs", ylabel="GPUs held by jobs [%]", ylim=(0, 104))
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    """Simulate, or measure Snakemake's limits."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("simulate", help="makespan and utilisation on 1 … 1,000 GPUs")
    one.add_argument("--benchmark", default="report")
    one.add_argument("--measured", type=Path, nargs="+", required=True, help="folders of results")
    one.add_argument(
        "--column", default="s", choices=["s", "cpu_time"], help="cpu_time: of a machine in use"
    )
    one.add_argument(
        "--factor", type=float, nargs="+", default=[1.0], help="seconds on a GPU, of those measured"
    )
    one.add_argument("--gpus", type=int, nargs="+", default=GPUS)
    one.add_argument("--queue", type=int, default=500, help="'jobs' of profiles/slurm")
    one.add_argument("--submit", type=float, default=0.5, help="login node's seconds a job")
    one.add_argument("--start", type=float, default=20, help="seconds of Snakemake in a job")
    one.add_argument("--plot", type=Path, help="an .svg or .png")
    two = commands.add_parser("limits", help="DAG and dry run for the given numbers of runs")
    two.add_argument("--runs", type=int, nargs="+", default=[1500, 5000, 20000])
    two.add_argument("--profile", action="store_true", help="print where the time goes; slower")
    options = parser.parse_args()
    if options.command == "limits":
        print(json.dumps(limits(options.runs, options.profile)))
        return
    seconds = measured(options.measured, options.column)
    overhead = {"submit": options.submit, "start": options.start}
    rows, paths = [], {}
    for factor in options.factor:
        jobs = jobs_of(*benchmark_runs(options.benchmark), seconds, factor)
        paths[factor] = critical_path(jobs, seconds, **overhead)
        for gpus in options.gpus:
            outcome = simulate(jobs, seconds, gpus, queue=options.queue, **overhead)
            hours = outcome.makespan / 3600
            rows.append({"factor": factor, "gpus": gpus, "hours": hours, "busy": outcome.busy})
    table = pd.DataFrame(rows)
    print(
        f"{len(jobs)} jobs; critical path { ({f: round(s / 3600, 2) for f, s in paths.items()}) } h"
    )
    print(table.round(3).to_string(index=False))
    if options.plot:
        plot(table, paths, options.plot)
    print(table.round(4).to_json(orient="records"))


if __name__ == "__main__":
    main()
