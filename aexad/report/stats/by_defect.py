"""On which defects the Transformer is worse: its IoU less the CNN's, by defect type and area."""

from __future__ import annotations

import pandas as pd

FEWEST_IMAGES = 3
"""A defect type, or a class of areas, with fewer images is left out."""
THIRDS = ("smallest", "medium", "largest")


def paired_iou(images: pd.DataFrame, transformer: str, cnn: str) -> pd.DataFrame:
    """IoU of two methods on each image of each seed on which both have one.

    Parameters
    ----------
    images : DataFrame
        Columns category, seed, image, defect, anomalous_pixels, method, iou, of one data set and
        scenario.
    transformer, cnn : str
        The two methods.

    Returns
    -------
    DataFrame
        Columns category, seed, image, defect, anomalous_pixels; transformer and cnn (the IoU of
        each), difference (the former less the latter).
    """
    keys = ["category", "seed", "image", "defect", "anomalous_pixels"]
    valued = images[images["iou"].notna()]
    first, second = (
        valued[valued["method"] == name].rename(columns={"iou": role})[[*keys, role]]
        for role, name in (("transformer", transformer), ("cnn", cnn))
    )
    pairs = first.merge(second, on=keys)
    return pairs.assign(difference=pairs["transformer"] - pairs["cnn"])


def by_type(pairs: pd.DataFrame) -> pd.DataFrame:
    """Average the rows of :func:`paired_iou` by category and defect type.

    Returns
    -------
    DataFrame
        One row for each defect type of at least :data:`FEWEST_IMAGES` images, lowest difference
        first: images (their number, however many seeds see them), and the means over images and
        seeds of transformer, cnn and difference.
    """
    grouped = pairs.groupby(["category", "defect"])
    means = grouped[["transformer", "cnn", "difference"]].mean()
    means = means.assign(images=grouped["image"].nunique())
    return means[means["images"] >= FEWEST_IMAGES].sort_values("difference", kind="stable")


def by_third(pairs: pd.DataFrame) -> pd.Series:
    """Mean difference on the images with the smallest, the medium and the largest defects.

    Returns
    -------
    Series
        By third, 0 (smallest) to 2; fewer entries with fewer than three images.
    """
    # Thirds of the images, not of the range of areas: every third has as many images.
    image = ["category", "image"]
    areas = pairs.drop_duplicates(image)[[*image, "anomalous_pixels"]]
    rank = areas["anomalous_pixels"].rank(method="first") - 1
    thirds = areas.assign(third=(rank * len(THIRDS) // len(areas)).astype(int))
    return pairs.merge(thirds[[*image, "third"]], on=image).groupby("third")["difference"].mean()
