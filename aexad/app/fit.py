"""Fit one model to a user's own images, with a threshold for its verdicts.

The steps are the benchmark's, by the same functions: index -> split -> augment -> train. Two things
differ: all labelled anomalies are used for training, and some normal images are held out. The
scores of the held-out images give the threshold.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from aexad.app.card import ModelCard, Threshold
from aexad.app.explainer import Explainer
from aexad.app.groups import MANY, groups_of, near_copies
from aexad.app.model_file import TorchNetwork, save_model_file
from aexad.app.threshold import LEAST, held_out_number, threshold_of
from aexad.config.catalogue import Dataset, Tile
from aexad.config.recipe import Recipe
from aexad.config.schema import validate
from aexad.data.augment import augment
from aexad.data.images import Levels, level_range
from aexad.data.index import WARNINGS, build_index, flat_index
from aexad.data.layouts.folders import images_below, images_in
from aexad.data.rng import generator
from aexad.data.split import split
from aexad.data.tables import GOOD, SPLIT_COLUMNS
from aexad.data.training_set import TrainingSet
from aexad.data.validate import range_warnings
from aexad.methods.model import Model, build_model, method_digest, uses_labels
from aexad.runtime.errors import ConfigError, DataError, TrainingError
from aexad.runtime.provenance import versions
from aexad.training.checkpoint import Checkpoints
from aexad.training.health import MEANING
from aexad.training.train import train

logger = logging.getLogger(__name__)

OUTLYING = 10
"""A held-out image whose score is this many times the median one may show a defect."""


ROUNDING = 1e-4
"""Relative difference of an image's scores in other batches, with other threads or in ONNX."""


class Images(NamedTuple):
    """The images for training, and the images that are held out."""

    recipe: Recipe
    """The recipe that they were chosen for."""
    size: int
    """Working size in pixels."""
    seed: int
    """Decides which images are held out, and all random numbers of the training."""
    root: Path
    trained: pd.DataFrame
    """Rows of a split with the roles normal and labelled; paths are relative to ``root``."""
    held_out: list[str]
    """Normal images for the threshold; paths are relative to ``root``."""
    warnings: Sequence[str] = ()
    """Warnings about images and masks."""
    levels: Levels | None = None
    """The levels of 16 bits that become black and white."""
    tile: Tile | None = None
    """Side in pixels of the tiles that images are cut into, or ``whole``; None: squashed."""
    groups: Sequence[str] | None = None
    """The group of each held-out image; None: each stands for itself."""


