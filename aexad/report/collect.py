"""Collect the results of single runs in two tidy tables, ``metrics.csv`` and ``methods.csv``.

``metrics.csv`` has one row per run and metric, and one per cost of each phase; a cost that was not
measured has no value and a reason, like any other metric. ``methods.csv`` has one row per method,
with the encoder that was *really* trained with (from ``provenance.json``, not from the
configuration), so that no table can present a random encoder as a pre-trained one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from aexad.config.benchmark import Run
from aexad.config.recipe import PIXELS
from aexad.data.tables import read_table
from aexad.evaluation.run_files import read_json, read_runs
from aexad.report.labels import COSTS, distinct, order_of
from aexad.report.method_roles import NOT_KNOWN
from aexad.runtime.errors import DataError
from aexad.runtime.files import write_csv

METRIC_COLUMNS = [
    "dataset", "category", "scenario", "method", "seed", "metric", "value", "n", "reason",
]  # fmt: skip
METHOD_COLUMNS = [
    "method", "title", "model", "encoder", "family", "pretrained", "weights", "sha256", "tuning",
    "loss",
    "trained_parameters", "frozen_parameters", "epochs", "input_size", "grid", "channels",
    "labels", "rebuilds", "collapsed",
]  # fmt: skip
ORIGIN = ("encoder", "family", "pretrained", "weights")
"""The columns that say which encoder a method has, and where its weights are from."""
RANDOM_WEIGHTS = "random weights"
NO_WEIGHTS = "–"
NOT_RUN = "not run"
NOT_MEASURED = "energy was not measured"
NO_RECORD = "the run recorded no cost of it"
TOGETHER = "one command trains and explains: see the costs of the training"
EXTERNAL = "external maps: how they were made is not known"


def collect(
    runs: Sequence[Run], results: Path, external: Sequence[Run] = (), missing: Sequence[Run] = ()
) -> pd.DataFrame:
    """Read the metrics and costs of every run into one tidy table.

    Parameters
    ----------
    runs : sequence of Run
        The runs of the benchmark that trained a model; their order is the order of the rows.
    results : Path
        The results folder; the metrics of a run are in ``run.folder_in(results)``.
    external : sequence of Run
        Runs with external maps; their cost is unknown.
    missing : sequence of Run
        Runs without results. If other runs of their category, of their method and of their seed
        have results, they have rows without a value, so that every table marks the gap.

    Returns
    -------
    DataFrame
        Columns dataset, category, scenario, method, seed (int), metric, value (float, NaN where
        the metric is undefined), n (test images behind the value; 0 for costs of a training),
        reason (empty where defined).

    Raises
    ------
    DataError
        If metrics are missing (the message counts them and names a target that makes them) or
        cannot be used.
    """
    every = [*runs, *external]
    metrics = read_runs(every, results, "metrics.json", _metrics)
    rows = []
    for run, own in zip(every, metrics, strict=True):
        rows += own
        rows += _costs(run, results, max((row["n"] for row in own), default=0), run in external)
    table = pd.DataFrame(rows, columns=METRIC_COLUMNS)
    return pd.concat([table, _gaps(table, missing)], ignore_index=True) if missing else table


def describe_methods(runs: Sequence[Run], results: Path) -> pd.DataFrame:
    """Describe each method by what its runs recorded: one row per method, in the order of ``runs``.

    Returns
    -------
    DataFrame
        Columns method, title, model, encoder (timm's name), family (``CNN``, ``Transformer``,
        ``hybrid``, ``none``, ``not known``), pretrained (``yes`` or ``no``), weights (their source
        without the folders of the machine); both ``–`` without an encoder that has weights, and
        all of :data:`ORIGIN` ``not known`` of a command; sha256, tuning, loss, trained_parameters,
        frozen_parameters, epochs; input_size (pixels), grid (cells per side) and channels of the
        features of the encoder, if it has any; labels (whether it trains on labelled defects) and
        rebuilds (whether it rebuilds images), ``yes`` or ``no``. If the runs of a method differ,
        for example because the weights were replaced in between, all values but empty ones are
        named. collapsed: the runs whose training collapsed. Values are joined by semicolons.
    """
    rows = pd.DataFrame(
        read_runs(runs, results, "provenance.json", _method), columns=METHOD_COLUMNS
    )
    joined = dict.fromkeys(METHOD_COLUMNS[1:], _known)
    methods = rows.groupby("method", sort=False, as_index=False).agg(joined)
    return methods[METHOD_COLUMNS]


def write_collection(
    runs: Sequence[Run],
    results: Path,
    folder: Path,
    external: Sequence[Run] = (),
    missing: Sequence[Run] = (),
    titles: Mapping[str, str] | None = None,
) -> None:
    """Write ``metrics.csv`` and ``methods.csv`` of a benchmark into ``folder``; see `collect`.

    ``titles`` maps methods to their titles; a method without one has its name as title.
    """
    metrics = collect(runs, results, external, missing)
    about = dict.fromkeys(METHOD_COLUMNS, "") | {"model": "external maps", "rebuilds": "no"}
    about |= dict.fromkeys(ORIGIN, NOT_KNOWN)
    others = [about | {"method": name} for name in dict.fromkeys(run.method for run in external)]
    methods = pd.concat(
        [describe_methods(runs, results), pd.DataFrame(others, columns=METHOD_COLUMNS)]
    )
    methods["title"] = [(titles or {}).get(name, name) for name in methods["method"]]
    write_csv(folder / "metrics.csv", metrics)
    write_csv(folder / "methods.csv", methods)


def read_metrics(path: Path) -> pd.DataFrame:
    """Read ``metrics.csv``; a category that is called ``none`` or ``001`` stays a name."""
    table = read_table(path, METRIC_COLUMNS, "collect")
    try:
        value = table["value"].replace("", "nan").astype("float64")
        return table.astype({"seed": "int64", "n": "int64"}).assign(value=value)
    except ValueError as error:
        raise DataError(f"{path}: {error}; make it again with 'aexad collect'") from None


def read_methods_table(path: Path) -> pd.DataFrame:
    """Read ``methods.csv``; every column is text."""
    return read_table(path, METHOD_COLUMNS, "collect")


def read_collection(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read ``metrics.csv`` and ``methods.csv`` of a benchmark; both must have the same methods."""
    metrics = read_metrics(folder / "metrics.csv")
    methods = read_methods_table(folder / "methods.csv")
    lost = [name for name in metrics["method"].unique() if name not in set(methods["method"])]
    if lost:
        raise DataError(
            f"{folder / 'methods.csv'}: no method '{lost[0]}', which metrics.csv has; make both "
            "again with 'aexad collect'"
        )
    return metrics, methods


