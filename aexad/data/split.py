"""Which images are trained on and which are tested, for one category, scenario and seed."""

from __future__ import annotations

import os

import pandas as pd

from aexad.data.index import GOOD, check_rows, read_table
from aexad.data.randomness import generator
from aexad.errors import ConfigError
from aexad.schema import nearest

COLUMNS = ["role", "defect", "image", "mask"]
ROLES = ("normal", "labelled", "test")
SCENARIOS = {
    "standard": ("normal", "labelled"),
    "anomalies_only": ("labelled",),
    "one_class": ("normal",),
}
"""The roles that each scenario trains on."""


def split(
    index: pd.DataFrame, category: str, scenario: str, labelled: int, seed: int
) -> pd.DataFrame:
    """Divide a category into normal, labelled and test images.

    ``labelled`` anomalies of each defect type are drawn from the sorted list of its test images;
    they enter training with their masks and leave the test set. The same seed draws the same ones
    in ``standard`` and in ``anomalies_only``, which are so tested on the same images.
    ``one_class`` draws none and tests all.

    Parameters
    ----------
    index
        As from :func:`aexad.data.index.build_index`.
    category
        One category of the index.
    scenario
        ``standard``: normals and labelled anomalies are trained on; ``anomalies_only``: the
        labelled anomalies alone; ``one_class``: the normals alone.
    labelled
        Number k of labelled anomalies of each defect type.
    seed
        The run's seed, 0 or more. Each category and each defect type has draws of its own.

    Returns
    -------
    pandas.DataFrame
        Strings: role (normal, labelled, test), defect, image, mask. Sorted by role in that order,
        then defect and image.

    Raises
    ------
    aexad.errors.ConfigError
        No such category; or ``labelled`` leaves no image of a defect type to test.

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
    rows = index[index["category"] == category].copy()
    rows["role"] = rows["split"].map({"train": "normal", "test": "test"})
    trained = SCENARIOS[scenario]
    if "labelled" in trained:
        drawn = _drawn(rows, category, labelled, seed)
        rows.loc[rows["image"].isin(drawn), "role"] = "labelled"
    rows = rows[rows["role"].isin((*trained, "test"))]
    rows = rows.assign(order=rows["role"].map(ROLES.index)).sort_values(
        ["order", "defect", "image"]
    )
    return rows[COLUMNS].reset_index(drop=True)


def read_split(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read ``split.csv``; all columns are strings, and an empty mask is an empty string.

    Raises
    ------
    aexad.errors.DataError
        No such file, not this table, without rows, or with a role other than :data:`ROLES`.
    """
    table = read_table(path, COLUMNS, "split")
    check_rows(table, path, "split", "role", ROLES)
    return table


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
