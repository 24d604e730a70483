"""The README shows the picture and the numbers of the current demo."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def facts():
    return json.loads((ROOT / "docs/demo.json").read_text(encoding="utf-8"))


def test_the_picture_is_of_the_present_data_and_recipes(facts, monkeypatch):
    """Without the pre-trained Transformer, which the demo takes where the hub can be reached."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("aexad.plan.runs.weights_record", lambda *_: Path("none"))
    specification = importlib.util.spec_from_file_location("picture", ROOT / "docs/demo_picture.py")
    picture = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(picture)
    assert facts["depends_on"] == picture.depends_on(), "the demo has changed: make picture"


def test_the_caption_has_the_means_of_the_demo(facts):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (caption,) = re.findall(r"^\*From `make demo`.*\*$", readme, flags=re.MULTILINE)
    means = {name: f"{values['iou']:.2f}" for name, values in facts["means"].items()}
    assert f"a pre-trained CNN {means['aexad-efficientnet_lite0-e70']}" in caption
    assert f"a plain autoencoder {means['ae-efficientnet_lite0-e70']}" in caption
    assert f"with a Transformer {means['aexad-vit_tiny-random-e70']}." in caption