def choose_images(
    folder: Path,
    recipe: Recipe,
    *,
    defects: Path | None = None,
    masks: Path | None = None,
    labelled: int | None = None,
    size: int = 224,
    seed: int = 0,
    marks: str = "bright",
    groups: str | None = None,
    levels: Levels | None = None,
    tile: Tile | None = None,
) -> Images:
    """List the user's images and hold out some normal images.

    Parameters
    ----------
    folder
        One category in MVTec AD's layout: ``train/good``, ``test/<defect>`` and
        ``ground_truth/<defect>``; its ``test/good`` is not used. Or a flat folder of good images.
    recipe
        The recipe that :func:`fit` trains; it decides whether labelled defects are needed.
    defects, masks
        See :func:`aexad.data.index.flat_index`. The method trains on these defects instead of the
        category's own defects. Images in these folders never count as good.
    labelled
        Number of images of each defect type to train on, drawn by the seed. Default: all. A recipe
        that does not train on labelled defects uses none.
    size
        Working size in pixels, a multiple of 16. The model sees each image or tile at this size.
    seed
        Decides which images are held out and which defects are drawn, and all random numbers of
        the training.
    marks
        Which pixels of a mask are anomalous: the ``bright`` ones, or ``any`` whose value is not 0.
    groups
        Regular expression that finds the group of a good image in its path, for example the video
        that it is a frame of. Groups are held out as a whole.
    levels
        The levels of 16 bits that become black and white. Default: 0 and 65535, unless nearly all
        contrast would be lost: then a range twice as wide as that of the good images.
    tile
        Side in pixels of the tiles that images are cut into, or ``whole``, see
        :mod:`aexad.data.tiles`. Default: each image is squashed to a square.

    Returns
    -------
    Images
        All that :func:`fit` needs to know about the images, with ``recipe``, ``size`` and ``seed``.

    Raises
    ------
    aexad.runtime.errors.DataError
        Images have problems (all are listed), an image is good and has a defect, or there are too
        few of them.
    aexad.runtime.errors.ConfigError
        No defects are named although the recipe or the masks need them, or a value cannot be used.
    """
    if masks is not None and defects is None:
        raise ConfigError(
            f"--masks {masks}: needs --defects, the folder of the images that the masks belong to; "
            "in MVTec AD's layout masks lie in ground_truth, so leave --masks out"
        )
    folder = folder.resolve()
    uses_anomalies = uses_labels(recipe)
    options = {"--defects": defects, "--masks": masks, "--labelled": labelled}
    unused = [] if uses_anomalies else [name for name, value in options.items() if value]
    if unused:
        logger.warning(
            "%s: not used, because the method trains on good images alone", ", ".join(unused)
        )
    settings = {"title": folder.name, "adaptor": "mvtec_layout", "size": size, "marks": marks}
    in_layout = (folder / "train" / GOOD).is_dir()
    good = folder / "train" / GOOD if in_layout else folder
    not_good = [other for other in (defects, masks) if other is not None]
    levels_warnings: list[str] = []
    if levels is None:
        levels, levels_warnings = _levels_of(images_below(good, *not_good))
    settings |= {"levels": levels, "tile": tile} | ({"labelled": labelled} if labelled else {})
    dataset = validate(Dataset, settings, "fit")
    if not uses_anomalies:  # neither defects nor masks are needed
        root, index = flat_index(good, None, dataset=dataset, skipped=not_good)
    elif defects is not None:
        root, index = flat_index(good, defects, masks, dataset)
    elif in_layout:
        root = folder.parent
        index = build_index(
            root, folder.name, dataset.model_copy(update={"categories": [folder.name]})
        )
    else:
        reason = "has images and no train/good" if images_in(folder) else "has no train/good"
        raise ConfigError(
            f"{folder}: {reason}; name a category in MVTec AD's layout, or a folder of good "
            "images with --defects for those with a defect. Without defects or masks: a method "
            "that trains on good images alone, such as ae, l2_cae, anovit, patchcore or padim"
        )
    _check_good(index, root)
    category = index["category"].iloc[0]
    if labelled and uses_anomalies:
        _check_labelled(index, labelled)
        table = split(index, dataset, category, "standard", seed, root)
    else:
        table = _all_labelled(index)
    held_out, held_out_groups = _held_out(table, folder, category, seed, groups)
    roles = ("normal", "labelled") if uses_anomalies else ("normal",)
    trained = table["role"].isin(roles) & ~table["image"].isin(held_out)
    rows = table[trained].reset_index(drop=True)
    warnings = [*index.attrs.get(WARNINGS, []), *levels_warnings]
    warnings += _copies_warning(rows, held_out, root, levels)
    return Images(recipe, size, seed, root, rows, held_out, warnings, levels, tile, held_out_groups)


def fit(
    images: Images,
    method: str,
    output: str | os.PathLike[str],
    device: torch.device,
    *,
    false_alarms: float = 0.01,
    weights_dir: Path | None = None,
    force: bool = False,
) -> ModelCard:
    """Train a model, find its threshold, and write one file with all that ``explain`` needs.

    An interrupted training continues from the checkpoint next to ``output``.

    Parameters
    ----------
    images
        From :func:`choose_images`, with the recipe, the working size and the seed of the training.
    method
        Name of the method, for the card.
    output
        The model file to write, ``.safetensors``.
    device
        Device that trains the model and computes the scores.
    false_alarms
        Share of new normal images that may exceed the threshold, if there are enough images to
        guarantee that: see :func:`aexad.app.threshold.threshold_of`.
    weights_dir
        Folder that is searched first for pre-trained weights. Default: that of the environment
        variable AEXAD_WEIGHTS, if it is set.
    force
        Also write a model that finds less than half of the anomalies that it was trained on.

    Returns
    -------
    ModelCard
        The card in the file.

    Raises
    ------
    aexad.runtime.errors.TrainingError
        The model finds less than half of its anomalies, and is not written without ``force``.
    """
    output = Path(output)
    model = build_model(images.recipe, images.size, images.seed, weights_dir)
    checkpoints, collapse = _train(model, images, output, device)
    labelled = images.trained["role"] == "labelled"
    card = ModelCard(
        method=method,
        recipe=images.recipe,
        size=images.size,
        stored=images.size,
        tile=images.tile,
        levels=images.levels,
        seed=images.seed,
        encoder=model.encoder,
        normals=int((~labelled).sum()),
        labelled=images.trained.loc[labelled, "image"].to_list(),
        versions=versions(),
    )
    explainer = Explainer(TorchNetwork(model.network, device), card)
    threshold, found, highest = _find_threshold(explainer, images, false_alarms)
    card = card.model_copy(update={"threshold": threshold, "found": found})
    trained_on = len(card.labelled or [])
    if 2 * found < trained_on and not force:
        reason = f"the training has collapsed: {MEANING[collapse]}" if collapse else highest
        raise TrainingError(
            f"{output} is not written: {trained_on - found} of the {trained_on} labelled anomalies "
            f"that the model was trained on are below its threshold ({reason}); correct the "
            "images, choose another --method or --size, or write the model anyway with --force"
        )
    save_model_file(output, model, card)
    checkpoints.remove()
    return card


