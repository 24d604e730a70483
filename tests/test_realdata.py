"""The method on photographs of real parts, with real pre-trained encoders.

Needs the data set ``parts`` and the weights of ResNet-18 and ViT-Tiny: below ``../shared``, or
where AEXAD_PARTS and AEXAD_WEIGHTS say.
"""

import os
from pathlib import Path

import pytest
import torch

from aexad.config.catalogue import read_dataset
from aexad.config.methods import read_recipe
from aexad.data.augment import augment
from aexad.data.index import build_index
from aexad.data.split import split
from aexad.data.training_set import TrainingSet
from aexad.evaluation.evaluate import evaluate_run
from aexad.explain.inference import infer
from aexad.methods.model import build_model
from aexad.runtime.files import write_csv, write_npz
from aexad.training.train import train

ROOT = Path(__file__).parents[1]
PARTS = Path(os.environ.get("AEXAD_PARTS", ROOT.parent / "shared/data/parts"))
WEIGHTS = Path(os.environ.get("AEXAD_WEIGHTS", ROOT.parent / "shared/weights"))

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(
        not (PARTS.is_dir() and WEIGHTS.is_dir()),
        reason=f"no {PARTS} or {WEIGHTS}; set AEXAD_PARTS and AEXAD_WEIGHTS to their folders",
    ),
]

# After 100 epochs, seed 0: what an independent implementation reached (X-AUC, IoU, PRO).
REFERENCE = {
    ("hazelnut_toy", "aexad-resnet18"): (0.996, 0.421, 0.975),
    ("hazelnut_toy", "aexad-vit_tiny"): (0.995, 0.456, 0.970),
    ("metal_plate", "aexad-resnet18"): (0.971, 0.684, 0.867),
    ("metal_plate", "aexad-vit_tiny"): (0.959, 0.636, 0.773),
}
# 100 gain little and take long; an epoch of more images has more steps.
EPOCHS = {"hazelnut_toy": 45, "metal_plate": 15, "grid": 25}


def trained_and_evaluated(category, method, folder):
    """Metrics of one run, by the functions that the verbs call."""
    dataset = read_dataset([ROOT / "config/datasets.yaml"], "parts")
    table = split(build_index(PARTS, "parts", dataset), dataset, category, "standard", 0)
    write_csv(folder / "split.csv", table)
    data = TrainingSet(**augment(table, PARTS, dataset.size, "standard", 0), size=dataset.size)
    recipe = read_recipe([ROOT / "config/methods"], method)
    recipe = recipe.model_copy(update={"epochs": EPOCHS[category]})
    model = build_model(recipe, dataset.size, 0, WEIGHTS)
    train(model, data, torch.device("cpu"))
    maps = infer(model, table, PARTS, recipe.heat_map, torch.device("cpu"))
    write_npz(folder / "maps.npz", maps)
    content = evaluate_run(folder / "maps.npz", folder / "split.csv", PARTS, folder)
    return {name: entry["value"] for name, entry in content["metrics"].items()}


@pytest.mark.parametrize(("category", "method"), REFERENCE)
def test_parts_are_explained_as_well_as_by_the_reference(category, method, tmp_path):
    metrics = trained_and_evaluated(category, method, tmp_path)
    xauc, iou, pro = REFERENCE[category, method]
    assert metrics["xauc"] >= xauc - 0.01
    assert metrics["iou"] >= iou - 0.05
    assert metrics["pro"] >= pro - 0.04
    assert metrics["image_auroc"] >= 0.99


def test_on_the_grid_the_cnn_sees_thin_defects_that_the_vit_misses(tmp_path):
    """The sources' finding, on a genuine part of MVTec AD."""
    cnn = trained_and_evaluated("grid", "aexad-resnet18", tmp_path)
    vit = trained_and_evaluated("grid", "aexad-vit_tiny", tmp_path)
    assert cnn["xauc"] > 0.97
    assert vit["xauc"] < cnn["xauc"] - 0.05
    assert vit["pro"] < cnn["pro"] - 0.1
