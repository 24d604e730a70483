"""Try a method of one's own on a few images, and say what is wrong with it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from aexad.config.recipe import Recipe
from aexad.data.images import at_size
from aexad.data.sources.textures import drawings
from aexad.data.training_set import TrainingSet
from aexad.explain.heatmap import HeatMaps, heat_maps
from aexad.methods.model import Model, build_model, uses_labels
from aexad.runtime.errors import AexadError
from aexad.training.model_store import load_model, save_model
from aexad.training.train import train

IMAGES = 8
"""Normal, labelled and test images, each."""

EPOCHS = 2
CPU = torch.device("cpu")
TOLERANCE = 1e-4
"""Relative to the largest value of a map: other sizes of a batch round differently."""


def check_method(recipe: Recipe, size: int, weights_dir: Path | None = None) -> list[str]:
    """Train and run a method on a few textures; returns what is wrong with it.

    It is trained for :data:`EPOCHS` epochs. Checked are: that it runs, the shape and the values of
    its maps, that two trainings from one seed agree, that an image's map does not depend on the
    others of its batch, that its state can be stored and loaded, that it leaves the training set as
    it is, and that it does not see masks if it says so.

    Raises
    ------
    ConfigError
        The method cannot be loaded or built.
    """
    recipe = recipe.model_copy(update={"epochs": EPOCHS, "least_updates": 0, "gentle_start": 0})
    data, tested = _data(recipe, size)
    # A recipe that cannot be built is an error here, and no problem of the method.
    build_model(recipe, size, 0, weights_dir)

    def trained(training_set: TrainingSet) -> Model:
        model = build_model(recipe, size, 0, weights_dir)
        train(model, training_set, CPU, compiled=False)
        return model

    try:
        before = data.images.copy(), data.masks.copy()
        model = trained(data)
    except Exception as error:  # of the user's code
        return [f"fit fails: {_told(error)}"]
    problems = []
    if not all(map(np.array_equal, before, (data.images, data.masks))):
        problems.append("fit changes the training set that it is given")
    try:
        maps = _maps(model, tested)
    except Exception as error:  # of the user's code
        return [*problems, f"its maps cannot be used: {_told(error)}"]
    return problems + list(_differences(model, maps, tested, data, trained))


def _differences(
    model: Model,
    maps: HeatMaps,
    tested: Tensor,
    data: TrainingSet,
    trained: Callable[[TrainingSet], Model],
) -> Iterator[str]:
    """What differs between runs of a method that should agree."""
    scale = float(np.abs(maps.heat_map).max()) or 1.0
    apart = float(np.abs(_maps(model, tested).heat_map - maps.heat_map).max())
    if apart > 0:
        yield f"two calls on the same images give other maps (by {apart / scale:.2g} of the range)"
    alone = np.stack([_maps(model, image[None]).heat_map[0] for image in tested])
    apart = float(np.abs(alone - maps.heat_map).max())
    if apart > TOLERANCE * scale:
        yield f"a map depends on the other images of its batch (by {apart / scale:.2g})"
    if not _same_state(model, trained(data)):
        yield "two trainings from the same seed differ; draw random numbers from torch alone"
    if not uses_labels(model.recipe):
        rows = data._asdict()
        size = rows.pop("size")
        kept = {name: values[~data.anomalous] for name, values in rows.items()}
        only = TrainingSet(**kept, size=size)
        if not _same_state(model, trained(only)):
            yield "uses_labels is False, but it trains on the labelled images or their masks"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.safetensors")
        try:
            save_model(model, path)
            loaded = load_model(path)
        except AexadError as error:
            yield f"its state cannot be stored and loaded: {_told(error)}"
            return
        apart = float(np.abs(_maps(loaded, tested).heat_map - maps.heat_map).max())
    if apart > TOLERANCE * scale:
        yield (
            "a stored and loaded model gives other maps: keep what fit learns in parameters or "
            "buffers, and name buffers of unknown shape in 'learned'"
        )


def _maps(model: Model, images: Tensor) -> HeatMaps:
    network = model.network.eval()
    with torch.inference_mode():
        output = network(images)
    size = model.network.size
    maps = output[0] if isinstance(output, tuple) else output
    if maps.shape[0] != len(images) or maps.shape[2:] != (size, size):
        raise ValueError(
            f"maps are {list(maps.shape)}; they must be [{len(images)}, 1, {size}, {size}]"
        )
    return heat_maps(images, output, model.recipe.heat_map)


def _same_state(one: Model, other: Model) -> bool:
    first, second = one.network.trained_state(), other.network.trained_state()
    return set(first) == set(second) and all(
        first[name].shape == second[name].shape and torch.equal(first[name], second[name])
        for name in first
    )


def _data(recipe: Recipe, size: int) -> tuple[TrainingSet, Tensor]:
    """A training set and test images float32 [n, 3, S, S] of the textures' first category."""
    files = dict(takewhile(lambda item: item[0].startswith("brick/"), drawings()))
    normals = [name for name in files if "/train/good/" in name][: 2 * IMAGES]
    defects = [name for name in files if "/train/" in name and "/good/" not in name][:IMAGES]
    masks = [name.replace("/train/", "/ground_truth/")[:-4] + "_mask.png" for name in defects]
    tested = [name for name in files if "/test/" in name and "/good/" not in name][:IMAGES]
    images = np.stack([_resized(files[name], size) for name in [*normals, *defects]])
    marked = np.zeros(images.shape[:3], dtype=bool)
    marked[len(normals) :] = np.stack([_resized(files[name], size) > 127 for name in masks])
    source = np.array([*normals, *defects])
    count = np.ones(len(source), dtype=np.int64)
    data = TrainingSet(images, marked, count, source, count < 0, size)
    pixels = np.stack([_resized(files[name], size) for name in tested])
    return data, torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255


def _resized(pixels: np.ndarray, size: int) -> np.ndarray:
    return np.array(at_size(Image.fromarray(pixels), size))


def _told(error: Exception) -> str:
    text = " ".join(str(error).split())[:300] or type(error).__name__
    return (
        text if isinstance(error, (AexadError, ValueError)) else f"{type(error).__name__}: {text}"
    )
