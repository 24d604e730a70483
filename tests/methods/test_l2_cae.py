import pytest
import torch
from torch import nn

from aexad.config.recipe import Recipe
from aexad.methods.model import build_model
from aexad.runtime.errors import ConfigError, WeightsError
from aexad.training.model_store import load_model, save_model

RECIPE = Recipe(model="l2_cae", loss="mse")

# Channels and side behind each convolution of the encoder, but for the code.
TABLES = {
    128: [(32, 64), (32, 32), (32, 32), (64, 16), (64, 16), (128, 8), (64, 8), (32, 8)],
    224: [(32, 112), (32, 56), (32, 28), (32, 28), (64, 14), (64, 14), (128, 7), (64, 7), (32, 7)],
    384: [
        *[(32, 192), (32, 96), (32, 48), (32, 24), (32, 24), (64, 12), (64, 12)],
        *[(128, 6), (64, 6), (32, 6)],
    ],
}


def convolutions(part, maps):
    """Channels and side of what goes into a part and comes out of each of its convolutions."""
    found = [(maps.shape[1], maps.shape[2])]
    for layer in part:
        maps = layer(maps)
        assert maps.shape[2] == maps.shape[3]
        if not isinstance(layer, nn.LeakyReLU):
            found.append((maps.shape[1], maps.shape[2]))
    return found


@pytest.mark.parametrize(("size", "latent"), [(128, 100), (224, 128), (384, 128)])
def test_shapes_are_those_of_the_table_and_run_backwards_in_the_decoder(size, latent):
    table = [(3, size), *TABLES[size], (latent, 1)]
    network = build_model(RECIPE, size, 0).network
    with torch.no_grad():
        assert convolutions(network.to_code, torch.zeros(1, 3, size, size)) == table
        assert convolutions(network.to_image, torch.zeros(1, latent, 1, 1)) == table[::-1]
        assert network(torch.rand(2, 3, size, size)).shape == (2, 3, size, size)


def test_layers_are_those_of_the_paper_at_its_own_size():
    network = build_model(RECIPE, 128, 0).network
    kernels, strides = [4, 4, 3, 4, 3, 4, 3, 3, 8], [2, 2, 1, 2, 1, 2, 1, 1, 1]
    for part, kind, order in ((network.to_code, nn.Conv2d, 1), (network.to_image, None, -1)):
        layers = [layer for layer in part if not isinstance(layer, nn.LeakyReLU)]
        assert all(type(layer) is (kind or nn.ConvTranspose2d) for layer in layers)
        assert [layer.kernel_size[0] for layer in layers] == kernels[::order]
        assert [layer.stride[0] for layer in layers] == strides[::order]
        slopes = [layer.negative_slope for layer in part if isinstance(layer, nn.LeakyReLU)]
        assert slopes == [0.2] * 8
        assert not isinstance(part[-1], nn.LeakyReLU)


def test_the_parameters_at_128_pixels_by_hand():
    steps = [(3, 32, 4), (32, 32, 4), (32, 32, 3), (32, 64, 4), (64, 64, 3), (64, 128, 4)]
    steps += [(128, 64, 3), (64, 32, 3), (32, 100, 8)]
    weights = sum(a * b * kernel**2 for a, b, kernel in steps)
    biases = sum(b for _, b, _ in steps) + sum(a for a, _, _ in steps)
    parameters = build_model(RECIPE, 128, 0).parameters
    assert (
        parameters
        == {"trained": 2 * weights + biases, "frozen": 0}
        == {
            "trained": 1_050_599,
            "frozen": 0,
        }
    )


@pytest.mark.parametrize(
    ("size", "trained"), [(64, 1_017_767), (224, 1_075_267), (256, 1_198_147), (384, 1_001_603)]
)
def test_the_parameters_at_other_sizes(size, trained):
    assert build_model(RECIPE, size, 0).parameters["trained"] == trained


@pytest.mark.parametrize(("size", "halvings"), [(240, 5), (144, 5), (416, 6), (72, 4)])
def test_a_size_that_cannot_be_halved_is_refused(size, halvings):
    with pytest.raises(
        ConfigError, match=rf"halves images {halvings} times, and {size} pixels are no multiple"
    ) as caught:
        build_model(RECIPE, size, 0)
    assert "\n" not in str(caught.value)


def test_other_shapes_are_refused():
    network = build_model(RECIPE, 64, 0).network
    for shape in [(1, 3, 64, 48), (1, 3, 128, 128)]:
        with pytest.raises(ValueError, match=r"takes images \[B, 3, 64, 64\], got"):
            network(torch.zeros(shape))


def test_all_of_it_is_trained_and_stored(tmp_path):
    model = build_model(RECIPE, 64, 1)
    images = torch.rand(2, 3, 64, 64)
    assert model.network.features(images) is images
    assert not RECIPE.frozen_features
    assert set(model.network.trained_state()) == set(model.network.state_dict())
    path = tmp_path / "model.safetensors"
    save_model(model, path)
    loaded = load_model(path)
    with torch.no_grad():
        assert torch.equal(loaded.network(images), model.network(images))
    assert loaded.encoder == {
        "name": None,
        "weights": "none",
        "family": "none",
        "source": "none: there is no encoder",
        "sha256": None,
    }


def test_the_seed_decides_the_weights():
    one, same, other = (build_model(RECIPE, 64, seed).network.state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not any(torch.equal(one[name], other[name]) for name in one)


def test_a_model_file_of_another_network_is_refused(tmp_path):
    model = build_model(RECIPE, 64, 1)
    del model.network.to_image[-1].bias
    model.network.to_image[-1].bias = None
    save_model(model, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match="do not match the recipe"):
        load_model(tmp_path / "model.safetensors")
