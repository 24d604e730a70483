"""Every method of the library is fitted, explained with, exported, and the same under ONNX."""

import numpy as np
import pytest
import torch
from app_parts import run
from PIL import Image

import aexad

ENCODER = "encoder: test_resnet.r160_in1k, weights: none, epochs: 2, batch_size: 4"
OWN = "heat_map: {score: own}"
RECIPES = {
    "probe": f"{{model: pixel_probe, {ENCODER}}}",
    "aexad_probe": f"{{model: aexad_probe, {ENCODER}}}",
    "banks": f"{{model: two_bank, {ENCODER}}}",
    "patchcore": f"{{model: patchcore, {ENCODER}, features: [1, 2], {OWN}}}",
    "padim": f"{{model: padim, {ENCODER}, options: {{channels: 8}}}}",
    "fcdd": f"{{model: fcdd, {ENCODER}, {OWN}}}",
    "bgad": f"{{model: bgad, {ENCODER}, options: {{blocks: 2}}}}",
    "simplenet": f"{{model: supersimplenet, {ENCODER}, {OWN}}}",
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_method_is_fitted_explains_and_exports(workshop, tmp_path, name):
    (tmp_path / "methods.yaml").write_text(f"{name}: {RECIPES[name]}\n")
    model = tmp_path / "model.safetensors"
    fit = ("fit", workshop / "parts", "--methods", tmp_path / "methods.yaml", "--method", name)
    assert run(*fit, "--size", 48, "--threads", 1, "--force", "-o", model) == 0
    assert run("export", model, "-o", tmp_path / "model.onnx") == 0
    photographs = [np.asarray(Image.open(p)) for p in sorted(workshop.glob("parts/test/*/*.png"))]
    torch.manual_seed(7)
    here = aexad.load(model)(photographs)
    there = aexad.load(tmp_path / "model.onnx")(photographs)
    scale = max(float(np.abs(one.heat_map).max()) for one in here) or 1.0
    for one, other in zip(here, there, strict=True):
        assert (one.reconstruction is None) == (name != "aexad_probe")
        np.testing.assert_allclose(other.heat_map, one.heat_map, atol=2e-3 * scale)
        assert other.score == pytest.approx(one.score, rel=2e-2, abs=2e-3 * scale)
    assert run("explain", model, workshop / "part.png", "-o", tmp_path / "out") == 0
