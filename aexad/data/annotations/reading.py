"""Find the files of annotations in a folder, and read each one by its form."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from aexad.data.annotations import coco, cvat, labelme, voc, yolo
from aexad.data.annotations.photographs import Match, Photographs
from aexad.data.annotations.regions import Annotation
from aexad.data.layouts.pairing import stem_of
from aexad.runtime.errors import DataError

KNOWN = (
    "LabelMe (STEM.json), COCO (one .json), Pascal VOC (STEM.xml), YOLO (STEM.txt), CVAT (one .xml)"
)

Reader = Callable[[Path, Any, Photographs], Iterator[tuple[Match, Annotation]]]
"""Reads the annotations of images from a file and its parsed content."""


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
        return yolo.read, None  # read with the images that it belongs to
    content = _content(path)
    if path.suffix.lower() == ".json":
        keys = content if isinstance(content, dict) else {}
        return (
            labelme.read if "shapes" in keys else coco.read if "annotations" in keys else None
        ), content
    return {"annotation": voc.read, "annotations": cvat.read}.get(content.tag), content


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
