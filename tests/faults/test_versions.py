"""Results of another version, or with a missing part, are named and never used.

Snakemake itself repeats results of other code; these are files that a person copies.
"""

import json

import numpy as np
import pandas as pd
import pytest
from smoke_run import DATA, RUN

from aexad.cli.parser import main

pytestmark = pytest.mark.workflow

INDEX, METRICS = "results/index/textures_tiny/brick.csv", "results/one/metrics.csv"
SPLIT = f"--split {DATA}/split.csv --dataset textures_tiny"
INFER = f"infer --method ae-smoke --model {RUN}/model.safetensors {SPLIT} --device cpu"
VERBS = {
    "split": f"split --dataset textures_tiny --category brick --index"
    f" {INDEX} --output {DATA}/split.csv",
    "augment": f"augment {SPLIT} --output made.npz",
    "infer": f"{INFER} --output made.npz",
    "evaluate": f"evaluate --maps {RUN}/maps.npz --masks {DATA}/split.csv --dataset textures_tiny"
    " --output made",
    "panels": f"panels --run-folder {RUN} {SPLIT} --count 2 --output made",
    "collect": "collect --benchmark one",
    "tables": "tables --benchmark one",
    "figures": "figures --benchmark one",
}


def without(key):
    """Return a function that removes a key, column or array from a file."""

    def change(path):
        if path.suffix == ".json":
            content = json.loads(path.read_text())
            del content[key]
            path.write_text(json.dumps(content))
        elif path.suffix == ".csv":
            pd.read_csv(path, dtype=str, keep_default_na=False).drop(columns=key).to_csv(
                path, index=False
            )
        else:
            with np.load(path, allow_pickle=False) as arrays:
                rest = {name: arrays[name] for name in arrays if name != key}
            np.savez(path, **rest)

    change.__name__ = f"without {key}"
    return change


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path):
    path.write_bytes(b"")


def scalar(path):
    path.write_text("1")


def binary(path):
    path.write_bytes(bytes(range(256)))


CASES = [
    ("split", INDEX, [without("mask"), emptied, binary]),
    ("augment", f"{DATA}/split.csv", [without("role"), emptied, binary]),
    ("infer", f"{RUN}/model.safetensors", [cut, emptied, binary]),
    ("evaluate", f"{RUN}/maps.npz", [without("heat_map"), cut, emptied, binary]),
    ("panels", f"{RUN}/maps.npz", [without("heat_map"), cut]),
    ("panels", f"{RUN}/per_image.csv", [without("xauc"), without("image"), emptied, binary]),
    ("collect", f"{RUN}/metrics.json", [without("metrics"), cut, emptied, scalar, binary]),
    ("collect", f"{RUN}/provenance.json", [without("recipe"), without("seconds"), cut, scalar]),
    ("collect", f"{RUN}/inference.json", [without("seconds"), cut, emptied, scalar, binary]),
    ("tables", METRICS, [without("n"), emptied, binary]),
    ("tables", "results/one/methods.csv", [without("encoder"), emptied, binary]),
    ("tables", f"{RUN}/per_image.csv", [without("f1"), emptied, binary]),
    ("figures", f"{RUN}/training.csv", [without("loss_normal"), emptied, binary]),
    ("figures", f"{RUN}/provenance.json", [scalar, cut, emptied]),
]
# Verbs whose results the copy of one run lacks; run once for all cases.
MADE = ("collect",)


@pytest.fixture(scope="module")
def collected(one_run, tmp_path_factory):
    project = one_run.clone(tmp_path_factory.mktemp("collected") / "project", "results", "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.folder)
        assert [main(VERBS[verb].split()) for verb in MADE] == [0]
    return project


@pytest.mark.parametrize(
    ("verb", "name", "change"),
    [(verb, name, change) for verb, name, changes in CASES for change in changes],
    ids=lambda value: getattr(value, "__name__", str(value).rpartition("/")[2]),
)
def test_a_file_that_cannot_be_used_is_reported_in_one_line(
    collected, monkeypatch, capsys, verb, name, change
):
    monkeypatch.chdir(collected.folder)
    path = collected.folder / name
    whole = path.read_bytes()
    try:
        change(path)
        status = main(VERBS[verb].split())
    finally:
        path.write_bytes(whole)
    text = capsys.readouterr().err
    assert status == 1, text
    assert len(text.splitlines()) == 1
    assert text.startswith("aexad: ")
    assert path.name in text
    assert "a defect of aexad" not in text
    assert not list(collected.folder.glob("made*"))


def test_results_of_other_code_are_made_again(copy_of_run):
    with (copy_of_run.folder / "aexad/explain/heatmap.py").open("a") as file:
        file.write("\nANOTHER_VERSION = True\n")
    planned = copy_of_run.planned(f"{RUN}/metrics.json")
    assert planned["infer"] == 1
    assert "train" not in planned
