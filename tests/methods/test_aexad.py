import pytest
import torch
import torch.nn.functional as F
from torch import nn

from aexad.config.recipe import Recipe
from aexad.methods.aexad import Decoder, Projection
from aexad.methods.model import build_model
from aexad.runtime.errors import ConfigError, WeightsError
from aexad.training.model_store import load_model, save_model

CNN = {"encoder": "test_resnet.r160_in1k", "weights": "none"}
VIT = {"encoder": "test_vit.r160_in1k", "weights": "none"}


def plain_decoder(decoder, code):
    """The paper's order of operations: upsample 64 channels, tanh, then sum groups of 8."""
    upsampled = F.interpolate(code, scale_factor=8, mode="nearest").tanh()
    b1 = torch.stack([upsampled[:, 8 * g : 8 * g + 8].sum(1) for g in range(8)], dim=1)
    b2 = decoder.blocks(code)
    return decoder.to_image(F.selu(decoder.mix(b1 * b2 + b2))).sigmoid()


def test_the_decoder_equals_the_papers_order_of_operations():
    torch.manual_seed(0)
    decoder, code = Decoder(), torch.randn(2, 64, 28, 28)
    reconstructions = decoder(code)
    assert reconstructions.shape == (2, 3, 224, 224)
    torch.testing.assert_close(reconstructions, plain_decoder(decoder, code))


def test_the_decoder_has_the_parameters_of_the_paper():
    blocks = sum(
        9 * a * b + b + 4 * b * b + b for a, b in [(64, 32), (32, 16), (16, 8)]
    )  # 3x3 convolution and 2x2 transposed convolution, with biases
    image = (9 * 8 * 8 + 8) + (9 * 8 * 3 + 3)
    assert sum(p.numel() for p in Decoder().parameters()) == blocks + image


@pytest.mark.parametrize(
    ("grid", "kernels"),
    [(28, [3]), (14, [1, 3, 2]), (16, [1, 3, 2]), (20, [3])],
)
def test_projection_goes_the_way_of_the_nearer_grid(grid, kernels):
    projection = Projection(10, grid, 28)
    found = [
        m.kernel_size[0]
        for m in projection.modules()
        if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)
    ]
    assert found == kernels
    assert projection(torch.randn(1, 10, grid, grid)).shape == (1, 64, 28, 28)


PIXELS = {"encoder": "pixels"}
MATCHED = {"feature_channels": 32, "projection": "convolution"}


def test_a_projection_may_be_one_convolution_whatever_the_grid():
    projection = Projection(10, 14, 28, "convolution")
    assert sum(p.numel() for p in projection.parameters()) == 9 * 10 * 64 + 64
    assert projection(torch.randn(1, 10, 14, 14)).shape == (1, 64, 28, 28)


def test_matched_recipes_train_the_same_number_of_parameters():
    models = [build_model(Recipe(**one, **MATCHED), 64, 0) for one in (CNN, VIT, PIXELS)]
    assert len({model.parameters["trained"] for model in models}) == 1
    assert [model.features["channels"] for model in models] == [32] * 3
    assert [model.features["grid"] for model in models] == [8, 4, 8]


