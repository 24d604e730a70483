"""Draw masks from annotations: LabelMe, COCO, Pascal VOC, YOLO and CVAT.

Pixel (x, y) covers the square from (x, y) to (x + 1, y + 1). A box marks the pixels between its
edges, so that its area is width times height in COCO, and (xmax - xmin) (ymax - ymin) in Pascal VOC
and CVAT; the edges of YOLO's boxes are rounded to pixels. A polygon marks the pixels on its outline
too. Boxes are drawn filled: metrics then count the ground inside a box as a defect. CVAT's rotated
boxes and ellipses are polygons.
"""

from __future__ import annotations

import base64
import glob
import io
import json
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from aexad.data.images import DAMAGE, image_size
from aexad.data.layouts.folders import images_below
from aexad.data.layouts.mvtec import MASK_SUFFIXES, masks_beside, stem_of
from aexad.runtime.atomic_folder import replaced_folder
from aexad.runtime.errors import DataError

BOX, POLYGON, ELLIPSE, MASK = "box", "polygon", "ellipse", "mask"
KNOWN = (
    "LabelMe (STEM.json), COCO (one .json), Pascal VOC (STEM.xml), YOLO (STEM.txt), CVAT (one .xml)"
)
LEAST_POINTS = {BOX: 2, POLYGON: 3, ELLIPSE: 2, MASK: 1}
FARTHEST = 10**9
"""Coordinates in pixels that can be drawn are below it."""
ELLIPSE_POINTS = 64
"""Points of the polygon of a rotated ellipse."""
MOST_SHOWN = 5


class Region(NamedTuple):
    """One annotated region."""

    label: str
    kind: str
    points: np.ndarray
    """float64 [n, 2], x and y in pixels: two corners of a box or ellipse, or a polygon."""
    pixels: np.ndarray | None = None
    """bool [h, w] of a mask, whose upper left corner is ``points[0]``."""


class Annotation(NamedTuple):
    """The regions of one image."""

    form: str
    size: tuple[int, int] | None
    """Height and width of the image, if the annotation says so."""
    regions: list[Region]


def draw_masks(source: Path, images: Path, folder: Path, labels: Sequence[str] = ()) -> str:
    """Write the mask of every image in a folder as ``STEM_mask.png``.

    Parameters
    ----------
    source
        A file of annotations, or a folder of them; see :data:`KNOWN`.
    images
        Folder of the images, each of which must have an annotation.
    folder
        Folder of the masks, with the sub-folders of ``images``.
    labels
        Names of the labels to draw; default: all.

    Returns
    -------
    str
        What was drawn, for example ``8 masks from COCO: 12 boxes (filled), 3 polygons``.

    Raises
    ------
    aexad.runtime.errors.DataError
        There are no images or annotations; an image has no annotation, or one of another size; or
        an annotation cannot be read. All problems of images are named, up to five.
    """
    photographs = images_below(images)
    if not photographs:
        raise DataError(f"{images}: no images in it; name the folder of the annotated images")
    annotations = read_annotations(source, photographs)
    problems = [
        f"{image}: has no annotation in {source}"
        for image in photographs
        if image not in annotations
    ]
    masks: dict[Path, np.ndarray] = {}
    drawn: Counter[str] = Counter()
    for image, annotation in annotations.items():
        regions = [each for each in annotation.regions if not labels or each.label in labels]
        shape = image_size(image)
        if annotation.size not in (None, shape):
            height, width = annotation.size or (0, 0)
            problems.append(
                f"{image}: annotated at {width}x{height} pixels, and is {shape[1]}x{shape[0]}"
            )
            continue
        drawn.update(region.kind for region in regions)
        target = image.relative_to(images).with_name(f"{image.stem}_mask.png")
        if target in masks:
            problems.append(f"{image}: another image has the name {image.stem} too")
        masks[target] = draw(regions, shape)
    _refuse(problems)
    if labels and not drawn:
        known = sorted({each.label for one in annotations.values() for each in one.regions})
        raise DataError(f"{source}: no region has a label of {list(labels)}, but {known}")
    # By name alone: other masks in the folder may be drawn by hand.
    with replaced_folder(folder, *(glob.escape(target.as_posix()) for target in masks)) as new:
        for target, mask in masks.items():
            (new / target).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask).save(new / target)
    forms = " and ".join(sorted({annotation.form for annotation in annotations.values()}))
    plural = {BOX: "boxes (filled)"}
    kinds = [f"{count} {plural.get(kind, kind + 's')}" for kind, count in sorted(drawn.items())]
    return f"{len(masks)} masks from {forms}: {', '.join(kinds) or 'no region'}"


