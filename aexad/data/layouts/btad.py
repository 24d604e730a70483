"""BTAD as it is handed on: ``ok`` and ``ko`` instead of ``good`` and the names of defects.

Source: Mishra et al., "VT-ADL" (2021). ``<category>/train/ok``, ``<category>/test/ok|ko`` and
``<category>/ground_truth/ko``. Images are BMP or PNG; a mask has its image's stem, and of some
categories another ending.
"""

from __future__ import annotations

from pathlib import Path

from aexad.data.layouts.mvtec import Entry, Places, categories_of, category_entries

FORM = "<category>/train/ok (BTAD)"
PLACES = Places(normal="ok")


def categories(root: Path) -> list[str]:
    """The folders with a ``train/ok`` inside."""
    return categories_of(root, PLACES)


def entries(root: Path, category: str, problems: list[str]) -> list[Entry]:
    """All images of a category; whatever departs from the layout is added to ``problems``."""
    return category_entries(root, category, problems, PLACES)