def test_a_frozen_random_transformer_is_drawn_from_the_seed_and_stored(tmp_path):
    one, same, other = (build_model(Recipe(**VIT), 64, seed) for seed in (1, 1, 2))
    images = torch.rand(1, 3, 64, 64)
    features = [model.network.features(images) for model in (one, same, other)]
    assert torch.equal(features[0], features[1])
    assert not torch.equal(features[0], features[2])
    assert one.parameters["frozen"] == sum(p.numel() for p in one.network.encoder.parameters())
    save_model(one, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert torch.equal(loaded.network.features(images), features[0])


def test_an_encoder_of_ones_own_is_not_recorded_as_drawn_from_the_seed(tmp_path, monkeypatch):
    (tmp_path / "blocks.py").write_text(
        "from torch import nn\ndef mean(size):\n    return nn.AvgPool2d(8)\n"
    )
    monkeypatch.chdir(tmp_path)
    model = build_model(Recipe(encoder="blocks.py:mean"), 64, 0)
    assert model.encoder["source"] == "code of the user: blocks.py:mean"


@pytest.mark.parametrize("recipe", [CNN, VIT, VIT | {"tuning": "full"}])
def test_reconstructions_have_the_size_of_the_images(recipe):
    network = build_model(Recipe(**recipe), 64, 0).network
    images = torch.rand(2, 3, 64, 64)
    reconstructions = network(images)
    assert reconstructions.shape == images.shape
    assert 0 <= reconstructions.min() <= reconstructions.max() <= 1


def test_the_seed_decides_the_random_weights_and_leaves_torchs_generator_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, same, other = (build_model(Recipe(**VIT), 64, seed).network for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    states = [network.projection.state_dict()["layers.0.weight"] for network in (one, same, other)]
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


@pytest.mark.parametrize(
    ("recipe", "trained"),
    [
        (CNN, set()),
        (VIT | {"tuning": "full"}, {"encoder"}),
    ],
)
def test_tuning_decides_which_part_is_trained(recipe, trained):
    network = build_model(Recipe(**recipe), 64, 0).network
    parts = {n.split(".")[0] for n, p in network.named_parameters() if p.requires_grad}
    assert parts == {"projection", "decoder"} | trained


def test_layernorm_tuning_trains_the_norms_alone_and_stores_no_more(vit_weights):
    recipe = Recipe(encoder=VIT["encoder"], tuning="layernorm")
    network = build_model(recipe, 64, 0, vit_weights).network
    trained = {n for n, p in network.encoder.named_parameters() if p.requires_grad}
    assert trained
    assert all("norm" in name for name in trained)
    stored = {n for n in network.trained_state() if n.startswith("encoder.")}
    assert stored == {f"encoder.{name}" for name in trained}


def test_layernorm_tuning_of_an_encoder_without_norms_is_refused(tmp_path, monkeypatch):
    recipe = Recipe(encoder="tf_efficientnet_lite0.in1k", tuning="layernorm")
    with pytest.raises(ConfigError, match="no layer norms"):
        build_model(recipe, 64, 0)


def test_a_frozen_encoder_keeps_its_batch_norm_statistics():
    network = build_model(Recipe(encoder="tf_efficientnet_lite0.in1k"), 64, 0).network
    before = {k: v.clone() for k, v in network.encoder.state_dict().items()}
    network.train()
    network(torch.rand(4, 3, 64, 64))
    assert all(torch.equal(v, before[k]) for k, v in network.encoder.state_dict().items())


@pytest.mark.parametrize(
    "recipe",
    [
        CNN,
        VIT | {"tuning": "full"},
        PIXELS | MATCHED,
        VIT | MATCHED | {"facet": "key", "token_norm": True, "token_shifts": 2},
    ],
)
def test_a_stored_model_reconstructs_the_same(tmp_path, recipe):
    model = build_model(Recipe(**recipe), 64, 3)
    model.network.eval()
    save_model(model, tmp_path / "a.safetensors")
    save_model(model, tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    loaded = load_model(tmp_path / "a.safetensors")
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(loaded.network(images), model.network(images))
    assert loaded.recipe.training == model.recipe.training


def test_a_frozen_pretrained_encoder_is_not_stored_but_its_digest_is_checked(
    tmp_path, vit_weights, other_vit_weights
):
    model = build_model(Recipe(encoder=VIT["encoder"]), 64, 0, vit_weights)
    path = tmp_path / "model.safetensors"
    save_model(model, path)
    assert not any(name.startswith("encoder.") for name in model.network.trained_state())
    load_model(path, vit_weights)
    with pytest.raises(WeightsError, match="trained on other weights"):
        load_model(path, other_vit_weights)


def test_a_foreign_or_damaged_model_file_is_refused(tmp_path, vit_weights):
    path = tmp_path / "model.safetensors"
    with pytest.raises(WeightsError, match="no such model file"):
        load_model(path)
    path.write_bytes(b"torn")
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        load_model(path)
    foreign = next(vit_weights.glob("*.safetensors"))
    with pytest.raises(WeightsError, match="not a model of aexad"):
        load_model(foreign)
