"""Classes of images through every verb: no masks, small images, validation, a limit."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from aexad.cli.parser import main

COLOURS = {"0": (200, 60, 60), "1": (60, 200, 60), "2": (60, 60, 200)}
DATA = "results/runs/small/1/one_class/seed0"
RUN = f"{DATA}/tiny"
STEPS = [
    "fetch --dataset small --source colours",
    "index --dataset small --output results/index/small.csv",
    "split --dataset small --category 1 --scenario one_class --index results/index/small.csv"
    f" --output {DATA}/split.csv",
    f"augment --dataset small --scenario one_class --split {DATA}/split.csv"
    f" --output {RUN}/train.npz",
    f"train --method tiny --seed 0 --training-set {RUN}/train.npz --output {RUN} --device cpu",
    f"infer --method tiny --dataset small --model {RUN}/model.safetensors"
    f" --split {DATA}/split.csv --output {RUN}/maps.npz --device cpu",
    f"evaluate --maps {RUN}/maps.npz --masks {DATA}/split.csv --dataset small --output {RUN}",
    f"panels --dataset small --run-folder {RUN} --split {DATA}/split.csv --count 2"
    f" --output {RUN}/panels",
    *(f"{verb} --benchmark all" for verb in ("collect", "tables", "figures", "report")),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working directory in which every verb has run."""
    root = tmp_path_factory.mktemp("one_class")
    rng = np.random.default_rng(0)
    for split, count in (("train", 8), ("test", 4)):
        for name, colour in COLOURS.items():
            for i in range(count):
                path = root / "colours" / split / name / f"{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                noise = rng.integers(-30, 30, (12, 12, 3))
                Image.fromarray((colour + noise).astype(np.uint8)).save(path)
    (root / "config/benchmarks").mkdir(parents=True)
    (root / "config/methods").mkdir()
    (root / "config/datasets.yaml").write_text(
        "colours: {title: Colours, adaptor: class_folders, categories: ['0', '1', '2'], size: 32,\n"
        "  stored_size: 12, validation: 0.25}\n"
        "small: {base: colours, limit: {train: 4, test: 9}}\n"
    )
    (root / "config/methods/own.yaml").write_text(
        "tiny: {encoder: test_resnet.r160_in1k, weights: none, loss: mse, epochs: 2}\n"
    )
    (root / "config/benchmarks/all.yaml").write_text(
        "{title: All, datasets: {small: [1]}, scenarios: [standard, one_class], methods: [tiny]}"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for line in STEPS:
            assert main(line.split()) == 0, line
    return root


def test_the_files_are_those_of_the_base(folder):
    assert (folder / "data/colours.json").is_file()
    assert not (folder / "data/small").exists()


def test_images_are_trained_on_from_their_stored_size(folder):
    with np.load(folder / RUN / "train.npz") as data:
        assert data["images"].shape == (5, 12, 12, 3)
        assert data["size"].item() == 32
        assert data["validation"].tolist() == [False] * 4 + [True]
        assert not data["masks"].any()
        assert data["weight"].tolist() == [1] * 5
        assert all(source.startswith("train/1/") for source in data["source"])
    curve = pd.read_csv(folder / RUN / "training.csv")
    assert (curve["validation_loss"] > 0).all()


def test_maps_are_stored_as_small_as_the_images(folder):
    with np.load(folder / RUN / "maps.npz") as maps:
        assert maps["heat_map"].shape == maps["binary"].shape == (9, 12, 12)
        assert maps["reconstruction"].shape == (9, 12, 12, 3)


def test_images_have_metrics_and_pixels_have_reasons(folder):
    content = json.loads((folder / RUN / "metrics.json").read_text())
    assert content["images"] == {"test": 9, "good": 3, "anomalous": 6, "without_mask_pixels": []}
    values = content["metrics"]
    assert {name for name, entry in values.items() if entry["value"] is not None} == {
        "image_auroc",
        "image_ap",
    }
    assert {entry.get("reason") for entry in values.values()} == {
        None,
        "the data set has no masks",
    }
    table = pd.read_csv(folder / RUN / "per_image.csv")
    assert table["defect"].value_counts().to_dict() == {"good": 3, "0": 3, "2": 3}
    assert table.loc[:, "anomalous_pixels":].isna().all(axis=None)
    scores, good = table["score"].to_numpy(), (table["defect"] == "good").to_numpy()
    by_hand = (scores[~good][:, None] > scores[good]).mean()
    assert values["image_auroc"]["value"] == pytest.approx(by_hand)


def test_the_report_says_the_limit_and_leaves_out_what_needs_masks(folder):
    tables = {path.name: path.read_text() for path in (folder / "results/all/tables").glob("*.md")}
    assert {"methods.md", "image_auroc_one_class.md"} <= set(tables)
    assert not {name for name in tables if name.startswith(("xauc", "f1", "pro", "pixel"))}
    limit = "Colours limited to 4 training and 9 test images per category"
    assert limit in (folder / "results/all/summary.md").read_text()
    assert limit in tables["methods.md"]
    assert limit in tables["image_auroc_one_class.md"]
    assert "the data have no masks" in tables["methods.md"]
    assert "image AUROC: tiny† reaches" in (folder / "results/all/report.html").read_text()
    captions = json.loads((folder / "results/all/figures/captions.json").read_text())
    assert all(limit in one["title"] + one["caption"] for one in captions)


def test_panels_show_the_other_classes_and_the_normal_one(folder):
    names = sorted(path.name for path in (folder / RUN / "panels").glob("*.png"))
    assert [name[0] for name in names] == ["0", "1"]
    with Image.open(folder / RUN / "panels" / names[0]) as panel:
        assert panel.width > 2.5 * panel.height
