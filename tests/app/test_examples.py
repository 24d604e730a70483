"""Run every example of the docstrings and documents with a model and a photograph of a part."""

import doctest
import shutil
from pathlib import Path

import pytest

from aexad.app import explainer

ROOT = Path(__file__).parents[2]


@pytest.fixture
def at_work(workshop, tmp_path, monkeypatch):
    """A working directory with model.safetensors, model.onnx and part.png."""
    for name in ("model.safetensors", "model.onnx", "part.png"):
        shutil.copy(workshop / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)


def test_docstrings_of_the_explainer(at_work):
    result = doctest.testmod(explainer)
    assert result.attempted >= 3
    assert result.failed == 0


@pytest.mark.parametrize("document", ["README.md", "docs/explain.md"])
def test_documents(document, at_work):
    result = doctest.testfile(str(ROOT / document), module_relative=False)
    assert result.attempted >= 3
    assert result.failed == 0
