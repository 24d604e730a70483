"""Classes of images, each a folder: ``train|test/<class>/<image>``, without masks.

Each class in turn is the normal one, and the images of all others are anomalous: in the index, the
class is the category, and each image is ``good`` in it. Other forms of such data are converted to
this layout (:mod:`aexad.data.sources.classes`).
"""

from __future__ import annotations

from pathlib import Path

from aexad.data.layouts.folders import folders_in
from aexad.data.layouts.mvtec import Layout, normal_entries
from aexad.data.tables import GOOD, Entry

SPLITS = ("train", "test")
BATCHES = "cifar-10-batches-py"  # the folder's name in torchvision


def _categories(root: Path) -> list[str]:
    """The classes, sorted; empty unless both ``train`` and ``test`` have folders."""
    names = [{path.name for path in folders_in(root / split)} for split in SPLITS]
    return sorted(set().union(*names)) if all(names) else []


def _entries(root: Path, category: str, problems: list[str]) -> list[Entry]:
    return [
        entry
        for split in SPLITS
        for entry in normal_entries(root, category, split, root / split / category, problems)
    ]


CLASS_FOLDERS = Layout(
    "train/<class> and test/<class> with images, the four IDX files of MNIST (.gz too; also in "
    f"MNIST/raw), or {BATCHES}",
    _categories,
    _entries,
)


def class_problems(root: Path, classes: list[str]) -> list[str]:
    """Say what is wrong with the classes of a data set as a whole."""
    problems = []
    if len(classes) < 2:
        problems.append(
            f"{root}: fewer than two classes in train and test; one is the normal one, the others "
            "are anomalous: add images of another class"
        )
    if GOOD in classes:
        problems.append(f"{root}: '{GOOD}' is what normal images are called; rename that class")
    return problems