def masks_for(defects: Path, masks: Path | None, folder: Path) -> tuple[Path | None, str]:
    """The masks of a folder of defects: where they are, or drawn into ``folder``.

    Masks are drawn if ``masks`` is a file; or if no mask lies where it is looked for (``masks``, or
    else ``defects``), but annotations do.

    Returns
    -------
    tuple of Path or None, and str
        The folder of masks to use, and what was drawn, or "".
    """
    source = masks or defects
    if source.is_dir():
        photographs, found = images_below(defects), images_below(source)
        if source.resolve() == defects.resolve():
            beside = masks_beside(found)
            others = [each for each in found if each in beside or each.stem.endswith(MASK_SUFFIXES)]
        else:
            others = [each for each in found if each not in photographs]
        if others or not has_annotations(source, photographs):
            return masks, ""
    elif not source.is_file():
        return masks, ""
    return folder, draw_masks(source, defects, folder)


def has_annotations(folder: Path, images: Sequence[Path]) -> bool:
    """Whether a folder has a file of annotations, for all images or for one of them."""
    stems = {stem_of(image) for image in images}
    for path in _files(folder):
        if path.suffix.lower() == ".txt":
            if stem_of(path) in stems:
                return True
        elif _parsed(path)[0] is not None:
            return True
    return False


def read_annotations(source: Path, images: Sequence[Path]) -> dict[Path, Annotation]:
    """Read the annotations of images.

    Parameters
    ----------
    source
        A file, or a folder whose files and sub-folders are searched.
    images
        The images; annotations of others are left aside.

    Raises
    ------
    aexad.runtime.errors.DataError
        No annotation is found, an image has several, or a file cannot be read.
    """
    if not source.exists():
        raise DataError(f"{source}: no such file or folder of annotations")
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for image in images:
        by_stem[stem_of(image)].append(image)
    found: dict[Path, Annotation] = {}
    taken: dict[Path, Path] = {}
    for path in [source] if source.is_file() else _files(source):
        for image, annotation in _annotations_in(path, by_stem, alone=source.is_file()):
            if image in found:
                raise DataError(f"{image}: annotated in {taken[image].name} and {path}; keep one")
            found[image], taken[image] = annotation, path
    if not found:
        raise DataError(f"{source}: no annotation of these images; known are {KNOWN}")
    return found


def draw(regions: Sequence[Region], shape: tuple[int, int]) -> np.ndarray:
    """Draw regions filled, bool [H, W]; what lies outside of the image is cut off."""
    canvas = Image.new("1", (shape[1], shape[0]))
    pen = ImageDraw.Draw(canvas)
    for region in regions:
        points = region.points
        if region.kind == MASK and region.pixels is not None:
            x, y = points[0].round().astype(int).tolist()
            canvas.paste(1, (x, y), Image.fromarray(region.pixels))
        elif region.kind == POLYGON:
            pen.polygon([(x, y) for x, y in points.tolist()], fill=1)
        else:
            low, high = points.min(axis=0).round(), points.max(axis=0).round()
            high = np.maximum(high, low + 1) - 1  # the last pixel inside; a thin box keeps one
            fill = pen.ellipse if region.kind == ELLIPSE else pen.rectangle
            fill([*low.tolist(), *high.tolist()], fill=1)
    return np.array(canvas)


