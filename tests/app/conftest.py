"""A model of miniature parts that the command line fitted, as safetensors and as ONNX."""

import os

import app_parts as parts
import pytest
from app_parts import run


@pytest.fixture(scope="session")
def workshop(tmp_path_factory):
    """A folder with parts/, part.png, model.safetensors and model.onnx; not to be changed."""
    folder = tmp_path_factory.mktemp("workshop")
    parts.write_category(folder / "parts")
    parts.save(folder / "part.png", parts.photo(300, defect=True))
    (folder / "methods.yaml").write_text(parts.RECIPE)
    offline = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    fit = ("fit", folder / "parts", "--methods", folder / "methods.yaml", "--method", "tiny")
    assert run(*fit, "--size", 48, "--threads", 1, "-o", folder / "model.safetensors") == 0
    assert run("export", folder / "model.safetensors", "-o", folder / "model.onnx") == 0
    if offline is None:
        del os.environ["HF_HUB_OFFLINE"]
    return folder
