"""Draw masks from annotations: LabelMe, COCO, Pascal VOC, YOLO and CVAT.

Pixel (x, y) covers the square from (x, y) to (x + 1, y + 1). A box marks the pixels between its
edges, so that its area is width times height in COCO, and (xmax - xmin) (ymax - ymin) in Pascal VOC
and CVAT; the edges of YOLO's boxes are rounded to pixels. A polygon marks the pixels on its outline
too. Boxes are drawn filled: metrics then count the ground inside a box as a defect. CVAT's rotated
boxes and ellipses are polygons.
"""

from __future__ import annotations

import base64
import filecmp
import glob
import io
import json
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from aexad.data.images import DAMAGE, image_size
from aexad.data.layouts.folders import images_below
from aexad.data.layouts.mvtec import composed, is_mask, masks_beside, photograph_stem, stem_of
from aexad.runtime.atomic_folder import replaced_folder
from aexad.runtime.errors import DataError

BOX, POLYGON, ELLIPSE, MASK = "box", "polygon", "ellipse", "mask"
YOLO = "YOLO"
KNOWN = (
    "LabelMe (STEM.json), COCO (one .json), Pascal VOC (STEM.xml), YOLO (STEM.txt), CVAT (one .xml)"
)
LEAST_POINTS = {BOX: 2, POLYGON: 3, ELLIPSE: 2, MASK: 1}
FARTHEST = 10**9
"""Coordinates in pixels that can be drawn are below it."""
ROUNDING = 1e-3
"""How far YOLO's values may lie outside of 0 to 1; what lies outside is cut off."""
ELLIPSE_POINTS = 64
"""Points of the polygon of a rotated ellipse."""
MOST_SHOWN = 5


class Region(NamedTuple):
    """One annotated region."""

    label: str
    kind: str
    """A key of :data:`LEAST_POINTS`, or the name of a form that has no area."""
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
    labels: Collection[str] = ()
    """Labels that the file declares, whether or not a region has them."""


class Match(NamedTuple):
    """The image of an annotation."""

    image: Path
    folders: int
    """Number of folders, counted from the file upwards, that both paths share."""


class Photographs:
    """The images to be annotated, found by the names that annotations have or give."""

    def __init__(self, folder: Path, source: Path) -> None:
        self.folder = folder
        self.source = source if source.is_dir() else source.parent
        self.images = images_below(folder)
        self.by_stem: dict[str, list[Path]] = defaultdict(list)
        for image in self.images:
            self.by_stem[stem_of(image)].append(image)
        self.undecided: set[str] = set()
        """Stems of annotations that several images have, and whose folders do not decide."""

    def of_file(self, path: Path) -> Match | None:
        """The image of a file ``STEM.json``, ``STEM.xml`` or ``STEM.txt``."""
        parent = path.parent.relative_to(self.source)
        return self._best(self.by_stem.get(stem_of(path), []), parent.as_posix(), path.parent)

    def of_name(self, name: str) -> Match | None:
        """The image of a name in a file, which may have folders."""
        wanted = PurePosixPath(composed(name.replace("\\", "/")))
        images = self.by_stem.get(stem_of(Path(wanted.name)), [])
        images = [each for each in images if composed(each.name) == wanted.name]
        return self._best(images, wanted.parent.as_posix())

    def _best(self, images: list[Path], parent: str, beside: Path | None = None) -> Match | None:
        """The image beside an annotation, in the same sub-folder, or in most of its folders.

        The name alone decides if one image has it.
        """
        folders = PurePosixPath(composed(parent)).parts

        def agreement(image: Path) -> tuple[bool, bool, int]:
            sub_folder = composed(image.parent.relative_to(self.folder).as_posix())
            own = [composed(part) for part in image.parent.absolute().parts]
            pairs = zip(reversed(own), reversed(folders), strict=False)
            alike = len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
            same = beside is not None and image.parent.absolute() == beside.absolute()
            return same, sub_folder == composed(parent), alike

        ranked = sorted(((agreement(image), image) for image in images), reverse=True)
        if len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
            self.undecided.add(stem_of(images[0]))
            return None
        return Match(ranked[0][1], ranked[0][0][2]) if ranked else None

    def hint(self, image: Path) -> str:
        """Why an image has no annotation, although one has its name."""
        stem = stem_of(image)
        if stem not in self.undecided:
            return ""
        return (
            f"; {len(self.by_stem[stem])} images have this name, so each annotation must lie in "
            "the sub-folder of its image, or name that folder (COCO, CVAT)"
        )


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
        Names of the labels to draw, each of a region or declared by the file; default: all.

    Returns
    -------
    str
        What was drawn, for example ``8 masks from COCO: 12 boxes (filled), 3 polygons``.

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
    return f"{len(masks)} masks from {forms}: {', '.join(kinds) or 'no region'}"


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


