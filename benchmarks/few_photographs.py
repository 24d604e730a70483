"""What `aexad fit` finds after 12 good and 4 defective photographs, with and without the probe.

Each draw takes them from a category in MVTec AD's layout: good images of its training part, defects
of its test part. Defects that were not drawn, and the good test images, measure the model.
Run: python benchmarks/few_photographs.py FOLDER [CATEGORY …] [--draws 2]
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from pathlib import Path

import numpy as np
import torch
from tabulate import tabulate

import aexad
from aexad.app.fit import choose_images, fit
from aexad.config.builtin import method_paths
from aexad.config.methods import read_recipe
from aexad.config.recipe import Recipe
from aexad.data.masks import load_mask
from aexad.evaluation.metrics import pixel_summary

GOOD, DEFECTIVE, SHOWN = 12, 4, 40
RECIPE = "aexad-photographs"
COLUMNS = ["found", "false alarms", "X-AUC", "F1", "IoU", "PRO"]
MODELS = {"AE-XAD": "aexad", "pixel probe": "pixel_probe", "AE-XAD and probe": "aexad_probe"}


def draw(category: Path, rng: np.random.Generator, into: Path) -> list[tuple[Path, Path | None]]:
    """Link a training set below ``into``; returns at most SHOWN test images of each kind."""
    for kind in ("good", "bad", "masks"):
        (into / kind).mkdir()
    good = sorted((category / "train/good").iterdir())
    bad = sorted(p for p in category.glob("test/*/*") if p.parent.name != "good")
    drawn = rng.permutation(len(bad))
    for index in rng.choice(len(good), GOOD, replace=False):
        (into / "good" / good[index].name).symlink_to(good[index])
    for index in drawn[:DEFECTIVE]:
        name = f"{bad[index].parent.name}_{bad[index].name}"
        (into / "bad" / name).symlink_to(bad[index])
        (into / "masks" / name).symlink_to(mask_of(bad[index]))
    unseen: list[tuple[Path, Path | None]] = [
        (bad[i], mask_of(bad[i])) for i in drawn[DEFECTIVE:][:SHOWN]
    ]
    return unseen + [(path, None) for path in sorted((category / "test/good").iterdir())[:SHOWN]]


def mask_of(image: Path) -> Path:
    """The mask of a defective image in MVTec AD's layout."""
    folder = image.parents[2] / "ground_truth" / image.parent.name
    return next(folder.glob(f"{image.stem}*"))


def measured(model: Path, unseen: list[tuple[Path, Path | None]]) -> list[float]:
    """Shares of defects found and of false alarms; X-AUC, F1 and IoU at mean + std, PRO."""
    explainer = aexad.load(model)
    verdicts: dict[bool, list[bool]] = {True: [], False: []}
    pairs = []
    for path, mask in unseen:
        explanation = explainer(path)
        heat_map = explanation.heat_map
        verdicts[mask is not None].append(explanation.verdict == "anomalous")
        truth = load_mask(mask, len(heat_map)) if mask else np.zeros_like(heat_map, bool)
        pairs.append((heat_map, truth))
    summary = pixel_summary(pairs, a=[1])
    pixels = [np.nanmean(each) for each in (summary.xauc, summary.sweep.f1, summary.sweep.iou)]
    return [float(np.mean(verdicts[kind])) for kind in (True, False)] + [*pixels, summary.pro]


def fitted_and_measured(
    known: Recipe, model: str, folder: Path, seed: int, unseen: list[tuple[Path, Path | None]]
) -> list[float]:
    """Fit the recipe with another model to the drawn photographs, and measure it."""
    stated = known.stated_training | {"model": model}
    if model == "pixel_probe":
        stated.pop("gentle_start")  # it is about the loss of AE-XAD
    recipe = Recipe(**stated)
    output = folder / f"{model}.safetensors"
    images = choose_images(
        folder / "good", recipe, defects=folder / "bad", masks=folder / "masks", seed=seed
    )
    fit(images, model, output, torch.device("cpu"), force=True)
    return measured(output, unseen)


def main() -> None:
    """Print one row for each category and model: means over the draws."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=lambda text: Path(text).resolve())
    parser.add_argument("categories", nargs="*")
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(args.threads)
    known = read_recipe(method_paths(), RECIPE)
    rows = []
    for category in args.categories or sorted(p.name for p in args.folder.iterdir()):
        values: dict[str, list[list[float]]] = {title: [] for title in MODELS}
        for seed in range(args.draws):
            with tempfile.TemporaryDirectory() as name:
                into = Path(name)
                unseen = draw(args.folder / category, np.random.default_rng(seed), into)
                for title, model in MODELS.items():
                    values[title].append(fitted_and_measured(known, model, into, seed, unseen))
                    print(category, seed, title, np.round(values[title][-1], 3), flush=True)
        rows += [[category, title, *np.mean(each, axis=0)] for title, each in values.items()]
    print(tabulate(rows, ["category", "model", *COLUMNS], tablefmt="github", floatfmt=".3f"))


if __name__ == "__main__":
    main()
