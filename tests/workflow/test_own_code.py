"""Code of one's own and programs, as docs/extending.md prints them."""

import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from project import ROOT

from aexad.config.benchmark import Benchmark
from aexad.config.schema import read_yaml, validate

pytestmark = pytest.mark.workflow

PAGE = (ROOT / "docs/extending.md").read_text()
RUNS = "results/runs/textures_tiny/brick/standard/seed0"
BENCHMARK = "{title: Mine, datasets: {textures_tiny: [brick]}, methods: [METHODS]}\n"
MINE = ("gaussian-mine", "aexad-focal-mine", "aexad-median-mine", "aexad-edges-mine")


def blocks(language):
    """The blocks of the page whose first line is a comment with a file name: name, text."""
    found = re.findall(rf"```{language}\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found


def recipes():
    mine = [text for name, text in blocks("yaml") if name == "config/methods/mine.yaml"]
    return {name: recipe for text in mine for name, recipe in yaml.safe_load(text).items()}


def with_own_code(project, outside, recipes, methods):
    """Write the page's files to a folder outside of the project, and a benchmark with methods."""
    outside.mkdir()
    for name, text in blocks("python"):
        (outside / name).write_text(text)
    text = yaml.safe_dump(recipes)
    text = re.sub(r"\b(my_\w+\.py)", rf"{outside}/\1", text)
    (outside / "mine.yaml").write_text(text)
    benchmark = BENCHMARK.replace("METHODS", ", ".join(methods))
    (project.folder / "config/benchmarks/mine.yaml").write_text(benchmark)
    return ("benchmark=mine", f"recipes=[{outside}/mine.yaml]")


@pytest.fixture
def project_and_config(copy_of_finished, tmp_path):
    own = {name: recipe for name, recipe in recipes().items() if "command" not in recipe}
    config = with_own_code(copy_of_finished, tmp_path / "outside", own, [*MINE, "ae-smoke"])
    return copy_of_finished, config, tmp_path / "outside"


def test_every_file_of_configuration_on_the_page_can_be_read(tmp_path):
    for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL):
        path = tmp_path / "block.yaml"
        path.write_text(text)
        assert read_yaml(path)
        if text.startswith("title:"):
            assert validate(Benchmark, read_yaml(path), "the page").comparisons


def test_code_outside_of_the_checkout_has_rows_in_the_table(project_and_config):
    project, config, outside = project_and_config
    project.snakemake(config=config)
    table = pd.read_csv(project.folder / "results/mine/methods.csv").set_index("method")
    assert set(MINE) < set(table.index)
    assert table.loc["gaussian-mine", ["labels", "rebuilds"]].tolist() == ["no", "no"]
    assert table.loc["aexad-focal-mine", "labels"] == "yes"
    assert (project.folder / "results/mine/report.html").is_file()
    strips = project.folder / "results/mine/explorer/strips/textures_tiny/brick/standard/seed0"
    assert all(list((strips / name).glob("*.webp")) for name in MINE)
    # A filter of one's own shares the model of the recipe that it changes.
    median = json.loads((project.folder / RUNS / "aexad-median-mine/provenance.json").read_text())
    assert median["method"] == "aexad-smoke_resnet"
    # An edit of a file concerns the methods that name it, and no others.
    assert project.planned(config=config) == {}
    with (outside / "my_filter.py").open("a") as file:
        file.write("\nSIDE = 5\n")
    assert project.planned(config=config)["infer"] == 1
    assert "train" not in project.planned(config=config)
    with (outside / "my_loss.py").open("a") as file:
        file.write("\nGAMMA = 2\n")
    planned = project.planned(config=config)
    assert (planned["train"], planned["infer"]) == (1, 2)
    assert project.planned() == {}  # nothing of the benchmark 'smoke' is due


def test_an_exception_of_ones_own_code_is_one_line_that_names_it(project_and_config):
    project, config, outside = project_and_config
    (outside / "my_loss.py").write_text("def focal(reconstruction, image, mask):\n    1 / 0\n")
    done = project.snakemake(f"{RUNS}/aexad-focal-mine/metrics.json", config=config, check=False)
    assert done.returncode != 0
    assert re.search(r"my_loss.py:focal: fails when it is trained \(ZeroDivisionError", done.stdout)


