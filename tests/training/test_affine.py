import pytest
import torch
from scipy import ndimage

from aexad.training import affine
from aexad.training.affine import random_affine


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def only(monkeypatch):
    """Set the ranges of all changes to 0, apart from those given by name."""

    def only(**ranges):
        for name in ("ROTATION", "TRANSLATION", "SCALE", "FLIP"):
            monkeypatch.setattr(affine, name, ranges.get(name.lower(), 0))

    return only


@pytest.fixture
def images():
    return torch.rand(6, 3, 32, 32, generator=seeded(7))


def test_a_function_of_the_seed_alone(images):
    torch.manual_seed(1)
    one = random_affine(images, seeded())
    torch.manual_seed(2)
    assert torch.equal(one, random_affine(images, seeded()))
    assert not torch.equal(one, random_affine(images, seeded(1)))


def test_the_generator_moves_on_from_batch_to_batch(images):
    generator = seeded()
    assert not torch.equal(random_affine(images, generator), random_affine(images, generator))


def test_ranges_of_zero_change_nothing(images, only):
    only()
    torch.testing.assert_close(random_affine(images, seeded()), images, atol=1e-5, rtol=0)


def test_each_image_goes_its_own_way(images):
    same = images[:1].expand(6, -1, -1, -1)
    moved = random_affine(same, seeded())
    assert all(not torch.equal(moved[i], moved[j]) for i in range(6) for j in range(i))


@pytest.mark.parametrize("images", [torch.zeros(8, 3, 20, 20), torch.ones(8, 3, 20, 20)])
def test_a_constant_image_stays_within_its_bounds(images):
    moved = random_affine(images, seeded())
    assert moved.shape == images.shape
    assert 0 <= moved.min() <= moved.max() <= 1
    torch.testing.assert_close(moved, images)


def test_certain_flips_flip_both_ways(images, only):
    only(flip=1)
    moved = random_affine(images, seeded())
    torch.testing.assert_close(moved, images.flip(2, 3), atol=1e-5, rtol=0)


def test_flips_have_an_even_chance_in_each_direction(only):
    only(flip=0.5)
    corner = torch.zeros(400, 1, 4, 4)
    corner[:, :, 0, 0] = 1
    moved = random_affine(corner, seeded())
    for y, x in [(0, 0), (0, 3), (3, 0), (3, 3)]:
        assert 70 < moved[:, 0, y, x].sum() < 130


@pytest.mark.parametrize("seed", range(3))
def test_a_turn_by_scipy(seed, only):
    only(rotation=10)
    smooth = ndimage.gaussian_filter(torch.rand(40, 40, generator=seeded(9)).numpy(), 4)
    image = torch.from_numpy(smooth)[None, None]
    moved = random_affine(image, seeded(seed))
    angle = (2 * torch.rand(1, 6, generator=seeded(seed), dtype=torch.float64)[0, 0] - 1) * 10
    expected = ndimage.rotate(smooth, angle.item(), reshape=False, order=1, mode="reflect")
    torch.testing.assert_close(moved[0, 0], torch.from_numpy(expected), atol=1e-4, rtol=0)


def test_a_shift_is_a_share_of_the_side(only):
    only(translation=0.1)
    image = torch.zeros(50, 1, 40, 40)
    image[:, :, 20, 20] = 1
    moved = random_affine(image, seeded())
    places = torch.tensor([ndimage.center_of_mass(m[0].numpy()) for m in moved]) - 20
    assert places.abs().max() <= 4 + 1e-4
    assert places.abs().max() > 3.5
