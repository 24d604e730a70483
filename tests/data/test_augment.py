from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import ndimage

from aexad.config.catalogue import Dataset
from aexad.data.augment import KEPT, ZOOM, Photo, augment, paste
from aexad.data.index import build_index
from aexad.data.split import split
from aexad.runtime.errors import DataError

SIZE = 16


def table_of(tree: Path, category: str, scenario: str, labelled: int = 1) -> pd.DataFrame:
    dataset = Dataset(title="Set", adaptor="mvtec_layout", labelled=labelled)
    return split(build_index(tree, "set", dataset), dataset, category, scenario, seed=0)


def anomaly(size: int, region: tuple[slice, slice], colour: int = 200) -> Photo:
    """A dark image with a region of another colour."""
    image = np.full((size, size, 3), 20, np.uint8)
    mask = np.zeros((size, size), bool)
    mask[region] = True
    image[mask] = colour
    return Photo("a", image, mask)


def base(size: int) -> Photo:
    return Photo("b", np.full((size, size, 3), 100, np.uint8), np.zeros((size, size), bool))


def test_standard_has_the_amounts_of_the_protocol(tree: Path) -> None:
    arrays = augment(table_of(tree, "bolt", "standard", 2), tree, SIZE, "standard", seed=0)
    normals, labelled, pasted = 4, 4, 40
    count = normals + labelled + pasted
    assert arrays["images"].shape == (count, SIZE, SIZE, 3)
    assert arrays["images"].dtype == np.uint8
    assert arrays["masks"].shape == (count, SIZE, SIZE)
    assert arrays["masks"].dtype == bool
    assert arrays["weight"].dtype == np.int64
    assert arrays["weight"].tolist() == [1] * normals + [5] * labelled + [1] * pasted
    assert arrays["source"].dtype.kind == "U"
    anomalous = arrays["masks"].any(axis=(1, 2))
    assert anomalous.tolist() == [False] * normals + [True] * (labelled + pasted)


def test_original_images_and_masks_are_unchanged(tree: Path) -> None:
    table = table_of(tree, "bolt", "standard")
    arrays = augment(table, tree, SIZE, "standard", seed=0)
    rows = table[table["role"] != "test"]
    assert arrays["source"][: len(rows)].tolist() == rows["image"].tolist()
    for index, (image, mask) in enumerate(zip(rows["image"], rows["mask"], strict=True)):
        np.testing.assert_array_equal(arrays["images"][index], np.asarray(Image.open(tree / image)))
        if mask:
            marked = np.asarray(Image.open(tree / mask)) > 127
            np.testing.assert_array_equal(arrays["masks"][index], marked)


def test_sources_name_anomaly_and_base(tree: Path) -> None:
    arrays = augment(table_of(tree, "bolt", "standard"), tree, SIZE, "standard", seed=0)
    pairs = [source.split(" -> ") for source in arrays["source"] if "->" in source]
    assert len(pairs) == 20
    assert {pair[0].split("/")[2] for pair in pairs} == {"dent", "rust"}
    assert {pair[1] for pair in pairs} == {f"bolt/train/good/{i:03}.png" for i in range(4)}


def test_one_class_has_only_normal_images(tree: Path) -> None:
    arrays = augment(table_of(tree, "bolt", "one_class"), tree, SIZE, "one_class", seed=0)
    assert arrays["weight"].tolist() == [1, 1, 1, 1]
    assert not arrays["masks"].any()


def test_anomalies_only_joins_the_masks_of_two_anomalies(tree: Path) -> None:
    table = table_of(tree, "bolt", "anomalies_only")
    arrays = augment(table, tree, SIZE, "anomalies_only", seed=0)
    assert arrays["weight"].tolist() == [5, 5] + [1] * 20
    square = arrays["masks"][0]  # all masks of the tree are the same square
    for source, mask in zip(arrays["source"][2:], arrays["masks"][2:], strict=True):
        first, second = source.split(" -> ")
        assert first != second
        assert mask[square].all()
    assert arrays["masks"][2:].sum() > 20 * square.sum()


def test_a_single_labelled_anomaly_is_its_own_base(tree: Path) -> None:
    table = table_of(tree, "nut", "anomalies_only")
    arrays = augment(table, tree, SIZE, "anomalies_only", seed=0)
    assert arrays["weight"].tolist() == [5] + [1] * 10
    name = arrays["source"][0]
    assert set(arrays["source"][1:]) == {f"{name} -> {name}"}


def test_same_seed_same_training_set(tree: Path) -> None:
    table = table_of(tree, "bolt", "standard")
    first = augment(table, tree, SIZE, "standard", seed=0)
    again = augment(table, tree, SIZE, "standard", seed=0)
    other = augment(table, tree, SIZE, "standard", seed=1)
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
    assert (first["images"] != other["images"]).any()


def test_removing_one_anomaly_leaves_the_pasted_images_of_others_unchanged(tree: Path) -> None:
    table = table_of(tree, "bolt", "standard")
    without = table[~((table["role"] == "labelled") & (table["defect"] == "dent"))]
    both = augment(table, tree, SIZE, "standard", seed=0)
    one = augment(without, tree, SIZE, "standard", seed=0)
    np.testing.assert_array_equal(one["images"][-10:], both["images"][-10:])


