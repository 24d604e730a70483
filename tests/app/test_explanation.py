"""Mask, regions, overlay and files of one explanation, on hand-made heat maps."""

import io

import numpy as np
import pytest
from PIL import Image

from aexad.app import overlay
from aexad.app.explanation import Explanation
from aexad.data.resize import resized
from aexad.evaluation.metrics import pixel_summary
from aexad.explain.heatmap import binarised


def explained(heat, shape, score=2.0, threshold=1.0):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    rebuilt = np.zeros((*heat.shape, 3), np.uint8)
    return Explanation(image, heat.astype(np.float32), rebuilt, score, threshold, 1, 1.0)


def two_spots():
    heat = np.zeros((16, 16))
    heat[2:4, 2:4], heat[8:14, 6:12] = 1, 1
    return heat


def test_regions_at_the_size_of_the_map():
    regions = explained(two_spots(), (16, 16)).regions
    assert [(region.box, region.area) for region in regions] == [
        ((6, 8, 12, 14), 36),
        ((2, 2, 4, 4), 4),
    ]


def test_the_mask_is_the_binary_map_where_the_sizes_are_equal():
    heat = np.random.default_rng(3).random((16, 16)).astype(np.float32)
    np.testing.assert_array_equal(explained(heat, (16, 16)).mask, binarised(heat[None])[0])


@pytest.mark.parametrize("shape", [(40, 60), (16, 40), (10, 12), (9, 33)])
def test_the_mask_is_that_of_the_native_evaluation(shape):
    heat = (np.random.default_rng(5).random((16, 16)) ** 4).astype(np.float32)
    marked = explained(heat, shape).mask
    for truth in (np.eye(*shape, dtype=bool), marked):
        found = pixel_summary([(resized(heat, shape), truth)]).sweep.iou[0, 0]
        assert (marked & truth).sum() / (marked | truth).sum() == pytest.approx(found, abs=1e-12)
    assert found == 1


def test_regions_are_in_pixels_of_the_image():
    regions = explained(two_spots(), (160, 320)).regions
    (left, top, right, bottom), area = regions[0]
    assert (left, top, right, bottom) == pytest.approx((120, 80, 240, 140), abs=10)
    assert area == pytest.approx(120 * 60, rel=0.1)


def test_large_images_are_drawn_in_parts_without_seams(monkeypatch):
    heat = np.random.default_rng(1).random((16, 16))
    whole = explained(heat, (100, 90))
    assert whole.mask.shape == (100, 90)
    monkeypatch.setattr(overlay, "_ROWS", 7)
    cut = explained(heat, (100, 90))
    np.testing.assert_array_equal(cut.mask, whole.mask)
    np.testing.assert_array_equal(cut.overlay(), whole.overlay())


def test_a_normal_image_has_an_empty_mask():
    normal = explained(two_spots(), (40, 40), score=0.5)
    assert normal.verdict == "normal"
    assert not normal.mask.any()
    assert normal.regions == []
    np.testing.assert_array_equal(normal.overlay(), normal.image)


def test_without_a_threshold_the_verdict_is_none_and_the_mask_is_not_empty():
    unknown = explained(two_spots(), (40, 40), threshold=None)
    assert unknown.verdict is None
    assert len(unknown.regions) == 2


def test_a_constant_map_has_an_empty_mask():
    assert not explained(np.full((16, 16), 0.3), (45, 37)).mask.any()


def test_the_overlay_changes_only_marked_pixels():
    one = explained(two_spots(), (200, 300))
    changed = (one.overlay() != one.image).any(axis=2)
    assert changed[one.mask].mean() > 0.99
    assert not changed[~one.mask].any()


def test_saved_files(tmp_path):
    one = explained(two_spots(), (50, 70))
    overlay, heat_map, mask = one.save(tmp_path, "test/scratch/7")
    assert overlay == tmp_path / "overlays/test/scratch/7.png"
    with Image.open(overlay) as image:
        assert (image.size, image.mode) == ((70, 50), "RGB")
    with Image.open(mask) as image:
        np.testing.assert_array_equal(np.asarray(image), one.mask)
    read = np.load(heat_map)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, one.heat_map)


def test_the_notebook_picture_is_reduced():
    content = explained(two_spots(), (900, 1200))._repr_png_()
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (640, 480)


@pytest.mark.parametrize("name", ["/parts/part", "../part", "a/../../part", "", "."])
def test_a_name_outside_of_the_folder_is_refused(tmp_path, name):
    """An absolute name would give overlay and mask one path: that of the photograph."""
    with pytest.raises(ValueError, match="name a result inside of"):
        explained(two_spots(), (16, 16)).save(tmp_path / "out", name)
    assert not (tmp_path / "out").exists()
