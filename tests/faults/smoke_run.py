"""The run that these tests share: its paths in a project, and checks of its results."""

import json

import numpy as np
import pandas as pd
from safetensors import safe_open

DATA = "results/runs/textures_tiny/brick/standard/seed0"
RUN = f"{DATA}/ae-smoke"
TARGET = f"{RUN}/metrics.json"
RESULTS = ("*.safetensors", "*.npz", "*.csv", "metrics.json")


def is_one_line(done, *parts, status=1):
    assert done.status == status, done.text
    assert len(done.text.splitlines()) == 1, done.text
    assert done.text.startswith("aexad: ")
    for part in parts:
        assert part in done.text


def read_whole(folder):
    """Read every result completely and count them; a damaged one raises an error."""
    count = 0
    for path in folder.rglob("[!.]*"):
        if path.suffix == ".safetensors":
            with safe_open(path, framework="np") as file:
                assert [file.get_tensor(name) for name in file.keys()]  # noqa: SIM118
        elif path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                assert [arrays[name] for name in arrays]
        elif path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".csv":
            assert path.read_bytes().endswith(b"\n")
            assert len(pd.read_csv(path))
        else:
            continue
        count += 1
    return count


def results(project):
    """Bytes of the results; of the table of a training, without its seconds."""
    contents = project.results(*RESULTS)
    for name in contents:
        if name.endswith("training.csv"):
            curve = pd.read_csv(project.folder / "results" / name)
            contents[name] = curve.drop(columns="seconds").to_csv()
    return contents
