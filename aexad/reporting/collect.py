"""From the results of single runs to two tidy tables: what was measured, and by which method.

``metrics.csv`` has a row for each run and metric; ``methods.csv`` one for each method, with the
encoder that it *really* had when it was trained (from ``provenance.json``, not from the
configuration), so that no table can pass a random encoder off as a pre-trained one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from aexad.benchmark import Run
from aexad.data.index import read_table
from aexad.errors import DataError
from aexad.files import write_csv
from aexad.reporting.labels import order_of

METRIC_COLUMNS = [
    "dataset", "category", "scenario", "method", "seed", "metric", "value", "n", "reason",
]  # fmt: skip
METHOD_COLUMNS = [
    "method", "model", "encoder", "pretrained", "weights", "sha256", "tuning", "loss",
    "trained_parameters", "frozen_parameters", "epochs",
]  # fmt: skip
RANDOM_WEIGHTS = "random weights"
FOREIGN = dict.fromkeys(METHOD_COLUMNS, "") | {
    "model": "foreign maps",
    "encoder": "not known",
    "pretrained": "not known",
}
SHOWN = 3

Content = TypeVar("Content")


def collect(runs: Sequence[Run], results: Path) -> pd.DataFrame:
    """Read the metrics of every run into one tidy table.

    Parameters
    ----------
    runs : sequence of Run
        The benchmark's runs; their order is the order of the rows.
    results : Path
        The results folder; a run's metrics are ``<results>/<run.folder>/metrics.json``.

    Returns
    -------
    DataFrame
        Columns dataset, category, scenario, method, seed (int), metric, value (float, NaN where
        the metric is undefined), n (test images behind the value), reason (empty where defined).

    Raises
    ------
    DataError
        If metrics are missing (the message counts them and names a target that makes them) or
        cannot be read.
    """
    require(runs, results, "metrics.json")
    rows = [row for run in runs for row in read(results / run.folder / "metrics.json", _rows, run)]
    return pd.DataFrame(rows, columns=METRIC_COLUMNS)


def methods_table(runs: Sequence[Run], results: Path) -> pd.DataFrame:
    """Describe each method by what its runs recorded: one row a method, in the order of ``runs``.

    Returns
    -------
    DataFrame
        Columns method, model, encoder (timm's name), pretrained (``yes`` or ``no``), weights
        (where they came from, without the machine's folders), sha256, tuning, loss,
        trained_parameters, frozen_parameters, epochs. Where the runs of a method differ, for
        example because the weights were replaced in between, all values are named.
    """
    require(runs, results, "provenance.json")
    rows = [read(results / run.folder / "provenance.json", _method, run) for run in runs]
    methods: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        methods.setdefault(row["method"], []).append(row)
    return pd.DataFrame(
        [
            {key: "; ".join(dict.fromkeys(row[key] for row in same)) for key in METHOD_COLUMNS}
            for same in methods.values()
        ],
        columns=METHOD_COLUMNS,
    )


def write_collection(
    runs: Sequence[Run], results: Path, folder: Path, foreign: Sequence[Run] = ()
) -> None:
    """Write ``metrics.csv`` and ``methods.csv`` of a benchmark into ``folder``.

    ``foreign`` are runs without a model, of somebody else's maps: no more is known of these.
    """
    metrics, methods = collect([*runs, *foreign], results), methods_table(runs, results)
    rows = [FOREIGN | {"method": name} for name in dict.fromkeys(run.method for run in foreign)]
    methods = pd.concat([methods, pd.DataFrame(rows, columns=METHOD_COLUMNS)])
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


def require(runs: Sequence[Run], results: Path, name: str) -> None:
    """Check that each run has the file ``name``; all that are missing are one error."""
    missing = [results / run.folder / name for run in runs]
    missing = [path for path in missing if not path.is_file()]
    if missing:
        named = ", ".join(map(str, missing[:SHOWN]))
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        raise DataError(
            f"{len(missing)} of {len(runs)} runs have no {name} yet: {named}{more}; make each of "
            f"them, as the first with 'snakemake {missing[0]}'"
        )


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


def _method(content: dict[str, Any], run: Run) -> dict[str, str]:
    recipe, encoder = content["recipe"], content["encoder"]
    pretrained = encoder["weights"] == "pretrained"
    has_encoder = encoder["name"] is not None
    return {
        "method": run.method,
        "model": recipe["model"],
        "encoder": encoder["name"] if has_encoder else "none",
        "pretrained": ("yes" if pretrained else "no") if has_encoder else "–",
        "weights": without_folders(encoder["source"]) if pretrained else RANDOM_WEIGHTS,
        "sha256": encoder["sha256"] or "",
        "tuning": recipe["tuning"],
        "loss": recipe["loss"],
        "trained_parameters": str(int(content["parameters"]["trained"])),
        "frozen_parameters": str(int(content["parameters"]["frozen"])),
        "epochs": str(int(recipe["epochs"])),
    }
