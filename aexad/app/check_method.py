"""Try a method of one's own on a few images, and say what is wrong with it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from aexad.config.recipe import Recipe
from aexad.data.images import at_size
from aexad.data.sources.textures import drawings
from aexad.data.training_set import TrainingSet
from aexad.explain.heatmap import heat_maps
from aexad.methods.model import Model, build_model, uses_labels
from aexad.runtime.errors import AexadError, MethodError, one_line
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
    it is, and that it does not see masks if it says so. An exception in one of these checks is a
    problem, too, and the others go on.

    Raises
    ------
    ConfigError
        The method cannot be loaded or built.
    """
    recipe = recipe.model_copy(update={"epochs": EPOCHS, "least_updates": 0, "gentle_start": 0})
    data, tested = _data(size)
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
    first = _Trained(model, data, tested, maps, trained, weights_dir)
    for fails, probe in PROBES.items():
        try:
            problem = probe(first)
        except Exception as error:  # of the user's code
            problem = f"{fails}: {_told(error)}"
        if problem:
            problems.append(problem)
    return problems


class _Trained(NamedTuple):
    """A method after its first training, which other runs of it should agree with."""

    model: Model
    data: TrainingSet
    tested: Tensor
    heat_map: np.ndarray
    again: Callable[[TrainingSet], Model]
    """Trains the method anew, from the same seed."""
    weights_dir: Path | None

    def apart(self, heat_map: np.ndarray) -> float:
        """Largest distance of other heat maps of the same images, as a share of the range."""
        scale = float(np.abs(self.heat_map).max()) or 1.0
        return float(np.abs(heat_map - self.heat_map).max()) / scale


def _second_call(first: _Trained) -> str | None:
    apart = first.apart(_maps(first.model, first.tested))
    if apart > 0:
        return f"two calls on the same images give other maps (by {apart:.2g} of the range)"
    return None


def _batch_of_one(first: _Trained) -> str | None:
    alone = [_maps(first.model, image[None])[0] for image in first.tested]
    apart = first.apart(np.stack(alone))
    if apart > TOLERANCE:
        return f"a map depends on the other images of its batch (by {apart:.2g})"
    return None


def _second_training(first: _Trained) -> str | None:
    if _same_state(first.model, first.again(first.data)):
        return None
    return "two trainings from the same seed differ; draw random numbers from torch alone"


def _normal_images_alone(first: _Trained) -> str | None:
    if uses_labels(first.model.recipe):
        return None
    rows = first.data._asdict()
    size = rows.pop("size")
    kept = {name: values[~first.data.anomalous] for name, values in rows.items()}
    if _same_state(first.model, first.again(TrainingSet(**kept, size=size))):
        return None
    return "uses_labels is False, but it trains on the labelled images or their masks"


def _stored_and_loaded(first: _Trained) -> str | None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.safetensors")
        save_model(first.model, path)
        # A stored model has no heat map: each method that shares it has its own.
        loaded = load_model(path, first.weights_dir)._replace(recipe=first.model.recipe)
    if first.apart(_maps(loaded, first.tested)) > TOLERANCE:
        return f"a stored and loaded model gives other maps: {REMEDY}"
    return None


REMEDY = (
    "keep what fit learns in parameters or buffers, and name buffers of unknown shape in 'learned'"
)
PROBES: dict[str, Callable[[_Trained], str | None]] = {
    "fails on a second call": _second_call,
    "fails on a batch of one image": _batch_of_one,
    "fails in a second training": _second_training,
    "uses_labels is False, but it fails without labelled images": _normal_images_alone,
    f"its state cannot be stored and loaded ({REMEDY})": _stored_and_loaded,
}
"""What to say if a check raises an exception, and the check; it returns the problem or None."""


def _maps(model: Model, images: Tensor) -> np.ndarray:
    """The heat maps of images [n, 3, S, S]; ValueError if the method gives other shapes."""
    network = model.network.eval()
    with torch.inference_mode():
        output = network(images)
    size = model.network.size
    maps = output[0] if isinstance(output, tuple) else output
    if maps.shape[0] != len(images) or maps.shape[2:] != (size, size):
        raise ValueError(
            f"maps are {list(maps.shape)}; they must be [{len(images)}, 1, {size}, {size}]"
        )
    return heat_maps(images, output, model.recipe.heat_map).heat_map


def _same_state(one: Model, other: Model) -> bool:
    first, second = one.network.trained_state(), other.network.trained_state()
    return set(first) == set(second) and all(
        first[name].shape == second[name].shape and torch.equal(first[name], second[name])
        for name in first
    )


def _data(size: int) -> tuple[TrainingSet, Tensor]:
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
    if isinstance(error, MethodError) and isinstance(error.__cause__, Exception):
        error = error.__cause__  # without the advice to call 'check-method'
    text = one_line(error, 300)
    return (
        text if isinstance(error, (AexadError, ValueError)) else f"{type(error).__name__}: {text}"
    )