def without_folders(source: str) -> str:
    """Remove the folders of an absolute path: they name a machine, not the weights."""
    return re.sub(r"(?<!\S)(file://)?(/|~/|[A-Za-z]:\\).*[/\\]", "", source)


def _metrics(content: dict[str, Any], run: Run) -> list[dict[str, Any]]:
    """The metrics of a run as rows of ``metrics.csv``."""
    return [
        {
            **run._asdict(),
            "metric": metric,
            "value": None if entry["value"] is None else float(entry["value"]),
            "n": int(entry["n"]),
            "reason": entry["reason"] if entry["value"] is None else "",
        }
        for metric, entry in sorted(content["metrics"].items(), key=lambda item: order_of(item[0]))
    ]


def _costs(run: Run, results: Path, images: int, external: bool) -> list[dict[str, Any]]:
    """The costs of a run as rows of ``metrics.csv``; ``images``: number of its test images."""
    rows = []
    for phase, name, n in (("training", "provenance", 0), ("inference", "inference", images)):
        path = run.folder_in(results) / f"{name}.json"
        if external:
            costs = _unknown_costs(phase, EXTERNAL)
        elif phase == "inference" and not path.is_file():
            costs = _unknown_costs(phase, NO_RECORD)
        else:
            costs = read_json(path, _costs_of, phase)
        rows += [run._asdict() | cost | {"n": n} for cost in costs]
    return rows


