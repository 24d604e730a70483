"""The verbs by hand, one after the other, on a data set of a few small images."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from aexad.cli import app, data, explain
from aexad.cli.arguments import usable_cores
from aexad.cli.parser import main
from aexad.config.recipe import HeatMap, Recipe
from aexad.runtime.errors import DataError

TINY = {"encoder": "test_resnet.r160_in1k", "weights": "none", "epochs": 1, "batch_size": 4}
METHODS = f"""
tiny: {json.dumps(TINY)}
pre: {{encoder: test_vit.r160_in1k, epochs: 1}}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with configuration and a data set of one's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.delenv("AEXAD_WEIGHTS", raising=False)
    rng = np.random.default_rng(0)

    def write(name, pixels):
        path = tmp_path / "mine" / "nuts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)

    def photo():
        return rng.integers(60, 120, (40, 40, 3), dtype=np.uint8)

    for i in range(4):
        write(f"train/good/{i}.png", photo())
    for i in range(2):
        write(f"test/good/{i}.png", photo())
    for i in range(3):
        defect, mask = photo(), np.zeros((40, 40), np.uint8)
        defect[10:20, 8:24], mask[10:20, 8:24] = 240, 255
        write(f"test/bent/{i}.png", defect)
        write(f"ground_truth/bent/{i}_mask.png", mask)
    (tmp_path / "config/methods").mkdir(parents=True)
    (tmp_path / "config/datasets.yaml").write_text(
        "mine: {title: Mine, adaptor: mvtec_layout, source: mine, size: 32, labelled: 1}\n"
    )
    (tmp_path / "config/methods/own.yaml").write_text(METHODS)
    (tmp_path / "config/benchmarks").mkdir()
    (tmp_path / "config/benchmarks/all.yaml").write_text(
        "{title: All, datasets: {mine: [nuts]}, methods: [tiny], gallery: 2}"
    )
    return tmp_path


DATA = "results/runs/mine/nuts/standard/seed0"
RUN = f"{DATA}/tiny"
STEPS = [
    "fetch --dataset mine",
    "index --dataset mine --output results/index/mine.csv",
    "split --dataset mine --category nuts --index results/index/mine.csv"
    f" --output {DATA}/split.csv",
    f"augment --dataset mine --split {DATA}/split.csv --output {RUN}/train.npz",
    f"train --method tiny --seed 0 --training-set {RUN}/train.npz --output {RUN} --device cpu"
    f" --log {RUN}/train.log",
    f"infer --method tiny --dataset mine --model {RUN}/model.safetensors --split {DATA}/split.csv"
    f" --output {RUN}/maps.npz --device cpu",
    f"evaluate --maps {RUN}/maps.npz --masks {DATA}/split.csv --dataset mine --output {RUN}",
    f"panels --dataset mine --run-folder {RUN} --split {DATA}/split.csv --count 2"
    f" --output {RUN}/panels",
    f"strips --dataset mine --run-folder {RUN} --split {DATA}/split.csv --output {RUN}/strips",
    "collect --benchmark all --source mine=mine",
    "tables --benchmark all --source mine=mine",
    "figures --benchmark all --source mine=mine",
    "report --benchmark all --source mine=mine",
    "explorer --benchmark all --source mine=mine",
]


def run(line):
    return main(line.split())


def test_every_verb_works_by_hand(folder):
    for line in STEPS:
        assert run(line) == 0, line
    shared = folder / DATA / "unfiltered"
    assert run(f"share --run-folder {RUN} --output {shared}") == 0
    for name in ("model.safetensors", "training.csv", "provenance.json"):
        assert (shared / name).read_bytes() == (folder / RUN / name).read_bytes()
    metrics = json.loads((folder / RUN / "metrics.json").read_text())
    assert metrics["images"] == {"test": 4, "good": 2, "anomalous": 2, "without_mask_pixels": []}
    assert len(pd.read_csv(folder / RUN / "training.csv")) == 1
    assert len(list((folder / RUN / "panels").glob("*.png"))) == 2
    provenance = json.loads((folder / RUN / "provenance.json").read_text())
    assert provenance["encoder"]["weights"] == "none"
    assert provenance["parameters"]["frozen"] > 0
    assert "no country is set" in provenance["energy"]["reason"]
    cost = json.loads((folder / RUN / "inference.json").read_text())
    assert set(cost) == {"images", "seconds", "energy", "peak_mb", "device", "threads"}
    assert (cost["images"], cost["device"], cost["energy"]["kwh"]) == (4, "cpu", None)
    assert cost["seconds"] > 0
    # What the maps depend on lies with the maps; it may be edited without a training.
    assert provenance["recipe"] == Recipe(**TINY).training
    with np.load(folder / RUN / "maps.npz") as maps:
        assert json.loads(maps["settings"].item()) == HeatMap().model_dump()
    log = (folder / RUN / "train.log").read_text()
    assert "epoch 1 of 1" in log
    assert f"train: wrote {RUN} in" in log.splitlines()[-1]
    table = (folder / "results/all/tables/xauc_standard.md").read_text()
    assert "tiny†" in table
    assert (folder / "results/all/report.html").stat().st_size > 10_000
    assert (folder / "results/all/explorer/index.html").stat().st_size > 10_000
    assert len(list((folder / "results/all/explorer/photographs").rglob("*.webp"))) == 4


