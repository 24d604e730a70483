"""The workflow itself, run by Snakemake on the smoke benchmark."""

import io
import json
import os
import re
import shutil
import time

import numpy as np
import pandas as pd
import pytest
import safetensors
from PIL import Image
from project import COSTS
from safetensors.numpy import save_file

pytestmark = pytest.mark.workflow

REPORTS = {"collect", "tables", "figures", "report", "explorer"}
RUN = "results/runs/textures_tiny/brick/standard/seed0"


def test_one_call_makes_everything(finished):
    folder = finished.folder
    assert (folder / "results/smoke/report.html").is_file()
    assert (folder / "results/smoke/tables/methods.md").is_file()
    assert (folder / "results/smoke/summary.md").is_file()
    assert list((folder / "results/smoke/figures").glob("*.svg"))
    metrics = json.loads((folder / RUN / "aexad-smoke_vit/metrics.json").read_text())
    assert 0 <= metrics["metrics"]["xauc"]["value"] <= 1
    assert len(list((folder / RUN / "ae-smoke/panels").glob("*.png"))) == 6
    assert not list(folder.rglob("train.npz"))  # temporary


def test_the_explorer_has_every_test_image_under_every_method(finished):
    folder = finished.folder / "results/smoke/explorer"
    images = len(list((folder / "photographs/textures_tiny/brick").glob("*.webp")))
    assert images > 6
    assert len(list((folder / "strips").rglob("*.webp"))) == 3 * images
    assert (folder / "index.html").stat().st_size < 200_000


def test_an_edit_of_the_explorers_page_writes_it_again_and_no_more(copy_of_finished):
    with (copy_of_finished.folder / "aexad/report/html/explorer/browser/order.js").open(
        "a"
    ) as file:
        file.write("// edited\n")
    assert copy_of_finished.planned() == {"explorer": 1}


def test_the_tables_say_which_encoder_is_not_pre_trained(finished):
    encoders = (finished.folder / "results/smoke/tables/methods.md").read_text()
    assert "not pre-trained" in encoders


def test_each_rule_has_a_log_and_a_benchmark(finished):
    run = finished.folder / RUN / "aexad-smoke_vit"
    for rule in ("train", "infer", "evaluate", "panels", "strips"):
        assert (run / "logs" / f"{rule}.log").is_file()
        assert (run / "benchmarks" / f"{rule}.tsv").is_file()
    assert "epoch 2 of 2" in (run / "logs/train.log").read_text()


def test_a_second_call_does_nothing(finished):
    assert finished.planned() == {}


def test_another_country_runs_nothing_again(finished):
    config = ("benchmark=smoke", "country=DEU")
    assert finished.planned(config=config) == {}
    command = finished.snakemake("--dry-run", "--forceall", config=config).stdout
    assert command.count("--threads 1 --country DEU") == 6  # three trained, three explained
    assert "--country" not in finished.snakemake("--dry-run", "--forceall").stdout


def test_how_a_training_is_carried_out_runs_nothing_again(finished):
    config = ("benchmark=smoke", "checkpoint_epochs=1", "feature_memory_mb=64")
    assert finished.planned(config=config) == {}
    command = finished.snakemake("--dry-run", "--forceall", config=config).stdout
    assert command.count("--feature-memory-mb 64 --step-memory-mb 8000 --checkpoint-epochs 1 ") == 3


def test_touched_sources_re_run_nothing(copy_of_finished):
    later = time.time() + 100
    for path in copy_of_finished.folder.glob("aexad/**/*.py"):
        os.utime(path, (later, later))
    for name in ("Snakefile", "config/methods/aexad.yaml", "workflow/rules/train.smk"):
        os.utime(copy_of_finished.folder / name, (later, later))
    assert copy_of_finished.planned() == {}


@pytest.mark.parametrize("folders", [["results", "data"], ["results"]])
def test_a_fresh_clone_with_old_results_re_runs_nothing(finished, tmp_path, folders):
    assert finished.clone(tmp_path / "project", *folders).planned() == {}


def test_an_edit_of_a_metric_evaluates_again_and_no_more(copy_of_finished):
    with (copy_of_finished.folder / "aexad/evaluation/metrics/pro.py").open("a") as file:
        file.write("\nEDITED = True\n")
    planned = copy_of_finished.planned()
    # Panels print the values of per_image.csv.
    assert set(planned) == {"evaluate", "panels"} | REPORTS
    assert planned["evaluate"] == 3


