import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage import measure

from aexad.config.recipe import HeatMap
from aexad.explain.heatmap import binarised, half_size, heat_maps, mean_and_std, smoothed

ALL = [
    HeatMap(),
    HeatMap(extent="runs"),
    HeatMap(normalise="standard"),
    HeatMap(target="inverse"),
    HeatMap(filter="none"),
    HeatMap(filter=5),
    HeatMap(normalise="mean", filter="sigma", sigma=1.5),
    HeatMap(normalise="mean", filter="sigma", sigma=4, score="max"),
    HeatMap(normalise="mean", filter="adaptive", score="max"),
]
ANOVIT = HeatMap(normalise="mean", filter="sigma", score="max")


@pytest.fixture(scope="module")
def batch():
    """Six smooth images 40 x 48, and reconstructions that are wrong in patches of several sizes."""
    rng = np.random.default_rng(0)
    images = ndimage.gaussian_filter(rng.random((6, 3, 40, 48)), (0, 0, 3, 3))
    images = (images - images.min()) / np.ptp(images)
    wrong = images + rng.normal(0, 0.02, images.shape)
    for index, side in enumerate((0, 3, 6, 10, 14, 20)):
        wrong[index, :, 5 : 5 + side, 8 : 8 + side + 4] += 0.5
    return images.astype(np.float32), wrong.clip(0, 1).astype(np.float32)


def gaussian(k):
    """The filter by definition: (2k+1) x (2k+1) points of a Gaussian, sigma k/3, sum 1."""
    y, x = np.mgrid[-k : k + 1, -k : k + 1]
    weights = np.exp(-(x**2 + y**2) / (2 * (k / 3) ** 2))
    return weights / weights.sum()


def test_definitions_for_one_pixel():
    images = np.array([0.5, 1.0, 0.25], dtype=np.float32).reshape(1, 3, 1, 1)
    wrong = np.array([0.0, 0.5, 0.25], dtype=np.float32).reshape(1, 3, 1, 1)
    maps = heat_maps(images, wrong, HeatMap(filter="none"))
    error = 0.25 + 0.25 + 0
    assert maps.heat_map.item() == pytest.approx(error / (1.5**2 + 1 + 1.75**2))
    assert maps.score.item() == pytest.approx(error**2)
    assert maps.k.item() == 0
    inverse = heat_maps(images, wrong, HeatMap(filter="none", target="inverse"))
    # |1 - 2x| is 0, 1 and 1/2; the first counts as 0.1.
    assert inverse.heat_map.item() == pytest.approx(error / (0.01 + 1 + 0.25))


def test_anovit_map_of_a_single_wrong_pixel_by_hand():
    images = np.zeros((1, 3, 80, 80), dtype=np.float32)
    wrong = images.copy()
    wrong[0, :, 40, 40] = 0.3, 0.6, 0.0
    maps = heat_maps(images, wrong, ANOVIT)
    weights = np.exp(-(np.arange(-16, 17) ** 2) / (2 * 4**2))  # ends at 4 deviations of 4 pixels
    weights /= weights.sum()
    mean = (0.09 + 0.36) / 3
    expected = np.zeros((80, 80))
    expected[24:57, 24:57] = mean * np.outer(weights, weights)
    np.testing.assert_allclose(maps.heat_map[0], expected, atol=1e-9)
    assert maps.score.item() == maps.heat_map.max() == pytest.approx(mean * weights[16] ** 2)
    assert maps.k.item() == 16


def test_anovit_map_equals_scipy(batch):
    images, wrong = batch
    maps = heat_maps(images, wrong, ANOVIT)
    for index, error in enumerate(((images - wrong) ** 2).mean(axis=1)):
        expected = ndimage.gaussian_filter(error.astype(np.float64), 4)
        np.testing.assert_allclose(maps.heat_map[index], expected, atol=1e-7)
        assert maps.score[index] == pytest.approx(expected.max(), rel=1e-5)
    again = heat_maps(torch.from_numpy(images), torch.from_numpy(wrong), ANOVIT)
    np.testing.assert_allclose(again.heat_map, maps.heat_map, atol=1e-7)


