"""Collecting the files of runs in metrics.csv and methods.csv."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aexad.config.benchmark import Run
from aexad.config.methods import Command
from aexad.explain.command import about
from aexad.report.collect import (
    METRIC_COLUMNS,
    collect,
    describe_methods,
    read_collection,
    read_methods_table,
    read_metrics,
    without_folders,
    write_collection,
)
from aexad.report.labels import COSTS, METRIC, QUANTITY
from aexad.report.method_roles import (
    collapsed_runs,
    not_pretrained,
    titles_of,
    without_family,
)
from aexad.runtime.errors import DataError
from aexad.runtime.files import write_json

RUNS = [Run("parts", "001", "standard", 0, "none"), Run("parts", "001", "standard", 1, "none")]


def metrics(**values: tuple[float | None, int]) -> dict[str, Any]:
    reason = {"reason": "one class only"}
    return {
        "metrics": {
            name: {"value": value, "n": n} | (reason if value is None else {})
            for name, (value, n) in values.items()
        }
    }


def provenance(**changes: Any) -> dict[str, Any]:
    content = {
        "recipe": {"model": "aexad", "tuning": "frozen", "loss": "aexad", "epochs": 7},
        "encoder": {
            "name": "resnet18.tv_in1k",
            "weights": "pretrained",
            "source": "folder: /home/a b/weights/resnet18.tv_in1k.safetensors",
            "sha256": "ab12",
        },
        "parameters": {"trained": 12, "frozen": 34},
        "seconds": {"features": 1.0, "training": 2.0},
        "peak_mb": 300.5,
    }
    return content | changes


@pytest.fixture
def results(tmp_path: Path) -> Path:
    values = [
        metrics(image_auroc=(None, 5), xauc=(0.1 + 0.2, 3), zeal=(0.5, 2)),
        metrics(xauc=(0.75, 3), image_auroc=(1, 5)),
    ]
    for run, content in zip(RUNS, values, strict=True):
        write_json(tmp_path / run.folder / "metrics.json", content)
        write_json(tmp_path / run.folder / "provenance.json", provenance())
    return tmp_path


def test_one_row_per_run_and_metric_in_the_order_of_the_report(results: Path) -> None:
    table = collect(RUNS, results)
    assert list(table.columns) == METRIC_COLUMNS
    table = table[~table["metric"].isin(QUANTITY) | table["metric"].isin(METRIC)]
    rows = table.astype(object).fillna("").to_numpy().tolist()
    where = ["parts", "001", "standard", "none"]
    assert rows == [
        [*where, 0, "xauc", 0.1 + 0.2, 3, ""],
        [*where, 0, "image_auroc", "", 5, "one class only"],
        [*where, 0, "zeal", 0.5, 2, ""],
        [*where, 1, "xauc", 0.75, 3, ""],
        [*where, 1, "image_auroc", 1.0, 5, ""],
    ]


def costs(table: pd.DataFrame, run: Run) -> dict[str, tuple[float, int, str]]:
    rows = table[(table["seed"] == run.seed) & table["metric"].isin([cost.name for cost in COSTS])]
    return {
        row.metric: (row.value, row.n, row.reason)
        for row in rows.itertuples()  # type: ignore[misc]
    }


def test_costs_of_a_run_follow_its_metrics(results: Path) -> None:
    energy = {"kwh": 0.002, "co2_g": None, "reason": "no country is set"}
    write_json(results / RUNS[0].folder / "provenance.json", provenance(energy=energy))
    record = {"seconds": 4.5, "peak_mb": 200, "device": "cpu", "energy": energy | {"co2_g": 0.7}}
    write_json(results / RUNS[0].folder / "inference.json", record)
    table = collect(RUNS, results)
    found = costs(table, RUNS[0])
    assert found["training_seconds"] == (3.0, 0, "")
    assert found["training_peak_mb"] == (300.5, 0, "")
    assert found["training_energy_kwh"] == (0.002, 0, "")
    assert math.isnan(found["training_co2_g"][0])
    assert found["training_co2_g"][2] == "no country is set"
    assert found["inference_seconds"] == (4.5, 5, "")
    assert found["inference_co2_g"] == (0.7, 5, "")
    other = costs(table, RUNS[1])
    assert other["training_co2_g"][2] == "energy was not measured"
    assert other["inference_seconds"][2] == "the run recorded no cost of it"
    assert list(found) == [cost.name for cost in COSTS]


def test_the_cost_of_external_maps_is_unknown(results: Path) -> None:
    found = costs(collect(RUNS[:1], results, external=RUNS[1:]), RUNS[1])
    assert {reason for _, _, reason in found.values()} == {
        "external maps: how they were made is not known"
    }


def test_missing_runs_are_gaps_if_other_runs_have_results(results: Path) -> None:
    elsewhere = Run("parts", "002", "standard", 0, "none")
    never = Run("parts", "001", "standard", 0, "other")
    other = Run("parts", "003", "standard", 1, "none")
    for name, content in (("metrics", metrics(xauc=(0.5, 3))), ("provenance", provenance())):
        write_json(results / other.folder / f"{name}.json", content)
    table = collect([RUNS[0], other], results, missing=[RUNS[1], elsewhere, never])
    table = table[table["category"] != "003"]
    gaps = table[table["reason"] == "not run"]
    assert set(gaps["seed"]) == {1}
    assert set(gaps["metric"]) == {"xauc", "image_auroc", "zeal"} | {cost.name for cost in COSTS}
    assert gaps["value"].isna().all()
    assert set(table["category"]) == {"001"}
    assert set(table["method"]) == {"none"}
    # A seed that no run has yet is no gap.
    assert "not run" not in set(collect(RUNS[:1], results, missing=[RUNS[1]])["reason"])


def test_the_file_keeps_every_digit_and_every_name(results: Path, tmp_path: Path) -> None:
    write_collection(RUNS, results, tmp_path / "demo")
    table = read_metrics(tmp_path / "demo" / "metrics.csv")
    assert table["value"][0] == 0.1 + 0.2
    assert math.isnan(table["value"][1])
    assert set(table["category"]) == {"001"}
    assert set(table["method"]) == {"none"}
    assert table.groupby("seed").size().to_dict() == {0: 3 + len(COSTS), 1: 2 + len(COSTS)}
    assert read_methods_table(tmp_path / "demo" / "methods.csv")["method"].tolist() == ["none"]


def test_methods_have_titles(results: Path, tmp_path: Path) -> None:
    external = Run("parts", "001", "standard", 0, "maps")
    write_json(results / external.folder / "metrics.json", metrics(xauc=(0.5, 3)))
    write_collection(RUNS, results, tmp_path, [external], titles={"none": "No method"})
    table = read_methods_table(tmp_path / "methods.csv")
    assert titles_of(table) == {"none": "No method", "maps": "maps"}


def test_tables_with_different_methods_are_an_error(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    write_collection(RUNS, results, folder)
    assert [len(table) for table in read_collection(folder)] == [5 + 2 * len(COSTS), 1]
    path = folder / "methods.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    with pytest.raises(
        DataError, match=r"methods\.csv: no method 'none', which .* 'aexad collect'"
    ):
        read_collection(folder)


def test_missing_runs_are_counted_and_a_target_is_named(tmp_path: Path) -> None:
    runs = [Run("parts", "grid", "standard", seed, "ae") for seed in range(5)]
    write_json(tmp_path / runs[1].folder / "metrics.json", metrics())
    with pytest.raises(DataError) as caught:
        collect(runs, tmp_path)
    message = str(caught.value)
    first = tmp_path / "runs/parts/grid/standard/seed0/ae/metrics.json"
    assert message.startswith(f"4 of 5 runs have no metrics.json yet: {first}, ")
    assert "seed2" in message
    assert "seed3" in message
    assert "seed4" not in message
    assert "and 1 more; " in message
    assert f"'snakemake {first}'" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"metrics": 3}', '{"metrics": {"xauc": {"n": 1}}}']
)
def test_an_error_names_the_damaged_file(results: Path, text: str) -> None:
    path = results / RUNS[0].folder / "metrics.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"metrics\.json: cannot be used") as caught:
        collect(RUNS, results)
    assert str(path) in str(caught.value)


def test_methods_are_described_by_what_their_runs_recorded(results: Path) -> None:
    assert describe_methods(RUNS, results).to_dict("records") == [
        {
            "method": "none",
            "title": "none",
            "model": "aexad",
            "encoder": "resnet18.tv_in1k",
            "family": "not known",
            "pretrained": "yes",
            "weights": "folder: resnet18.tv_in1k.safetensors",
            "sha256": "ab12",
            "tuning": "frozen",
            "loss": "aexad",
            "trained_parameters": "12",
            "frozen_parameters": "34",
            "epochs": "7",
            "input_size": "",  # not recorded by old runs
            "grid": "",
            "channels": "",
            "labels": "yes",
            "rebuilds": "yes",
            "collapsed": "",
        }
    ]


def test_a_method_without_gradients_has_no_epochs(results: Path) -> None:
    done = {"device": "cpu", "threads": 1}
    for run in RUNS:
        write_json(results / run.folder / "provenance.json", provenance(training=done))
    assert describe_methods(RUNS, results)["epochs"].to_list() == [""]


def test_collapsed_runs_are_named_and_their_method_is_marked(results: Path) -> None:
    provenances = [{"collapse": ""}, {"collapse": "saturated"}]
    for run, collapse in zip(RUNS, provenances, strict=True):
        write_json(results / run.folder / "provenance.json", provenance() | collapse)
    methods = describe_methods(RUNS, results)
    assert methods["collapsed"].to_list() == ["parts/001/standard/seed1"]
    assert titles_of(methods) == {"none": "none‡"}
    sentence = collapsed_runs(methods)
    assert sentence.startswith("‡ The training of 1 run collapsed")
    assert "(none: parts/001/standard/seed1)" in sentence


def test_without_collapsed_runs_nothing_is_said(results: Path) -> None:
    methods = describe_methods(RUNS, results)
    assert collapsed_runs(methods) == ""
    assert titles_of(methods) == {"none": "none"}


def test_a_random_encoder_is_marked(results: Path) -> None:
    encoder = {"name": "vit", "weights": "none", "source": "seed 0", "sha256": None}
    for run in RUNS:
        write_json(results / run.folder / "provenance.json", provenance(encoder=encoder))
    row = describe_methods(RUNS, results).iloc[0]
    assert (row["pretrained"], row["weights"], row["sha256"]) == ("no", "random weights", "")


def test_a_network_without_an_encoder_has_no_random_encoder(results: Path) -> None:
    encoder = {"name": None, "weights": "none", "source": "none", "sha256": None}
    for run in RUNS:
        write_json(results / run.folder / "provenance.json", provenance(encoder=encoder))
    methods = describe_methods(RUNS, results)
    columns = ["encoder", "family", "pretrained", "weights"]
    assert methods[columns].to_numpy().tolist() == [["none", "none", "–", "–"]]
    assert not_pretrained(list(methods["method"]), methods) == []


def test_raw_pixels_are_no_random_encoder(results: Path) -> None:
    encoder = {"name": "pixels", "family": "none", "weights": "none", "source": "", "sha256": None}
    for run in RUNS:
        write_json(results / run.folder / "provenance.json", provenance(encoder=encoder))
    row = describe_methods(RUNS, results).iloc[0]
    assert (row["encoder"], row["pretrained"], row["weights"]) == ("pixels", "–", "–")


def test_what_a_command_loads_is_not_known(results: Path) -> None:
    for run in RUNS:
        content = about(Command(command="patchcore"), 1.0, "")
        write_json(results / run.folder / "provenance.json", content)
    methods = describe_methods(RUNS, results)
    columns = ["model", "encoder", "family", "pretrained", "weights"]
    assert methods[columns].to_numpy().tolist() == [["command", *["not known"] * 4]]
    assert not_pretrained(list(methods["method"]), methods) == []
    assert without_family(methods) == []


def test_different_values_of_the_runs_of_a_method_are_all_named(results: Path) -> None:
    path = results / RUNS[1].folder / "provenance.json"
    encoder = json.loads(path.read_text())["encoder"] | {"source": "hub: timm/x@1", "sha256": "cd"}
    write_json(path, provenance(encoder=encoder))
    row = describe_methods(RUNS, results).iloc[0]
    assert row["weights"] == "folder: resnet18.tv_in1k.safetensors; hub: timm/x@1"
    assert row["sha256"] == "ab12; cd"
    assert row["encoder"] == "resnet18.tv_in1k"


def test_a_value_that_one_run_did_not_record_is_left_out(results: Path) -> None:
    assert describe_methods(RUNS, results)["grid"].tolist() == [""]
    features = {"input_size": 224, "grid": 14, "channels": 384}
    write_json(results / RUNS[1].folder / "provenance.json", provenance(features=features))
    assert describe_methods(RUNS, results)["grid"].tolist() == ["14"]


def test_the_family_of_an_encoder_is_known_if_one_run_recorded_it(results: Path) -> None:
    path = results / RUNS[1].folder / "provenance.json"
    encoder = json.loads(path.read_text())["encoder"]
    assert describe_methods(RUNS, results)["family"].tolist() == ["not known"]
    write_json(path, provenance(encoder=encoder | {"family": "hybrid"}))
    assert describe_methods(RUNS, results)["family"].tolist() == ["hybrid"]


@pytest.mark.parametrize(
    ("source", "short"),
    [
        ("/home/me/w/x.safetensors", "x.safetensors"),
        ("folder: ~/my weights/x.safetensors", "folder: x.safetensors"),
        ("file:///srv/x.pth", "x.pth"),
        (r"C:\weights\x.pth", "x.pth"),
        ("hub: timm/resnet18.tv_in1k@0a1b", "hub: timm/resnet18.tv_in1k@0a1b"),
        ("https://example.org/a/x.pth", "https://example.org/a/x.pth"),
        ("package: some-model 1.0", "package: some-model 1.0"),
    ],
)
def test_sources_do_not_name_the_machine(source: str, short: str) -> None:
    assert without_folders(source) == short


def test_equal_results_are_equal_files(results: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_collection(RUNS, results, tmp_path / name)
    for file in ("metrics.csv", "methods.csv"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