def test_an_edit_of_a_recipe_runs_that_method_again_and_no_other(copy_of_finished):
    copy_of_finished.edit(
        "config/methods/short.yaml", "tuning: full\n  epochs: 2", "tuning: full\n  epochs: 3"
    )
    planned = copy_of_finished.planned()
    once = {"augment", "train", "infer", "evaluate", "panels", "strips"}
    assert {rule: planned[rule] for rule in once} == dict.fromkeys(once, 1)
    assert set(planned) == once | REPORTS
    messages = copy_of_finished.snakemake("--dry-run").stdout
    assert "Training aexad-smoke_vit on brick" in messages


def test_another_title_of_a_method_writes_the_reports_again_and_no_more(copy_of_finished):
    copy_of_finished.edit("config/methods/short.yaml", '"Autoencoder, tiny ResNet"', '"Another"')
    assert copy_of_finished.planned() == dict.fromkeys(REPORTS, 1)


def test_an_edit_of_what_reports_read_writes_them_again(copy_of_finished):
    with (copy_of_finished.folder / "aexad/report/inputs.py").open("a") as file:
        file.write("\nEDITED = True\n")
    assert copy_of_finished.planned() == dict.fromkeys(REPORTS, 1)


def test_another_folder_of_weights_is_filled_and_nothing_is_trained(copy_of_finished):
    project = copy_of_finished
    (project.folder / "config/methods/own.yaml").write_text(
        "pre: {encoder: test_vit.r160_in1k, epochs: 1}\n"
    )
    record = "results/weights/test_vit.r160_in1k.json"
    (project.folder / "weights").mkdir()
    save_file({"x": np.zeros(1)}, project.folder / "weights/test_vit.r160_in1k.safetensors")
    project.snakemake(record)
    for name in ("model.safetensors", "training.csv", "provenance.json"):
        path = project.folder / RUN / "pre" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((project.folder / RUN / "aexad-smoke_vit" / name).read_bytes())
    target = f"{RUN}/pre/model.safetensors"
    assert project.planned(target) == {}
    moved = ("benchmark=smoke", "weights_dir=elsewhere")
    assert project.planned(target, config=moved) == {"weights": 1}


def test_an_edit_of_a_heat_map_explains_again_and_does_not_train(copy_of_finished):
    copy_of_finished.edit(
        "config/methods/short.yaml",
        'title: "Autoencoder, tiny ResNet", loss: mse}',
        'title: "Autoencoder, tiny ResNet", loss: mse, heat_map: {filter: none}}',
    )
    pictures = {"panels", "strips"}
    assert set(copy_of_finished.planned()) == {"infer", "evaluate"} | pictures | REPORTS


def test_a_method_that_differs_in_the_heat_map_alone_is_not_trained(copy_of_finished):
    folder = copy_of_finished.folder / RUN
    target = f"{RUN}/ae-smoke-unfiltered/metrics.json"
    assert copy_of_finished.planned(target) == {"share": 1, "infer": 1, "evaluate": 1}
    copy_of_finished.snakemake(target)
    for name in ("model.safetensors", "training.csv", "provenance.json"):
        shared = (folder / "ae-smoke-unfiltered" / name).read_bytes()
        assert shared == (folder / "ae-smoke" / name).read_bytes()
    maps = [
        np.load(folder / name / "maps.npz")["k"] for name in ("ae-smoke", "ae-smoke-unfiltered")
    ]
    assert maps[0].min() >= 1
    assert maps[1].max() == 0


def test_an_edit_of_the_augmentation_trains_every_method_again(copy_of_finished):
    with (copy_of_finished.folder / "aexad/data/augment.py").open("a") as file:
        file.write("\nEDITED = True\n")
    assert copy_of_finished.planned()["train"] == 3


def test_the_same_seed_gives_the_same_bytes(finished, project):
    project.snakemake("tables", "figures")
    patterns = (
        "*.csv",
        "*.safetensors",
        "*.md",
        "*.tex",
        "metrics.json",
        "*.svg",
        "*.png",
        "*.npz",
    )
    again = project.results(*patterns)
    assert len([name for name in again if name.endswith(".safetensors")]) == 3
    first = finished.results(*patterns)
    assert [n for n in again if again[n] != first[n] and not any(c in n for c in COSTS)] == []
    tables = [pd.read_csv(io.BytesIO(each["smoke/metrics.csv"])) for each in (first, again)]
    values = [table[~table["metric"].str.match("training_|inference_")] for table in tables]
    pd.testing.assert_frame_equal(*values)
    for name in (name for name in again if name.endswith("training.csv")):
        curves = [
            pd.read_csv(io.BytesIO(each[name])).drop(columns="seconds") for each in (first, again)
        ]
        pd.testing.assert_frame_equal(*curves)


