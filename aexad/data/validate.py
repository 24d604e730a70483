"""Validate a data set: list its images, read every file, and collect all problems.

``index`` refuses a data set with problems; ``check`` shows them as a table.
"""

from __future__ import annotations

import logging
import math
import re
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from statistics import median_high
from typing import NamedTuple

from tqdm import tqdm

from aexad.config.catalogue import WHOLE, Counts, Dataset, Tile
from aexad.data.image_files import SIDEWAYS, check_image, image_size, orientation_of
from aexad.data.images import (
    Levels,
    level_range,
    load_image,
    lost_levels,
    shape_at_scale,
)
from aexad.data.layouts.class_folders import class_problems
from aexad.data.layouts.folders import images_below, images_in, left_out
from aexad.data.layouts.pairing import is_mask, masks_beside, stem_of
from aexad.data.layouts.registry import ONE_CATEGORY, layout_of
from aexad.data.masks import NEAREST, SHARE, covered, load_mask, mask_files
from aexad.data.tables import GOOD, Entry
from aexad.data.tiles import scaled_shape
from aexad.runtime.errors import DataError

PROBLEM, WARNING = "problem", "warning"
MOST_MARKED = 0.5
"""Share of an image above which a mask may be inverted."""
LONGEST = 1.5
"""Length over width of an image above which squashing it to a square is worth a warning."""
MOST_NAMED = 20
"""Files of one kind of problem that are named; the others are counted."""
MASK_FOLDERS = ("mask", "masks", "ground_truth", "labels")
"""Names of folders, in lower case, whose files are probably no photographs."""
FEWEST_LEVELS = 64
"""Levels that 8 bits must keep of an image of 16 bits."""

logger = logging.getLogger(__name__)


class Finding(NamedTuple):
    """A problem of a data set, or a warning.

    With a warning, the file can be used, but is probably not what the user meant.
    """

    category: str
    """Empty for the data set as a whole."""
    kind: str
    text: str


def validate(root: Path, name: str, dataset: Dataset) -> tuple[list[Entry], list[Finding]]:
    """List the images of a data set in its layout, and read every image and every mask.

    Raises
    ------
    aexad.runtime.errors.DataError
        The folder does not exist, or holds no category.
    """
    layout, categories = layout_of(dataset.adaptor), _categories(root, name, dataset)
    entries: list[Entry] = []
    problems: dict[str, list[str]] = {category: [] for category in ("", *categories)}
    if dataset.adaptor == "class_folders":
        problems[""] = class_problems(root, categories)
    for category in categories:
        listed = layout.entries(root, category, problems[category])
        expected, counts = dataset.counts.get(category), count_images(listed)
        if expected is not None and counts != expected:
            problems[category].append(
                f"{root / category}: {_described(counts)}, and the catalogue expects "
                f"{_described(expected)}; restore its files, or remove '{category}' from 'counts' "
                "in config/datasets.yaml"
            )
        entries += listed
    findings = [Finding(key, PROBLEM, text) for key, texts in problems.items() for text in texts]
    if dataset.adaptor != "class_folders":
        for category in categories:
            findings += files_left_out(root / category, category)
            findings += masks_among_photographs(root, entries, category)
    entries = with_reading(entries, dataset)
    findings += read_files(root, entries, name, dataset)
    return entries, sorted(findings, key=lambda finding: finding.category)


def with_reading(entries: list[Entry], dataset: Dataset) -> list[Entry]:
    """The entries with the way in which the data set says that their masks are read."""
    return [
        entry._replace(marks=dataset.reading(entry.marks)) if entry.mask else entry
        for entry in entries
    ]


def files_left_out(
    folder: Path, category: str = "", skipped: Collection[Path] = ()
) -> list[Finding]:
    """A warning for each kind of file that is passed over: its number, an example."""
    kinds: dict[str, list[Path]] = {}
    for path in left_out(folder, *skipped):
        kinds.setdefault(path.suffix.lower() or "no ending", []).append(path)
    return [
        Finding(
            category,
            WARNING,
            f"{len(files)} file{'s' * (len(files) > 1)} with the ending {ending} left out, for "
            f"example {files[0]}; if they are images, convert them to PNG",
        )
        for ending, files in sorted(kinds.items())
    ]


def masks_among_photographs(root: Path, entries: list[Entry], category: str) -> list[Finding]:
    """Warnings about masks among the good images: those left out, and those taken as images."""
    good = [
        root / entry.image
        for entry in entries
        if entry.category == category and entry.defect == GOOD
    ]
    folders = dict.fromkeys(image.parent for image in good)
    texts = []
    if found := [mask for folder in folders for mask in masks_beside(images_in(folder))]:
        texts.append(
            f"{len(found)} files among the good images are masks of others and are left out, for "
            f"example {found[0]}; move them away"
        )
    if found := _like_masks(good, root):
        texts.append(
            f"{len(found)} of {len(good)} good images look like masks (two levels, or a folder of "
            f"masks) and are taken as photographs, for example {found[0]}; if they are masks, move "
            "them away"
        )
    return [Finding(category, WARNING, text) for text in texts]


