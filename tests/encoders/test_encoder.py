import pytest
import timm
import torch

from aexad.encoders.features import Encoder, orthonormal
from aexad.encoders.weights import Weights
from aexad.runtime.errors import ConfigError, WeightsError


def weights_of(name, **options):
    torch.manual_seed(0)
    model = timm.create_model(name, num_classes=0, **options)
    return Weights(model.state_dict(), "test", "0" * 64)


def test_default_features_of_a_cnn_are_those_on_an_eighth_of_the_image():
    encoder = Encoder("test_resnet.r160_in1k", 96)
    assert (encoder.channels, encoder.grid) == (48, 12)


def test_default_features_of_a_vit_are_its_last_tokens_after_the_final_norm():
    weights = weights_of("test_vit", img_size=64)
    encoder = Encoder("test_vit.r160_in1k", 64, weights=weights)
    whole = timm.create_model("test_vit", num_classes=0, img_size=64).eval()
    whole.load_state_dict(weights.tensors)
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        tokens = whole.forward_features((images - 0.5) / 0.5)[:, whole.num_prefix_tokens :]
        features = encoder(images)
    expected = tokens.transpose(1, 2).unflatten(2, (4, 4))
    torch.testing.assert_close(features, expected, atol=1e-5, rtol=1e-5)


def test_features_are_concatenated_on_the_finest_grid():
    encoder = Encoder("test_resnet.r160_in1k", 64, features=[2, 3])
    assert (encoder.channels, encoder.grid) == (48 + 192, 8)


def test_images_are_resized_to_the_input_size_of_the_encoder():
    encoder = Encoder("test_vit.r160_in1k", 64, input_size=128)
    assert encoder.grid == 8
    assert encoder(torch.rand(1, 3, 64, 64)).shape == (1, 64, 8, 8)


def test_normalisation_is_the_encoders_own():
    encoder = Encoder("test_efficientnet.r160_in1k", 64)
    assert encoder.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])
    vit = Encoder("test_vit.r160_in1k", 64)
    assert vit.mean.flatten().tolist() == [0.5, 0.5, 0.5]


def test_position_embeddings_of_another_grid_are_interpolated():
    encoder = Encoder("test_vit.r160_in1k", 64, weights=weights_of("test_vit"))  # 160 -> 64
    assert encoder.grid == 4


def test_an_encoder_learns_nothing_unless_told():
    encoder = Encoder("test_resnet.r160_in1k", 64)
    assert not any(p.requires_grad for p in encoder.parameters())
    assert not encoder.training


def test_a_missing_tensor_is_named():
    weights = weights_of("test_resnet")
    del weights.tensors["layer1.0.conv1.weight"]
    with pytest.raises(WeightsError, match=r"lack 1 tensors, the first is 'layer1.0.conv1.weight'"):
        Encoder("test_resnet.r160_in1k", 64, weights=weights)


def test_a_tensor_that_the_features_do_not_need_may_be_missing():
    weights = weights_of("test_resnet")
    for name in [name for name in weights.tensors if name.startswith(("layer3", "layer4"))]:
        del weights.tensors[name]
    Encoder("test_resnet.r160_in1k", 64, weights=weights)


def test_weights_of_another_architecture_are_refused():
    with pytest.raises(WeightsError, match=r"test_vit.*lack"):
        Encoder("test_vit.r160_in1k", 64, weights=weights_of("test_resnet"))
    with pytest.raises(WeightsError, match="another architecture"):
        Encoder("resnet34.tv_in1k", 64, weights=weights_of("resnet50"))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet5", {}, "did you mean 'resnet50'"),
        ("resnet50.tv_in1", {}, "did you mean 'tv_in1k'"),
        ("test_resnet.r160_in1k", {"features": [7]}, "features 0 to 4"),
        ("test_vit.r160_in1k", {"input_size": 70}, "no multiple"),
    ],
)
def test_an_impossible_encoder_is_a_clear_error(name, options, message):
    with pytest.raises(ConfigError, match=message):
        Encoder(name, 64, **options)


VIT, CNN = "test_vit.r160_in1k", "test_resnet.r160_in1k"


def random_encoder(name, size, **options):
    torch.manual_seed(0)
    return Encoder(name, size, **options).eval()


def test_keys_are_those_that_attention_computes():
    encoder = random_encoder(VIT, 64, features=[0, 2], facet="key")
    images = torch.rand(2, 3, 64, 64)
    whole = encoder.backbone
    expected = []
    with torch.no_grad():
        tokens = whole.norm_pre(whole._pos_embed(whole.patch_embed((images - 0.5) / 0.5)))
        for index, block in enumerate(whole.blocks):
            if index in (0, 2):
                third = block.attn.qkv(block.norm1(tokens)).chunk(3, dim=2)[1]
                expected.append(third[:, whole.num_prefix_tokens :])
            tokens = block(tokens)
        features = encoder(images)
    wanted = torch.cat(expected, dim=2).transpose(1, 2).unflatten(2, (4, 4))
    torch.testing.assert_close(features, wanted, atol=1e-5, rtol=1e-5)
    assert not any(block.attn.k_norm._forward_hooks for block in whole.blocks)


def test_cells_are_normed_each_map_by_itself():
    plain = random_encoder(CNN, 64, features=[2, 3])
    normed = random_encoder(CNN, 64, features=[2, 3], token_norm=True)
    images = torch.rand(2, 3, 64, 64)
    first = normed(images)[:, :48]  # on the finest grid: as they are
    torch.testing.assert_close(first.mean(1), torch.zeros(2, 8, 8), atol=1e-5, rtol=0)
    expected = torch.nn.functional.layer_norm(plain(images)[:, :48].permute(0, 2, 3, 1), (48,))
    torch.testing.assert_close(first, expected.permute(0, 3, 1, 2))