def _costs_of(record: Mapping[str, Any], phase: str) -> list[dict[str, Any]]:
    """Metric, value and reason of each cost of a phase of a run; frozen features are training."""
    seconds, energy = record["seconds"], record.get("energy") or {}
    if phase == "training":
        seconds = float(seconds["features"]) + float(seconds["training"])
    reason = energy.get("reason") or NOT_MEASURED
    values = {
        "seconds": seconds,
        "peak_mb": float(record["peak_mb"]),
        "energy_kwh": energy.get("kwh"),
        "co2_g": energy.get("co2_g"),
    }
    if seconds is None:  # a command, whose provenance has the costs of training and inference
        return _unknown_costs(phase, TOGETHER)
    return [
        {"metric": f"{phase}_{name}", "value": None, "reason": reason}
        if value is None
        else {"metric": f"{phase}_{name}", "value": float(value), "reason": ""}
        for name, value in values.items()
    ]


def _unknown_costs(phase: str, reason: str) -> list[dict[str, Any]]:
    """Every cost of a phase, without a value."""
    names = [cost.name for cost in COSTS if cost.name.startswith(phase)]
    return [{"metric": name, "value": None, "reason": reason} for name in names]


def _gaps(table: pd.DataFrame, missing: Sequence[Run]) -> pd.DataFrame:
    """Rows without a value, for missing runs whose category, method and seed have other runs."""
    key = ["dataset", "category", "scenario"]
    categories = set(table[key].itertuples(index=False, name=None))
    methods, seeds = set(table["method"]), set(table["seed"])
    metrics = table.groupby(["dataset", "scenario"])["metric"].unique()
    rows = [
        {**run._asdict(), "metric": metric, "value": None, "n": 0, "reason": NOT_RUN}
        for run in missing
        if (run.dataset, run.category, run.scenario) in categories
        if run.method in methods and run.seed in seeds
        for metric in metrics[run.dataset, run.scenario]
    ]
    return pd.DataFrame(rows, columns=METRIC_COLUMNS).astype({"value": float})


def _method(content: dict[str, Any], run: Run) -> dict[str, str]:
    """A row of ``methods.csv`` from the provenance of one run."""
    recipe, encoder, parameters = content["recipe"], content["encoder"], content["parameters"]
    features = content.get("features") or {}  # not recorded by old runs
    # Methods without gradients have no epochs, whatever their recipe says.
    done = content.get("training", recipe)
    parameters = parameters or {"trained": "", "frozen": ""}  # of a command they are not known
    is_command = recipe["model"] == "command"  # which may load any encoder
    return {
        "method": run.method,
        "title": run.method,
        "model": recipe["model"],
        **(dict.fromkeys(ORIGIN, NOT_KNOWN) if is_command else _origin(encoder)),
        "sha256": encoder["sha256"] or "",
        "tuning": recipe["tuning"],
        "loss": recipe["loss"] if content.get("rebuilds", True) else "own",
        "trained_parameters": str(parameters["trained"]),
        "frozen_parameters": str(parameters["frozen"]),
        "epochs": str(done.get("epochs", "")),
        **{key: str(features.get(key, "")) for key in ("input_size", "grid", "channels")},
        # Not recorded by old runs, which rebuild images.
        "labels": _yes(content.get("uses_labels", recipe["loss"] != "mse")),
        "rebuilds": _yes(content.get("rebuilds", True)),
        "collapsed": "/".join(run.data_folder.parts[1:]) if content.get("collapse") else "",
    }


def _origin(encoder: Mapping[str, Any]) -> dict[str, str]:
    """The columns :data:`ORIGIN` from the record of an encoder."""
    name, pretrained = encoder["name"], encoder["weights"] == "pretrained"
    about = {
        "encoder": "none" if name is None else name,
        "family": "none" if name is None else encoder.get("family", NOT_KNOWN),
    }
    if name in (None, PIXELS):
        return about | {"pretrained": NO_WEIGHTS, "weights": NO_WEIGHTS}
    weights = without_folders(encoder["source"]) if pretrained else RANDOM_WEIGHTS
    return about | {"pretrained": _yes(pretrained), "weights": weights}


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _known(values: pd.Series) -> str:
    """The distinct values of the runs of a method; a family that is not known does not count."""
    known = values[values != NOT_KNOWN]
    return distinct(known if len(known) else values)
