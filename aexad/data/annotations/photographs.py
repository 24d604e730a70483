"""The images to be annotated, and the match of each annotation with its image."""

from __future__ import annotations

from collections import defaultdict
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from aexad.data.layouts.folders import images_below
from aexad.data.layouts.pairing import composed, stem_of


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
