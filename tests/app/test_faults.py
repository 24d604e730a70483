"""Damaged or unknown model files give one line of error; unusual images are explained."""

import shutil

import app_parts as parts
import numpy as np
import onnx
import pytest
import tifffile
import torch
from app_parts import run
from onnx import TensorProto, helper
from PIL import Image
from safetensors.torch import load_file, save_file

import aexad
from aexad.app.card import KEY


def explained(model, images, output, capsys):
    """Run the verb explain; returns its exit status and stderr."""
    status = run("explain", model, images, "-o", output)
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert "defect of aexad" not in err
    return status, err


def refused(model, workshop, tmp_path, capsys):
    status, err = explained(model, workshop / "part.png", tmp_path / "out", capsys)
    assert status == 1
    assert err.startswith(f"aexad: {model}")
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()
    return err


def copied(workshop, tmp_path, name):
    return shutil.copy(workshop / name, tmp_path / name)


def changed(path, at, new):
    """Replace bytes of a file, in place."""
    content = bytearray(path.read_bytes())
    content[at : at + len(new)] = new
    path.write_bytes(content)


class TestModelFiles:
    @pytest.mark.parametrize("name", ["model.safetensors", "model.onnx"])
    @pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
    def test_a_changed_weight(self, workshop, tmp_path, capsys, name, share):
        path = copied(workshop, tmp_path, name)
        at = int(path.stat().st_size * share)
        changed(path, at, bytes([path.read_bytes()[at] ^ 1]))
        err = refused(path, workshop, tmp_path, capsys)
        assert "changed after it was written" in err or "not a readable ONNX model" in err

    @pytest.mark.parametrize("name", ["model.safetensors", "model.onnx"])
    def test_a_changed_threshold(self, workshop, tmp_path, capsys, name):
        path = copied(workshop, tmp_path, name)
        value = str(aexad.load(path).threshold).encode()
        at = path.read_bytes().index(value)
        changed(path, at, b"9" + value[1:])
        assert "its digest does not match" in refused(path, workshop, tmp_path, capsys)

    @pytest.mark.parametrize("name", ["model.safetensors", "model.onnx"])
    @pytest.mark.parametrize("length", [0, 7, 1000, -1])
    def test_a_torn_file(self, workshop, tmp_path, capsys, name, length):
        path = copied(workshop, tmp_path, name)
        path.write_bytes(path.read_bytes()[:length])
        refused(path, workshop, tmp_path, capsys)

    @pytest.mark.parametrize("ending", ["safetensors", "onnx", "pt"])
    def test_a_text_file_as_model(self, workshop, tmp_path, capsys, ending):
        path = tmp_path / f"model.{ending}"
        path.write_text("this is a letter, not a model\n" * 20)
        assert "not a readable" in refused(path, workshop, tmp_path, capsys)

    @pytest.mark.parametrize("ending", ["safetensors", "onnx"])
    def test_a_missing_file(self, workshop, tmp_path, capsys, ending):
        err = refused(tmp_path / f"model.{ending}", workshop, tmp_path, capsys)
        assert "no such model file; make it with" in err

    def test_a_folder_without_a_model(self, workshop, tmp_path, capsys):
        (tmp_path / "folder").mkdir()
        err = refused(tmp_path / "folder", workshop, tmp_path, capsys)
        assert "folder/model.safetensors: no such model file" in err

    def test_a_safetensors_file_without_a_card(self, workshop, tmp_path, capsys):
        path = tmp_path / "model.safetensors"
        save_file({"weight": torch.zeros(3)}, path, {"format": "pt"})
        assert "not a model of aexad" in refused(path, workshop, tmp_path, capsys)

    def test_an_onnx_model_of_something_else(self, workshop, tmp_path, capsys):
        path = tmp_path / "model.onnx"
        onnx.save(relu(), path)
        assert "an ONNX model that is not from aexad" in refused(path, workshop, tmp_path, capsys)

    def test_an_onnx_model_with_a_card_and_no_digest(self, workshop, tmp_path, capsys):
        model = relu()
        model.metadata_props.add(key=KEY, value="{}")
        path = tmp_path / "model.onnx"
        onnx.save(model, path)
        assert "its digest does not match" in refused(path, workshop, tmp_path, capsys)

    def test_a_digest_without_a_card_that_can_be_read(self, workshop, tmp_path, capsys):
        """A card that another version of aexad may write."""
        from aexad.app.model_file import _digest

        path = tmp_path / "model.safetensors"
        tensors = load_file(workshop / "model.safetensors")
        card = '{"format": 2}'
        save_file(tensors, path, {KEY: f"{_digest(card, tensors)} {card}"})
        assert "of another version of aexad" in refused(path, workshop, tmp_path, capsys)


def relu():
    """An ONNX model that is not from aexad."""
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 4]) for n in "xy")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "relu", [x], [y])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


class TestImages:
    @pytest.mark.parametrize("channels", [1, 3])
    def test_a_16_bit_tiff_is_as_its_8_bit_picture(self, workshop, tmp_path, channels):
        pixels = parts.photo(7, defect=True)
        deep = pixels.astype(np.uint16) * 257
        if channels == 1:
            pixels, deep = np.stack([pixels[..., 0]] * 3, axis=2), deep[..., 0]
        tifffile.imwrite(tmp_path / "deep.tif", deep)
        explainer = aexad.load(workshop / "model.onnx")
        found, wanted = explainer(tmp_path / "deep.tif"), explainer(pixels)
        np.testing.assert_array_equal(found.image, pixels)
        assert found.score == wanted.score
        assert found.verdict == "anomalous"

    def test_a_photo_of_12000_x_9000_pixels(self, workshop, tmp_path, capsys):
        path = tmp_path / "huge.png"
        Image.new("L", (12_000, 9_000), 100).save(path, compress_level=1)
        status, err = explained(workshop / "model.onnx", path, tmp_path / "out", capsys)
        assert status == 1
        assert f"{path}: more than 89 million pixels; scale it down" in err
        assert "1 of 1 files were not explained" in err

    def test_a_large_photo_gets_its_own_batch(self, workshop, tmp_path, monkeypatch, capsys):
        monkeypatch.setattr("aexad.app.explain_folder.MOST_PIXELS", 4000)
        assert run("explain", workshop / "model.onnx", workshop / "parts/test", "-o", tmp_path) == 0
        assert capsys.readouterr().out.count(" ms\n") == 7

    def test_a_single_pixel_and_a_line(self, workshop):
        explainer = aexad.load(workshop / "model.onnx")
        for shape in ((1, 1), (1, 500)):
            found = explainer(np.full((*shape, 3), 255, np.uint8))
            assert found.mask.shape == shape
            assert found.overlay().shape == (*shape, 3)

    def test_a_folder_without_images(self, workshop, tmp_path, capsys):
        (tmp_path / "empty").mkdir()
        status, err = explained(
            workshop / "model.onnx", tmp_path / "empty", tmp_path / "out", capsys
        )
        assert status == 1
        assert "empty: no images in it (known endings: .png" in err
        assert err.count("\n") == 1

    def test_a_result_folder_that_is_a_file(self, workshop, tmp_path, capsys):
        (tmp_path / "out").write_text("in the way")
        images = workshop / "part.png"
        status, err = explained(workshop / "model.onnx", images, tmp_path / "out", capsys)
        assert status == 1
        assert "name another path" in err
        assert err.count("\n") == 1