def test_one_target_makes_one_run(copy_of_finished):
    target = f"{RUN.replace('seed0', 'seed5')}/ae-smoke/metrics.json"
    planned = copy_of_finished.planned(target)
    assert planned == dict.fromkeys(("split", "augment", "train", "infer", "evaluate"), 1)


def test_a_call_can_be_narrowed_to_one_method(project):
    planned = project.planned(config=("benchmark=smoke", "categories=brick", "methods=ae-smoke"))
    assert planned["train"] == 1
    assert "report" not in planned


def test_braces_in_the_path_of_recipes_are_no_wildcards(copy_of_finished):
    recipes = copy_of_finished.folder / "more {recipes}.yaml"
    recipes.write_text("more: {base: ae-smoke}\n")
    config = ("benchmark=smoke", f"recipes={recipes}")
    assert copy_of_finished.planned(config=config) == dict.fromkeys(REPORTS, 1)
    assert copy_of_finished.snakemake("tables", config=config)


def test_a_call_says_which_runs_are_missing(copy_of_finished):
    shutil.rmtree(copy_of_finished.folder / RUN / "ae-smoke")
    output = copy_of_finished.snakemake(f"{RUN}/split.csv", "--force").stdout
    missing = f"{RUN.removeprefix('results/')}/ae-smoke"
    assert f"1 of 3 runs are missing, for example {missing}" in output
    assert "--config partial=true" in output


def test_a_partial_report_covers_the_completed_runs(copy_of_finished):
    folder = copy_of_finished.folder
    shutil.rmtree(folder / RUN / "ae-smoke")
    shutil.rmtree(folder / "results/smoke")
    partial = ("benchmark=smoke", "partial=true")
    copy_of_finished.snakemake("tables", config=partial)
    table = (folder / "results/smoke/tables/methods.md").read_text()
    assert "Partial: 2 of 3 runs of the benchmark are complete." in table
    assert "AE-XAD, tiny ViT" in table
    assert "Autoencoder" not in table
    assert "Partial: 2 of 3" in (folder / "results/smoke/summary.md").read_text()
    assert not (folder / RUN / "ae-smoke").exists()
    assert copy_of_finished.planned("tables", config=partial) == {}
    # A benchmark that grows is less complete.
    copy_of_finished.edit("config/benchmarks/smoke.yaml", "seeds: [0]", "seeds: [0, 1]")
    assert copy_of_finished.planned("tables", config=partial) == {"collect": 1, "tables": 1}


def test_entries_of_one_base_are_fetched_once_and_classes_have_one_scenario(project):
    (project.folder / "config/benchmarks/digits.yaml").write_text(
        "{title: Digits, datasets: {mnist: [3], mnist_small: all}, methods: [ae-smoke],\n"
        "scenarios: [standard, one_class]}"
    )
    planned = project.planned(config=("benchmark=digits",))
    assert {rule: planned[rule] for rule in ("fetch", "index", "split")} == {
        "fetch": 1,
        "index": 2,
        "split": 11,
    }
    # A category that YAML takes for a number.
    assert project.planned(config=("benchmark=digits", "categories=3"))["train"] == 2


def test_the_models_header_says_what_it_is(finished):
    path = finished.folder / RUN / "aexad-smoke_resnet/model.safetensors"
    with safetensors.safe_open(path, framework="np") as file:
        header = json.loads(file.metadata()["aexad"])
    assert header["encoder"]["name"] == "test_resnet.r160_in1k"
    assert header["recipe"]["epochs"] == 2


def test_the_whole_report_has_a_dag(project):
    """15 categories of MVTec AD, 20 classes of MNIST and CIFAR-10, 3 seeds."""
    planned = project.planned(config=("benchmark=report",))
    aexad, plain, anovit = 15 * 3 * (20 * 2 + 1), 15 * 3 * 4 * 2, 20 * 3 * 4
    rivals = 15 * 3 * (2 + 14)  # in the scenario standard alone
    assert planned["train"] == aexad + plain + anovit + rivals
    # Maps without a filter are of the same models.
    assert planned["share"] == 15 * 3 * (2 + 1)
    assert planned["split"] == 15 * 3 * 3 + 20 * 3


