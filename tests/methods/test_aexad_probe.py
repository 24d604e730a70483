"""AE-XAD beside a probe: each part is trained as it is alone, and the heat map is their product."""

import numpy as np
import pytest
import torch

from aexad.app.check_method import check_method
from aexad.config.recipe import Recipe
from aexad.explain.heatmap import heat_maps
from aexad.methods.model import build_model
from aexad.training.train import train

CPU = torch.device("cpu")
SIZE = 32
RECIPE = {"encoder": "test_resnet.r160_in1k", "weights": "none", "epochs": 3}


def network_of(model, **more):
    return build_model(Recipe(model=model, **RECIPE, **more), SIZE, 0)


@pytest.fixture
def images(data):
    return torch.from_numpy(data.images).permute(0, 3, 1, 2).float() / 255


def test_it_keeps_to_the_interface():
    assert check_method(Recipe(model="aexad_probe", **RECIPE), 64) == []


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_each_part_is_trained_as_it_is_alone(data, images, reduction):
    both = network_of("aexad_probe", reduction=reduction)
    start = both.network.trained_state()
    alone = [network_of("aexad", reduction=reduction), network_of("pixel_probe")]
    for model in alone:
        names = set(model.network.trained_state())
        own = {name: tensor.clone() for name, tensor in start.items() if name in names}
        model.network.load_trained_state(own)
    histories = [train(model, data, CPU, compiled=False).history for model in (both, *alone)]
    output = both.network(images)
    torch.testing.assert_close(output[:, :3], alone[0].network(images))
    torch.testing.assert_close(output[:, 3:], alone[1].network(images))
    # The guard examines the reconstructions, as it does for AE-XAD.
    health = ["relative_loss", "saturated", "error_normal", "error_anomalous"]
    np.testing.assert_allclose(histories[0][health], histories[1][health], rtol=1e-5)


def test_a_loss_of_whole_images_may_be_ones_own(tmp_path, monkeypatch):
    (tmp_path / "loss.py").write_text(
        "def absolute(reconstruction, image, mask):\n"
        "    return (image - reconstruction).abs().sum(dim=(1, 2, 3))\n"
    )
    monkeypatch.chdir(tmp_path)
    assert check_method(Recipe(model="aexad_probe", loss="loss.py:absolute", **RECIPE), SIZE) == []


def test_the_heat_map_is_the_product_by_hand():
    images = np.zeros((1, 3, 2, 2), np.float32)
    output = np.zeros((1, 4, 2, 2), np.float32)
    output[0, :3, 0] = 1  # errors of 3 in the upper row; the squared distance to F = 2 is 3 x 4
    output[0, 3] = [[0.8, 0.4], [1, 1]]
    recipe = Recipe(model="aexad_probe", **RECIPE)
    assert (recipe.heat_map.filter, recipe.heat_map.score) == ("none", "max")
    maps = heat_maps(images, output, recipe.heat_map)
    np.testing.assert_allclose(maps.heat_map, [[[0.2, 0.1], [0, 0]]])
    np.testing.assert_allclose(maps.score, [0.2])
    norm = heat_maps(images, output, recipe.heat_map.model_copy(update={"score": "norm"}))
    np.testing.assert_allclose(norm.score, [np.hypot(2.4**2, 1.2**2)])


def test_a_plain_autoencoder_has_no_probe():
    with pytest.raises(ValueError, match="trains its probe on labelled defects; remove loss: mse"):
        Recipe(model="aexad_probe", loss="mse", **RECIPE)