# A program that needs nothing but Python: it writes the NumPy format by itself.
PROGRAM = """
import struct, sys
from pathlib import Path
split, output = Path(sys.argv[1]), Path(sys.argv[2])
names = sorted(str(path.relative_to(split)) for path in split.rglob("*.png"))
tested = [name for name in names if not name.startswith("train/")]
if tested != [f"test/{i:05}.png" for i in range(36)]:
    sys.exit("the view has more than it should")
try:
    import torch
    sys.exit("torch is here")
except ImportError:
    pass
head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }"
head = head.ljust(117) + b"\\n"
for i, path in enumerate(sorted(split.glob("test/*.png"))):
    values = struct.pack("<4f", *VALUES)
    start = bytes([147]) + b"NUMPY" + bytes([1, 0]) + struct.pack("<H", 118)
    (output / (path.stem + ".npy")).write_bytes(start + head + values)
"""


def command_project(project, tmp_path, program, **keys):
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    own = recipes()["brightness-mine"]
    own |= {"environment": str(environment), "command": f"{own['command']} {{device}}"} | keys
    config = with_own_code(
        project, tmp_path / "outside", {"brightness-mine": own}, ["brightness-mine"]
    )
    (tmp_path / "outside/my_program.py").write_text(program)
    return config


def test_a_command_in_an_environment_without_torch(copy_of_finished, tmp_path):
    project = copy_of_finished
    program = PROGRAM.replace("*VALUES", "0, 1, i, 3")
    config = command_project(project, tmp_path, program)
    project.snakemake(config=config)
    run = project.folder / RUNS / "brightness-mine"
    provenance = json.loads((run / "provenance.json").read_text())
    assert set(provenance["environment"]) == {"python"}
    assert provenance["seconds"]["training"] > 0
    with np.load(run / "maps.npz") as maps:
        assert maps["heat_map"].shape[1:] == (64, 64)
    rows = pd.read_csv(project.folder / "results/mine/metrics.csv")
    assert set(rows["method"]) == {"brightness-mine"}
    assert (project.folder / "results/mine/report.html").is_file()
    assert list((project.folder / RUNS / "brightness-mine/panels").glob("*.png"))
    assert project.planned(config=config) == {}
    project.edit("config/datasets.yaml", "size: 64\n", "size: 64\n  levels: [0, 9]\n")
    assert project.planned(config=config)["command"] == 1
    project.edit("config/datasets.yaml", "  levels: [0, 9]\n", "")
    with (tmp_path / "outside/my_program.py").open("a") as file:
        file.write("# changed\n")
    assert project.planned(config=config)["command"] == 1


@pytest.mark.parametrize(
    ("program", "keys", "told"),
    [
        ("import sys; sys.exit('no licence')", {}, "ended with status 1: no licence"),
        ("import time; time.sleep(60)", {"minutes": 0.02}, "was stopped after 0.02 minutes"),
        (PROGRAM.replace("*VALUES", "0, 1, 2, float('nan')"), {}, "holds NaN or infinite values"),
        ("", {}, "wrote no map for 36 of 36 test images, for example 00000.npy"),
        (PROGRAM.replace("(2, 2)", "(4, )").replace("*VALUES", "0, 1, 2, 3"), {}, "is no map"),
    ],
    ids=["fails", "hangs", "NaN", "too few maps", "wrong shape"],
)
def test_a_command_that_goes_wrong_ends_in_one_line(
    copy_of_finished, tmp_path, program, keys, told
):
    project = copy_of_finished
    config = command_project(project, tmp_path, program, **keys)
    target = f"{RUNS}/brightness-mine/maps.npz"
    done = project.snakemake(target, config=config, check=False)
    assert done.returncode != 0
    lines = [line for line in done.stdout.splitlines() if line.startswith("aexad: ")]
    assert len(lines) == 1
    assert told in lines[0]
    assert not (project.folder / target).exists()
