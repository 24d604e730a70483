"""Adaptors: how the layout of each kind of data set on disk is listed as an index.

An odd layout is a file of its own with three names: what it looks like, its categories, and the
images of one category. It is entered here and into ``Dataset.adaptor``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from aexad.data.layouts import btad, mvtec_ad_2, visa
from aexad.data.layouts.class_folders import FORMS, class_entries, class_problems, classes_in
from aexad.data.layouts.mvtec import MVTEC_AD, Entry, categories_of, category_entries
from aexad.runtime.errors import DataError


class Adaptor(NamedTuple):
    """One layout."""

    form: str
    """How a folder of it is known, for messages."""
    categories: Callable[[Path], list[str]]
    """The categories of a folder, sorted; none if it has another layout."""
    entries: Callable[[Path, str, list[str]], list[Entry]]
    """The images of a category; what departs from the layout is added to the list."""
    whole: Callable[[Path, list[str]], list[str]] | None = None
    """What is wrong with the categories together, where that can be."""


def _mvtec_categories(root: Path) -> list[str]:
    return categories_of(root, MVTEC_AD)


# From the most particular to the most general: the order in which a layout is recognised.
ADAPTORS = {
    "visa": Adaptor(visa.FORM, visa.categories, visa.entries),
    "mvtec_ad_2": Adaptor(mvtec_ad_2.FORM, mvtec_ad_2.categories, mvtec_ad_2.entries),
    "btad": Adaptor(btad.FORM, btad.categories, btad.entries),
    "mvtec_layout": Adaptor("<category>/train/good", _mvtec_categories, category_entries),
    "class_folders": Adaptor(FORMS, classes_in, class_entries, class_problems),
}

ONE_CATEGORY = ("train/good", "train/ok")


def adaptor_of(name: str) -> Adaptor:
    """The adaptor of a catalogue entry; what is drawn here has MVTec AD's layout."""
    return ADAPTORS["mvtec_layout" if name == "textures" else name]


def recognised(root: Path) -> str:
    """The name of the adaptor for a folder.

    Raises
    ------
    aexad.runtime.errors.DataError
        The folder has none of the known layouts.
    """
    for name, adaptor in ADAPTORS.items():
        # What has train/good is one category of another layout, and no classes.
        single = name == "class_folders" and any((root / path).is_dir() for path in ONE_CATEGORY)
        if adaptor.categories(root) and not single:
            return name
    forms = "; ".join(adaptor.form for adaptor in ADAPTORS.values())
    hint = " (it looks like one category: name the folder above it)"
    raise DataError(
        f"{root}: none of the known layouts{hint if (root / 'train').is_dir() else ''}; "
        f"these are: {forms}"
    )
