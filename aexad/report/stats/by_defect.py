"""On which defects the Transformer is worse: its IoU less the CNN's, by defect type and area."""

from __future__ import annotations

import pandas as pd

FEWEST_IMAGES = 3
"""A defect type with fewer images is left out."""
THIRDS = ("smallest", "medium", "largest")


def by_defect(
    images: pd.DataFrame, transformer: str, cnn: str
) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Compare two methods image by image.

    Parameters
    ----------
    images : DataFrame
        Columns category, seed, image, defect, anomalous_pixels, method, iou, of one data set and
        scenario.
    transformer, cnn : str
        The two methods.

    Returns
    -------
    defects, areas : DataFrame, or None
        Columns difference (IoU of the Transformer less that of the CNN, mean over images and
        seeds) and images. ``defects`` has one row for each category and defect type, lowest
        difference first; ``areas`` has one for each third of the images: those with the smallest,
        medium and largest defects. None where the two have no image in common.
    """
    keys = ["category", "seed", "image", "defect", "anomalous_pixels"]
    valued = images[images["iou"].notna()]
    both = valued[valued["method"] == transformer].merge(
        valued[valued["method"] == cnn], on=keys, suffixes=("", "_cnn")
    )
    if both.empty:
        return None
    both = both.assign(difference=both["iou"] - both["iou_cnn"])
    # Thirds of the images, not of the range of areas: every third has as many images.
    image = ["category", "image"]
    areas = both.drop_duplicates(image)[[*image, "anomalous_pixels"]]
    rank = areas["anomalous_pixels"].rank(method="first") - 1
    thirds = areas.assign(third=(rank * len(THIRDS) // len(areas)).astype(int))
    both = both.merge(thirds[[*image, "third"]], on=image)
    columns = {"difference": ("difference", "mean"), "images": ("image", "nunique")}
    defects = both.groupby(["category", "defect"]).agg(**columns)
    defects = defects.sort_values("difference", kind="stable")
    return defects[defects["images"] >= FEWEST_IMAGES], both.groupby("third").agg(**columns)