def test_pasted_regions_are_whole_rotated_zoomed_and_moved() -> None:
    size, side = 64, 12
    source = anomaly(size, (slice(40, 40 + side), slice(5, 5 + 2 * side)))
    areas, places, angles = [], [], []
    for seed in range(60):
        made = paste(source, base(size), np.random.default_rng(seed))
        areas.append(made.mask.sum())
        y, x = np.nonzero(made.mask)
        places.append((y.mean(), x.mean()))
        angles.append(np.linalg.eigh(np.cov(y, x))[1][0, 1])
        assert ndimage.label(made.mask)[1] == 1
    whole = 2 * side**2
    assert min(areas) > 0.9 * ZOOM[0] ** 2 * whole
    assert max(areas) < 1.1 * ZOOM[1] ** 2 * whole
    assert np.ptp(areas) > whole
    assert np.ptp(places, axis=0).min() > size / 3
    assert np.ptp(np.abs(angles)) > 0.8


def test_colours_are_mixed_only_at_the_boundary() -> None:
    size = 64
    source, ground = anomaly(size, (slice(20, 34), slice(30, 44))), base(size)
    for seed in range(20):
        made = paste(source, ground, np.random.default_rng(seed))
        inner = ndimage.binary_erosion(made.mask, iterations=2)
        outer = ~ndimage.binary_dilation(made.mask, iterations=2)
        assert (made.image[inner] == 200).all()
        assert (made.image[outer] == 100).all()
        assert inner.any()


def test_the_image_moves_with_its_mask() -> None:
    """Half of the region is bright; half of the pasted region is bright, too."""
    size = 64
    source = anomaly(size, (slice(10, 30), slice(10, 30)))
    source.image[10:30, 20:30] = 255
    for seed in range(20):
        made = paste(source, base(size), np.random.default_rng(seed))
        inner = ndimage.binary_erosion(made.mask)
        bright = (made.image[..., 0] > 227) & inner
        assert bright.sum() == pytest.approx(inner.sum() / 2, rel=0.15)


def test_no_colour_from_outside_the_region_is_pasted() -> None:
    """Region and base are bright, the anomaly's surroundings dark: nothing dark may appear."""
    source = anomaly(64, (slice(10, 31), slice(10, 17)))
    for seed in range(20):
        made = paste(source, base(64), np.random.default_rng(seed))
        assert made.image.min() >= 99
        assert made.image.max() <= 201


def test_a_single_pixel_is_never_lost() -> None:
    source = anomaly(16, (slice(3, 4), slice(0, 1)))
    for seed in range(50):
        made = paste(source, base(16), np.random.default_rng(seed))
        assert made.mask.sum() >= 1
        assert (made.image != 100).any()


def test_a_region_as_large_as_the_frame_stays_in_it() -> None:
    source = anomaly(32, (slice(0, 32), slice(0, 32)))
    for seed in range(20):
        made = paste(source, base(32), np.random.default_rng(seed))
        assert made.mask.mean() > KEPT * ZOOM[0] ** 2


def test_pasting_without_rotation_copies_pixels_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aexad.data.augment.TRIALS", 0)
    rng = np.random.default_rng(0)
    source = anomaly(32, (slice(3, 9), slice(20, 25)))
    source.image[3:9, 20:25] = rng.integers(0, 256, (6, 5, 3))
    made = paste(source, base(32), rng)
    y, x = np.argwhere(made.mask).min(axis=0)
    assert made.mask.sum() == 30
    np.testing.assert_array_equal(made.image[y : y + 6, x : x + 5], source.image[3:9, 20:25])
    assert (made.image[~made.mask] == 100).all()


def test_a_mask_that_vanishes_at_working_size(tree: Path) -> None:
    table = table_of(tree, "nut", "standard")
    mask = table.loc[table["role"] == "labelled", "mask"].item()
    pixels = np.zeros((16, 16), np.uint8)
    pixels[0, 0] = 255
    Image.fromarray(pixels).save(tree / mask)
    covered = augment(table, tree, 4, "standard", seed=0)["masks"]
    assert covered.any()
    Image.fromarray(pixels * 0).save(tree / mask)
    with pytest.raises(DataError, match="this mask of a labelled anomaly marks nothing; correct"):
        augment(table, tree, 4, "standard", seed=0)
    Image.fromarray(pixels).save(tree / mask)
    table = table.assign(marks="bright-nearest")
    with pytest.raises(DataError, match="no anomalous pixel is left at working size 4") as error:
        augment(table, tree, 4, "standard", seed=0)
    assert mask in str(error.value)
    assert "raise 'size' ('--size' of 'fit')" in str(error.value)
    assert f"exclude the image: remove {tree}/{mask.split('/')[0]}/test/" in str(error.value)


def test_a_mask_of_another_size(tree: Path) -> None:
    table = table_of(tree, "nut", "standard")
    mask = table.loc[table["role"] == "labelled", "mask"].item()
    Image.fromarray(np.full((8, 16), 255, np.uint8)).save(tree / mask)
    with pytest.raises(DataError, match=r"the mask is 16x8 pixels and its image 16x16"):
        augment(table, tree, SIZE, "standard", seed=0)


def test_a_split_without_normal_images(tree: Path) -> None:
    table = table_of(tree, "nut", "anomalies_only")
    with pytest.raises(DataError, match="no normal image, which scenario 'standard' needs"):
        augment(table, tree, SIZE, "standard", seed=0)