# How each form is read

Reader = Callable[[Path, Any, Mapping[str, list[Path]]], Iterator[tuple[Path, Annotation]]]
"""Reads the annotations of images from a file and its parsed content."""


def _files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in (".json", ".xml", ".txt") and not path.name.startswith(".")
    )


def _annotations_in(
    path: Path, by_stem: Mapping[str, list[Path]], alone: bool
) -> Iterator[tuple[Path, Annotation]]:
    """The annotations in a file; ``alone``: it was named, so that its form must be known."""
    try:
        reader, content = _parsed(path)
        if reader is not None:
            yield from reader(path, content, by_stem)
        elif alone:
            raise DataError(f"{path}: no annotations of a known form; known are {KNOWN}")
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OSError) as error:
        detail = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise DataError(
            f"{path}: cannot be read as annotations ({detail}); export it again"
        ) from None


def _parsed(path: Path) -> tuple[Reader | None, Any]:
    """The reader for a file by its ending and content, and the content; None: no annotations.

    A damaged file is an error: it may hold annotations.
    """
    if path.suffix.lower() == ".txt":
        return _yolo, None  # read with the images that it belongs to
    content = _content(path)
    if path.suffix.lower() == ".json":
        keys = content if isinstance(content, dict) else {}
        return (_labelme if "shapes" in keys else _coco if "annotations" in keys else None), content
    return {"annotation": _voc, "annotations": _cvat}.get(content.tag), content


def _content(path: Path) -> Any:
    """The parsed content of a file of JSON, or the root of one of XML."""
    form = path.suffix[1:].upper()
    try:
        if form == "JSON":
            return json.loads(path.read_text(encoding="utf-8-sig"))
        # Since 2.4.1 (2021), expat refuses entities that grow without bounds.
        return ET.fromstring(path.read_bytes())  # noqa: S314
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except (ValueError, ET.ParseError) as error:
        reason = f"not valid {form} ({error})"  # which names the line
    raise DataError(f"{path}: {reason}; restore it, export it again, or move it away")


def _same_stem(path: Path, by_stem: Mapping[str, list[Path]]) -> list[Path]:
    """The images of the annotation's name: those in its own folder, if there are any."""
    images = by_stem.get(stem_of(path), [])
    return [image for image in images if image.parent == path.parent] or list(images)


def _labelme(
    path: Path, content: Any, by_stem: Mapping[str, list[Path]]
) -> Iterator[tuple[Path, Annotation]]:
    regions = [_labelme_region(shape) for shape in content["shapes"]]
    size = content.get("imageHeight"), content.get("imageWidth")
    known = None if None in size else (int(size[0]), int(size[1]))
    for image in _same_stem(path, by_stem):
        yield image, Annotation("LabelMe", known, regions)


def _labelme_region(shape: Mapping[str, Any]) -> Region:
    label, points = str(shape["label"]), shape["points"]
    match shape.get("shape_type") or POLYGON:
        case "polygon":
            return _region(label, POLYGON, points)
        case "rectangle":
            return _region(label, BOX, points)
        case "circle":
            centre, edge = _region(label, ELLIPSE, points).points[:2]
            radius = float(np.hypot(*(edge - centre)))
            return _region(label, ELLIPSE, [centre - radius, centre + radius])
        case "mask":
            return _region(label, MASK, points, _encoded(shape["mask"]))
        case other:
            raise ValueError(f"a {other} has no area; draw a polygon, rectangle, circle or mask")