def read_annotations(source: Path, photographs: Photographs) -> dict[Path, Annotation]:
    """Read the annotations of images.

    Of several annotations of an image, the one with most folders of the image in its path is taken.

    Parameters
    ----------
    source
        A file, or a folder whose files and sub-folders are searched.
    photographs
        The images; annotations of others are left aside.

    Raises
    ------
    aexad.runtime.errors.DataError
        No annotation is found, an image has several whose folders do not decide, or a file cannot
        be read.
    """
    if not source.exists():
        raise DataError(f"{source}: no such file or folder of annotations")
    found: dict[Path, list[tuple[int, Path, Annotation]]] = defaultdict(list)
    for path in [source] if source.is_file() else _files(source):
        for match, annotation in _annotations_in(path, photographs, alone=source.is_file()):
            found[match.image].append((match.folders, path, annotation))
    if not found and not photographs.undecided:
        raise DataError(f"{source}: no annotation of these images; known are {KNOWN}")
    chosen: dict[Path, Annotation] = {}
    for image, candidates in found.items():
        most = max(folders for folders, _, _ in candidates)
        best = [(path, one) for folders, path, one in candidates if folders == most]
        if len(best) > 1:
            files = " and ".join(dict.fromkeys(str(path) for path, _ in best))
            raise DataError(f"{image}: annotated {len(best)} times, in {files}; keep one")
        chosen[image] = best[0][1]
    return chosen


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


def draw(region: Region, shape: tuple[int, int]) -> np.ndarray:
    """Draw a region filled, bool [H, W]; what lies outside of the image is cut off."""
    canvas = Image.new("L", (shape[1], shape[0]))
    pen = ImageDraw.Draw(canvas)
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
    return np.asarray(canvas) > 0


# How each form is read

Reader = Callable[[Path, Any, Photographs], Iterator[tuple[Match, Annotation]]]
"""Reads the annotations of images from a file and its parsed content."""


def _files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in (".json", ".xml", ".txt") and not path.name.startswith(".")
    )


def _annotations_in(
    path: Path, photographs: Photographs, alone: bool
) -> Iterator[tuple[Match, Annotation]]:
    """The annotations in a file; ``alone``: it was named, so that its form must be known."""
    try:
        reader, content = _parsed(path)
        if reader is not None:
            yield from reader(path, content, photographs)
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


def _labelme(
    path: Path, content: Any, photographs: Photographs
) -> Iterator[tuple[Match, Annotation]]:
    regions = [_labelme_region(shape) for shape in content["shapes"]]
    size = content.get("imageHeight"), content.get("imageWidth")
    known = None if None in size else (int(size[0]), int(size[1]))
    if match := photographs.of_file(path):
        yield match, Annotation("LabelMe", known, regions)


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
            return _without_area(label, str(other))