def test_a_reconstruction_equal_to_f_has_normalised_error_one():
    images = np.random.default_rng(0).random((2, 3, 8, 8), dtype=np.float32)
    maps = heat_maps(images, np.full_like(images, 2), HeatMap(filter="none"))
    np.testing.assert_allclose(maps.heat_map, 1, rtol=1e-6)


@pytest.mark.parametrize("settings", ALL, ids=str)
def test_plain_version(batch, settings):
    images, wrong = (values.astype(np.float64) for values in batch)
    maps = heat_maps(*batch, settings)
    assert [values.dtype for values in maps] == [np.float32, bool, np.float64, np.int64]
    error = ((images - wrong) ** 2).sum(axis=1)
    for index, e in enumerate(error):
        if settings.normalise == "standard":
            relative = (e - e.mean()) / e.std()
        elif settings.normalise == "mean":
            relative = e / 3
        else:
            f = 2 if settings.target == "two" else 1 - images[index]
            relative = e / np.maximum((f - images[index]) ** 2, 0.01).sum(axis=0)
        k = maps.k[index]
        if settings.filter == "adaptive":
            assert k == half_size(relative > relative.mean() + relative.std(), settings.extent)
        elif settings.filter == "sigma":
            assert k == round(4 * settings.sigma)
        else:
            assert k == (0 if settings.filter == "none" else settings.filter)
        heat_map, smooth = relative, e
        if settings.filter == "sigma":
            heat_map, smooth = (ndimage.gaussian_filter(m, settings.sigma) for m in (relative, e))
        elif k:
            heat_map, smooth = (
                ndimage.convolve(m, gaussian(k), mode="reflect") for m in (relative, e)
            )
        np.testing.assert_allclose(maps.heat_map[index], heat_map, atol=2e-5, rtol=1e-5)
        norm = np.sqrt(((e * smooth) ** 2).sum())
        score = norm if settings.score == "norm" else heat_map.max()
        assert maps.score[index] == pytest.approx(score, rel=1e-5)
        h = maps.heat_map[index].astype(np.float64)
        np.testing.assert_array_equal(maps.binary[index], h > h.mean() + h.std())


def test_larger_defects_get_larger_filters(batch):
    k = heat_maps(*batch, HeatMap()).k
    assert (np.diff(k[1:]) > 0).all()


@pytest.mark.parametrize("settings", ALL, ids=str)
def test_tensors_and_arrays_give_equal_maps(batch, settings):
    ours = heat_maps(*batch, settings)
    tensors = [torch.from_numpy(values) for values in batch]
    channels_last = [t.to(memory_format=torch.channels_last).requires_grad_() for t in tensors]
    for other in (heat_maps(*tensors, settings), heat_maps(*channels_last, settings)):
        assert all(isinstance(values, np.ndarray) for values in other)
        assert [values.dtype for values in other] == [values.dtype for values in ours]
        np.testing.assert_array_equal(other.k, ours.k)
        np.testing.assert_allclose(other.heat_map, ours.heat_map, atol=1e-5)
        np.testing.assert_allclose(other.score, ours.score, rtol=1e-5)
        assert (other.binary != ours.binary).mean() < 1e-3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("settings", ALL, ids=str)
def test_gpu_tensors_and_arrays_give_equal_maps(batch, settings):
    ours = heat_maps(*batch, settings)
    other = heat_maps(*(torch.from_numpy(values).cuda() for values in batch), settings)
    np.testing.assert_array_equal(other.k, ours.k)
    np.testing.assert_allclose(other.heat_map, ours.heat_map, atol=1e-5)
    np.testing.assert_allclose(other.score, ours.score, rtol=1e-5)