def _like_masks(good: list[Path], root: Path) -> list[Path]:
    """Good images in a folder of masks, or of black and one level, where others are not so."""
    inside = [
        image
        for image in good
        if any(part.lower() in MASK_FOLDERS for part in image.relative_to(root).parts[:-1])
    ]
    found = inside if len(inside) < len(good) else []
    sizes = {image: image.stat().st_size for image in good if image.is_file()}
    if not sizes:
        return found
    typical = median_high(sizes.values())
    # A mask takes far fewer bytes than a photograph; decoding those too would take long.
    small = [image for image, size in sizes.items() if size < typical / 2]
    binary = [
        image for image in small if is_mask(image) and not load_image(image).any(axis=2).all()
    ]
    if binary and any(size == typical and is_mask(image) for image, size in sizes.items()):
        return found  # two levels are usual here
    return list(dict.fromkeys([*found, *binary]))


def unused_masks(root: Path, entries: list[Entry], folder: Path) -> list[Finding]:
    """A warning about masks in a folder that belong to no photograph."""
    stems = {stem_of(Path(entry.image)) for entry in entries}  # copies of photographs
    used = {file for entry in entries if entry.mask for file in mask_files(root / entry.mask)}
    found = [
        path
        for path in images_below(folder.resolve())
        if path not in used and stem_of(path) not in stems
    ]
    if not found:
        return []
    text = (
        f"{len(found)} mask{'s' * (len(found) > 1)} without a photograph left out, for example "
        f"{found[0]}; add the photograph, correct the name, or move the mask away"
    )
    return [Finding("", WARNING, text)]


def read_files(root: Path, entries: list[Entry], name: str, dataset: Dataset) -> list[Finding]:
    """Read every image and every mask; ``name`` is shown beside the progress bar."""
    findings = []
    oblong: dict[str, list[Path]] = {}
    for entry in tqdm(entries, desc=f"checking {name}", unit="image", disable=None):
        image, mask = root / entry.image, root / entry.mask
        texts: list[str] = []
        try:
            shape = check_image(image)
            if dataset.tile is not None:
                scaled_shape(shape, dataset.tile, dataset.size, image)
            elif max(shape) > LONGEST * min(shape):
                oblong.setdefault(entry.category, []).append(image)
            texts += range_warnings(image, dataset.levels)
            if entry.mask:
                if turned := _turned(image, mask, shape):
                    texts.append(turned)
                texts += _mask_warnings(mask, shape, entry.marks, dataset.size, dataset.tile)
        except DataError as error:
            findings.append(Finding(entry.category, PROBLEM, str(error)))
        findings += [Finding(entry.category, WARNING, text) for text in texts]
    for category, images in oblong.items():
        text = (
            f"{len(images)} images are more than {LONGEST:g} times as long as wide, for example "
            f"{images[0]}, and are squashed to a square; tiles keep proportions: set 'tile' of the "
            f"data set (fit --tile) to the shorter side in pixels, or to '{WHOLE}', which pads"
        )
        findings.append(Finding(category, WARNING, text))
    return findings


def _mask_warnings(
    mask: Path, shape: tuple[int, int], marks: str, size: int, tile: Tile | None
) -> list[str]:
    marked = load_mask(mask, shape=shape, marks=marks)
    share = float(marked.mean())
    if not share:
        text = f"{mask}: this mask of a defect marks nothing; correct it, or remove it and its "
        return [f"{text}image"]
    texts = []
    if others := mask_files(mask)[1:]:
        texts.append(f"{mask_files(mask)[0]}: joined with {len(others)} more masks of its image")
    if share > MOST_MARKED:
        texts.append(
            f"{mask}: marks {100 * share:.0f} % of its image; is it inverted? White is anomalous"
        )
    if tile is not None:
        if covered(marked, shape_at_scale(shape, tile, size))[1] < SHARE:
            remedy = "a larger size" if tile == WHOLE else "smaller tiles"
            texts.append(f"{mask}: a region is thinner than a pixel (tile {tile}); take {remedy}")
        return texts
    small, least = covered(marked, size)
    if least < SHARE:
        keeps = 16 * math.ceil(size / max(least, 1e-3) / 2 / 16)
        lost = "is drawn thicker than it is"
        if marks.endswith(NEAREST) and not load_mask(mask, size, marks=marks)[small].all():
            lost = "is lost in part or whole, and trained on as normal"
        texts.append(
            f"{mask}: a region is thinner than a pixel at size {size} and {lost}; size {keeps} "
            "('fit': --size) keeps it"
        )
    return texts


