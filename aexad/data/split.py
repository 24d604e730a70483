"""Which images are trained on and which are tested, for one category, scenario and seed."""

from __future__ import annotations

import os

import pandas as pd

from aexad.config.catalogue import Dataset
from aexad.config.schema import nearest
from aexad.data.index import GOOD, check_rows, read_table
from aexad.data.rng import generator
from aexad.data.subsample import limited, with_validation
from aexad.runtime.errors import ConfigError

COLUMNS = ["role", "defect", "image", "mask"]
ROLES = ("normal", "validation", "labelled", "test")
SCENARIOS = {
    "standard": ("normal", "labelled"),
    "anomalies_only": ("labelled",),
    "one_class": ("normal",),
}
"""The roles that each scenario trains on."""


def split(
    index: pd.DataFrame, dataset: Dataset, category: str, scenario: str, seed: int
) -> pd.DataFrame:
    """Divide a category into normal, validation, labelled and test images.

    k labelled anomalies of each defect type are drawn from the sorted list of its test images; they
    enter training with their masks and leave the test set. The same seed draws the same ones in
    ``standard`` and in ``anomalies_only``, which are so tested on the same images. ``one_class``
    draws none and tests all. Where normal images are trained on, the data set's share of them is
    validation images, beside those that it sets apart itself; where it has a limit, no more images
    than that stay (:mod:`aexad.data.subsample`).

    Of ``class_folders`` the category is the normal class: its training images are trained on, and
    the test images of all classes are tested; the defect of another class is that class's name.

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
        ``standard``: normals and labelled anomalies are trained on; ``anomalies_only``: the
        labelled anomalies alone; ``one_class``: the normals alone.
    seed
        The run's seed, 0 or more. Each category and each defect type has draws of its own.

    Returns
    -------
    pandas.DataFrame
        Strings: role (:data:`ROLES`), defect, image, mask. Sorted by role in that order,
        then defect and image.

    Raises
    ------
    aexad.runtime.errors.ConfigError
        No such category; a scenario that the data set does not allow; k that leaves no image of a
        defect type to test; validation that leaves none to train on; or a limit above what there
        is.

    References
    ----------
    Angiulli et al., "Explaining anomalies through semi-supervised autoencoders" (k = 3).
    """
    if scenario not in SCENARIOS:
        raise ConfigError(f"no scenario '{scenario}'; {nearest(scenario, list(SCENARIOS))}")
    known = sorted(index["category"].unique())
    if category not in known:
        raise ConfigError(
            f"the index has no category '{category}'; {nearest(category, known)} "
            "If the data set lacks its folder, add it and make the index anew with 'aexad index'"
        )
    if scenario not in dataset.scenarios:
        raise ConfigError(
            f"scenario '{scenario}' needs labelled anomalies with masks, which class_folders do "
            f"not have; use {' or '.join(dataset.scenarios)}"
        )
    if dataset.adaptor == "class_folders":
        rows = _one_against_all(index, category)
    else:
        rows = index[index["category"] == category].copy()
    rows["role"] = rows["split"].replace({"train": "normal"})
    trained = SCENARIOS[scenario]
    if "labelled" in trained:
        drawn = _drawn(rows, category, dataset.labelled_per_defect(category), seed)
        rows.loc[rows["image"].isin(drawn), "role"] = "labelled"
    held = ("validation",) if "normal" in trained else ()
    rows = rows[rows["role"].isin((*trained, *held, "test"))]
    rows = with_validation(rows, category, dataset.validation, seed)
    rows = limited(rows, dataset, category, seed)
    rows = rows.assign(order=rows["role"].map(ROLES.index)).sort_values(
        ["order", "defect", "image"]
    )
    return rows[COLUMNS].reset_index(drop=True)


def read_split(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read ``split.csv``; all columns are strings, and an empty mask is an empty string.

    Raises
    ------
    aexad.runtime.errors.DataError
        No such file, not this table, without rows, or with a role other than :data:`ROLES`.
    """
    table = read_table(path, COLUMNS, "split")
    check_rows(table, path, "split", "role", ROLES)
    return table


def _one_against_all(index: pd.DataFrame, category: str) -> pd.DataFrame:
    """The training images of a class, and all test images, those of other classes anomalous."""
    normal = index["category"] == category
    rows = index[normal | (index["split"] == "test")].copy()
    return rows.assign(defect=rows["category"].where(rows["category"] != category, GOOD))


def _drawn(rows: pd.DataFrame, category: str, labelled: int, seed: int) -> set[str]:
    """The images of the labelled anomalies."""
    defective = rows[(rows["split"] == "test") & (rows["defect"] != GOOD)]
    counts = defective["defect"].value_counts().sort_index()
    short = counts[counts <= labelled]
    if labelled < 1:
        raise ConfigError(f"category '{category}': labelled={labelled}; at least 1 is needed")
    if len(short):
        many = ", ".join(f"'{defect}' has {count}" for defect, count in short.items())
        highest = int(counts.min()) - 1
        raise ConfigError(
            f"category '{category}': {labelled} labelled images of each defect type leave none to "
            f"test ({many}); "
            + (
                f"set 'labelled_of: {{{category}: {highest}}}' in its entry of config/datasets.yaml"
                if highest
                else "add images to that type, or remove it"
            )
        )
    drawn: set[str] = set()
    for defect, images in defective.groupby("defect")["image"]:
        rng = generator(seed, "labelled", category, str(defect))
        choice = rng.choice(len(images), size=labelled, replace=False)
        drawn.update(images.sort_values().iloc[choice])
    return drawn
