import numpy as np
import pytest
import torch
from PIL import Image

from aexad.data.resize import enlarged, resized


def random(channels, size):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, channels, size, size, generator=generator)


@pytest.mark.parametrize(("stored", "size"), [(28, 224), (32, 224), (20, 64), (7, 16)])
def test_enlarging_equals_pillow(stored, size):
    pixels = (random(3, stored) * 255).round().to(torch.uint8)
    large = enlarged(pixels.float() / 255, size)
    for image, result in zip(pixels, large, strict=True):
        expected = Image.fromarray(image.permute(1, 2, 0).numpy())
        expected = np.asarray(expected.resize((size, size), Image.Resampling.BILINEAR))
        # Pillow rounds after each of its two passes.
        assert np.abs(result.permute(1, 2, 0).numpy() * 255 - expected).max() <= 1.01


def test_images_of_the_right_size_are_returned_unchanged():
    images = random(3, 32)
    assert enlarged(images, 32) is images
    heat_map = images[0, 0].numpy()
    assert resized(heat_map, (32, 32)) is heat_map


def test_enlarging_to_a_smaller_size_is_an_error():
    with pytest.raises(ValueError, match="images of 32 pixels are larger than the working size 16"):
        enlarged(random(3, 32), 16)


def test_a_stored_pixel_is_the_mean_of_its_area():
    heat_map = np.random.default_rng(0).random((24, 24), dtype=np.float32)
    by_hand = heat_map.reshape(8, 3, 8, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(resized(heat_map, (8, 8)), by_hand, rtol=1e-6)


@pytest.mark.parametrize("shape", [(16, 16), (13, 29), (7, 40), (7, 9)])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_map_becomes_larger_as_in_torch(shape, kind):
    heat_map = np.random.default_rng(0).random((7, 9)).astype(kind)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(heat_map)[None, None].double(), shape, mode="bilinear"
    )[0, 0]
    result = resized(heat_map, shape)
    assert result.dtype == kind
    np.testing.assert_allclose(result, expected, atol=1e-6 if kind == np.float32 else 1e-12)


def test_a_map_becomes_larger_by_hand():
    np.testing.assert_array_equal(resized(np.array([[0.0, 4.0]]), (1, 4)), [[0, 1, 3, 4]])


def test_a_map_becomes_smaller_by_hand():
    """Two new pixels of 1.5 old ones each; the old pixel in the middle is shared."""
    np.testing.assert_allclose(resized(np.array([[3.0, 6.0, 0.0]]), (1, 2)), [[4.0, 2.0]])
    np.testing.assert_allclose(resized(np.array([[3.0], [6.0], [0.0]]), (2, 1)), [[4.0], [2.0]])
    square = np.array([[3.0, 6, 0]] * 3)
    np.testing.assert_allclose(resized(square, (2, 2)), [[4, 2], [4, 2]])


@pytest.mark.parametrize("where", [(0, 0), (100, 57), (223, 223), (112, 1)])
@pytest.mark.parametrize("size", [64, 100, 223])
def test_no_peak_is_lost_when_a_map_becomes_smaller(where, size):
    heat_map = np.zeros((224, 224))
    heat_map[where] = 1
    small = resized(heat_map, (size, size))
    assert small.sum() * (224 / size) ** 2 == pytest.approx(1)
    row, column = np.unravel_index(small.argmax(), small.shape)
    assert abs(row - where[0] * size / 224) <= 1
    assert abs(column - where[1] * size / 224) <= 1


@pytest.mark.parametrize("shape", [(7, 11), (2, 2), (3, 2), (2, 9), (300, 2)])
def test_a_constant_map_stays_the_same_to_the_last_bit(shape):
    assert (resized(np.full((3, 3), 0.1), shape) == 0.1).all()
    assert (resized(np.full((3, 3), 0.1, np.float32), shape) == np.float32(0.1)).all()
