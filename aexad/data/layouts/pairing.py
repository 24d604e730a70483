"""Which mask belongs to which photograph, by their names.

The mask of ``STEM.EXT`` is ``STEM_mask.EXT`` (or ``_label``, ``_gt``) or ``STEM.EXT``, with any
known ending. Several masks of one image, which are joined, are ``STEM_mask1.EXT``,
``STEM_mask2.EXT`` and so on, or all files in a folder ``STEM``.
"""

from __future__ import annotations

import glob
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from aexad.data.layouts.folders import images_below, images_in
from aexad.data.masks import is_binary
from aexad.runtime.errors import DataError

MASK_SUFFIXES = ("_mask", "_label", "_gt")
SUFFIX = re.compile(rf"({'|'.join(MASK_SUFFIXES)})\Z", re.IGNORECASE)
PART = re.compile(rf"(.+)({'|'.join(MASK_SUFFIXES)})[-_]?\d+", re.IGNORECASE)
"""The name of one of several masks of an image: ``x_mask1``, ``x_mask2``."""


def masks_beside(images: list[Path]) -> dict[Path, Path]:
    """Files among photographs that are masks of others, and the photograph of each.

    The mask of ``x.jpg`` may lie beside it as ``x.png`` or as ``x_mask.png``, ``x_label.png`` or
    ``x_gt.png``. It must have two levels at most.
    """
    photographs: dict[tuple[Path, str], list[Path]] = defaultdict(list)
    for image in images:
        photographs[image.parent, stem_of(image)].append(image)
    found = {}
    for image in images:
        stems = dict.fromkeys((photograph_stem(image), stem_of(image)))
        others = [each for stem in stems for each in photographs.get((image.parent, stem), [])]
        others = [each for each in others if each != image]
        if others and is_mask(image) and not is_mask(others[0]):
            found[image] = others[0]
    return found


def is_mask(path: Path) -> bool:
    """Whether a file looks like a mask: it can be read, and has two levels at most."""
    try:
        return is_binary(path)
    except DataError:  # the error is reported when the image is read
        return False


def masks_by_stem(folder: Path, images: Sequence[Path]) -> defaultdict[str, list[Path]]:
    """Masks in a folder by stem of the image: ``STEM_mask.EXT`` and ``STEM.EXT`` belong to it.

    Several masks of one image are a pattern of their names, see
    :func:`aexad.data.masks.mask_files`.
    """
    masks = defaultdict(list)
    stems = {stem_of(image) for image in images}
    of_one = {folder / image.stem: stem_of(image) for image in images}
    of_one = {path: stem for path, stem in of_one.items() if images_in(path)}
    for path, stem in of_one.items():
        masks[stem].append(path / "*")
    for mask in images_below(folder):
        stem = stem_of(mask)
        if mask.parent in of_one:
            continue
        if part := PART.fullmatch(mask.stem):  # as on the disk, where the pattern must match
            name = f"{glob.escape(part[1] + part[2])}*[0-9]{mask.suffix}"
            joined, own = mask.with_name(name), masks[composed(part[1])]
            if joined not in own:
                own.append(joined)
        # A mask with the name of an image belongs to this image alone.
        for image_stem in {stem} if stem in stems else {stem, photograph_stem(mask)}:
            masks[image_stem].append(mask)
    return masks


def stem_of(path: Path) -> str:
    """The name without its ending, in Unicode's composed form."""
    return composed(path.stem)


def photograph_stem(mask: Path) -> str:
    """The stem of the photograph of a mask ``STEM_mask``; of another file, its own stem."""
    return SUFFIX.sub("", stem_of(mask))


def composed(name: str) -> str:
    """A name in Unicode's composed form (macOS decomposes accents)."""
    return unicodedata.normalize("NFC", name)


def only_mask(
    image: Path,
    masks: list[Path],
    places: tuple[Path, Path],
    taken: dict[Path, Path],
    problems: list[str],
) -> Path | None:
    """The mask of an image; if it has no mask of its own or several, ``problems`` grows.

    ``places`` are the folders of the images and of their masks; ``taken`` are the images of masks
    so far, to which this one is added.
    """
    masks, folder = in_same_sub_folder(image, masks, places), places[1]
    if len(masks) == 1:
        (mask,) = masks
        if mask in taken:
            problems.append(f"{image}: has the same mask as {taken[mask]}; rename or remove one")
        taken[mask] = image
        return mask
    if masks:
        names = ", ".join(relative(mask, folder) for mask in masks)
        problems.append(f"{image}: has {len(masks)} masks ({names}); keep one")
    else:
        mask = folder / f"{image.stem}_mask.png"
        problems.append(f"{image}: has no mask; add {mask}, or remove the image")
    return None


def in_same_sub_folder(image: Path, masks: list[Path], places: tuple[Path, Path]) -> list[Path]:
    """The masks in the sub-folder of the image's name, where stems repeat; else all of them."""
    images, folder = places
    below = image.parent.relative_to(images)
    return [mask for mask in masks if mask.parent.relative_to(folder) == below] or masks


def relative(path: Path, root: Path) -> str:
    """The path of a file as the index holds it."""
    return path.relative_to(root).as_posix()