def test_snakemakes_own_report_is_one_offline_file(finished, tmp_path):
    page = tmp_path / "page.html"
    finished.snakemake("--report", page)
    text = page.read_text()
    assert len(text) > 1_000_000
    assert 'src="http' not in text


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (["benchmark=smok"], "no benchmark 'smok'; did you mean 'smoke'"),
        (["benchmark=smoke", "categories=brik"], "categories=brik: not in .*did you mean 'brick'"),
        (["benchmark=smoke", "methods=ae-smok"], "methods=ae-smok: .*did you mean 'ae-smoke'"),
        (["benchmrk=smoke"], "unknown key 'benchmrk'.*did you mean 'benchmark'"),
        (["benchmark=smoke", "country=Germany"], "'country': .*pattern"),
        (["benchmark=smoke", "benchmarks=" + 300 * "x"], "File name too long; shorten the name"),
        (["benchmark=smoke", "threads=0"], "'threads': input should be greater"),
    ],
)
def test_a_mistake_in_the_call_is_one_clear_line(project, config, message):
    result = project.snakemake("--dry-run", config=config, check=False)
    assert result.returncode != 0
    assert re.search(message, result.stdout), result.stdout[-2000:]
    assert "Traceback" not in result.stdout


def test_an_unknown_method_in_a_target_names_its_nearest_neighbour(project):
    result = project.snakemake("--dry-run", f"{RUN}/ae-smok/metrics.json", check=False)
    assert result.returncode != 0
    assert "no method 'ae-smok'; did you mean 'ae-smoke'" in result.stdout


def test_weights_that_cannot_be_had_leave_nothing_behind(copy_of_finished):
    own = copy_of_finished.folder / "config/methods/own.yaml"
    own.write_text("pre: {encoder: test_vit.r160_in1k, epochs: 1}\n")
    result = copy_of_finished.snakemake(f"{RUN}/pre/metrics.json", check=False)
    assert result.returncode != 0
    assert "no pre-trained weights for encoder 'test_vit.r160_in1k'" in result.stdout
    assert "Traceback" not in result.stdout
    left = {path.name for path in (copy_of_finished.folder / RUN / "pre").glob("*.*")}
    assert left <= {"train.npz"}  # whole, and used by the next try
    assert not list((copy_of_finished.folder / "results/weights").glob("*.json"))


def test_external_maps_are_in_the_same_tables(copy_of_finished):
    """Here: the mask itself as a map, which no method can beat."""
    folder = copy_of_finished.folder
    for image in (folder / "data/textures_tiny/brick/test").glob("*/*.png"):
        truth = folder / "data/textures_tiny/brick/ground_truth" / image.parent.name
        mask = truth / f"{image.stem}_mask.png"
        values = np.asarray(Image.open(mask if mask.exists() else image).convert("L")) > 127
        path = folder / "maps/brick" / image.parent.name / f"{image.stem}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.where(mask.exists(), values, 0).astype(np.float32))
    (folder / "config/methods/own.yaml").write_text('perfect: {maps: "maps/{category}"}\n')
    copy_of_finished.edit("config/benchmarks/smoke.yaml", "methods: [", "methods: [perfect, ")
    assert copy_of_finished.planned()["evaluate_external"] == 1
    copy_of_finished.snakemake()
    table = pd.read_csv(folder / "results/smoke/tables/pro_standard.csv")
    assert table["perfect"].tolist() == [1.0, 1.0]  # brick, mean
    methods = pd.read_csv(folder / "results/smoke/methods.csv").set_index("method")
    assert methods.loc["perfect", "pretrained"] == "not known"
    assert "perfect" in (folder / "results/smoke/report.html").read_text()
    assert "perfect" in (folder / "results/smoke/explorer/index.html").read_text()
    assert list(folder.glob("results/runs/textures_tiny/brick/standard/seed0/perfect/panels/*.png"))
    assert copy_of_finished.planned() == {}
    copy_of_finished.edit("config/datasets.yaml", "size: 64\n", "size: 64\n  levels: [0, 9]\n")
    assert copy_of_finished.planned(f"{RUN}/perfect/metrics.json")["evaluate_external"] == 1
    copy_of_finished.edit("config/datasets.yaml", "  levels: [0, 9]\n", "")
    assert copy_of_finished.planned() == {}
    np.save(next((folder / "maps/brick/scratch").glob("*.npy")), np.zeros((64, 64), np.float32))
    assert copy_of_finished.planned()["evaluate_external"] == 1
    (folder / "maps").rename(folder / "moved")
    result = copy_of_finished.snakemake("--dry-run", check=False)
    assert "no folder maps/brick; correct 'maps'" in result.stdout
    assert "Traceback" not in result.stdout