def _encoded(text: str) -> np.ndarray:
    """A PNG in base 64, bool [h, w]."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(text)), formats=["PNG"]) as image:
            return np.asarray(image.convert("L")) > 0
    except (OSError, *DAMAGE):
        raise ValueError("a mask is no PNG in base 64") from None


def _coco(
    path: Path, content: Any, by_stem: Mapping[str, list[Path]]
) -> Iterator[tuple[Path, Annotation]]:
    names = {each["id"]: str(each["name"]) for each in content.get("categories", [])}
    regions: dict[Any, list[Region]] = defaultdict(list)
    for each in content["annotations"]:
        label = names.get(each.get("category_id"), str(each.get("category_id")))
        regions[each["image_id"]] += _coco_regions(label, each)
    ids = [entry["id"] for entry in content["images"]]
    for wanted in regions.keys() - set(ids):
        raise ValueError(f"image_id {wanted!r} is the id of no image; ids are {str(ids[:3])[1:-1]}")
    for entry in content["images"]:
        size = int(entry["height"]), int(entry["width"])
        for image in _of_name(str(entry["file_name"]), by_stem):
            yield image, Annotation("COCO", size, regions[entry["id"]])


def _coco_regions(label: str, annotation: Mapping[str, Any]) -> Iterator[Region]:
    segmentation = annotation.get("segmentation")
    if isinstance(segmentation, dict):
        yield _region(label, MASK, [(0, 0)], _run_lengths(segmentation))
    elif segmentation:
        for polygon in segmentation:
            yield _region(label, POLYGON, polygon)
    else:
        x, y, width, height = map(float, annotation["bbox"])
        yield _region(label, BOX, [(x, y), (x + width, y + height)])


def _run_lengths(segmentation: Mapping[str, Any]) -> np.ndarray:
    """COCO's run lengths, column by column, bool [H, W]."""
    counts, (height, width) = segmentation["counts"], segmentation["size"]
    if isinstance(counts, str):
        try:
            from pycocotools import mask as coco
        except ImportError:
            raise DataError(
                "compressed run lengths of COCO need pycocotools: pip install pycocotools"
            ) from None
        return coco.decode({"size": [height, width], "counts": counts.encode()}).astype(bool)
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(width, height).T


def _voc(
    path: Path, root: ET.Element, by_stem: Mapping[str, list[Path]]
) -> Iterator[tuple[Path, Annotation]]:
    size = root.find("size")
    known = None if size is None else (_number(size, "height"), _number(size, "width"))
    regions = []
    for each in root.iter("object"):
        box = each.find("bndbox")
        if box is None:
            raise ValueError("an object without bndbox")
        low, high = ("xmin", "ymin"), ("xmax", "ymax")
        corners = [[float(box.findtext(name, "")) for name in side] for side in (low, high)]
        regions.append(_region(each.findtext("name", ""), BOX, corners))
    for image in _same_stem(path, by_stem):
        yield image, Annotation("Pascal VOC", known or None, regions)


def _number(element: ET.Element, name: str) -> int:
    return int(float(element.findtext(name, "")))


def _yolo(
    path: Path, content: None, by_stem: Mapping[str, list[Path]]
) -> Iterator[tuple[Path, Annotation]]:
    images = _same_stem(path, by_stem)
    for image in images:  # other texts, such as classes.txt, are not read
        height, width = image_size(image)
        scale = np.array([width, height], dtype=np.float64)
        regions = []
        for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
            if not line.strip():
                continue
            label, *rest = line.split()
            try:
                values = np.array(rest, dtype=np.float64)
            except ValueError:
                values = np.full(1, np.nan)
            polygon = len(values) >= 6 and len(values) % 2 == 0
            if not (len(values) == 4 or polygon) or not ((values >= 0) & (values <= 1)).all():
                raise ValueError(
                    f"line {number} is no YOLO box 'class x y width height' and no polygon, with "
                    "values from 0 to 1"
                )
            if polygon:
                regions.append(_region(label, POLYGON, values.reshape(-1, 2) * scale))
            else:
                centre, half = values[:2], values[2:] / 2
                corners = np.stack([centre - half, centre + half]) * scale
                regions.append(_region(label, BOX, corners))
        yield image, Annotation("YOLO", None, regions)


