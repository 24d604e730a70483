"""Code of one's own: what its digest depends on."""

from pathlib import Path

import pytest

from aexad.config.own_code import own_digest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text("import torch\nfrom layers import Head\nimport parts.loss as loss\n")
    Path("layers.py").write_text("from parts import scale\nimport mine\nHead = 1\n")
    Path("parts").mkdir()
    for name in ("__init__", "loss", "scale", "other"):
        Path(f"parts/{name}.py").write_text("x = 1\n")
    Path("aexad").mkdir()
    Path("aexad/__init__.py").touch()


@pytest.mark.parametrize(
    "file", ["mine.py", "layers.py", "parts/loss.py", "parts/scale.py", "parts/__init__.py"]
)
def test_an_edit_of_an_imported_file_of_ones_own_changes_the_digest(folder, file):
    before = own_digest(["mine.py:Mine"])
    with Path(file).open("a") as code:
        code.write("# a comment\n")
    assert own_digest(["mine.py:Mine"]) == before
    with Path(file).open("a") as code:
        code.write("y = 2\n")
    assert own_digest(["mine.py:Mine"]) != before


@pytest.mark.parametrize("file", ["parts/other.py", "aexad/__init__.py"])
def test_other_files_do_not_change_the_digest(folder, file):
    before = own_digest(["mine.py:Mine"])
    Path(file).write_text("y = 2\n")
    assert own_digest(["mine.py:Mine"]) == before
