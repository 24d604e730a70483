import pytest
import timm
import torch

from aexad.errors import ConfigError, WeightsError
from aexad.models.encoders import Encoder
from aexad.models.weights import Weights


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