def _encoded(text: str) -> np.ndarray:
    """A PNG in base 64, bool [h, w]."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(text)), formats=["PNG"]) as image:
            return np.asarray(image.convert("L")) > 0
    except (OSError, *DAMAGE):
        raise ValueError("a mask is no PNG in base 64") from None


def _coco(path: Path, content: Any, photographs: Photographs) -> Iterator[tuple[Match, Annotation]]:
    names = {each["id"]: str(each["name"]) for each in content.get("categories", [])}
    regions: dict[Any, list[Region]] = defaultdict(list)
    for each in content["annotations"]:
        label = names.get(each.get("category_id"), str(each.get("category_id")))
        regions[each["image_id"]] += _coco_regions(label, each)
    ids = Counter(entry["id"] for entry in content["images"])
    for wanted in regions.keys() - ids.keys():
        known = str(list(ids)[:3])[1:-1]
        raise ValueError(f"image_id {wanted!r} is the id of no image; ids are {known}")
    for entry in content["images"]:
        key, name = entry["id"], str(entry["file_name"])
        size = int(entry["height"]), int(entry["width"])
        match = photographs.of_name(name)
        if match is None:
            continue
        if ids[key] > 1:
            raise ValueError(f"{ids[key]} images have the id {key!r}, for example {name}")
        for region in regions[key]:
            if region.pixels is not None and region.pixels.shape != size:
                raise ValueError(
                    "run lengths of {1}x{0} pixels".format(*region.pixels.shape)
                    + ", and their image {2} has {1}x{0}".format(*size, name)
                )
        yield match, Annotation("COCO", size, regions[key], names.values())


def _coco_regions(label: str, annotation: Mapping[str, Any]) -> Iterator[Region]:
    segmentation = annotation.get("segmentation")
    if isinstance(segmentation, dict):
        yield _region(label, MASK, [(0, 0)], _run_lengths(segmentation))
    elif segmentation:
        for polygon in segmentation:
            yield _region(label, POLYGON, polygon)
    else:
        x, y, width, height = map(float, annotation["bbox"])
        if width < 0 or height < 0:
            yield _without_area(label, "box of negative size")
        else:
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
    path: Path, root: ET.Element, photographs: Photographs
) -> Iterator[tuple[Match, Annotation]]:
    size = root.find("size")
    known = (0, 0) if size is None else (_number(size, "height"), _number(size, "width"))
    regions = []
    for each in root.iter("object"):
        box = each.find("bndbox")
        if box is None:
            raise ValueError("an object without bndbox")
        low, high = ("xmin", "ymin"), ("xmax", "ymax")
        corners = [[float(box.findtext(name, "")) for name in side] for side in (low, high)]
        regions.append(_region(each.findtext("name", ""), BOX, corners))
    if match := photographs.of_file(path):
        # Old versions of LabelImg write 0 for a size that they do not know.
        yield match, Annotation("Pascal VOC", known if any(known) else None, regions)


def _number(element: ET.Element, name: str) -> int:
    return int(float(element.findtext(name, "")))


def _yolo(
    path: Path, content: None, photographs: Photographs
) -> Iterator[tuple[Match, Annotation]]:
    match = photographs.of_file(path)
    if match is None:  # other texts, such as classes.txt, are not read
        return
    height, width = image_size(match.image)
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
        inside = ((values >= -ROUNDING) & (values <= 1 + ROUNDING)).all()
        if not (len(values) == 4 or polygon) or not inside:
            raise ValueError(
                f"line {number} is no YOLO box 'class x y width height' and no polygon, with "
                "values from 0 to 1"
            )
        values = values.clip(0, 1)
        if polygon:
            regions.append(_region(label, POLYGON, values.reshape(-1, 2) * scale))
        else:
            centre, half = values[:2], values[2:] / 2
            corners = np.stack([centre - half, centre + half]) * scale
            regions.append(_region(label, BOX, corners))
    yield match, Annotation(YOLO, None, regions)


def _cvat(
    path: Path, root: ET.Element, photographs: Photographs
) -> Iterator[tuple[Match, Annotation]]:
    declared = [each.findtext("name", "") for each in root.iter("label")]
    for entry in root.iter("image"):
        size = int(entry.attrib["height"]), int(entry.attrib["width"])
        regions = [_cvat_region(shape) for shape in entry if "label" in shape.attrib]
        if match := photographs.of_name(entry.attrib["name"]):
            drawn = [each for each in regions if each is not None]
            yield match, Annotation("CVAT", size, drawn, declared)


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
            return _without_area(label, other)


def _without_area(label: str, kind: str) -> Region:
    """A region that is refused if its label is to be drawn."""
    return Region(label, kind, np.empty((0, 2)))


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