def error_of(capsys, line):
    """The one line that a failing verb prints."""
    assert run(line) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    return "\n".join(text for text in lines if not text.startswith("licence"))


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (lambda f: (f / "mine/nuts/ground_truth/bent/1_mask.png").unlink(), STEPS[1], "bent/1.png"),
        (
            lambda f: [path.unlink() for path in (f / "mine/nuts/train/good").glob("*")],
            STEPS[1],
            "train/good",
        ),
        (
            lambda f: Image.new("L", (39, 40)).save(f / "mine/nuts/ground_truth/bent/1_mask.png"),
            STEPS[1],
            "1_mask.png",
        ),
        (lambda f: None, STEPS[1].replace("--dataset mine", "--dataset mien"), "'mine'"),
    ],
    ids=["missing mask", "empty category", "mask of another size", "unknown data set"],
)
def test_a_data_set_with_a_mistake_is_told(folder, capsys, change, line, message):
    assert run(STEPS[0]) == 0
    change(folder)
    capsys.readouterr()
    assert message in error_of(capsys, line)
    assert not (folder / "results").exists() or not list((folder / "results").rglob("*.csv"))


def test_later_mistakes_are_told_too(folder, capsys):
    for line in STEPS[:4]:
        assert run(line) == 0
    capsys.readouterr()
    unknown = error_of(capsys, STEPS[2].replace("nuts", "nutz"))
    assert "did you mean 'nuts'" in unknown
    assert "did you mean 'tiny'" in error_of(capsys, STEPS[4].replace("tiny", "tinny", 1))
    weights = error_of(capsys, STEPS[4].replace("--method tiny", "--method pre"))
    assert "no pre-trained weights for encoder 'test_vit.r160_in1k'" in weights
    for text in (unknown, weights):
        assert len(text.splitlines()) == 1
    assert not list((folder / RUN).glob("*.safetensors"))
    assert "no such model file" in error_of(capsys, STEPS[5])


@pytest.mark.parametrize("name", ["../elsewhere/all", "sub/all", "..", "runs"])
def test_a_benchmark_is_a_name_and_no_path(folder, capsys, name):
    for path in (folder / "config/elsewhere", folder / "config/benchmarks/sub"):
        shutil.copytree(folder / "config/benchmarks", path)
    text = error_of(capsys, f"collect --benchmark {name} --source mine=mine")
    assert f"benchmark '{name}': its results are in results/{name}, and the name may" in text
    assert not (folder / "results").exists()


def test_an_error_is_in_the_log_too(folder):
    assert run("fetch --dataset mien --log fetch.log") == 1
    assert "no data set 'mien'" in (folder / "fetch.log").read_text()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"{STEPS[1]} --log /dev/null/l", "aexad: /dev/null: File exists; name another path"),
        (STEPS[1].replace("results/index", "/dev/null"), "aexad: /dev/null: File exists; name"),
        (STEPS[1].replace("results/index/mine.csv", "mine"), "aexad: mine: Is a directory; name a"),
        (f"{STEPS[1]} --datasets none.yaml", "aexad: none.yaml: no such file; write it or name"),
        (STEPS[6].replace(f"{RUN}/maps.npz", "none.npz"), "aexad: none.npz: no such file or fold"),
        (STEPS[6].replace(f"{DATA}/split.csv", "none"), "aexad: none: no such file or folder; na"),
    ],
)
def test_a_path_that_cannot_be_used_is_one_line(folder, capsys, line, message):
    assert run(STEPS[0]) == 0
    (folder / RUN).mkdir(parents=True)
    (folder / RUN / "maps.npz").touch()
    capsys.readouterr()
    text = error_of(capsys, line)
    assert text.startswith(message)
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"{STEPS[-1]} --source mine", "'mine' is not of the form DATASET=FOLDER"),
        (f"{STEPS[2]} --seed -1", "'-1' is not a whole number of at least 0"),
        (f"{STEPS[2]} --seed {2**64}", f"'{2**64}' is not below 4294967296"),
        (f"{STEPS[4]} --seed 1.5", "'1.5' is not a whole number of at least 0"),
        (f"{STEPS[4]} --threads 0", "'0' is not a whole number of at least 1"),
        (f"{STEPS[7]} --count 0", "'0' is not a whole number of at least 1"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(capsys, line, message):
    with pytest.raises(SystemExit, match="2"):
        run(line)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "line", ["fit mine/nuts --method tiny -o {}.safetensors", "export model.safetensors -o {}.onnx"]
)
def test_an_output_that_cannot_be_written_is_told_before_the_work(
    folder, capsys, monkeypatch, line
):
    monkeypatch.setattr(app, "_check_torch", lambda: pytest.fail("the work has begun"))
    ending = Path(line).suffix
    (folder / f"out{ending}").mkdir()
    assert f"out{ending}: is a folder" in error_of(capsys, line.format("out"))
    message = f"{folder}/config/datasets.yaml is a file, not a folder"
    assert message in error_of(capsys, line.format("config/datasets.yaml/a/out"))
    monkeypatch.setattr("os.access", lambda path, mode: path != folder)  # root may write anywhere
    assert f"new/new/out{ending}: {folder} is read-only" in error_of(
        capsys, line.format("new/new/out")
    )
    assert not (folder / "new").exists()