def _cvat(
    path: Path, root: ET.Element, by_stem: Mapping[str, list[Path]]
) -> Iterator[tuple[Path, Annotation]]:
    for entry in root.iter("image"):
        size = int(entry.attrib["height"]), int(entry.attrib["width"])
        regions = [_cvat_region(shape) for shape in entry if "label" in shape.attrib]
        for image in _of_name(entry.attrib["name"], by_stem):
            yield image, Annotation("CVAT", size, [each for each in regions if each is not None])


def _cvat_region(shape: ET.Element) -> Region | None:
    """A region; None for a tag, which says something about the image as a whole."""
    values = shape.attrib
    label = values["label"]

    def numbers(*names: str) -> list[float]:
        return [float(values[name]) for name in names]

    match shape.tag:
        case "box":
            corners = numbers("xtl", "ytl", "xbr", "ybr")
            return _rotated(_region(label, BOX, corners), float(values.get("rotation", 0)))
        case "polygon":
            pairs = [pair.split(",") for pair in values["points"].split(";")]
            return _region(label, POLYGON, pairs)
        case "ellipse":
            x, y, rx, ry = numbers("cx", "cy", "rx", "ry")
            ellipse = _region(label, ELLIPSE, [(x - rx, y - ry), (x + rx, y + ry)])
            return _rotated(ellipse, float(values.get("rotation", 0)))
        case "mask":
            left, top, width, height = map(int, numbers("left", "top", "width", "height"))
            counts = [int(count) for count in values["rle"].split(",")]
            runs = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
            return _region(label, MASK, [(left, top)], runs.reshape(height, width))
        case "tag":
            return None
        case other:
            raise ValueError(f"a {other} has no area; draw a box, polygon, ellipse or mask")


def _of_name(name: str, by_stem: Mapping[str, list[Path]]) -> list[Path]:
    """The images of this name; if it has folders, those that lie in them, where there are any."""
    wanted = PurePosixPath(name.replace("\\", "/"))
    images = [
        each for each in by_stem.get(stem_of(Path(wanted.name)), []) if each.name == wanted.name
    ]
    ends = [each for each in images if each.parts[-len(wanted.parts) :] == wanted.parts]
    return ends or images


def _region(label: str, kind: str, points: Any, pixels: np.ndarray | None = None) -> Region:
    """A region of points x, y, or of a flat list of them; there must be enough for its kind."""
    points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if len(points) < LEAST_POINTS[kind]:
        raise ValueError(f"{kind} of {len(points)} points, and {LEAST_POINTS[kind]} are needed")
    if not (np.abs(points) < FARTHEST).all():  # true for NaN too
        raise ValueError(f"{kind} with a coordinate that is no place in an image")
    return Region(label, kind, points, pixels)


def _rotated(region: Region, degrees: float) -> Region:
    """Turn a box or ellipse clockwise about its centre.

    A polygon goes through the centres of pixels and marks them too, so that its corners lie half a
    pixel inside the edges of the box.
    """
    if not degrees:
        return region
    low, high = region.points
    centre, half = (low + high - 1) / 2, (high - low - 1).clip(min=0) / 2
    if region.kind == BOX:
        unit = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    else:
        angles = np.linspace(0, 2 * np.pi, ELLIPSE_POINTS, endpoint=False)
        unit = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turned = (unit * half) @ np.array([[cosine, sine], [-sine, cosine]])  # y points down
    return _region(region.label, POLYGON, (centre + turned).round(6))  # 9.9999999 marks row 9


def _refuse(problems: list[str]) -> None:
    if problems:
        more = len(problems) - MOST_SHOWN
        lines = problems[:MOST_SHOWN] + ([f"and {more} more"] if more > 0 else [])
        raise DataError("\n  ".join([f"{len(problems)} images cannot be annotated:", *lines]))
