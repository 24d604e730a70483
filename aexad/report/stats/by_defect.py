"""Where the Transformer loses: its IoU against the CNN's on the same images, by defect and area."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from aexad.report.labels import counted, listed

FEWEST = 3
"""Images below which a defect type is not spoken of."""
THIRDS = ("smallest", "medium", "largest")
NAMED = 3


class Losses(NamedTuple):
    """Differences of IoU, Transformer less CNN, means over images and seeds.

    ``defects`` is by category and defect type, lowest first, ``areas`` by the third of the images
    with the smallest, medium and largest defects; both have columns difference and images.
    """

    transformer: str
    cnn: str
    defects: pd.DataFrame
    areas: pd.DataFrame


def best_of(methods: Sequence[str], means: dict[str, float]) -> str | None:
    """The method with the highest mean; None where none has one."""
    known = [name for name in methods if means.get(name) == means.get(name) and name in means]
    return max(known, key=lambda name: means[name], default=None)


def losses(images: pd.DataFrame, transformer: str, cnn: str) -> Losses | None:
    """Compare two methods image by image; None where they have no image in common.

    Parameters
    ----------
    images : DataFrame
        Columns category, seed, image, defect, anomalous_pixels, method, iou, of one data set and
        scenario.
    transformer, cnn : str
    """
    keys = ["category", "seed", "image", "defect", "anomalous_pixels"]
    valued = images[images["iou"].notna()]
    both = valued[valued["method"] == transformer].merge(
        valued[valued["method"] == cnn], on=keys, suffixes=("", "_cnn")
    )
    if both.empty:
        return None
    both = both.assign(difference=both["iou"] - both["iou_cnn"])
    # Thirds of the images, not of their sizes: every third has as many.
    place = both["anomalous_pixels"].rank(method="first") - 1
    both["third"] = (place * len(THIRDS) // len(both)).astype(int)
    defects = _means(both, ["category", "defect"]).sort_values("difference", kind="stable")
    return Losses(transformer, cnn, defects[defects["images"] >= FEWEST], _means(both, ["third"]))


def told(found: Losses) -> list[str]:
    """The comparison in two sentences."""
    return [_of_defects(found), _of_areas(found)]


def _of_defects(found: Losses) -> str:
    names = [" ".join(map(str, where)) for where in found.defects.index]
    changes, images = found.defects["difference"].tolist(), found.defects["images"].tolist()
    rows = list(zip(names, changes, images, strict=True))
    lost = [row for row in rows if round(row[1], 3) < 0]
    start = f"By IoU, {found.transformer} (Transformer) "
    kinds = counted(len(rows), "defect type")
    if not rows:
        return f"{start}and {found.cnn} (CNN) share no defect type of {FEWEST} images or more."
    if not lost:
        return f"{start}is below {found.cnn} (CNN) on none of {kinds}."
    named = [f"{name} ({change:+z.3f}, {number} images)" for name, change, number in lost[:NAMED]]
    gained = [row for row in reversed(rows) if round(row[1], 3) > 0]
    text = f"{start}is below {found.cnn} (CNN) on {len(lost)} of {kinds}, most on {listed(named)}"
    if gained:
        name, change, _ = gained[0]
        text += f"; it gains most on {name} ({change:+z.3f})"
    return text + "."


def _of_areas(found: Losses) -> str:
    parts = [
        f"{change:+z.3f} on the third with the {word} defects"
        for word, change in zip(THIRDS, found.areas["difference"], strict=False)
    ]
    return f"By area, the same difference is {listed(parts)}."


def _means(both: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    grouped = both.groupby(by, sort=True, observed=True)
    return grouped.agg(difference=("difference", "mean"), images=("image", "nunique"))
