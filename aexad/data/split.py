"""Which images are trained on and which are tested, for one category, scenario and seed."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from aexad.config.catalogue import Dataset
from aexad.config.schema import nearest
from aexad.data.image_files import image_size
from aexad.data.masks import load_mask
from aexad.data.subsample import draw, limited, with_validation
from aexad.data.tables import GOOD, ROLES, SPLIT_COLUMNS, TRAINED_ROLES
from aexad.runtime.errors import ConfigError, DataError

logger = logging.getLogger(__name__)


def split(
    index: pd.DataFrame,
    dataset: Dataset,
    category: str,
    scenario: str,
    seed: int,
    root: Path | None = None,
) -> pd.DataFrame:
    """Divide a category into normal, validation, labelled and test images.

    k labelled anomalies of each defect type are drawn from the sorted list of its test images; they
    are trained on with their masks and leave the test set. Where a category has anomalies among its
    training images, they are drawn from those instead, and the test set stays whole. ``standard``
    and ``anomalies_only`` draw the same ones for the same seed, so both have the same test images.
    ``one_class`` draws none and tests all. Where normal images are trained on, a share of them
    becomes validation images, in addition to the validation images of the data set itself; where
    the data set has a limit, no more images are kept (:mod:`aexad.data.subsample`).

    For ``class_folders`` the category is the normal class: its training images are trained on, and
    the test images of all classes are tested; the defect of another class is the class's name.

    Parameters
    ----------
    index
        As from :func:`aexad.data.index.build_index`.
    dataset
        The entry of the catalogue: adaptor, number k of labelled anomalies of each defect type,
        share of validation images, limit.
    category
        One category of the index.
    scenario
        ``standard``: train on normal images and labelled anomalies; ``anomalies_only``: on labelled
        anomalies only; ``one_class``: on normal images only.
    seed
        The run's seed, 0 or more. Each category and each defect type has its own random numbers.
    root
        Folder of the data set. A drawn anomaly whose mask marks no pixel at the working size cannot
        be trained on: it stays in the test set, and another one is drawn. Default: masks are not
        read.

    Returns
    -------
    pandas.DataFrame
        Strings: role (:data:`aexad.data.tables.ROLES`), defect, image, mask, marks. Sorted by role
        in that order, then defect and image.

    Raises
    ------
    aexad.runtime.errors.DataError
        No other anomaly is there to be drawn.
    aexad.runtime.errors.ConfigError
        The category does not exist; the data set does not allow the scenario; k leaves no image of
        a defect type to test; validation leaves none to train on; or a limit is above the number of
        images.

    References
    ----------
    Angiulli et al., "Explaining anomalies through semi-supervised autoencoders" (k = 3).
    """
    if scenario not in TRAINED_ROLES:
        raise ConfigError(f"no scenario '{scenario}'; {nearest(scenario, list(TRAINED_ROLES))}")
    known = sorted(index["category"].unique())
    if category not in known:
        raise ConfigError(
            f"the index has no category '{category}'; {nearest(category, known)} "
            "If the data set lacks its folder, add it and make the index again with 'aexad index'"
        )
    if scenario not in dataset.scenarios:
        raise ConfigError(
            f"scenario '{scenario}' needs labelled anomalies with masks, which class_folders do "
            f"not have; use {' or '.join(dataset.scenarios)}"
        )
    own = index["category"] == category
    if dataset.adaptor == "class_folders":  # one class against all others
        rows = index[own | (index["split"] == "test")]
        rows = rows.assign(defect=rows["category"].mask(own, GOOD))
    else:
        rows = index[own].copy()
    rows["role"] = rows["split"].replace({"train": "normal"})
    rows.loc[(rows["split"] == "train") & (rows["defect"] != GOOD), "role"] = "not drawn"
    trained = TRAINED_ROLES[scenario]
    if "labelled" in trained:
        drawn = _labelled(rows, dataset, category, seed, root)
        rows.loc[rows["image"].isin(drawn), "role"] = "labelled"
    validation = ("validation",) if "normal" in trained else ()
    rows = rows[rows["role"].isin((*trained, *validation, "test"))]
    rows = with_validation(rows, category, dataset.validation, seed)
    rows = limited(rows, dataset, category, seed)
    rows = rows.assign(order=rows["role"].map(ROLES.index))
    return rows.sort_values(["order", "defect", "image"])[SPLIT_COLUMNS].reset_index(drop=True)


def _labelled(
    rows: pd.DataFrame, dataset: Dataset, category: str, seed: int, root: Path | None
) -> set[str]:
    """Draw the labelled anomalies of a category: as many images of each defect type."""
    number = dataset.labelled_per_defect(category)
    if number < 1:
        raise ConfigError(f"category '{category}': labelled={number}; at least 1 is needed")
    defective = rows[rows["defect"] != GOOD]
    own = defective[defective["split"] == "train"]  # anomalies that are there to be trained on
    pool, left = (own, 0) if len(own) else (defective[defective["split"] == "test"], 1)
    types = {str(defect): images for defect, images in pool.groupby("defect")}
    short = [
        f"'{defect}' has {len(images)}"
        for defect, images in types.items()
        if len(images) < number + left
    ]
    if short:
        highest = min(map(len, types.values())) - left
        remedy = "add images to that type, or remove it"
        if highest:
            remedy = (
                f"set 'labelled_of: {{{category}: {highest}}}' in its entry of config/datasets.yaml"
            )
        raise ConfigError(
            f"category '{category}': {number} labelled images of each defect type "
            f"{'leave none to test' if left else 'are not there'} ({', '.join(short)}); {remedy}"
        )
    drawn: set[str] = set()
    for defect, images in types.items():
        chosen = draw(images, number, seed, "labelled", category, defect)
        if root is not None and dataset.tile is None:
            chosen = _marked(chosen, images, root, dataset.size, (seed, category, defect))
        drawn |= chosen
    return drawn


def _marked(
    chosen: set[str], images: pd.DataFrame, root: Path, size: int, key: tuple[int, str, str]
) -> set[str]:
    """Replace chosen images whose masks mark no pixel at the working size by others."""
    lost = _lost(images[images["image"].isin(chosen)], root, size)
    if not lost:
        return chosen
    seed, category, defect = key
    others = images[~images["image"].isin(chosen)]
    others = others[~others["image"].isin(_lost(others, root, size))]
    if len(others) < len(lost):
        raise DataError(
            f"{root / lost[0]}: its mask marks no pixel at working size {size}, and no other "
            f"'{defect}' is left to be labelled; raise 'size' or set 'masks: covered'"
        )
    logger.warning(
        "%s: marks no pixel at working size %d, so %d of the %d labelled '%s' were drawn again",
        *(root / lost[0], size, len(lost), len(chosen), defect),
    )
    again = draw(others, len(lost), seed, "labelled again", category, defect)
    return (chosen - set(lost)) | again


def _lost(rows: pd.DataFrame, root: Path, size: int) -> list[str]:
    """The images whose masks mark no pixel at the working size."""
    places = rows[["image", "mask", "marks"]].itertuples(index=False, name=None)
    return [
        image
        for image, mask, marks in sorted(places)
        if mask and not load_mask(root / mask, size, image_size(root / image), marks).any()
    ]
