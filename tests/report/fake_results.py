"""A small tree of results, as the workflow writes it, from photographs of scikit-image.

The numbers are drawn, not measured: they only have to look like numbers of such runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage import data as photographs
from skimage.draw import disk, line

from aexad.config.benchmark import Benchmark, Run
from aexad.config.catalogue import Dataset
from aexad.config.methods import Method
from aexad.config.recipe import HeatMap, Recipe
from aexad.evaluation.evaluate import named_at
from aexad.evaluation.metrics import SWEEP, pixel_summary
from aexad.report.collect import read_collection, write_collection
from aexad.report.figures.write import write_figures
from aexad.report.images.panels import draw_panels
from aexad.report.inputs import Inputs
from aexad.report.labels import METRICS
from aexad.report.results import Results
from aexad.runtime.files import write_csv, write_json, write_npz

NO_ENERGY = {"kwh": None, "co2_g": None, "reason": "not measured: no country is set"}
PHOTOGRAPHS = {"brick": "brick", "grass": "grass", "gravel": "gravel"}
DEFECTS = {"good": 4, "scratch": 3, "stain": 3}
METHODS: dict[str, dict[str, Any]] = {
    "aexad-resnet18": {"encoder": "resnet18.tv_in1k", "skill": 0.9},
    "aexad-vit_tiny": {
        "encoder": "vit_tiny_patch16_224.augreg_in21k_ft_in1k",
        "weights": "none",
        "tuning": "full",
        "skill": 0.6,
    },
    "ae": {"encoder": "resnet18.tv_in1k", "loss": "mse", "skill": 0.4},
}
DEPTHS: dict[str, dict[str, Any]] = {
    f"aexad-block{block}{end}": {
        "encoder": "vit_tiny_patch16_224.augreg_in21k_ft_in1k",
        "features": [block],
        "skill": 0.75 + 0.1 * (size is not None) - 0.03 * abs(block - 2),
        **({"input_size": size} if size else {}),
    }
    for end, size in (("", None), ("-448", 448))
    for block in (0, 2, 5, 11)
}
"""One Transformer by depth, from two input sizes; block 2 is the best."""
FAMILIES = {
    "resnet18.tv_in1k": "CNN",
    "vit_tiny_patch16_224.augreg_in21k_ft_in1k": "Transformer",
}


class Tree(NamedTuple):
    """The runs, data sets and folders of a small benchmark."""

    runs: list[Run]
    catalogue: dict[str, Dataset]
    results: Path
    data: Path
    benchmark: Path

    @property
    def recipes(self) -> dict[str, Method]:
        """The recipe of each method."""
        return {name: recipe_of(method) for name, method in (METHODS | DEPTHS).items()}

    def draw_figures(self, runs: Sequence[Run] | None = None) -> Path:
        """Draw the figures; ``runs`` trained a model, default: all. Return their folder."""
        folder = self.benchmark / "figures"
        trained = self.runs if runs is None else runs
        write_figures(
            trained,
            *read_collection(self.benchmark),
            self.catalogue,
            results=self.results,
            data=self.data,
            gallery=1,
            folder=folder,
            external=[run for run in self.runs if run not in trained],
        )
        return folder

    def draw_panels(self, runs: Sequence[Run]) -> None:
        """Draw one panel of each of the runs."""
        for run in runs:
            folder = self.results / run.folder
            split = self.results / run.data_folder / "split.csv"
            draw_panels(folder, split, self.data / run.dataset, 32, 1, folder / "panels")

    def read_results(self) -> Results:
        """Read the results as the verbs do; nothing is published for this data."""
        return self.inputs().read_results(self.results, self.benchmark)

    def inputs(self, title: str = "", runs: list[Run] | None = None) -> Inputs:
        """A benchmark of these runs; ``runs`` are the runs that trained a model, default: all."""
        methods = list(dict.fromkeys(run.method for run in self.runs))
        benchmark = Benchmark(
            title=title, description="A trial.", datasets={"textures": "all"}, methods=methods
        )
        trained = self.runs if runs is None else runs
        external = [run for run in self.runs if run not in trained]
        return Inputs(benchmark, trained, external, [], self.catalogue, self.recipes)


def make_tree(
    root: Path,
    categories: Sequence[str] = ("brick", "grass"),
    methods: Sequence[str] = tuple(METHODS),
    seeds: Sequence[int] = (0,),
    size: int = 32,
    epochs: int = 4,
    scenarios: Sequence[str] = ("standard",),
    datasets: Sequence[str] = ("textures",),
) -> Tree:
    """Write the data set, every run, and metrics.csv and methods.csv of the benchmark."""
    tree = Tree(
        runs=[
            Run(dataset, category, scenario, seed, method)
            for dataset in datasets
            for category in categories
            for scenario in scenarios
            for seed in seeds
            for method in methods
        ],
        catalogue={
            dataset: Dataset(
                title=dataset.capitalize(),
                adaptor="mvtec_layout",
                licence="CC BY-NC-SA 4.0",
                citation="Bergmann et al. 2019, https://doi.org/10.1109/CVPR.2019.00982",
                size=size,
            )
            for dataset in datasets
        },
        results=root / "results",
        data=root / "data",
        benchmark=root / "results" / "demo",
    )
    for dataset in datasets:
        for category in categories:
            _write_images(tree.data / dataset, category, size)
    for run in tree.runs:
        _write_run(tree, run, size, epochs)
    write_collection(tree.runs, tree.results, tree.benchmark)
    return tree


def _write_images(root: Path, category: str, size: int) -> None:
    photo = getattr(photographs, PHOTOGRAPHS.get(category, "brick"))()
    for defect, count in DEFECTS.items():
        for i in range(count):
            generator = _generator(category, defect, i)
            y, x = generator.integers(0, 512 - 224, 2)
            crop = np.stack([photo[y : y + 224, x : x + 224]] * 3, axis=2)
            mask = _defect(defect, generator)
            crop = np.where(mask[..., None], crop // 3 + np.uint8([60, 20, 10]), crop)
            image = root / category / "test" / defect / f"{i:03}.png"
            image.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(crop.astype(np.uint8)).resize((size, size)).save(image)
            if defect != "good":
                truth = root / category / "ground_truth" / defect / f"{i:03}_mask.png"
                truth.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(mask).resize((size, size)).save(truth)


def _defect(defect: str, generator: np.random.Generator) -> np.ndarray:
    mask = np.zeros((224, 224), bool)
    if defect == "stain":
        mask[disk(tuple(generator.integers(50, 170, 2)), generator.integers(20, 40))] = True
    if defect == "scratch":
        mask[line(*generator.integers(20, 200, 4))] = True
        mask = gaussian_filter(mask.astype(float), 3) > 0.04
    return mask


def _write_run(tree: Tree, run: Run, size: int, epochs: int) -> None:
    split = [
        {
            "role": "test",
            "defect": defect,
            "image": f"{run.category}/test/{defect}/{i:03}.png",
            "mask": ""
            if defect == "good"
            else f"{run.category}/ground_truth/{defect}/{i:03}_mask.png",
            "marks": "bright",
        }
        for defect, count in DEFECTS.items()
        for i in range(count)
    ]
    write_csv(tree.results / run.data_folder / "split.csv", pd.DataFrame(split))
    method, generator = (METHODS | DEPTHS).get(run.method, METHODS["ae"]), _generator(*run)
    skill = float(method["skill"]) - 0.1 * (run.category == "grass")
    _write_maps(tree, run, split, skill, generator)
    _write_metrics(tree, run, skill, generator)
    loss = np.geomspace(1, 1 - 0.97 * skill, epochs) * generator.uniform(0.95, 1.05, epochs)
    curve = {"epoch": range(1, epochs + 1), "learning_rate": 1e-3, "loss": loss * 1.5}
    anomalous = 0.0 if run.method == "ae" else loss**2
    curve = pd.DataFrame(curve | {"loss_normal": loss, "loss_anomalous": anomalous})
    write_csv(tree.results / run.folder / "training.csv", curve)
    write_json(tree.results / run.folder / "provenance.json", provenance(run, method))
    cost = {
        "images": len(split),
        "seconds": float(0.2 + generator.random()),
        "energy": NO_ENERGY,
        "peak_mb": 700.0,
        "device": "cpu",
        "threads": 1,
    }
    write_json(tree.results / run.folder / "inference.json", cost)


def recipe_of(method: dict[str, Any]) -> Recipe:
    """The recipe of a method; its skill decides how good the invented results are."""
    return Recipe(**{key: value for key, value in method.items() if key != "skill"})


def provenance(run: Run, method: dict[str, Any]) -> dict[str, Any]:
    """The provenance that a run of ``method`` records."""
    weights = method.get("weights", "pretrained")
    return {
        "recipe": recipe_of(method).training,
        "run": run._asdict(),
        "encoder": {
            "name": method["encoder"],
            "family": FAMILIES[method["encoder"]],
            "weights": weights,
            "source": f"folder: {method['encoder']}.safetensors" if weights != "none" else "none",
            "sha256": "5c4f" * 16 if weights != "none" else None,
        },
        "parameters": {"trained": 123456, "frozen": 683072},
        "seconds": {"features": 1.5, "training": 20.25},
        "energy": NO_ENERGY,
        "peak_mb": 812.0,
        "device": "cpu",
        "threads": 1,
        "versions": {"aexad": "0.1.0", "python": "3.11.9", "timm": "1.0.31", "torch": "2.14.0"},
        "data_sha256": "ab" * 32,
    }


def _write_maps(
    tree: Tree, run: Run, split: list[dict[str, str]], skill: float, generator: np.random.Generator
) -> None:
    root, maps = tree.data / run.dataset, []
    for row in split:
        image = np.asarray(Image.open(root / row["image"]))
        mask = (
            np.asarray(Image.open(root / row["mask"])) if row["mask"] else np.zeros(image.shape[:2])
        )
        noise = gaussian_filter(generator.random(image.shape[:2]), image.shape[0] / 40)
        error = gaussian_filter(mask.astype(float), image.shape[0] / 50) * skill
        heat_map = (error + noise * (1.3 - skill)).astype(np.float32)
        blurred = gaussian_filter(image.astype(float), (1, 1, 0))
        rebuilt = np.where(mask[..., None], 255 * skill, blurred)
        binary = heat_map > heat_map.mean() + heat_map.std()
        maps.append((heat_map, binary, np.float32(heat_map.max()), np.uint8(rebuilt), mask > 0))
    heat, binary, score, rebuilt, masks = (np.stack(part) for part in zip(*maps, strict=True))
    images = [row["image"] for row in split]
    arrays = {
        "image": np.array(images),
        "heat_map": heat,
        "binary": binary,
        "score": score,
        "k": np.full(len(images), 3),
        "reconstruction": rebuilt,
        "settings": np.array([HeatMap().model_dump_json()]),
    }
    write_npz(tree.results / run.folder / "maps.npz", arrays)
    counts = pixel_summary(zip(heat, masks, strict=True)).counts
    write_npz(tree.results / run.folder / "counts.npz", counts.to_arrays())
    overlap = (binary & masks).sum((1, 2)) / np.maximum((binary | masks).sum((1, 2)), 1)
    good = np.array([row["defect"] == "good" for row in split])
    per_image = {
        "image": images,
        "defect": [row["defect"] for row in split],
        "score": score,
        "k": 3,
    }
    per_image |= {
        "anomalous_pixels": masks.sum((1, 2)),
        "xauc": np.where(good, np.nan, 0.5 + skill / 2),
        "f1": np.where(good, np.nan, 2 * overlap / (1 + overlap)),
        "iou": np.where(good, np.nan, overlap),
    }
    write_csv(tree.results / run.folder / "per_image.csv", pd.DataFrame(per_image))


def _write_metrics(tree: Tree, run: Run, skill: float, generator: np.random.Generator) -> None:
    good = DEFECTS["good"]
    test = sum(DEFECTS.values())
    values = {
        metric.name: {
            "value": float(1 - (1.02 - skill) * generator.uniform(0.1, 0.15) * (1 + i % 4)),
            "n": test - good if metric.name in ("xauc", "f1", "iou") else test,
        }
        for i, metric in enumerate(METRICS)
    }
    for metric in ("f1", "iou"):
        for a in SWEEP[1:]:
            value = float(values[metric]["value"] * (1.1 - 0.1 * a) * generator.uniform(0.9, 1))
            values[named_at(metric, a)] = {"value": value, "n": test - good}
    images = {"test": test, "good": good, "anomalous": test - good, "without_mask_pixels": []}
    content = {"size": "model", "images": images, "metrics": values}
    write_json(tree.results / run.folder / "metrics.json", content)


def _generator(*parts: object) -> np.random.Generator:
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8]))
