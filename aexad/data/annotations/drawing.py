"""Draw the masks of a folder of images from its annotations."""

from __future__ import annotations

import filecmp
import glob
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from aexad.data.annotations.photographs import Photographs
from aexad.data.annotations.reading import has_annotations, read_annotations
from aexad.data.annotations.regions import BOX, LEAST_POINTS, MASK, Annotation, Region, draw
from aexad.data.annotations.yolo import YOLO
from aexad.data.image_files import image_size
from aexad.data.layouts.folders import images_below
from aexad.data.layouts.pairing import is_mask, masks_beside, photograph_stem, stem_of
from aexad.runtime.atomic_folder import replaced_folder
from aexad.runtime.errors import DataError

MOST_SHOWN = 5


def draw_masks(source: Path, images: Path, folder: Path, labels: Sequence[str] = ()) -> str:
    """Write the mask of every image in a folder as ``STEM_mask.png``.

    Parameters
    ----------
    source
        A file of annotations, or a folder of them, in a form of
        :data:`~aexad.data.annotations.reading.KNOWN`.
    images
        Folder of the images, each of which must have an annotation.
    folder
        Folder of the masks, with the sub-folders of ``images``.
    labels
        Names of the labels to draw, each of a region or declared by the file; default: all.

    Returns
    -------
    str
        What was drawn, for example ``8 masks from COCO: 12 boxes (filled), 3 polygons``, and how
        many masks are black, because no region of their images is drawn.

    Raises
    ------
    aexad.runtime.errors.DataError
        There are no images or annotations; an image has no annotation, one of another size, or a
        region that marks nothing; a label is not known; or an annotation cannot be read. All
        problems of images are named, up to five.
    """
    photographs = Photographs(images, source)
    if not photographs.images:
        raise DataError(f"{images}: no images in it; name the folder of the annotated images")
    annotations = read_annotations(source, photographs)
    targets = {
        image: image.relative_to(images).with_name(f"{image.stem}_mask.png")
        for image in photographs.images
    }
    shared = Counter(targets.values())
    problems: list[str] = []
    masks: dict[Path, np.ndarray] = {}
    drawn: Counter[str] = Counter()
    for image, target in targets.items():
        if shared[target] > 1:
            problems.append(f"{image}: another image has the name {image.stem} too")
        elif image not in annotations:
            problems.append(f"{image}: has no annotation in {source}{photographs.hint(image)}")
        else:
            annotation = annotations[image]
            regions = [each for each in annotation.regions if not labels or each.label in labels]
            drawn.update(region.kind for region in regions)
            try:
                masks[target] = _joined(annotation, regions, image_size(image))
            except ValueError as error:
                problems.append(f"{image}: {error}")
    _refuse(problems)
    known = {each.label for one in annotations.values() for each in one.regions}
    known.update(*(one.labels for one in annotations.values()))
    if labels and not (drawn and known.issuperset(labels)):
        missing = [label for label in labels if label not in known] or list(labels)
        raise DataError(f"{source}: no region has a label of {missing}, but {sorted(known)}")
    # By name alone: other masks in the folder may be drawn by hand.
    with replaced_folder(folder, *(glob.escape(target.as_posix()) for target in masks)) as new:
        for target, mask in masks.items():
            (new / target).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask).save(new / target)
    forms = " and ".join(sorted({annotation.form for annotation in annotations.values()}))
    plural = {BOX: "boxes (filled)"}
    kinds = [f"{count} {plural.get(kind, kind + 's')}" for kind, count in sorted(drawn.items())]
    black = [target for target, mask in masks.items() if not mask.any()]
    told = f"; {len(black)} without a region, for example {folder / black[0]}" if black else ""
    return f"{len(masks)} masks from {forms}: {', '.join(kinds) or 'no region'}{told}"


def masks_for(defects: Path, masks: Path | None, folder: Path) -> tuple[Path | None, str]:
    """The masks of a folder of defects: where they are, or drawn into ``folder``.

    Masks are drawn if ``masks`` is a file; or if no mask lies where it is looked for (``masks``, or
    else ``defects``), but annotations do. Copies of the photographs, beside which LabelMe keeps its
    annotations, are no masks.

    Returns
    -------
    tuple of Path or None, and str
        The folder of masks to use, and what was drawn, or "".

    Raises
    ------
    aexad.runtime.errors.DataError
        As for :func:`draw_masks`; or annotations lie among pictures that are neither masks nor
        copies of the photographs.
    """
    source = masks or defects
    if source.is_dir():
        photographs, found = images_below(defects), images_below(source)
        if source.resolve() == defects.resolve():
            beside = masks_beside(found)
            others = [each for each in found if each in beside or _named_as_mask(each)]
        else:
            by_stem: dict[str, list[Path]] = defaultdict(list)
            for image in photographs:
                by_stem[stem_of(image)].append(image)
            others = [each for each in found if not _is_copy(each, by_stem[stem_of(each)])]
        if any(_named_as_mask(each) or is_mask(each) for each in others):
            return masks, ""
        if not has_annotations(source, photographs):
            return masks, ""
        if others:
            raise DataError(
                f"{source}: holds annotations and pictures that do not look like masks, for "
                f"example {others[0]}; move the annotations or the pictures away"
            )
    elif not source.is_file():
        return masks, ""
    return folder, draw_masks(source, defects, folder)


def _named_as_mask(path: Path) -> bool:
    return photograph_stem(path) != stem_of(path)


def _is_copy(path: Path, photographs: Sequence[Path]) -> bool:
    """Whether a picture is one of the photographs, or has the bytes of one."""
    files = [each for each in (path, *photographs) if each.is_file()]  # and no broken link
    return path in photographs or (
        path in files and any(filecmp.cmp(path, each, shallow=False) for each in files[1:])
    )


def _joined(
    annotation: Annotation, regions: Sequence[Region], shape: tuple[int, int]
) -> np.ndarray:
    """Draw the regions of an image, bool [H, W]; a ValueError says what cannot be drawn."""
    if annotation.size not in (None, shape):
        height, width = annotation.size or (0, 0)
        raise ValueError(f"annotated at {width}x{height} pixels, and is {shape[1]}x{shape[0]}")
    mask = np.zeros(shape, dtype=bool)
    for region in regions:
        if region.kind not in LEAST_POINTS:
            raise ValueError(f"a {region.kind} has no area; draw a polygon, box, ellipse or mask")
        low, high = region.points.min(axis=0), region.points.max(axis=0)
        corners = dict.fromkeys("({:g}, {:g})".format(*corner) for corner in (low, high))
        place = f"the {region.kind} at {' to '.join(corners)}"
        marked = draw(region, shape)
        if not marked.any():
            raise ValueError(f"{place} marks nothing in the image; correct or remove it")
        if region.kind != MASK:
            if (low == high).all():
                raise ValueError(f"{place} has no area; correct or remove it")
            # A box from (0, 0) to (1, 1) is a pixel.
            if annotation.form != YOLO and high.max() <= 1 and (region.points % 1).any():
                raise ValueError(f"{place} is given in shares of the image; export it in pixels")
        mask |= marked
    return mask


def _refuse(problems: list[str]) -> None:
    if problems:
        more = len(problems) - MOST_SHOWN
        lines = problems[:MOST_SHOWN] + ([f"and {more} more"] if more > 0 else [])
        raise DataError("\n  ".join([f"cannot be annotated ({len(problems)}):", *lines]))
