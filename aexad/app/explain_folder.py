"""Explain image files: one, or all in a folder; what is broken is told, and the rest goes on."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from aexad.app.explainer import Explainer
from aexad.data.images import load_image
from aexad.data.layouts.folders import ENDINGS, is_image
from aexad.runtime.errors import DataError
from aexad.runtime.files import write_csv

TABLE = "explanations.csv"
MOST_PIXELS = 64_000_000  # of the images that are held at once, unless a single one has more
_SHOWN = 5

Row = dict[str, Any]
"""``image``, and what :meth:`Explanation.summary` says of it or ``error``."""


def explain_files(
    explainer: Explainer,
    source: Path,
    images: Sequence[str],
    output: Path,
    batch: int,
    tell: Callable[[Row], None],
) -> list[Row]:
    """Explain an image, or images in a folder and the folders below it.

    Parameters
    ----------
    source, images
        The image or the folder, and what :func:`image_names` found there.
    output
        Folder of ``overlays``, ``heat_maps`` and ``masks``, in the order of folders of the source,
        and of ``explanations.csv``.
    batch
        Images that go through the network at once; fewer, if they are large.
    tell
        Gets the row of each image as soon as it is known.

    Returns
    -------
    list of dict
        The rows, in the order of the images' names.
    """
    root = source if source.is_dir() else source.parent
    names = output_names(images)
    rows: list[Row] = []
    bar = tqdm(
        total=len(names), desc="explain", unit="image", disable=None if source.is_dir() else True
    )
    with bar:
        for group in _groups(root, list(names), batch):
            good = [(image, pixels) for image, pixels in group if isinstance(pixels, np.ndarray)]
            explained = iter(explainer([pixels for _, pixels in good]))
            for image, pixels in group:
                if isinstance(pixels, DataError):
                    row = {"image": image, "error": str(pixels)}
                else:
                    explanation = next(explained)
                    explanation.save(output, names[image])
                    row = {"image": image} | explanation.summary()
                rows.append(row)
                tell(row)
                bar.update()
    write_csv(output / TABLE, _table(rows))
    return rows


def image_names(source: Path, output: Path) -> list[str]:
    """Paths of the images, relative to ``source`` or to the folder of a single one, sorted.

    What an earlier call wrote to ``output``, if that lies inside, is left aside.

    Raises
    ------
    DataError
        If there is no such file or folder, or no image in it.
    """
    if source.is_file():
        return [source.name]
    if not source.is_dir():
        raise DataError(f"{source}: no such file or folder; name an image, or a folder of images")
    own = output.resolve()
    names = []
    for parent, folders, files in os.walk(source):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and Path(parent, name).resolve() != own
        )
        names += [Path(parent, name) for name in files if is_image(name)]
    if not names:
        raise DataError(
            f"{source}: no images in it (known endings: {' '.join(ENDINGS)}); name another folder"
        )
    return sorted(path.relative_to(source).as_posix() for path in names)


def output_names(images: Sequence[str]) -> dict[str, str]:
    """The name of each image's files: its own without the ending, unless two would be the same.

    >>> output_names(["a/1.png", "b/1.png", "b/1.jpg"])
    {'a/1.png': 'a/1', 'b/1.png': 'b/1.png', 'b/1.jpg': 'b/1.jpg'}
    """
    stems = {image: Path(image).with_suffix("").as_posix() for image in images}
    count = Counter(stems.values())
    return {image: stem if count[stem] == 1 else image for image, stem in stems.items()}


def in_words(row: Row) -> str:
    """One line about an image.

    >>> region = {"box": [10, 20, 40, 30], "area": 250}
    >>> row = {"image": "a.png", "verdict": "anomalous", "score": 3.21, "threshold": 1.5}
    >>> in_words(row | {"regions": [region], "k": 4, "milliseconds": 12.34})
    'a.png: anomalous, score 3.21 (threshold 1.5), 1 region: 30x10+10+20 (250 px), k 4, 12.3 ms'
    """
    if "error" in row:
        return f"{row['image']}: not explained"
    limit = "" if row["threshold"] is None else f" (threshold {row['threshold']:.4g})"
    regions = row["regions"]
    shown = [
        f"{right - left}x{bottom - top}+{left}+{top} ({region['area']} px)"
        for region in regions[:_SHOWN]
        for left, top, right, bottom in [region["box"]]
    ]
    more = [f"{len(regions) - _SHOWN} smaller"] if len(regions) > _SHOWN else []
    places = f": {', '.join(shown + more)}" if regions else ""
    return (
        f"{row['image']}: {row['verdict'] or 'no verdict'}, score {row['score']:.4g}{limit}, "
        f"{len(regions)} region{'' if len(regions) == 1 else 's'}{places}, k {row['k']}, "
        f"{row['milliseconds']:.1f} ms"
    )


def _groups(
    root: Path, names: Sequence[str], batch: int
) -> Iterator[list[tuple[str, np.ndarray | DataError]]]:
    """Read images in groups of at most ``batch``; in place of a broken one is what is wrong."""
    group: list[tuple[str, np.ndarray | DataError]] = []
    held = 0
    for name in names:
        try:
            pixels: np.ndarray | DataError = load_image(root / name)
        except DataError as error:
            pixels = error
        group.append((name, pixels))
        held += 0 if isinstance(pixels, DataError) else pixels.shape[0] * pixels.shape[1]
        if len(group) == batch or held >= MOST_PIXELS:
            yield group
            group, held = [], 0
    if group:
        yield group


def _table(rows: Sequence[Row]) -> pd.DataFrame:
    """The rows as a table; regions as ``left top right bottom area``, apart by semicolons."""
    columns = ["image", "verdict", "score", "threshold", "k", "milliseconds", "width", "height"]
    table = pd.DataFrame(rows).reindex(columns=[*columns, "regions", "error"])
    table["k"] = table["k"].astype("Int64")
    for column in ("width", "height"):
        table[column] = table[column].astype("Int64")
    table["regions"] = [_regions(row.get("regions", [])) for row in rows]
    return table


def _regions(regions: Sequence[Row]) -> str:
    return "; ".join(" ".join(map(str, [*each["box"], each["area"]])) for each in regions)
