import numpy as np
import pytest
import torch
from PIL import Image

from aexad.explain.resize import enlarged, reduced


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
    assert reduced(images, 32) is images


def test_enlarging_to_a_smaller_size_is_an_error():
    with pytest.raises(ValueError, match="images of 32 pixels are larger than the working size 16"):
        enlarged(random(3, 32), 16)


def test_a_stored_pixel_is_the_mean_of_its_area():
    maps = random(1, 24)
    by_hand = maps.numpy().reshape(2, 1, 8, 3, 8, 3).mean(axis=(3, 5))
    np.testing.assert_allclose(reduced(maps, 8), by_hand, rtol=1e-6)


def test_reducing_keeps_a_constant_map():
    constant = torch.full((1, 1, 24, 24), 0.1)
    assert reduced(constant, 7).unique().tolist() == constant.unique().tolist()
