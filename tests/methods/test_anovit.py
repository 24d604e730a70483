import pytest
import torch

from aexad.config.recipe import Recipe
from aexad.methods.model import build_model
from aexad.runtime.errors import ConfigError
from aexad.training.model_store import load_model, save_model

TINY = {"model": "anovit", "encoder": "test_vit.r160_in1k", "loss": "mse"}
SMALL = Recipe(**TINY, weights="none", tuning="full")


def shapes(network, size):
    """Of the encoder's map and of the output of each block."""
    with torch.no_grad():
        maps = network.encoder(torch.zeros(1, 3, size, size))
        found = [tuple(maps.shape[1:])]
        for block in network.blocks:
            maps = block(maps)
            found.append(tuple(maps.shape[1:]))
    return found


@pytest.mark.parametrize(("size", "grid"), [(224, 14), (384, 24)])
def test_four_of_six_blocks_double_the_token_grid(size, grid):
    network = build_model(SMALL, size, 0).network
    assert shapes(network, size) == [
        (64, grid, grid),
        (256, grid, grid),
        (128, 2 * grid, 2 * grid),
        (64, 4 * grid, 4 * grid),
        (32, 8 * grid, 8 * grid),
        (16, 16 * grid, 16 * grid),
        (3, size, size),
    ]
    images = torch.rand(2, 3, size, size)
    with torch.no_grad():
        reconstructions = network(images)
    assert reconstructions.shape == images.shape
    assert 0 <= reconstructions.min() <= reconstructions.max() <= 1


@pytest.mark.parametrize(
    ("encoder", "size", "channels", "trained"),
    [
        ("vit_base_patch16_384.augreg_in21k_ft_in1k", 384, 768, 88_557_219),
        ("vit_tiny_patch16_224.augreg_in21k_ft_in1k", 224, 192, 6_664_035),
        ("deit_small_patch16_224.fb_in1k", 224, 384, 23_247_651),
    ],
)
def test_the_parameters_are_those_of_the_table(encoder, size, channels, trained):
    recipe = SMALL.model_copy(update={"encoder": encoder})
    with torch.device("meta"):  # shapes without numbers
        model = build_model(recipe, size, 0)
    d, tokens = channels, (size // 16) ** 2
    # Patches, class token, positions; 12 blocks of attention, MLP and two norms; the last norm.
    vit = (768 * d + d) + d + (tokens + 1) * d + 12 * (12 * d**2 + 13 * d) + 2 * d
    decoder = (9 * channels * 256 + 256) + (16 * 256 * 128 + 128) + (16 * 128 * 64 + 64)
    decoder += (16 * 64 * 32 + 32) + (16 * 32 * 16 + 16) + (9 * 16 * 3 + 3)
    assert (model.network.encoder.channels, model.network.encoder.grid) == (channels, size // 16)
    assert model.parameters == {"trained": vit + decoder, "frozen": 0}
    assert vit + decoder == trained


def test_the_last_activation_alone_is_a_sigmoid():
    blocks = build_model(SMALL, 64, 0).network.blocks
    found = [[type(layer).__name__ for layer in block] for block in blocks]
    assert found == [["ConvTranspose2d", "ReLU"]] * 5 + [["ConvTranspose2d", "Sigmoid"]]


@pytest.mark.parametrize(
    ("encoder", "input_size", "grid", "kernels", "drawn"),
    [
        ("vit_small_patch14_dinov2.lvd142m", 224, 16, [3, 4, 4, 4, 4, 3], 256),
        ("vit_small_patch8_224.dino", 224, 28, [3, 4, 4, 4, 3, 3], 224),
        ("vit_tiny_patch16_384.augreg_in21k_ft_in1k", 384, 24, [3, 4, 4, 4, 4, 3], 384),
        ("crossvit_small_240.in1k", 240, 14, [3, 4, 4, 4, 4, 3], 224),
        ("vit_small_patch32_224.augreg_in21k_ft_in1k", 224, 7, [3, 4, 4, 4, 4, 4], 224),
    ],
)
def test_doublings_follow_from_the_patch_and_the_result_has_the_images_size(
    encoder, input_size, grid, kernels, drawn
):
    recipe = SMALL.model_copy(update={"encoder": encoder, "input_size": input_size})
    with torch.device("meta"):
        network = build_model(recipe, 224, 0).network
        assert network.encoder.grid == grid
        assert [block[0].kernel_size[0] for block in network.blocks] == kernels
        encoded = torch.zeros(1, network.encoder.channels, grid, grid)
        assert network.blocks(encoded).shape == (1, 3, drawn, drawn)
        assert network(torch.zeros(1, 3, 224, 224)).shape == (1, 3, 224, 224)


def test_other_shapes_are_refused():
    network = build_model(SMALL, 64, 0).network
    for shape in [(1, 3, 64, 48), (1, 3, 48, 48), (1, 1, 64, 64)]:
        with pytest.raises(ValueError, match=r"takes images \[B, 3, 64, 64\], got"):
            network(torch.zeros(shape))
    with pytest.raises(ConfigError, match="cuts patches of 16 pixels, and 72 is no multiple"):
        build_model(SMALL, 72, 0)


def test_a_frozen_encoder_is_the_frozen_part(vit_weights):
    recipe = Recipe(**TINY)
    network = build_model(recipe, 64, 0, vit_weights).network
    assert recipe.frozen_features
    assert network.features(torch.rand(2, 3, 64, 64)).shape == (2, 64, 4, 4)
    parts = {n.split(".")[0] for n, p in network.named_parameters() if p.requires_grad}
    assert parts == {"blocks"}
    assert all(name.startswith("blocks.") for name in network.trained_state())


@pytest.mark.parametrize("tuning", ["frozen", "layernorm", "full"])
def test_a_stored_model_reconstructs_the_same(tmp_path, vit_weights, tuning):
    model = build_model(Recipe(**TINY, tuning=tuning), 64, 3, vit_weights)
    model.network.eval()
    with torch.no_grad():
        for parameter in model.network.parameters():
            if parameter.requires_grad:
                parameter += 0.01
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors", vit_weights)
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(loaded.network(images), model.network(images))


def test_each_block_hands_on_the_power_that_it_gets():
    network = build_model(SMALL, 224, 0).network
    maps = torch.randn(
        2, network.encoder.channels, 14, 14, generator=torch.Generator().manual_seed(0)
    )
    with torch.no_grad():
        for block in network.blocks[:-1]:
            before, maps = maps, block(maps)
            assert 0.5 < maps.square().mean() / before.square().mean() < 2
