"""ONNX models give the numbers of torch for any batch size, and run without torch."""

import json
import subprocess
import sys

import app_parts as parts
import numpy as np
import onnxruntime
import pytest
import torch
from app_parts import run

import aexad
from aexad.app.card import KEY, ModelCard
from aexad.app.export import export, graph_of
from aexad.config.recipe import Recipe
from aexad.methods.model import build_model
from aexad.runtime.errors import ConfigError

# A transformer with another input size (antialiased resize), and a network without an encoder.
OTHERS = {
    "vit": Recipe(encoder="test_vit.r160_in1k", weights="none", input_size=160),
    "l2_cae": Recipe(model="l2_cae", loss="mse"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_graphs_of_other_networks_accept_any_batch_size(name):
    network = build_model(OTHERS[name], 64, 0).network.eval()
    session = onnxruntime.InferenceSession(graph_of(network, 64, {}))
    for number in (1, 3):
        images = torch.rand(number, 3, 64, 64, generator=torch.Generator().manual_seed(number))
        with torch.inference_mode():
            wanted = network(images).numpy()
        (found,) = session.run(None, {"images": images.numpy()})
        np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_explanations_equal_torch(workshop):
    of_torch, of_onnx = (aexad.load(workshop / f"model.{e}") for e in ("safetensors", "onnx"))
    # Not the images of the training: the score of one of them is the threshold itself.
    photos = [parts.photo(500 + i, defect=i % 3 == 0) for i in range(5)]
    for number in (1, 5):
        pairs = zip(of_torch(photos[:number]), of_onnx(photos[:number]), strict=True)
        for wanted, found in pairs:
            np.testing.assert_allclose(found.heat_map, wanted.heat_map, atol=1e-4)
            assert found.score == pytest.approx(wanted.score, rel=1e-4)
            assert (found.verdict, found.k) == (wanted.verdict, wanted.k)
            np.testing.assert_array_equal(found.mask, wanted.mask)
            assert np.abs(found.reconstruction - wanted.reconstruction.astype(int)).max() <= 1


def test_the_file_holds_recipe_size_and_threshold(workshop):
    session = onnxruntime.InferenceSession(workshop / "model.onnx")
    card = json.loads(session.get_modelmeta().custom_metadata_map[KEY])
    assert card["recipe"]["encoder"] == "test_resnet.r160_in1k"
    assert card["recipe"]["heat_map"]["filter"] == "adaptive"
    assert card["size"] == 48
    assert card["threshold"]["held_out_normals"] == 4
    assert ModelCard.model_validate(card) == aexad.load(workshop / "model.safetensors").card


WITHOUT_TORCH = """
import sys
for name in (
    "torch", "torchvision", "timm", "onnx", "onnxscript", "snakemake", "matplotlib", "seaborn",
    "jinja2", "skimage", "psutil", "filelock", "safetensors", "huggingface_hub",
    "tifffile", "sklearn",
):  # fmt: skip
    sys.modules[name] = None  # importing it is an ImportError
from aexad.cli.parser import main
sys.exit(main(sys.argv[1:]))
"""


def without_torch(*words):
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_onnx_file_is_explained_without_torch(workshop, tmp_path):
    good = workshop / "parts/test"
    done = without_torch("explain", workshop / "model.onnx", good, "-o", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    verdicts = [json.loads(line)["verdict"] for line in done.stdout.splitlines()]
    assert verdicts == ["normal"] * 3 + ["anomalous"] * 4
    assert len(list((tmp_path / "overlays").rglob("*.png"))) == 7


@pytest.mark.parametrize("verb", ["explain", "fit", "export"])
def test_what_needs_torch_says_so(workshop, tmp_path, verb):
    fit = ("--method", "tiny", "--methods", workshop / "methods.yaml")
    words = {
        "explain": (workshop / "model.safetensors", workshop / "part.png", "-o", tmp_path),
        "fit": (workshop / "parts", *fit, "-o", tmp_path / "m.safetensors"),
        "export": (workshop / "model.safetensors", "-o", tmp_path / "m.onnx"),
    }[verb]
    done = without_torch(verb, *words)
    assert done.returncode == 1
    assert "torch is not installed" in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_onnxruntime(workshop, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert run("explain", workshop / "model.onnx", workshop / "part.png", "-o", tmp_path) == 1
    assert "onnxruntime is not installed; install it: pip install" in capsys.readouterr().err


def test_without_onnxscript(workshop, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ConfigError, match="onnx and onnxscript are not installed; install them"):
        export(workshop / "model.safetensors", tmp_path / "m.onnx")


def test_another_ending(workshop, tmp_path):
    with pytest.raises(ConfigError, match=r"an ONNX file ends in \.onnx; name it so"):
        export(workshop / "model.safetensors", tmp_path / "m.pt")
