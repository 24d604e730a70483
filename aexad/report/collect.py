"""From the results of single runs to two tidy tables: what was measured, and by which method.

``metrics.csv`` has a row for each run and metric; ``methods.csv`` one for each method, with the
encoder that it *really* had when it was trained (from ``provenance.json``, not from the
configuration), so that no table can pass a random encoder off as a pre-trained one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from aexad.config.benchmark import Run
from aexad.data.index import read_table
from aexad.report.costs import NO_RECORD, NOT_KNOWN, inference_costs, training_costs, unknown_costs
from aexad.report.labels import order_of
from aexad.runtime.errors import DataError
from aexad.runtime.files import write_csv

METRIC_COLUMNS = [
    "dataset", "category", "scenario", "method", "seed", "metric", "value", "n", "reason",
]  # fmt: skip
METHOD_COLUMNS = [
    "method", "title", "model", "encoder", "family", "pretrained", "weights", "sha256", "tuning",
    "loss",
    "trained_parameters", "frozen_parameters", "epochs", "input_size", "grid", "channels",
]  # fmt: skip
RANDOM_WEIGHTS = "random weights"
EXTERNAL = dict.fromkeys(METHOD_COLUMNS, "") | {
    "model": "external maps",
    "encoder": "not known",
    "family": "not known",
    "pretrained": "not known",
}
NOT_RUN = "not run"
NOT_RECORDED = "not known"
SHOWN = 3

Content = TypeVar("Content")


def collect(
    runs: Sequence[Run], results: Path, external: Sequence[Run] = (), missing: Sequence[Run] = ()
) -> pd.DataFrame:
    """Read the metrics and costs of every run into one tidy table.

    Parameters
    ----------
    runs : sequence of Run
        The benchmark's runs that trained a model; their order is the order of the rows.
    results : Path
        The results folder; a run's metrics are ``<results>/<run.folder>/metrics.json``.
    external : sequence of Run
        Runs of somebody else's maps, which cost nobody knows what.
    missing : sequence of Run
        Runs that are not there. Where other runs of their category and method are, they have rows
        without a value, so that every table marks the gap.

    Returns
    -------
    DataFrame
        Columns dataset, category, scenario, method, seed (int), metric, value (float, NaN where
        the metric is undefined), n (test images behind the value; 0 of a training's costs), reason
        (empty where defined).

    Raises
    ------
    DataError
        If metrics are missing (the message counts them and names a target that makes them) or
        cannot be read.
    """
    there = [*runs, *external]
    require([results / run.folder / "metrics.json" for run in there])
    rows = [row for run in there for row in _of_run(run, results, known=run not in external)]
    table = pd.DataFrame(rows, columns=METRIC_COLUMNS)
    return pd.concat([table, _gaps(table, missing)], ignore_index=True) if missing else table


def methods_table(runs: Sequence[Run], results: Path) -> pd.DataFrame:
    """Describe each method by what its runs recorded: one row a method, in the order of ``runs``.

    Returns
    -------
    DataFrame
        Columns method, model, encoder (timm's name), pretrained (``yes`` or ``no``), weights
        (where they came from, without the machine's folders), sha256, tuning, loss,
        trained_parameters, frozen_parameters, epochs; input_size (pixels), grid (cells a side)
        and channels of the encoder's features, where there are any. Where the runs of a method
        differ, for example because the weights were replaced in between, all values are named.
    """
    require([results / run.folder / "provenance.json" for run in runs])
    rows = [read_provenance(run, results, _method) for run in runs]
    methods: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        methods.setdefault(row["method"], []).append(row)
    return pd.DataFrame(
        [
            {key: _merged([row[key] for row in same]) for key in METHOD_COLUMNS}
            for same in methods.values()
        ],
        columns=METHOD_COLUMNS,
    )


def write_collection(
    runs: Sequence[Run],
    results: Path,
    folder: Path,
    external: Sequence[Run] = (),
    missing: Sequence[Run] = (),
    titles: Mapping[str, str] | None = None,
) -> None:
    """Write ``metrics.csv`` and ``methods.csv`` of a benchmark into ``folder``; see `collect`."""
    metrics = collect(runs, results, external, missing)
    methods = methods_table(runs, results)
    rows = [EXTERNAL | {"method": name} for name in dict.fromkeys(run.method for run in external)]
    methods = pd.concat([methods, pd.DataFrame(rows, columns=METHOD_COLUMNS)])
    shown = dict(titles or {})
    methods["title"] = [shown.get(name, name) for name in methods["method"]]
    write_csv(folder / "metrics.csv", metrics)
    write_csv(folder / "methods.csv", methods)


def read_metrics(path: Path) -> pd.DataFrame:
    """Read ``metrics.csv``; a category that is called ``none`` or ``001`` stays a name."""
    table = read_table(path, METRIC_COLUMNS, "collect")
    try:
        value = table["value"].replace("", "nan").astype("float64")
        return table.astype({"seed": "int64", "n": "int64"}).assign(value=value)
    except ValueError as error:
        raise DataError(f"{path}: {error}; make it anew with 'aexad collect'") from None


def read_methods(path: Path) -> pd.DataFrame:
    """Read ``methods.csv``; every column is text."""
    return read_table(path, METHOD_COLUMNS, "collect")


def read_collection(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read ``metrics.csv`` and ``methods.csv`` of a benchmark, which must be of one making."""
    metrics, methods = read_metrics(folder / "metrics.csv"), read_methods(folder / "methods.csv")
    lost = [name for name in metrics["method"].unique() if name not in set(methods["method"])]
    if lost:
        raise DataError(
            f"{folder / 'methods.csv'}: no method '{lost[0]}', which metrics.csv has; make both "
            "anew with 'aexad collect'"
        )
    return metrics, methods


def require(paths: Sequence[Path]) -> None:
    """Check that a file of each run is there; all that are missing are one error."""
    missing = [path for path in paths if not path.is_file()]
    if missing:
        named = ", ".join(map(str, missing[:SHOWN]))
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        raise DataError(
            f"{len(missing)} of {len(paths)} runs have no {missing[0].name} yet: {named}{more}; "
            f"make each of them, as the first with 'snakemake {missing[0]}', or set partial=true "
            "for tables of those that are there"
        )


def read_provenance(run: Run, results: Path, use: Callable[[Any, Run], Content]) -> Content:
    """Apply ``use`` to what the training of a run recorded."""
    return read(results / run.folder / "provenance.json", use, run)


def read(path: Path, use: Callable[[Any, Run], Content], run: Run) -> Content:
    """Apply ``use`` to the JSON content of ``path``; what cannot be used is a clear error."""
    try:
        return use(json.loads(path.read_text(encoding="utf-8")), run)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; make it with 'snakemake {path}'") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"no key {error}" if isinstance(error, KeyError) else str(error)
        raise DataError(
            f"{path}: cannot be used ({problem}); delete it and make it again"
        ) from None


def without_folders(source: str) -> str:
    """``source`` without the folders of an absolute path: they name a machine, not the weights."""
    return re.sub(r"(?<!\S)(file://)?(/|~/|[A-Za-z]:\\).*[/\\]", "", source)


def _of_run(run: Run, results: Path, known: bool) -> list[dict[str, Any]]:
    """The rows of one run: its metrics, then its costs."""
    metrics = read(results / run.folder / "metrics.json", _rows, run)
    images = max((row["n"] for row in metrics), default=0)
    record = results / run.folder / "inference.json"
    training = inference = None
    if known:
        training = read_provenance(run, results, lambda content, _: training_costs(content))
    if known and record.is_file():
        inference = read(record, lambda content, _: inference_costs(content), run)
    reason = NO_RECORD if known else NOT_KNOWN
    costs = [
        *((cost, 0) for cost in training or unknown_costs("training", reason)),
        *((cost, images) for cost in inference or unknown_costs("inference", reason)),
    ]
    return [*metrics, *(run._asdict() | cost._asdict() | {"n": n} for cost, n in costs)]


def _gaps(table: pd.DataFrame, missing: Sequence[Run]) -> pd.DataFrame:
    """Rows without a value of the runs that are missing beside others."""
    places, methods = ["dataset", "category", "scenario"], table["method"]
    there = set(table[places].itertuples(index=False, name=None))
    measured = table.groupby(["dataset", "scenario"])["metric"].unique()
    rows = [
        {**run._asdict(), "metric": metric, "value": None, "n": 0, "reason": NOT_RUN}
        for run in missing
        if (run.dataset, run.category, run.scenario) in there and run.method in set(methods)
        for metric in measured[run.dataset, run.scenario]
    ]
    return pd.DataFrame(rows, columns=METRIC_COLUMNS).astype({"value": float})


def _rows(content: dict[str, Any], run: Run) -> list[dict[str, Any]]:
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


def _merged(values: Sequence[str]) -> str:
    """The distinct values of the runs of a method; those that record no value do not count."""
    recorded = [value for value in values if value != NOT_RECORDED]
    return "; ".join(dict.fromkeys(recorded or values))


def _method(content: dict[str, Any], run: Run) -> dict[str, str]:
    recipe, encoder = content["recipe"], content["encoder"]
    features = content.get("features") or {}  # of a run of before it was recorded: not known
    pretrained = encoder["weights"] == "pretrained"
    has_encoder = encoder["name"] is not None
    return {
        "method": run.method,
        "title": run.method,
        "model": recipe["model"],
        "encoder": encoder["name"] if has_encoder else "none",
        "family": encoder.get("family", NOT_RECORDED) if has_encoder else "none",
        "pretrained": ("yes" if pretrained else "no") if has_encoder else "–",
        "weights": without_folders(encoder["source"]) if pretrained else RANDOM_WEIGHTS,
        "sha256": encoder["sha256"] or "",
        "tuning": recipe["tuning"],
        "loss": recipe["loss"],
        "trained_parameters": str(int(content["parameters"]["trained"])),
        "frozen_parameters": str(int(content["parameters"]["frozen"])),
        "epochs": str(int(recipe["epochs"])),
        **{key: str(features.get(key, "")) for key in ("input_size", "grid", "channels")},
    }