def test_more_threads_than_cores_are_not_used(folder, capsys, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0})
    used = []

    def load(model, **options):
        used.append(options["threads"])
        raise DataError("enough")

    monkeypatch.setattr("aexad.app.explainer.load", load)
    assert run("explain m.onnx mine/nuts/test -o out --threads 1000") == 1
    assert used == [1]
    assert "--threads 1000: only 1 cores are here; using 1" in capsys.readouterr().err


def test_cores_are_counted_where_a_process_has_no_affinity(monkeypatch):
    """macOS has none."""
    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    assert usable_cores() == 3


def test_a_command_records_the_cores_that_it_may_use(folder, monkeypatch):
    """And not those of the whole machine."""
    (folder / "config/methods/theirs.yaml").write_text("theirs: {command: 'true'}\n")
    for line in STEPS[:3]:
        assert run(line) == 0
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0})
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    maps = {"image": np.array(["a.png"])}
    monkeypatch.setattr("aexad.explain.command.run_command", lambda *_: None)
    monkeypatch.setattr("aexad.explain.command.read_output", lambda *_: maps)
    monkeypatch.setattr("aexad.explain.run_maps.write_maps", lambda *_: None)
    line = f"command --method theirs --dataset mine --split {DATA}/split.csv --output {RUN}"
    assert run(line) == 0
    for name in ("inference", "provenance"):
        assert json.loads((folder / RUN / f"{name}.json").read_text())["threads"] == 1


def test_weights_that_are_not_used_are_told_with_the_reason(folder, capsys):
    """Also where no weights are no error."""
    (folder / "weights").mkdir()
    (folder / "weights/test_vit.r160_in1k.safetensors").touch()
    line = "weights test_vit.r160_in1k --weights-dir weights --if-reachable -o record.json"
    assert run(f"{line} --revision {'c' * 40}") == 0
    told = capsys.readouterr().out
    assert "weights/test_vit.r160_in1k.safetensors is not known to be revision cccc" in told
    assert "remove that file" in told
    assert told.count("\n") == 1


@pytest.fixture
def defect(monkeypatch):
    def index(args):
        raise ZeroDivisionError("ours,\nin two lines")

    monkeypatch.setattr(data, "index", index)


def test_a_defect_of_ours_is_one_line_and_its_traceback_is_in_the_log(folder, capsys, defect):
    text = error_of(capsys, f"{STEPS[1]} --log index.log")
    assert text == (
        "aexad: a defect of aexad itself (ZeroDivisionError: ours, in two lines); the traceback is "
        "in index.log; please report it"
    )
    log = (folder / "index.log").read_text()
    assert "Traceback" in log
    assert "ZeroDivisionError: ours" in log
    assert "'python -m aexad --debug VERB …' shows where" in error_of(capsys, STEPS[1])


OUT_OF_MEMORY = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"


@pytest.mark.parametrize(
    ("verb", "line", "error", "remedy"),
    [
        (
            app.explain,
            "explain m i -o o",
            RuntimeError(OUT_OF_MEMORY),
            "use a smaller --batch-size",
        ),
        (app.explain, "explain m i -o o", MemoryError(), "use a smaller --batch-size"),
        (
            app.fit,
            "fit i -o m --tile 900",
            MemoryError(),
            "use a smaller --size or a larger --tile",
        ),
        (explain.infer, STEPS[5], MemoryError(), "run fewer jobs at the same time (snakemake --co"),
        (explain.infer, STEPS[5], torch.OutOfMemoryError("9 GiB"), "use --device cpu"),
    ],
)
def test_memory_that_is_exhausted_is_no_defect_of_ours(
    tmp_path, monkeypatch, capsys, verb, line, error, remedy
):
    def exhausted(args):
        raise error

    exhausted.__name__, exhausted.__doc__ = verb.__name__, verb.__doc__
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.modules[verb.__module__], verb.__name__, exhausted)
    text = error_of(capsys, line)
    assert text.startswith("aexad: out of memory (")
    assert f"; {remedy}" in text


def test_debug_shows_the_traceback(capsys, defect):
    with pytest.raises(ZeroDivisionError):  # which the interpreter prints
        run(f"--debug {STEPS[1]}")
    assert capsys.readouterr().err == ""


def test_help_and_the_verbs_without_a_network_load_no_torch():
    code = (
        "import sys; from aexad.cli.parser import main\n"
        "try: main(['evaluate', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(bool({'torch', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "--maps" in result.stdout


def test_a_reader_who_has_enough_of_the_output_is_no_error():
    with subprocess.Popen(
        [sys.executable, "-m", "aexad", "methods"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as listing:
        listing.stdout.close()
        assert listing.stderr.read() == b""
    assert listing.returncode == 128 + 13  # as if SIGPIPE had ended it
