"""Evaluate external maps: a folder of anomaly maps that were made outside of aexad.

Images and masks are in MVTec AD layout, as :data:`aexad.data.layouts.mvtec.MVTEC_AD` reads it
(``test/<defect>/<stem>.<ending>`` and ``ground_truth/<defect>/<stem>_mask.<ending>``). Maps are in
the layout of ``test``: one file per image, with the image's stem.
``docs/evaluate_your_own_maps.md`` describes the file formats.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aexad.data.image_files import image_size
from aexad.data.layouts.mvtec import MVTEC_AD
from aexad.data.layouts.pairing import stem_of
from aexad.data.masks import BRIGHT, load_mask
from aexad.data.resize import resized
from aexad.data.tables import Entry, read_split
from aexad.evaluation.evaluate import (
    ImageRow,
    Pair,
    Size,
    without_masks,
    write_evaluation,
    write_results,
)
from aexad.explain.heatmap import binarised
from aexad.explain.map_files import ENDINGS, read_map
from aexad.explain.run_maps import MAPS, write_maps
from aexad.runtime.errors import DataError

_SHOWN = 3


Key = tuple[str, str]
"""Defect type and stem, which an image and its map share."""


class MappedImage(NamedTuple):
    """A test image with its mask and its external map."""

    image: Path
    defect: str
    mask: Path | None
    map: Path
    marks: str = BRIGHT


def evaluate_maps(
    maps: str | os.PathLike[str],
    masks: str | os.PathLike[str],
    output: str | os.PathLike[str],
    size: Size = "model",
) -> dict[str, Any]:
    """Evaluate a folder of external maps against a category of a data set.

    Parameters
    ----------
    maps : path
        Folder of ``<defect>/<stem>.<ending>``; ``test``, ``<category>`` or ``<category>/test`` may
        stand in between. Maps are [H, W]: ``.npy`` and TIFF with real numbers, PNG with 8 or 16
        bits; higher is more anomalous. The highest value of a map is the score of its image.
    masks : path
        Folder of the category, with ``test`` and ``ground_truth``.
    output : path
        Folder for ``per_image.csv``, ``counts.npz`` and ``metrics.json``.
    size : {"model", "native"}
        ``model``: compare at the size of the maps. Each map has the size of its image, or all maps
        are S x S and the masks are resized to them. ``native``: maps are resized to their images
        (:func:`aexad.data.resize.resized`).

    Returns
    -------
    dict
        The content of ``metrics.json``.

    Raises
    ------
    DataError
        If the test images deviate from the layout, for example without a mask; if one has no map;
        or if a map belongs to no test image, cannot be read, has a wrong shape or holds NaN.
    """
    masks = Path(masks)
    root = masks.parent
    wanted = _wanted(
        (entry.defect, root / entry.image, root / entry.mask if entry.mask else None)
        for entry in _test_entries(masks)
    )
    images = list_maps(Path(maps), wanted, masks.resolve().name)
    return write_evaluation(_rows(images, masks, size), size, output)


def evaluate_split_maps(
    maps: str | os.PathLike[str],
    split: str | os.PathLike[str],
    root: str | os.PathLike[str],
    output: str | os.PathLike[str],
    size: Size = "model",
    stored: int = 224,
) -> dict[str, Any]:
    """Evaluate a folder of external maps against the test images of a split.

    Works as :func:`evaluate_maps`, but takes a run's ``split.csv`` and the data set's folder
    ``root``, so that the maps are evaluated on exactly the test images of that run. Maps of other
    images, such as the labelled ones, are ignored. If no anomalous image has a mask, only the image
    scores are evaluated.

    The maps are also stored as a run's ``maps.npz``, at ``stored`` x ``stored`` pixels, for the
    pictures of the report.
    """
    table, root = read_split(split), Path(root)
    rows = table[table["role"] == "test"]
    wanted = _wanted(
        (defect, root / image, root / mask if mask else None)
        for image, defect, mask in zip(rows["image"], rows["defect"], rows["mask"], strict=True)
    )
    category = Path(str(table["image"].iloc[0])).parts[0]
    marks = dict(zip((root / image for image in rows["image"]), rows["marks"], strict=True))
    images = [
        image._replace(marks=marks[image.image])
        for image in list_maps(Path(maps), wanted, category, allow_more=True)
    ]
    seen: list[tuple[ImageRow, np.ndarray]] = []
    mapped = _stored(_rows(images, root, size), stored, seen)
    if without_masks(rows):
        scores = [row for row, _ in mapped]
        content = write_results(scores, None, size, output)
    else:
        content = write_evaluation(mapped, size, output)
    heat_maps = np.stack([heat_map for _, heat_map in seen])
    arrays = {
        "image": np.array([row.image for row, _ in seen]),
        "heat_map": heat_maps,
        "binary": binarised(heat_maps),
        "score": np.array([row.score for row, _ in seen], np.float32),
        "k": np.zeros(len(seen), np.int64),
    }
    write_maps(Path(output, MAPS), arrays)
    return content


def _stored(
    rows: Iterable[tuple[ImageRow, Pair]], side: int, into: list[tuple[ImageRow, np.ndarray]]
) -> Iterator[tuple[ImageRow, Pair]]:
    """Pass rows on, and append each map at ``side`` x ``side`` pixels, float32, to ``into``."""
    for row, (heat_map, mask) in rows:
        into.append((row, resized(heat_map, (side, side)).astype(np.float32)))
        yield row, (heat_map, mask)


def list_maps(
    maps: Path,
    wanted: Mapping[Key, tuple[Path, Path | None]],
    category: str,
    allow_more: bool = False,
) -> list[MappedImage]:
    """Find exactly one map for each wanted image.

    Parameters
    ----------
    maps : path
    wanted : mapping
        Image and mask by defect type and stem.
    category : str
        A folder of this name may stand above the maps.
    allow_more : bool
        Ignore maps of images that are not wanted.

    Raises
    ------
    DataError
        If a map is missing, or there are too many.
    """
    folder = _folder_of_maps(maps, category, sorted({defect for defect, _ in wanted}))
    map_of: dict[Key, Path] = {}
    surplus = []
    for path in sorted(folder.glob("**/*")):
        inside = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in inside.parts)
        if path.suffix.lower() in ENDINGS and not hidden and not path.is_dir():
            key = (inside.parts[0], stem_of(path))
            if allow_more and key not in wanted:
                continue
            if key in map_of or key not in wanted:
                surplus.append(inside)
            map_of[key] = path
    missing = [Path(key[0], image.name) for key, (image, _) in wanted.items() if key not in map_of]
    problems = [
        *([f"no map for {_named(missing)}"] if missing else []),
        *([f"no test image for {_named(surplus)}, or another map of it"] if surplus else []),
    ]
    if problems:
        raise DataError(f"{folder}: {'; '.join(problems)}; each test image needs exactly one map")
    return [MappedImage(image, key[0], mask, map_of[key]) for key, (image, mask) in wanted.items()]


def _rows(images: Sequence[MappedImage], root: Path, size: Size) -> Iterator[tuple[ImageRow, Pair]]:
    """Read each map once, take its highest value as the score, and pair it with its mask."""
    first: tuple[Path, tuple[int, ...]] | None = None
    as_images = one_square = True  # what all maps so far may be
    for image in images:
        heat_map, shape = read_map(image.map), image_size(image.image)
        name = image.image.relative_to(root).as_posix()
        row = ImageRow(name, image.defect, float(heat_map.max()), None)
        if size == "native":
            yield row, (resized(heat_map, shape), load_mask(image.mask, None, shape, image.marks))
            continue
        height, width = heat_map.shape
        first = first or (image.map, heat_map.shape)
        as_images &= heat_map.shape == shape
        one_square &= height == width and heat_map.shape == first[1]
        if not as_images and not one_square:
            other, (high, wide) = first
            beside = f" and {other.parent.name}/{other.name} {wide}x{high}"
            raise DataError(
                f"{image.map}: {width}x{height} pixels, its image has {shape[1]}x{shape[0]}"
                f"{beside if other != image.map else ''}; give all maps their image's size, or one "
                "S x S, or use --native"
            )
        side = None if heat_map.shape == shape else height
        yield row, (heat_map, load_mask(image.mask, side, shape, image.marks))


def _wanted(
    images: Iterable[tuple[str, Path, Path | None]],
) -> dict[Key, tuple[Path, Path | None]]:
    """Image and mask by defect type and stem, which only one image may have."""
    wanted: dict[Key, tuple[Path, Path | None]] = {}
    for defect, image, mask in images:
        other, _ = wanted.setdefault((defect, stem_of(image)), (image, mask))
        if other != image:
            raise DataError(
                f"{image}: the same defect type and stem as {other}; rename one, and its map"
            )
    return wanted


def _test_entries(masks: Path) -> list[Entry]:
    """The test images of the category in a folder and their masks, as the index lists them."""
    problems: list[str] = []
    entries = sorted(MVTEC_AD.entries(masks.parent, masks.name, problems))
    tested = [entry for entry in entries if entry.split == "test"]
    if not tested:
        raise DataError(
            f"{masks}: no images in {masks / 'test'}/<defect>; name the folder of a category, with "
            "'test' and 'ground_truth'"
        )
    # A category whose maps are evaluated needs no training images.
    problems = [text for text in problems if not text.startswith(str(masks / "train"))]
    if problems:
        more = f" (and {len(problems) - 1} more problems)" if len(problems) > 1 else ""
        raise DataError(f"{problems[0]}{more}")
    return tested


def _folder_of_maps(maps: Path, category: str, defects: Sequence[str]) -> Path:
    for folder in (maps / category / "test", maps / category, maps / "test", maps):
        if any((folder / defect).is_dir() for defect in defects):
            return folder
    raise DataError(
        f"{maps}: none of the folders {', '.join(defects)} in it; maps lie at "
        f"{maps}/<defect>/<stem>.tiff (or .npy, .png)"
    )


def _named(paths: Sequence[Path]) -> str:
    shown = ", ".join(path.as_posix() for path in paths[:_SHOWN])
    return shown if len(paths) <= _SHOWN else f"{shown} and {len(paths) - _SHOWN} more"
