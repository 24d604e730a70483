import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from aexad.config.recipe import HeatMap, Recipe
from aexad.data.images import load_image
from aexad.explain.heatmap import heat_maps
from aexad.explain.inference import infer
from aexad.methods.model import build_model
from aexad.runtime.errors import DataError

CPU = torch.device("cpu")


@pytest.fixture
def model():
    model = build_model(Recipe(encoder="test_resnet.r160_in1k", weights="none"), 32, 0)
    model.network.eval()
    return model


@pytest.fixture
def split(tmp_path):
    rng = np.random.default_rng(0)
    rows = []
    for number in range(18):  # more than one batch
        name = f"nuts/test/bent/{number:03}.png"
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (40, 48, 3), dtype=np.uint8)).save(path)
        rows.append({"role": "test", "defect": "bent", "image": name, "mask": ""})
    rows.append({"role": "normal", "defect": "good", "image": "nuts/train/good/0.png", "mask": ""})
    return pd.DataFrame(rows)


def test_every_test_image_is_explained_in_order(model, split, tmp_path):
    maps = infer(model, split, tmp_path, HeatMap(), CPU)
    assert maps["image"].tolist() == split["image"][:18].tolist()
    kinds = {name: (array.shape, array.dtype.name) for name, array in maps.items()}
    assert kinds.pop("image")[0] == (18,)
    assert kinds == {
        "heat_map": ((18, 32, 32), "float32"),
        "binary": ((18, 32, 32), "bool"),
        "score": ((18,), "float32"),
        "k": ((18,), "int64"),
        "reconstruction": ((18, 32, 32, 3), "uint8"),
    }


def test_a_map_does_not_depend_on_the_batch(model, split, tmp_path):
    maps = infer(model, split, tmp_path, HeatMap(), CPU)
    pixels = load_image(tmp_path / split["image"][17], 32)
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        alone = heat_maps(image, model.network(image), HeatMap())
    np.testing.assert_allclose(maps["heat_map"][17], alone.heat_map[0], rtol=1e-3, atol=1e-6)
    assert maps["k"][17] == alone.k[0]
    assert maps["score"][17] == pytest.approx(alone.score[0], rel=1e-3)


def test_maps_of_small_images_have_the_stored_size(model, split, tmp_path):
    """Images and maps have 8 pixels; the model and the score work at 32."""
    maps = infer(model, split, tmp_path, HeatMap(), CPU, stored=8)
    assert maps["heat_map"].shape == maps["binary"].shape == (18, 8, 8)
    assert maps["reconstruction"].shape == (18, 8, 8, 3)
    pixels = load_image(tmp_path / split["image"][3], 8)
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    image = torch.nn.functional.interpolate(image, (32, 32), mode="bilinear")
    with torch.no_grad():
        whole = heat_maps(image, model.network(image), HeatMap())
    means = whole.heat_map[0].reshape(8, 4, 8, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(maps["heat_map"][3], means, rtol=1e-3, atol=1e-6)
    assert maps["score"][3] == pytest.approx(whole.score[0], rel=1e-3)
    for heat_map, binary in zip(maps["heat_map"].astype(float), maps["binary"], strict=True):
        assert (binary == (heat_map > heat_map.mean() + heat_map.std())).all()


def test_a_split_without_test_images_is_refused(model, split, tmp_path):
    with pytest.raises(DataError, match="no test images"):
        infer(model, split[split["role"] == "normal"], tmp_path, HeatMap(), CPU)
