"""Fit one model to one's own images: the steps of the benchmark in one call, and a threshold.

index -> split -> augment -> train, by the functions of the workflow; but all labelled anomalies are
trained on, and some normal images are held out. Their scores give the threshold of the verdict.
"""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from aexad.app.card import ModelCard, Threshold
from aexad.app.explainer import Explainer
from aexad.app.model_file import TorchNetwork, save_model_file
from aexad.app.threshold import LEAST, held_out_number, threshold_of
from aexad.config.catalogue import Dataset
from aexad.config.recipe import Recipe
from aexad.config.schema import validate
from aexad.data.augment import augment
from aexad.data.index import GOOD, build_index, flat_index
from aexad.data.layouts.folders import images_in
from aexad.data.rng import generator
from aexad.data.split import split
from aexad.methods.model import Model, build_model
from aexad.runtime.errors import ConfigError, DataError
from aexad.runtime.provenance import code_digest, versions
from aexad.training.batches import TrainingSet
from aexad.training.checkpoint import Checkpoints
from aexad.training.train import train

logger = logging.getLogger(__name__)


class Images(NamedTuple):
    """What is trained on, and what is held out."""

    root: Path
    trained: pd.DataFrame
    """Rows of a split, of the roles normal and labelled; paths relative to ``root``."""
    held_out: list[str]
    """Normal images for the threshold."""


def choose_images(
    folder: Path,
    recipe: Recipe,
    *,
    defects: Path | None = None,
    masks: Path | None = None,
    labelled: int | None = None,
    size: int = 224,
    seed: int = 0,
) -> Images:
    """List one's images, and hold some normal ones out.

    Parameters
    ----------
    folder
        One category in MVTec AD's layout: ``train/good``, ``test/<defect>`` and
        ``ground_truth/<defect>``; its ``test/good`` is not touched. Or a flat folder of good
        images.
    defects, masks
        With a flat folder: see :func:`aexad.data.index.flat_index`.
    labelled
        How many images of each defect type are trained on, drawn by the seed; none: all. A loss
        that is of normal images alone uses none.

    Raises
    ------
    aexad.runtime.errors.DataError
        All that is wrong with the images, or too few of them.
    aexad.runtime.errors.ConfigError
        Defects are needed, and none are named; or a value that cannot be used.
    """
    folder = folder.resolve()
    settings = {"title": folder.name, "adaptor": "mvtec_layout", "size": size}
    dataset = validate(Dataset, settings | ({"labelled": labelled} if labelled else {}), "fit")
    in_layout = (folder / "train" / GOOD).is_dir()
    anomalies = recipe.loss != "mse"
    if in_layout and defects is None:
        root = folder.parent
        index = build_index(
            root, folder.name, dataset.model_copy(update={"categories": [folder.name]})
        )
    else:
        if anomalies and defects is None:
            what = "has images and no train/good" if images_in(folder) else "has no train/good"
            raise ConfigError(
                f"{folder}: {what}; name a category in MVTec AD's layout, or a folder of good "
                "images with --defects for those with a defect"
            )
        root, index = flat_index(folder, defects if anomalies else None, masks)
    category = index["category"].iloc[0]
    if labelled and anomalies:
        table = split(index, dataset, category, "standard", seed)
    else:
        table = _all_labelled(index)
    normals = table.loc[table["role"] == "normal", "image"].sort_values().to_list()
    number = held_out_number(len(normals))
    if len(normals) < 2 * LEAST:
        raise DataError(
            f"{folder}: {len(normals)} good images, and {2 * LEAST} are needed: some "
            "to train on, some for the threshold; add more"
        )
    rng = generator(seed, "calibration", category)
    held_out = sorted(rng.choice(normals, size=number, replace=False).tolist())
    roles = ("normal", "labelled") if anomalies else ("normal",)
    kept = table["role"].isin(roles) & ~table["image"].isin(held_out)
    return Images(root, table[kept].reset_index(drop=True), held_out)


def fit(
    images: Images,
    recipe: Recipe,
    method: str,
    output: str | os.PathLike[str],
    device: torch.device,
    *,
    size: int = 224,
    seed: int = 0,
    false_alarms: float = 0.01,
    weights_dir: Path | None = None,
) -> ModelCard:
    """Train a model, find its threshold, and write one file that holds all that it needs.

    A training that was interrupted goes on from the checkpoint beside ``output``.

    Parameters
    ----------
    false_alarms
        Share of new normal images that may exceed the threshold, if there are images enough to
        promise that: see :func:`aexad.app.threshold.threshold`.

    Returns
    -------
    ModelCard
        What the file says of itself.
    """
    output = Path(output)
    scenario = "one_class" if recipe.loss == "mse" else "standard"
    arrays = augment(images.trained, images.root, size, scenario, seed)
    model = build_model(recipe, size, seed, weights_dir)
    belongs_to = {
        "recipe": recipe.training,
        "seed": seed,
        "encoder": model.encoder,
        "data_sha256": _digest(arrays),
        "library": code_digest("aexad.training.train"),
    }
    checkpoints = Checkpoints(output.with_suffix(".checkpoint.safetensors"), 10, belongs_to)
    train(model, TrainingSet(**arrays, size=size), device, checkpoints=checkpoints)
    labelled = images.trained.loc[images.trained["role"] == "labelled", "image"].to_list()
    card = ModelCard(
        method=method,
        recipe=recipe,
        size=size,
        stored=size,
        seed=seed,
        encoder=model.encoder,
        normals=int((images.trained["role"] == "normal").sum()),
        labelled=labelled,
        versions=versions(),
    )
    card = _calibrated(model, card, images, false_alarms, device)
    save_model_file(output, model, card)
    checkpoints.remove()
    return card


def _calibrated(
    model: Model, card: ModelCard, images: Images, false_alarms: float, device: torch.device
) -> ModelCard:
    """The card with its threshold, from the scores of held-out images as ``explain`` gives them."""
    explainer = Explainer(TorchNetwork(model.network, device), card)
    scores = explainer.scores([images.root / name for name in images.held_out])
    value, promised = threshold_of(scores, false_alarms)
    seen = explainer.scores([images.root / name for name in card.labelled or []])
    logger.info(
        "threshold %.6g, from %d held-out normal images of scores %.4g to %.4g; %d of %d labelled "
        "anomalies, which were trained on, exceed it",
        *(value, len(scores), scores.min(), scores.max(), int((seen > value).sum()), len(seen)),
    )
    missed = int((seen <= value).sum())
    if missed:
        logger.warning(
            "%d of the %d labelled anomalies, which were trained on, are below the threshold; look "
            "at them with 'aexad explain': masks may be wrong, defects too small for size %d, "
            "or the training too short",
            missed,
            len(seen),
            card.size,
        )
    if promised > false_alarms:
        logger.warning(
            "%d held-out good images promise no less than %.1f %% false alarms, not %.1f %%; add "
            "good images for less",
            len(scores),
            100 * promised,
            100 * false_alarms,
        )
    threshold = Threshold(value=value, false_alarms=promised, held_out_normals=len(scores))
    return card.model_copy(update={"threshold": threshold})


def _all_labelled(index: pd.DataFrame) -> pd.DataFrame:
    """A split that trains on every image with a mask; good test images are left aside."""
    rows = index.assign(role="test")
    rows.loc[rows["split"] == "train", "role"] = "normal"
    rows.loc[(rows["split"] == "test") & (rows["defect"] != GOOD), "role"] = "labelled"
    return rows[["role", "defect", "image", "mask"]]


def _digest(arrays: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in ("images", "masks", "weight"):
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()
