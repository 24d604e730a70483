"""Explain one image file or all images in a folder; broken files are reported and skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from aexad.app.explainer import Explainer
from aexad.app.explanation import FILES
from aexad.data.image_files import ENDINGS
from aexad.data.images import Levels, load_image
from aexad.data.index import log_warnings
from aexad.data.layouts.folders import EXPLAINED, images_below
from aexad.data.tiles import scaled_shape
from aexad.data.validate import WARNING, Finding, range_warnings
from aexad.runtime.errors import ConfigError, DataError
from aexad.runtime.files import write_csv

REPORT = "report.html"
MOST_PIXELS = 64_000_000  # in memory at once, unless a single image has more
_SHOWN = 5

Row = dict[str, Any]
"""``image``, and either the values of :meth:`Explanation.summary` or ``error``."""


def explain_files(
    explainer: Explainer,
    source: Path,
    images: Sequence[str],
    output: Path,
    on_row: Callable[[Row], None],
) -> list[Row]:
    """Explain one image, or all images in a folder and its subfolders.

    Parameters
    ----------
    source, images
        The image or the folder, and its :func:`image_names`.
    output
        Folder for ``explanations.csv`` and the folders ``overlays``, ``heat_maps`` and ``masks``,
        which have the subfolders of ``source``.
    on_row
        Called with the row of each image as soon as it is explained.

    Returns
    -------
    list of dict
        One row per image, in the order of ``images``. If the call is interrupted, the table has the
        rows so far.

    Raises
    ------
    ConfigError
        See :func:`remove_earlier`.
    """
    remove_earlier(source, output)
    root = source if source.is_dir() else source.parent
    names = output_names(images)
    rows: list[Row] = []
    bar = tqdm(
        total=len(names), desc="explain", unit="image", disable=None if source.is_dir() else True
    )
    try:
        with bar:
            for group in _groups(root, list(names), explainer):
                readable = [pixels for _, pixels in group if isinstance(pixels, np.ndarray)]
                explanations = iter(explainer(readable))
                for image, pixels in group:
                    if isinstance(pixels, DataError):
                        row = {"image": image, "error": str(pixels)}
                        rows.append(row)
                    else:
                        explanation = next(explanations)
                        row = {"image": image} | explanation.summary()
                        rows.append(row)  # first: the next call removes only what is listed
                        explanation.save(output, names[image])
                    on_row(row)
                    bar.update()
    finally:  # also when a signal ends it
        if rows:
            write_csv(output / EXPLAINED, _table(rows))
    return rows


def image_names(source: Path, output: Path) -> list[str]:
    """List the images of a folder and its subfolders as sorted paths relative to it.

    Hidden folders and :func:`result_folders` of ``output`` are skipped. If ``source`` is a single
    image, the list is its file name.

    Raises
    ------
    DataError
        If there is no such file or folder, or no image in it.
    """
    if source.is_file():
        return [source.name]
    if not source.is_dir():
        raise DataError(f"{source}: no such file or folder; name an image, or a folder of images")
    names = images_below(source, *result_folders(output))
    if not names:
        raise DataError(
            f"{source}: no images in it (known endings: {' '.join(ENDINGS)}); name another folder"
        )
    return sorted(path.relative_to(source).as_posix() for path in names)


def result_folders(output: Path) -> list[Path]:
    """Folders that may hold results of an earlier call: ``output``, and those that it then has.

    The latter count where ``output`` is the folder of the images itself.
    """
    return [output, *(output / kind for kind in FILES)]


def remove_earlier(source: Path, output: Path) -> None:
    """Remove the results of an earlier call, so that no folder holds results of two calls.

    Raises
    ------
    ConfigError
        If a folder of results has a file that the table of the earlier call does not list, such as
        a ground-truth mask, or contains ``source``. Nothing is removed then.
    """
    earlier = _earlier_results(output)
    found: list[Path] = []
    for folder in (output / kind for kind in FILES):
        if source.resolve().is_relative_to(folder.resolve()):
            raise ConfigError(
                f"{source}: lies in {folder}, which results are written to; name another output"
            )
        found += [path for path in sorted(folder.rglob("*")) if path.is_file()]
    others = [path for path in found if path not in earlier and not _hidden(path, output)]
    if others:
        more = f" and {len(others) - 1} more files" if len(others) > 1 else ""
        raise ConfigError(
            f"{others[0]}{more}: not listed as results of an earlier call in {output / EXPLAINED}, "
            "and might be overwritten; name another output, or move them away"
        )
    for path in earlier.intersection(found):
        path.unlink()
    if (output / EXPLAINED).is_file():
        (output / REPORT).unlink(missing_ok=True)
        (output / EXPLAINED).unlink()  # last: after an interruption, it still lists what is left


def _earlier_results(output: Path) -> set[Path]:
    """The files of an earlier call, from the rows of its table.

    The table of an interrupted call may lack the image because of which another one's results have
    its whole name: they count under both names.
    """
    try:
        table = pd.read_csv(output / EXPLAINED, dtype=str, keep_default_na=False)
        names = output_names(table["image"].to_list())
        explained = table.loc[table["error"] == "", "image"]
    except (FileNotFoundError, KeyError, ValueError):  # none, or not a table of explanations
        return set()
    return {
        output / kind / f"{name}{end}"
        for image in explained
        for name in (image, names[image])
        for kind, end in FILES.items()
    }


def _hidden(path: Path, root: Path) -> bool:
    """Whether a file is of the system, such as .DS_Store, or a temporary one of a killed call."""
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def contrast_warnings(images: Sequence[Path], levels: Levels | None) -> list[str]:
    """Warnings about images of 16 bits whose contrast is lost at 8 bits; logged too."""
    texts = [text for image in images for text in range_warnings(image, levels)]
    return log_warnings([Finding("", WARNING, text) for text in texts])


def output_names(images: Sequence[str]) -> dict[str, str]:
    """Name of the result files of each image: without its ending, unless two would be equal.

    >>> output_names(["a/1.png", "b/1.png", "b/1.jpg"])
    {'a/1.png': 'a/1', 'b/1.png': 'b/1.png', 'b/1.jpg': 'b/1.jpg'}
    """
    names = {image: Path(image).with_suffix("").as_posix() for image in images}
    while len(count := Counter(names.values())) < len(names):  # a whole name may equal a stem
        names = {image: name if count[name] == 1 else image for image, name in names.items()}
    return names


def in_words(row: Row) -> str:
    """Describe the row of an image in one line.

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
    root: Path, names: Sequence[str], explainer: Explainer
) -> Iterator[list[tuple[str, np.ndarray | DataError]]]:
    """Read images in batches, smaller for large images; a broken one is given as its error."""
    card = explainer.card
    group: list[tuple[str, np.ndarray | DataError]] = []
    held = 0
    for name in names:
        try:
            picture = load_image(root / name, levels=card.levels)
            if card.tile is not None:
                scaled_shape(picture.shape[:2], card.tile, card.size, root / name)
            pixels: np.ndarray | DataError = picture
        except DataError as error:
            pixels = error
        group.append((name, pixels))
        held += 0 if isinstance(pixels, DataError) else pixels.shape[0] * pixels.shape[1]
        if len(group) == explainer.batch_size or held >= MOST_PIXELS:
            yield group
            group, held = [], 0
    if group:
        yield group


def _table(rows: Sequence[Row]) -> pd.DataFrame:
    """The rows as a table; regions are ``left top right bottom area``, joined by semicolons."""
    columns = ["image", "verdict", "score", "threshold", "k", "milliseconds", "width", "height"]
    table = pd.DataFrame(rows).reindex(columns=[*columns, "regions", "error"])
    table = table.astype(dict.fromkeys(("k", "width", "height"), "Int64"))
    table["regions"] = [
        "; ".join(
            " ".join(map(str, [*region["box"], region["area"]]))
            for region in row.get("regions", [])
        )
        for row in rows
    ]
    return table
