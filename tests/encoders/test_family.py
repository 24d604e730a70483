"""The family of an encoder is told from its modules, not from its name."""

import pytest
import timm
import torch

from aexad.encoders.family import family_of
from aexad.encoders.features import Encoder

FAMILIES = {
    "CNN": (
        *("resnet18", "tf_efficientnet_lite0", "convnext_atto", "regnetx_002", "vgg11_bn"),
        *("mobilenetv3_small_050", "seresnext26d_32x4d", "test_resnet"),
    ),
    "Transformer": (
        *("vit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "hiera_tiny_224", "pit_ti_224"),
        *("xcit_nano_12_p16_224", "twins_svt_small", "pvt_v2_b0", "volo_d1_224", "cait_xxs24_224"),
        *("crossvit_tiny_240", "beit_base_patch16_224", "eva02_tiny_patch14_224", "test_vit"),
    ),
    "hybrid": ("coatnet_nano_rw_224", "maxvit_nano_rw_256", "mobilevit_xxs", "botnet26t_256"),
    "none": ("mixer_s16_224",),
}


@pytest.mark.parametrize(
    ("name", "family"), [(name, family) for family, names in FAMILIES.items() for name in names]
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_families_of_timm(name, family):
    with torch.device("meta"):  # no memory, no random numbers
        assert family_of(timm.create_model(name, num_classes=0)) == family


@pytest.mark.parametrize(
    ("name", "family"),
    [("test_vit.r160_in1k", "Transformer"), ("test_resnet.r160_in1k", "CNN"), ("pixels", "none")],
)
def test_an_encoder_knows_its_family(name, family):
    assert Encoder(name, 64).family == family
