"""A saturated heat map: almost all pixels of defects rank first, and the binary map is empty.

So X-AUC is high while F1 and IoU at mean + standard deviation are 0. The tables say this in a note.
"""

import numpy as np
import pytest
from miniature import miniature

from aexad.evaluation import metrics
from aexad.report.tables.methods import SHAPE, methods_table
from aexad.report.tables.table import to_latex, to_markdown


@pytest.fixture(scope="module")
def saturated() -> tuple[np.ndarray, np.ndarray]:
    """One map [1, 100, 100] in [0, 1]: 62 % of all pixels at 0.999, the defect just above."""
    mask = np.zeros((100, 100), dtype=bool)
    mask[40:50, 40:60] = True
    normal = np.zeros((~mask).sum())
    normal[: int(0.62 * len(normal))] = 0.999
    heat = np.zeros(mask.shape)
    heat[~mask] = normal
    defect = np.ones(mask.sum())
    defect[: int(0.02 * len(defect))] = 0.0
    heat[mask] = defect
    return heat[None], mask[None]


def test_ranks_are_good_and_the_binary_map_is_empty(
    saturated: tuple[np.ndarray, np.ndarray],
) -> None:
    heat, mask = saturated
    assert metrics.xauc(heat, mask) == pytest.approx(0.98, abs=0.005)
    assert metrics.f1_max(heat, mask) > 0.98
    assert metrics.f1(heat, mask) == metrics.iou(heat, mask) == 0


def test_the_note_is_printed_with_f1_and_iou() -> None:
    table = methods_table(miniature())
    marked = [cell.text for cell in table.header if cell.mark]
    assert marked == ["F1", "IoU"]
    assert "a saturated map marks nothing although its X-AUC is high" in SHAPE
    assert SHAPE in to_markdown(table)
    assert SHAPE in to_latex(table)