def test_features_are_brought_to_other_channels_by_an_orthonormal_map_that_no_seed_changes():
    images = torch.rand(2, 3, 64, 64)
    plain = random_encoder(CNN, 64, features=[2])  # 48 channels
    more = random_encoder(CNN, 64, features=[2], feature_channels=60)
    fewer = random_encoder(CNN, 64, features=[2], feature_channels=5)
    lengths = plain(images).norm(dim=1)
    torch.testing.assert_close(more(images).norm(dim=1), lengths)
    assert bool((fewer(images).norm(dim=1) < lengths).all())
    assert (more.channels, more(images).shape[1], fewer.channels) == (60, 60, 5)
    rows = orthonormal(5, 48)
    torch.testing.assert_close(rows @ rows.T, torch.eye(5))
    torch.manual_seed(1)
    assert torch.equal(orthonormal(5, 48), rows)
    assert not any("channel_map" in name for name in more.state_dict())


def test_pixels_are_the_image_itself():
    encoder = Encoder("pixels", 64)
    images = torch.rand(2, 3, 64, 64)
    features = encoder(images)
    assert (encoder.channels, encoder.grid) == (192, 8)
    cell = images[1, :, 8:16, 24:32] * 2 - 1  # row 1, column 3
    torch.testing.assert_close(features[1, :, 1, 3], cell.flatten())
    assert not list(encoder.parameters())
    assert not encoder.state_dict()


def ramp(side, across):
    """Images whose value is the coordinate of each pixel's centre, over 1000."""
    line = (torch.arange(side) + 0.5) / 1000
    rows = line[:, None].expand(side, side)
    return (rows.T if across else rows).expand(1, 3, side, side).contiguous()


@pytest.mark.parametrize(("name", "patch", "count"), [("pixels", 8, 2), ("pixels", 8, 4)])
@pytest.mark.parametrize("across", [False, True])
def test_a_patch_of_a_shifted_grid_is_centred_on_its_cell(name, patch, count, across):
    encoder = Encoder(name, 64, token_shifts=count)
    images = ramp(64, across)
    values = (encoder(images)[0].mean(dim=0) + 1) / 2 * 1000  # the mean coordinate of each patch
    if not across:
        values = values.T
    cells = torch.arange(64 // patch * count)
    centres = (cells + 0.5) * patch / count
    inner = slice(count, -count)  # at the edges, patches hold mirrored pixels
    assert encoder.grid == len(cells)
    torch.testing.assert_close(
        values[inner, inner], centres[inner].expand(len(cells), -1)[inner], atol=1e-3, rtol=0
    )


def test_a_shifted_grid_of_a_vit_holds_its_tokens_of_the_moved_image():
    plain = random_encoder(VIT, 64, features=[1])
    fine = random_encoder(VIT, 64, features=[1], token_shifts=2)
    wide = torch.rand(1, 3, 72, 72)
    # The inner 64 pixels moved by 4, the quarter of a patch, see the outer ones: so mirror none.
    reflected = torch.nn.functional.pad(wide[:, :, 4:-4, 4:-4], (4, 4, 4, 4), mode="reflect")
    features = fine(wide[:, :, 4:-4, 4:-4])
    assert (plain.grid, fine.grid, features.shape[-1]) == (4, 8, 8)
    for row, down in enumerate((0, 8)):
        for column, right in enumerate((0, 8)):
            moved = reflected[:, :, down : down + 64, right : right + 64]
            torch.testing.assert_close(features[:, :, row::2, column::2], plain(moved))


@pytest.mark.parametrize("name", ["vit_small_patch16_dinov3", "vit_base_patch16_224.mae"])
def test_transformers_of_the_hub_take_every_option(name):
    encoder = Encoder(name, 64, features=[0, 1], facet="key", token_norm=True, input_size=128)
    assert encoder.grid == 8
    assert encoder.channels == 2 * encoder.backbone.embed_dim


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (CNN, {"facet": "key"}, "no blocks of plain attention, and so no keys; set 'facet'"),
        ("swin_tiny_patch4_window7_224", {"facet": "key"}, "no keys"),
        ("pixels", {"facet": "key"}, "'pixels' has no blocks of plain attention"),
        ("pixels", {"features": [1]}, "encoder 'pixels' has features 0 to 0"),
        ("pixels", {"input_size": 60}, "cuts patches of 8 pixels, and 60 is no multiple"),
        (CNN, {"features": [2, 3], "token_shifts": 2}, r"features \[2, 3\] lie on several grids"),
        (VIT, {"token_shifts": 3}, "token_shifts 3 would move patches of 16 pixels by parts of a"),
    ],
)
def test_an_option_that_an_encoder_does_not_have_is_one_clear_line(name, options, message):
    with pytest.raises(ConfigError, match=message) as caught:
        Encoder(name, 224 if "swin" in name else 64, **options)
    assert "\n" not in str(caught.value)


def test_an_encoder_without_memory_is_not_told_as_a_wrong_size(monkeypatch):
    def fail(*args):
        torch.empty(10**15)  # more than any machine has

    monkeypatch.setattr(Encoder, "forward", fail)
    with pytest.raises(
        MemoryError, match=r"one image of 64 pixels in encoder 'test_resnet.r160_in1k'"
    ):
        Encoder("test_resnet.r160_in1k", 64)
