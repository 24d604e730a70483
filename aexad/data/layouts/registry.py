"""The table of layouts: how each kind of data set on disk is recognised and listed.

A further layout is a file in this folder, entered here and into ``Dataset.adaptor``.
"""

from __future__ import annotations

from pathlib import Path

from aexad.data.layouts.btad import BTAD
from aexad.data.layouts.class_folders import CLASS_FOLDERS
from aexad.data.layouts.mvtec import MVTEC_AD, FolderLayout, Layout
from aexad.data.layouts.mvtec_ad_2 import MVTEC_AD_2
from aexad.data.layouts.visa import VISA
from aexad.runtime.errors import DataError

# From the most specific to the most general: the order in which a layout is recognised.
LAYOUTS: dict[str, Layout | FolderLayout] = {
    "visa": VISA,
    "mvtec_ad_2": MVTEC_AD_2,
    "btad": BTAD,
    "mvtec_layout": MVTEC_AD,
    "class_folders": CLASS_FOLDERS,
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
