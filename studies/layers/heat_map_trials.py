"""Other heat maps of trained models, and their product with the probe's map: no training."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from aexad.config.recipe import HeatMap, Target
from aexad.data.images import Levels, load_image
from aexad.data.tables import read_split
from aexad.evaluation.evaluate import evaluate_run
from aexad.explain.heatmap import HeatMaps, binarised, heat_maps
from aexad.explain.run_maps import MAPS, write_maps
from aexad.training.model_store import load_model

HERE = "studies/layers/fixed_projection.py"
SETTINGS = {
    "mean extent (the paper's)": HeatMap(),
    "runs": HeatMap(extent="runs"),
    "median extent": HeatMap(filter=f"{HERE}:median_filter_size"),
    "extent weighted by area": HeatMap(filter=f"{HERE}:area_filter_size"),
    "median of 5 x 5 pixels": HeatMap(filter=f"{HERE}:median_5"),
    "k = 2": HeatMap(filter=2),
    "none": HeatMap(filter="none"),
}
METRICS = ("xauc", "f1", "iou", "pro", "pixel_ap", "image_auroc")
PER_IMAGE = ("xauc", "f1", "iou")
BATCH = 16


def trials(
    run: Path,
    probe: Path,
    split: Path,
    root: Path,
    weights_dir: Path | None,
    size: int,
    levels: Levels | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Metrics of every heat map of a run of AE-XAD, of the probe, and of their products.

    Parameters
    ----------
    run, probe
        Folders of the two runs, of the same category and seed.
    split, root
        Their split, and the folder of the data set.
    levels
        The levels of 16 bits that become black and white.

    Returns
    -------
    tuple of DataFrame
        One row per heat map and one column per metric; and the same by image.
    """
    table = read_split(split)
    names = table.loc[table["role"] == "test", "image"].to_numpy(dtype=str)
    images = np.stack([load_image(root / name, size, levels) for name in names])
    seen = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    rebuilt, target = output_of(run, seen, weights_dir)
    probabilities, _ = output_of(probe, seen, weights_dir)
    found: dict[str, HeatMaps] = {
        name: heat_maps(seen, rebuilt, settings.model_copy(update={"target": target}))
        for name, settings in SETTINGS.items()
    }
    alone = heat_maps(seen, probabilities, HeatMap(filter="none", score="max"))
    products = {
        f"{name}, times the probe's map": _product(found[name], alone)
        for name in ("mean extent (the paper's)", "none")
    }
    rows = found | {"the probe's map": alone} | products
    evaluated = {name: _evaluated(maps, names, split, root) for name, maps in rows.items()}
    means = [{"heat map": name, **metrics} for name, (metrics, _) in evaluated.items()]
    images = [each.assign(**{"heat map": name}) for name, (_, each) in evaluated.items()]
    return pd.DataFrame(means), pd.concat(images, ignore_index=True)


def output_of(
    folder: Path, images: torch.Tensor, weights_dir: Path | None
) -> tuple[torch.Tensor, Target]:
    """Output of the model of a run for images [n, 3, S, S], batch by batch, and its F.

    The error is divided by its largest value, which depends on the F of the training.
    """
    model = load_model(folder / "model.safetensors", weights_dir)
    network = model.network.eval()
    with torch.inference_mode():
        output = torch.cat([network(part) for part in images.split(BATCH)])
    return output, model.recipe.heat_map.target


def _product(maps: HeatMaps, alone: HeatMaps) -> HeatMaps:
    """The product of two maps of each image; the score is its maximum."""
    product = maps.heat_map * alone.heat_map
    score = product.reshape(len(product), -1).max(axis=1).astype(np.float64)
    return maps._replace(heat_map=product, binary=binarised(product), score=score)


def _evaluated(
    maps: HeatMaps, names: np.ndarray, split: Path, root: Path
) -> tuple[dict[str, float], pd.DataFrame]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, MAPS)
        arrays = {"image": names, "heat_map": maps.heat_map, "binary": maps.binary}
        write_maps(path, arrays | {"score": maps.score.astype(np.float32), "k": maps.k})
        metrics = evaluate_run(path, split, root, Path(folder), "model")["metrics"]
        images = pd.read_csv(Path(folder, "per_image.csv"))
    return {name: metrics[name]["value"] for name in METRICS}, images[["image", *PER_IMAGE]]
