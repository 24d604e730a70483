"""MVTec AD 2 as it is handed on: of three test sets, one is public and has masks.

Source: Heckler-Kram et al., "The MVTec AD 2 Dataset" (2025). ``<category>/train/good``,
``<category>/validation/good`` and ``<category>/test_public/good|bad``, with the masks in
``<category>/test_public/ground_truth/bad``, or without that in ``<category>/ground_truth/bad``. The
private test sets have no masks and are not listed.
"""

from __future__ import annotations

from pathlib import Path

from aexad.data.layouts.mvtec import Entry, Places, categories_of, category_entries

FORM = "<category>/test_public beside <category>/train/good (MVTec AD 2)"
PLACES = Places(
    test="test_public",
    truth=("test_public/ground_truth", "ground_truth"),
    validation="validation",
)


def categories(root: Path) -> list[str]:
    """The folders with ``train/good`` and ``test_public`` inside."""
    named = categories_of(root, PLACES)
    return [name for name in named if (root / name / PLACES.test).is_dir()]


def entries(root: Path, category: str, problems: list[str]) -> list[Entry]:
    """All images of a category; whatever departs from the layout is added to ``problems``."""
    return category_entries(root, category, problems, PLACES)
