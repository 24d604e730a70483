"""The heat map before its filter, computed again from the reconstruction.

``maps.npz`` keeps the reconstruction in 8 bits. Against the unrounded one this moves a category's
X-AUC by less than 1e-4 for every filter that is drawn (``docs/benchmarks.md``): good enough for a
figure. Printed numbers come from ``per_image.csv`` and ``metrics.csv``.
"""

from __future__ import annotations

import numpy as np

from aexad.config.recipe import HeatMap
from aexad.explain.heatmap import heat_maps


def unfiltered_map(pixels: np.ndarray, reconstruction: np.ndarray, settings: HeatMap) -> np.ndarray:
    """Compute the normalised error of one image, float32 [S, S].

    Parameters
    ----------
    pixels, reconstruction : ndarray
        uint8 [S, S, 3].
    settings : HeatMap
        The settings of the run; its filter is left out.
    """
    image, rebuilt = (
        np.moveaxis(values.astype(np.float32) / 255, 2, 0)[None]
        for values in (pixels, reconstruction)
    )
    return heat_maps(image, rebuilt, settings.model_copy(update={"filter": "none"})).heat_map[0]
