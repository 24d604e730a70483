"""The table of layouts: how each kind of data set on disk is recognised and listed.

A further layout is a file in this folder, entered here and into ``Dataset.adaptor``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from aexad.data.layouts import class_folders, visa
from aexad.data.layouts.btad import BTAD
from aexad.data.layouts.mvtec import MVTEC_AD, Entry, FolderLayout
from aexad.data.layouts.mvtec_ad_2 import MVTEC_AD_2
from aexad.runtime.errors import DataError


class Layout(NamedTuple):
    """A layout that is not described by names of folders alone."""

    form: str
    """How the layout is recognised, for messages."""
    categories: Callable[[Path], list[str]]
    """List the categories in a folder, sorted; empty if the folder has another layout."""
    entries: Callable[[Path, str, list[str]], list[Entry]]
    """List the images of a category; deviations from the layout are added to the list."""


# From the most specific to the most general: the order in which a layout is recognised.
LAYOUTS: dict[str, Layout | FolderLayout] = {
    "visa": Layout(visa.FORM, visa.categories, visa.entries),
    "mvtec_ad_2": MVTEC_AD_2,
    "btad": BTAD,
    "mvtec_layout": MVTEC_AD,
    "class_folders": Layout(class_folders.FORM, class_folders.categories, class_folders.entries),
}
ONE_CATEGORY = " (it looks like one category: name the folder above it)"


def layout_of(adaptor: str) -> Layout | FolderLayout:
    """The layout of a catalogue entry; the drawn textures have MVTec AD's layout."""
    return LAYOUTS["mvtec_layout" if adaptor == "textures" else adaptor]


def recognise(root: Path) -> str:
    """Find the layout of a folder, and return its name.

    Raises
    ------
    aexad.runtime.errors.DataError
        The folder has none of the known layouts.
    """
    # train/good and test/<defect type> look like classes, but are one category of another layout.
    single = any((root / "train" / layout.normal).is_dir() for layout in (MVTEC_AD, BTAD))
    for name, layout in LAYOUTS.items():
        if layout.categories(root) and not (single and name == "class_folders"):
            return name
    forms = "; ".join(layout.form for layout in LAYOUTS.values())
    hint = ONE_CATEGORY if (root / "train").is_dir() else ""
    raise DataError(f"{root}: none of the known layouts{hint}; these are: {forms}")
