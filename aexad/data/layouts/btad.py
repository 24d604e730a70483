"""BTAD as its owners publish it: ``ok`` and ``ko`` instead of ``good`` and names of defects.

Source: Mishra et al., "VT-ADL" (2021). ``<category>/train/ok``, ``<category>/test/ok|ko`` and
``<category>/ground_truth/ko``. Images are BMP or PNG; a mask has the stem of its image, and in some
categories another ending.
"""

from aexad.data.layouts.mvtec import FolderLayout

BTAD = FolderLayout("<category>/train/ok (BTAD)", normal="ok")
