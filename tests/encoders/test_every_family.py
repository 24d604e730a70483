"""The smallest model of every family of timm is an encoder, or is refused in one line."""

import pytest
import timm
import torch

from aexad.encoders.features import Encoder
from aexad.runtime.errors import ConfigError

_NAMES = (
    "beit_base_patch16_224 cait_xxs24_224 coat_tiny convit_tiny convmixer_768_32 cpubone_nano "
    "crossvit_tiny_240 cs3darknet_focus_s csatv2 cspnext_tiny davit_tiny deepseek_vit_412m "
    "deit_tiny_patch16_224 densenet121 dla46x_c dpn48b edgenext_xx_small efficientformer_l1 "
    "efficientformerv2_s0 efficientvim_m1 efficientvit_b0 efficientvit_m0 "
    "ese_vovnet19b_slim_dw fasternet_t0 fastvit_t8 focalnet_tiny_srf gcvit_xxtiny "
    "gemma4_vit_167m ghostnet_050 gmlp_ti16_224 halonet_h1 hardcorenas_b hgnetv2_b0 "
    "hiera_tiny_224 hrnet_w18_small iformer_t inception_next_atto inception_resnet_v2 "
    "inception_v3 inception_v4 lcnet_035 lcnetv2_small legacy_seresnet18 legacy_xception "
    "levit_128s lowformer_b0 mobilenetv5_base mobilevit_xxs mvitv2_tiny "
    "naflexvit_base_patch16_parfac_gap nasnetalarge nest_tiny nextvit_small pit_ti_224 "
    "pnasnet5large poolformerv2_s12 pvt_v2_b0 qwen3_vit_88m rdnet_tiny regnetx_002 "
    "repghostnet_050 repvit_m1 res2next50 resnest14d resnetv2_18 rexnet_100 sam2_hiera_tiny "
    "samvit_base_patch16_224 selecsls42 sequencer2d_s shvit_s1 skresnet18 starnet_s050 "
    "swiftformer_xs swin_tiny_patch4_window7_224 swinv2_cr_tiny_224 swinv2_tiny_window8_256 "
    "test_byobnet test_coatnet test_convnext test_efficientnet test_mambaout test_nfnet "
    "test_resnet test_vit test_vit_relpos tiny_vit_5m_224 tnt_s_legacy_patch16_224 tresnet_m "
    "twins_svt_small vgg11 visformer_tiny vit_tiny_patch16_dinov3_qkvb vit_tiny_r_s16_p8_224 "
    "vitamin_small_224 volo_d1_224 xception41p xcit_nano_12_p8_224 "
)
SMALLEST = _NAMES.split()
OWN_SIZE = {"crossvit_tiny_240": 240, "halonet_h1": 256}
"""Encoders that take their own size alone, or multiples of another one."""


def test_every_family_of_timm_is_walked():
    assert {timm.models.model_entrypoint(name).__module__ for name in SMALLEST} == {
        timm.models.model_entrypoint(name).__module__ for name in timm.list_models()
    }


@pytest.mark.parametrize("name", SMALLEST)
def test_the_smallest_of_a_family(name):
    own = OWN_SIZE.get(name)
    if own is not None:
        with pytest.raises(ConfigError, match=rf"its own is {own}\)$"):
            Encoder(name, 224)
    encoder = Encoder(name, 224, input_size=own)
    with torch.no_grad():
        features = encoder(torch.rand(2, 3, 224, 224))
    assert features.shape == (2, encoder.channels, encoder.grid, encoder.grid)
    assert features.isfinite().all()
    assert encoder.grid >= 7


@pytest.mark.parametrize(
    ("name", "size", "grid"),
    [
        ("pvt_v2_b0", 250, 32),  # patches of 7 at a stride of 4 overlap, so any size will do
        ("levit_128s", 224, 14),  # no map on the decoder's grid: the finest one
        ("xcit_nano_12_p8_224", 224, 28),
    ],
)
def test_the_grid_of_encoders_that_are_cut_in_other_ways(name, size, grid):
    assert Encoder(name, size).grid == grid
