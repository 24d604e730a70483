"""Explain files, arrays and batches with models of fit and of runs; verdicts."""

import app_parts as parts
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import aexad
from aexad.app.photographs import as_photograph
from aexad.config.recipe import HeatMap, Recipe
from aexad.data.images import load_image
from aexad.explain.inference import infer
from aexad.explain.run_maps import MAPS, write_maps
from aexad.methods.model import build_model
from aexad.runtime.errors import ConfigError, DataError
from aexad.training.model_store import save_model

RECIPE = Recipe(encoder="test_resnet.r160_in1k", weights="none")
SETTINGS = HeatMap(normalise="standard", extent="runs")


@pytest.fixture(scope="module")
def explainer(workshop):
    return aexad.load(workshop / "model.safetensors")


@pytest.fixture
def run(tmp_path, workshop, request):
    """A run of the benchmark on the parts, at 48 pixels: its folder, and its maps."""
    stored = getattr(request, "param", 48)
    model = build_model(RECIPE, 48, 0)
    model.network.eval()
    split = pd.DataFrame(
        [("test", "spot", f"parts/test/spot/{i}.png", "") for i in range(3)],
        columns=["role", "defect", "image", "mask"],
    )
    maps = infer(model, split, workshop, SETTINGS, torch.device("cpu"), stored)
    folder = tmp_path / "some-method"
    save_model(model, folder / "model.safetensors")
    write_maps(folder / MAPS, maps, SETTINGS)
    return folder, maps


def test_verdicts(workshop, explainer):
    good = explainer([workshop / f"parts/test/good/{i}.png" for i in range(3)])
    assert [each.verdict for each in good] == ["normal"] * 3
    defect = explainer(workshop / "part.png")
    assert defect.verdict == "anomalous"
    (left, top, right, bottom), _ = defect.regions[0]
    found = np.zeros(parts.SHAPE, bool)
    found[top:bottom, left:right] = True
    assert found[parts.mask() > 0].all()
    assert found.mean() < 0.5
    assert defect.image.shape == (*parts.SHAPE, 3)
    assert defect.heat_map.shape == (48, 48)
    assert defect.reconstruction.shape == (48, 48, 3)


def test_a_file_and_its_pixels_give_equal_explanations(workshop, explainer):
    path = workshop / "part.png"
    of_file, of_pixels = explainer(path), explainer(load_image(path))
    np.testing.assert_array_equal(of_file.heat_map, of_pixels.heat_map)
    assert of_file.score == of_pixels.score


def test_a_batch_equals_single_images(workshop, explainer):
    batch = [parts.photo(i, defect=i % 2 == 0)[: 60 - i] for i in range(18)]  # more than one batch
    together = explainer(batch)
    for i in (0, 17):
        alone = explainer(batch[i])
        np.testing.assert_allclose(together[i].heat_map, alone.heat_map, atol=1e-6)
        assert together[i].score == pytest.approx(alone.score, rel=1e-4)
        assert together[i].mask.shape == batch[i].shape[:2]
    assert explainer([]) == []


def test_kinds_of_arrays(explainer):
    pixels = parts.photo(5, defect=True)
    wanted = explainer(pixels).heat_map
    for same in (pixels.astype(np.uint16) * 257, pixels / 255, (pixels / 255).astype(np.float32)):
        np.testing.assert_array_equal(explainer(same).heat_map, wanted)
    np.testing.assert_array_equal(explainer(pixels[None])[0].heat_map, wanted)
    grey = pixels[..., 0]
    assert explainer(grey).score == explainer(np.stack([grey] * 3, axis=2)).score


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((5, 5, 4), np.uint8), "an array .H, W. or .H, W, 3., and a batch"),
        (np.zeros((0, 5, 3), np.uint8), "an array"),
        (np.zeros((5, 5), np.int64), "uint8, uint16 or real numbers in .0, 1., got int64"),
        (np.full((5, 5), 1.5), "lie in .0, 1., got 1.5 to 1.5"),
        (np.full((5, 5), np.nan), "lie in .0, 1., got nan"),
    ],
)
def test_arrays_that_are_not_images(explainer, array, message):
    with pytest.raises(ValueError, match=message):
        explainer(array)


def test_another_threshold(workshop):
    strict = aexad.load(workshop / "model.safetensors", threshold=1e9)
    assert strict(workshop / "part.png").verdict == "normal"


def test_load_is_among_the_names_of_the_package():
    assert "load" in dir(aexad)
    assert "__name__" in dir(aexad)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "gpu"}, "device 'gpu': not a device of torch; give cpu or cuda"),
        ({"device": "cuda:0"}, "device 'cuda:0': torch sees no GPU; give cpu"),
        ({"batch_size": 0}, "batch_size is 0; give 1 or more"),
    ],
)
def test_options_that_cannot_be_used(workshop, monkeypatch, options, message):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=message):
        aexad.load(workshop / "model.safetensors", **options)


@pytest.mark.parametrize("run", [48, 16], indirect=True)
def test_a_run_of_the_benchmark(run, workshop):
    """Heat maps equal the maps of the run; for small images, after averaging over each pixel."""
    folder, maps = run
    for path in (folder, folder / "model.safetensors"):
        explainer = aexad.load(path)
        assert explainer.card.method == "some-method"
        found = explainer([workshop / name for name in maps["image"]])
        scores = [each.score for each in found]
        np.testing.assert_allclose(scores, maps["score"], rtol=1e-4)
        assert [each.k for each in found] == maps["k"].tolist()
        assert [each.verdict for each in found] == [None] * 3
        side = maps["heat_map"].shape[1]
        heat = np.stack([each.heat_map for each in found])
        means = heat.reshape(3, side, 48 // side, side, 48 // side).mean(axis=(2, 4))
        np.testing.assert_allclose(means, maps["heat_map"], atol=1e-3)


def test_a_run_without_its_maps(run):
    folder, _ = run
    (folder / MAPS).unlink()
    with pytest.raises(DataError, match=r"maps\.npz: no such file; make it with 'aexad infer'"):
        aexad.load(folder)


def test_real_numbers_have_the_levels_of_16_bits():
    sixteen = np.linspace(0, 65535, 48 * 40).reshape(48, 40).astype(np.uint16)
    levels = (96, 4832)
    as_file = as_photograph(sixteen, levels)
    np.testing.assert_array_equal(as_photograph(sixteen / 65535, levels), as_file)
    np.testing.assert_array_equal(as_photograph(as_file, levels), as_file)


def test_an_explanation_keeps_its_picture_when_the_buffer_is_filled_again(explainer):
    buffer = parts.photo(0).copy()
    first = explainer(buffer)
    kept = first.image.copy()
    buffer[:] = 0
    np.testing.assert_array_equal(first.image, kept)


def test_an_image_of_another_library_is_told(explainer):
    with pytest.raises(TypeError, match=r"got Image; give np\.asarray"):
        explainer(Image.fromarray(parts.photo(0)))
    with pytest.raises(TypeError, match=r"got Tensor; give np\.asarray"):
        explainer(torch.zeros(3, 48, 48))