def _levels_of(good: Sequence[Path]) -> tuple[Levels | None, list[str]]:
    """Levels for good images of 16 bits that would lose nearly all contrast; else None.

    Among images of 8 bits, none are chosen; there is a warning then, which is logged too.
    """
    try:
        ranges = {image: level_range([image]) for image in good}
        deep = {image: found for image, found in ranges.items() if found}
        if not any(range_warnings(image) for image in deep):
            return None, []
    except DataError:  # it is told with all problems of the images
        return None, []
    if len(deep) < len(good):
        shallow = next(image for image in good if image not in deep)
        text = (
            f"{shallow}: has 8 bits, so no levels are chosen for the {len(deep)} good images of 16 "
            "bits, which lose nearly all contrast; remove it, or choose --levels"
        )
        logger.warning("%s", text)
        return None, [text]
    found = min(low for low, _ in deep.values()), max(high for _, high in deep.values())
    margin = max(1, (found[1] - found[0]) // 2)
    return (max(0, found[0] - margin), min(65535, found[1] + margin)), []


def _check_good(index: pd.DataFrame, root: Path) -> None:
    """Refuse good images for training that are listed as a defect or its mask, too."""
    normal = (index["split"] == "train") & (index["defect"] == GOOD)
    good = {(root / name).resolve() for name in index.loc[normal, "image"]}
    others = index.loc[index["defect"] != GOOD, ["image", "mask"]].to_numpy().ravel()
    both = [root / name for name in others if name and (root / name).resolve() in good]
    if both:
        more = f", as are {len(both) - 1} others" if len(both) > 1 else ""
        raise DataError(
            f"{both[0]}: listed as a good image and as a defect or its mask{more}; keep good "
            "images in a folder of their own"
        )


def _check_labelled(index: pd.DataFrame, labelled: int) -> None:
    """Refuse a number of labelled defects that a type lacks; :func:`split` draws as many of each.

    Of defects that are not in ``train``, one is left to test.
    """
    defective = index[index["defect"] != GOOD]
    own = defective[defective["split"] == "train"]
    counts = (own if len(own) else defective)["defect"].value_counts()
    most = counts.min() - (0 if len(own) else 1)
    if labelled > most:
        fewer = f"use --labelled {most}, or omit it" if most else "omit it"
        raise ConfigError(
            f"--labelled {labelled}: defect type '{counts.idxmin()}' has {counts.min()} images"
            f"{'' if len(own) else ', and one is left to test'}; {fewer} to train on all defects"
        )


def _all_labelled(index: pd.DataFrame) -> pd.DataFrame:
    """A split that trains on every image with a mask and does not use good test images."""
    rows = index.assign(role="test")
    rows.loc[rows["split"] == "train", "role"] = "normal"
    rows.loc[rows["defect"] != GOOD, "role"] = "labelled"
    return rows[SPLIT_COLUMNS]


def _held_out(
    table: pd.DataFrame, folder: Path, category: str, seed: int, pattern: str | None
) -> tuple[list[str], list[str] | None]:
    """Draw the normal images that the threshold is computed from, sorted, and their groups."""
    normals = table.loc[table["role"] == "normal", "image"].sort_values().to_list()
    groups = groups_of(normals, pattern) if pattern is not None else normals
    distinct = sorted(set(groups))
    if len(distinct) < 2 * LEAST:
        kind = f"groups of good images ({', '.join(distinct)})" if pattern else "good images"
        raise DataError(
            f"{folder}: {len(distinct)} {kind}, and {2 * LEAST} are needed: some "
            "to train on, some for the threshold; add more"
        )
    rng = generator(seed, "calibration", category)  # another name would draw other images
    drawn = set(rng.choice(distinct, size=held_out_number(len(distinct)), replace=False).tolist())
    chosen = [pair for pair in zip(normals, groups, strict=True) if pair[1] in drawn]
    held_out = [image for image, _ in chosen]
    return held_out, [group for _, group in chosen] if pattern else None


def _copies_warning(
    trained: pd.DataFrame, held_out: list[str], root: Path, levels: Levels | None
) -> list[str]:
    """A warning, which is logged too, if many held-out images have a near copy in training."""
    normals = trained.loc[trained["role"] == "normal", "image"]
    held, others = ([root / name for name in names] for names in (held_out, normals))
    copies = near_copies(held, others, levels)
    if len(copies) <= max(1, MANY * len(held_out)):
        return []
    held_copy, other = copies[0]
    text = (
        f"{len(copies)} of the {len(held_out)} held-out good images are near duplicates of images "
        f"for training, for example {held_copy} of {other}, so the promised share of false alarms "
        "does not hold for new images: if they are frames of a video or photographs of one part, "
        "say what tells these apart in their paths, for example --groups 'clip[0-9]+'"
    )
    logger.warning("%s", text)
    return [text]


def _train(
    model: Model, images: Images, output: Path, device: torch.device
) -> tuple[Checkpoints, str]:
    """Train the model on the augmented images.

    Returns the checkpoints, to be removed later, and how the training has collapsed, or "".
    """
    scenario = "standard" if model.network.uses_labels else "one_class"
    arrays = augment(
        images.trained,
        images.root,
        images.size,
        scenario,
        images.seed,
        levels=images.levels,
        tile=images.tile,
    )
    belongs_to = {
        "recipe": images.recipe.training,
        "seed": images.seed,
        "encoder": model.encoder,
        "data_sha256": _digest(arrays),
        "library": method_digest(images.recipe),
    }
    checkpoints = Checkpoints(output.with_suffix(".checkpoint.safetensors"), 10, belongs_to)
    trained = train(model, TrainingSet(**arrays, size=images.size), device, checkpoints=checkpoints)
    return checkpoints, trained.collapse


def _digest(arrays: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in ("images", "masks", "weight"):
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()


def _find_threshold(
    explainer: Explainer, images: Images, false_alarms: float
) -> tuple[Threshold, int, str]:
    """Compute the threshold from the scores of the held-out images, and log how good it is.

    Returns the threshold, the number of labelled anomalies above it, and a phrase about the
    held-out image of the highest score.
    """
    scores = explainer.scores([images.root / name for name in images.held_out])
    of_rank, guaranteed = threshold_of(scores, false_alarms, images.groups)
    # Raised, so that the held-out image of this score stays below it wherever it is explained.
    value = of_rank + ROUNDING * abs(of_rank)
    groups = len(set(images.groups)) if images.groups else None
    labelled = explainer.scores([images.root / name for name in explainer.card.labelled or []])
    missed = int((labelled <= value).sum())
    *_, second, highest = np.sort(scores)
    # Rounded up: a smaller share would keep the present threshold (aexad.app.threshold).
    share = (int((scores >= of_rank).sum()) + 1) / (len(scores) + 1)
    share = math.ceil(round(1000 * share, 9)) / 1000
    shown = (
        f"the held-out good image {images.root / images.held_out[int(scores.argmax())]} has the "
        f"highest score, {highest:.4g}, the next {second:.4g}: if it shows a defect, remove it; if "
        "it is a rare kind of good image, add more like it"
    )
    if images.groups is None and share < 1:
        shown += f"; --false-alarms {share:g} takes the next score as threshold"
    usual = float(np.median(scores))
    outliers = [
        f"{images.root / name} ({score:.4g})"
        for name, score in zip(images.held_out, scores, strict=True)
        if score > OUTLYING * usual > 0
    ]
    if outliers and value > OUTLYING * usual:
        logger.warning(
            "held-out good images stand out, and set the threshold (%.4g; their median score is "
            "%.4g): %s; if they show defects, remove them and fit again",
            *(value, usual, ", ".join(outliers[:5])),
        )
    logger.info(
        "threshold %.6g, from %d held-out normal images of scores %.4g to %.4g; %d of %d labelled "
        "anomalies, which were trained on, exceed it",
        *(value, len(scores), scores.min(), scores.max(), len(labelled) - missed, len(labelled)),
    )
    if 0 < 2 * missed <= len(labelled):
        logger.warning(
            "%d of the %d labelled anomalies, which were trained on, are below the threshold (%s)",
            *(missed, len(labelled), shown),
        )
    if guaranteed > false_alarms:
        logger.warning(
            "%d held-out %s guarantee no less than %.1f %% false alarms, not %.1f %%; add "
            "good images to lower this",
            *(groups or len(scores), "groups of good images" if groups else "good images"),
            *(100 * guaranteed, 100 * false_alarms),
        )
    threshold = Threshold(
        value=value,
        false_alarms=guaranteed,
        held_out_normals=len(scores),
        held_out_groups=groups,
        good_scores=np.sort(scores).tolist(),
        defect_scores=np.sort(labelled).tolist(),
    )
    return threshold, len(labelled) - missed, shown