@pytest.mark.parametrize("settings", ALL, ids=str)
def test_images_of_a_batch_are_independent(batch, settings):
    together = heat_maps(*batch, settings)
    for index in range(len(batch[0])):
        alone = heat_maps(*(values[index : index + 1] for values in batch), settings)
        for one, all_of_them in zip(alone, together, strict=True):
            np.testing.assert_allclose(one[0], all_of_them[index], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("settings", ALL, ids=str)
@pytest.mark.parametrize("difference", [0.0, 0.3])
def test_a_constant_error_marks_nothing(settings, difference):
    images = np.full((2, 3, 50, 70), 0.6, dtype=np.float32)
    maps = heat_maps(images, images - np.float32(difference), settings)
    assert not maps.binary.any()
    assert all(np.isfinite(values).all() for values in maps)
    assert (np.ptp(maps.heat_map, axis=(1, 2)) == 0).all()
    if settings.normalise == "standard":
        assert (maps.heat_map == 0).all()
    if settings.filter == "adaptive":
        assert (maps.k == 1).all()
    error = 3 * difference**2
    if settings.score == "norm":
        assert maps.score == pytest.approx(error**2 * (50 * 70) ** 0.5, rel=1e-5)
    else:
        assert settings.normalise == "mean"
        assert maps.score == pytest.approx(error / 3, rel=1e-5)


COMPONENTS = {
    # Nothing is set.
    1: "....",
    # One component 5 wide: half is 2.5, rounded up.
    3: "#####",
    # Widths 5 and 1, mean 3, half 1.5, rounded up.
    2: "#####..#",
}


@pytest.mark.parametrize("k", COMPONENTS)
def test_half_size_by_hand(k):
    row = np.array([[mark == "#" for mark in COMPONENTS[k]]])
    assert half_size(row) == half_size(row, "runs") == k
    assert half_size(row.T) == half_size(row.T, "runs") == k


def test_half_size_of_tiny_components_is_at_least_one():
    assert half_size(np.eye(9, dtype=bool)[:1]) == 1


def test_diagonal_neighbours_are_one_component():
    # One component of 8 x 8, and 8 runs of 1 in each direction.
    assert half_size(np.eye(8, dtype=bool)) == 4
    assert half_size(np.eye(8, dtype=bool), "runs") == 1


def test_half_size_uses_the_larger_direction():
    binary = np.zeros((12, 12), dtype=bool)
    binary[:2, :] = True
    assert half_size(binary) == half_size(binary, "runs") == 6
    assert half_size(binary.T) == half_size(binary.T, "runs") == 6
    # Means are taken before: widths 12 and 1, heights 2 and 9, means 6.5 and 5.5.
    binary[3:, 0] = True
    assert half_size(binary) == 3
    # Horizontal runs: 12, 12 and nine of 1; vertical: 12 of 2 and one of 9.
    assert half_size(binary, "runs") == round((24 + 9) / 11 / 2 + 1e-9)


def test_half_size_of_components_whose_boxes_overlap_by_hand():
    """A frame, a dot inside it, and a hook whose pixels alternate with theirs from row to row."""
    rows = [
        "######..##",
        "#....#...#",
        "#.#..#...#",
        "#....#...#",
        "######...#",
        ".........#",
        ".........#",
    ]
    binary = np.array([[mark == "#" for mark in row] for row in rows])
    # Heights 5, 1 and 7, sum 13; widths 6, 1 and 2, sum 9: k is half of 13 / 3, rounded.
    for turned in (binary, binary[::-1], binary[:, ::-1], binary.T, np.rot90(binary)):
        assert half_size(turned) == 2
    # Two more rows of the hook: heights 5, 1 and 9, sum 15, whose half mean 2.5 is rounded up.
    longer = np.vstack([binary, binary[-2:]])
    for turned in (longer, longer[::-1], longer.T):
        assert half_size(turned) == 3


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("density", [0.05, 0.3, 0.6])
def test_half_size_equals_scikit_image(seed, density):
    binary = np.random.default_rng(seed).random((30, 45)) < density
    boxes = [region.bbox for region in measure.regionprops(measure.label(binary, connectivity=2))]
    heights, widths = ([box[axis + 2] - box[axis] for box in boxes] for axis in (0, 1))
    expected = max(1, int(max(np.mean(heights), np.mean(widths)) / 2 + 0.5))
    assert half_size(binary) == expected


@pytest.mark.parametrize("k", [1, 2, 7, 40, 70])
def test_smoothing_is_the_reflected_2_d_convolution(k):
    # 40 and 70 exceed the size of the map, which is then reflected more than once.
    maps = np.random.default_rng(0).random((2, 20, 27))
    expected = [ndimage.convolve(m, gaussian(k), mode="reflect") for m in maps]
    np.testing.assert_allclose(smoothed(maps, np.array([k, k])), expected, atol=1e-12)


def test_smoothing_large_maps_with_different_k():
    maps = np.random.default_rng(0).random((3, 150, 140))
    result = smoothed(maps, np.array([3, 0, 9]))
    for index, k in ((0, 3), (2, 9)):
        expected = ndimage.convolve(maps[index], gaussian(k), mode="reflect")
        np.testing.assert_allclose(result[index], expected, atol=1e-12)
    np.testing.assert_array_equal(result[1], maps[1])


def test_smoothing_keeps_the_sum():
    maps = np.random.default_rng(0).random((1, 20, 20))
    assert smoothed(maps, np.array([4])).sum() == pytest.approx(maps.sum())


def test_threshold():
    maps = np.array([[[1.0, -1.0], [1.0, -1.0]], [[0.0, 0.0], [0.0, 4.0]]])
    np.testing.assert_array_equal(binarised(maps)[0], [[False, False], [False, False]])
    np.testing.assert_array_equal(binarised(maps)[1], [[False, False], [False, True]])


def test_mean_and_population_std_in_float64():
    values = (1e4 + np.random.default_rng(0).random((300, 300))).astype(np.float32)
    mean, std = mean_and_std(values)
    assert mean == pytest.approx(values.astype(np.float64).mean(), abs=1e-12)
    assert std == pytest.approx(values.astype(np.float64).std(), abs=1e-12)


@pytest.mark.parametrize("factor", [2.0**600, 2.0**1023, 2.0**-600])
def test_mean_and_std_of_huge_and_tiny_maps(factor):
    values = np.random.default_rng(0).random((30, 30))
    mean, std = mean_and_std(values * factor)
    assert mean == values.mean() * factor
    assert std == pytest.approx(values.std() * factor, rel=1e-15)
    np.testing.assert_array_equal(binarised((values * factor)[None]), binarised(values[None]))


def test_no_images():
    empty = np.empty((0, 3, 8, 8), dtype=np.float32)
    assert [len(values) for values in heat_maps(empty, empty, HeatMap())] == [0] * 4


def test_wrong_input_is_an_error(batch):
    images, wrong = batch
    with pytest.raises(ValueError, match=r"images are \[6, 3, 40, 48\], .* \[6, 3, 40, 47\]"):
        heat_maps(images, wrong[..., 1:], HeatMap())
    with pytest.raises(ValueError, match=r"expected floating-point images .* got int16 \[6, 3"):
        heat_maps((images * 255).astype(np.int16), wrong, HeatMap())
    with pytest.raises(ValueError, match=r"got float32 \[3, 40, 48\]"):
        heat_maps(images[0], wrong[0], HeatMap())
    broken = wrong.copy()
    broken[0, 0, 0, 0] = np.nan
    for kind in (np.asarray, torch.from_numpy):
        with pytest.raises(ValueError, match="hold NaN or infinite values"):
            heat_maps(kind(images), kind(broken), HeatMap())


@pytest.mark.parametrize("settings", ALL, ids=str)
def test_images_of_8_bits_give_the_same_maps(settings):
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (2, 3, 24, 32), dtype=np.uint8)
    rebuilt = rng.random((2, 3, 24, 32), dtype=np.float32)
    small = heat_maps(images, rebuilt, settings)
    large = heat_maps(images.astype(np.float32) / np.float32(255), rebuilt, settings)
    for own, expected in zip(small, large, strict=True):
        np.testing.assert_array_equal(own, expected)
