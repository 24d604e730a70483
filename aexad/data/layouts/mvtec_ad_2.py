"""MVTec AD 2 as its owners publish it: one of its three test sets is public and has masks.

Source: Heckler-Kram et al., "The MVTec AD 2 Dataset" (2025). ``<category>/train/good``,
``<category>/validation/good`` and ``<category>/test_public/good|bad``. The masks are in
``<category>/test_public/ground_truth/bad`` or, if that does not exist, in
``<category>/ground_truth/bad``. The private test sets have no masks and are not listed.
"""

from aexad.data.layouts.mvtec import FolderLayout

MVTEC_AD_2 = FolderLayout(
    "<category>/test_public beside <category>/train/good (MVTec AD 2)",
    test="test_public",
    masks=("test_public/ground_truth", "ground_truth"),
    validation="validation",
    required=("test_public",),
)