def range_warnings(image: Path, levels: Levels | None = None) -> list[str]:
    """A warning about an image of 16 bits whose contrast is lost at 8 bits.

    Raises
    ------
    aexad.runtime.errors.DataError
        As for :func:`aexad.data.images.load_image`.
    """
    kept = lost_levels(image, levels)
    if kept is None or kept[1] >= min(FEWEST_LEVELS, kept[0] / 2):
        return []
    low, high = level_range([image]) or (0, 0)
    return [
        f"{image}: of {kept[0]} levels of 16 bits ({low} to {high}), {kept[1]} are left at 8 bits, "
        "so nearly all contrast is lost; set 'levels' of the data set ('fit' finds them itself)"
    ]


def _turned(image: Path, mask: Path, shape: tuple[int, int]) -> str:
    """A warning about a photograph that EXIF turns, while its mask is not turned."""
    mask = mask_files(mask)[0]
    if orientation_of(image) == 1 or orientation_of(mask) != 1:
        return ""
    if image_size(mask) not in (shape, shape[::-1]):
        return ""
    oblong = shape[0] != shape[1] and orientation_of(image) in SIDEWAYS
    if oblong and image_size(mask) == shape:
        return ""  # the photograph as it is stored has another size
    text = (
        f"{image}: its EXIF orientation turns the photograph, and {mask.name} has none: was it "
        "drawn on the photograph as it is stored? Then turn the mask, or remove the orientation"
    )
    if image_size(mask) == shape:
        return text
    raise DataError(text)


def grouped(findings: Sequence[Finding]) -> list[Finding]:
    """Join findings of one category that differ in the names of files alone: number and example.

    Of problems, the first :data:`MOST_NAMED` files are named, because each must be corrected.
    """
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        alike = re.sub(r"\S*[/\\]\S*", "", finding.text)
        groups.setdefault((finding.category, finding.kind, alike), []).append(finding)
    return [_joined(own) if len(own) > 1 else own[0] for own in groups.values()]


def _joined(alike: Sequence[Finding]) -> Finding:
    text = f"{len(alike)} times, for example {alike[0].text}"
    if alike[0].kind == PROBLEM:
        others = [finding.text.partition(": ")[0] for finding in alike[1:MOST_NAMED]]
        more = len(alike) - MOST_NAMED
        text += f"; also {', '.join(others)}" + (f" and {more} more" if more > 0 else "")
    return alike[0]._replace(text=text)


def count_images(entries: list[Entry]) -> Counts:
    """Count the images of a category by their use."""
    uses = Counter(
        "anomalous" if entry.defect != GOOD else "good" if entry.split == "test" else entry.split
        for entry in entries
    )
    return Counts(**uses)


def local_categories(folder: Path, adaptor: str = "mvtec_layout") -> list[str]:
    """List the categories in a local folder as its layout defines them, sorted.

    Raises
    ------
    aexad.runtime.errors.DataError
        The folder does not exist, or holds no category.
    """
    if not folder.is_dir():
        raise DataError(
            f"{folder}: no such folder; name the folder that holds the categories (for an archive, "
            "list its 'categories' in config/datasets.yaml)"
        )
    layout = layout_of(adaptor)
    if categories := layout.categories(folder):
        return categories
    if adaptor == "class_folders":
        raise DataError(
            f"{folder}: no folders train/<class> and test/<class> in it (for other forms, list the "
            "'categories' in config/datasets.yaml)"
        )
    hint = ONE_CATEGORY if (folder / "train").is_dir() else ""
    raise DataError(f"{folder}: no folder in it has the form {layout.form}{hint}")


def _categories(root: Path, name: str, dataset: Dataset) -> list[str]:
    """The categories to list: those of the catalogue that exist, in its order."""
    if dataset.adaptor == "class_folders" and dataset.categories:
        return dataset.categories  # none may be missing: each is tested on all others
    local = local_categories(root, dataset.adaptor)
    if dataset.categories is None:
        return local
    # A folder that exists, but is incomplete, counts as present: its problems are reported.
    present = [category for category in dataset.categories if (root / category).is_dir()]
    absent = ", ".join(category for category in dataset.categories if category not in present)
    if not present:
        raise DataError(
            f"data set '{name}': {root} has none of the catalogue's categories ({absent}), but "
            f"{', '.join(local)}; correct 'categories' in config/datasets.yaml, or the folder"
        )
    if absent:
        logger.warning(
            "data set '%s': %s has no folder of these categories, which are left out: %s",
            *(name, root, absent),
        )
    return present


def _described(counts: Counts) -> str:
    validation = f"{counts.validation} validation, " if counts.validation else ""
    return (
        f"{counts.train} training, {validation}{counts.good} good and {counts.anomalous} anomalous"
    )
