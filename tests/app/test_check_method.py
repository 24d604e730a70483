"""A method of one's own that fails in one of the checks: that is told, and its other problems."""

import pytest
import timm
from safetensors.torch import save_file

from aexad.app.check_method import check_method
from aexad.config.recipe import Recipe
from aexad.runtime.errors import ConfigError

METHOD = """
import pandas as pd
import torch
from aexad.methods.base import Method

class Mine(Method):
    uses_labels = False
    learned = ("mean",)

    def fit(self, data, job):
        {fit}
        self.register_buffer("mean", torch.zeros(3, 1, 1))
        return pd.DataFrame([{{"epoch": 1}}])

    def forward(self, images):
        return {maps}

    def trained_state(self):
        return {state}
"""
MAPS = "(images - self.mean).abs().mean(dim=1, keepdim=True)"


@pytest.fixture
def problems(tmp_path):
    """A function: what is wrong with the method after some of its expressions are changed."""

    def problems(fit="pass", maps=MAPS, state="self.state_dict()"):
        path = tmp_path / "mine.py"
        path.write_text(METHOD.format(fit=fit, maps=maps, state=state))
        return check_method(Recipe.model_validate({"class": f"{path}:Mine"}), 32)

    return problems


def test_nothing_is_wrong(problems):
    assert problems() == []


def test_a_batch_of_one_image(problems):
    (problem,) = problems(maps=f"{MAPS}.squeeze()[:, None]")
    assert problem.startswith("fails on a batch of one image: maps are [32, 1, 32]; they must be")


def test_a_state_that_raises_hides_no_other_problem(problems):
    found = problems(maps=f"{MAPS} + torch.rand(1)", state="1 / 0")
    assert found[0].startswith("two calls on the same images give other maps")
    assert "fails in a second training: ZeroDivisionError: division by zero" in found
    assert found[-1].startswith("its state cannot be stored and loaded (keep what fit learns in")
    assert found[-1].endswith(": ZeroDivisionError: division by zero")


def test_a_fit_without_a_table(problems):
    (problem,) = problems(fit="return {'epoch': 1}")
    assert problem.startswith(
        "fit fails: TypeError: fit returned {'epoch': 1}; it must return a pandas DataFrame"
    )


def test_a_buffer_that_is_not_declared(problems):
    (problem,) = problems(fit="self.register_buffer('other', torch.zeros(2))")
    assert "name buffers of unknown shape in 'learned'" in problem
    assert "the first is 'other'" in problem


def test_a_fit_that_needs_labelled_images(problems):
    (problem,) = problems(fit="data.images[data.anomalous][0]")
    assert problem.startswith("uses_labels is False, but it fails without labelled images: ")


def test_a_filter_of_the_recipe_is_no_fault_of_the_method(tmp_path):
    """A stored model has no heat map of its own: that of the recipe is compared."""
    path = tmp_path / "mine.py"
    path.write_text(METHOD.format(fit="pass", maps=MAPS, state="self.state_dict()"))
    content = {"class": f"{path}:Mine", "heat_map": {"filter": "sigma", "sigma": 2}}
    assert check_method(Recipe.model_validate(content), 32) == []


def test_the_folder_of_weights_is_used_to_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.delenv("AEXAD_WEIGHTS", raising=False)
    name = "test_resnet.r160_in1k"
    save_file(timm.create_model(name).state_dict(), tmp_path / f"{name}.safetensors")
    assert check_method(Recipe(encoder=name, model="two_bank"), 32, tmp_path) == []


def test_options_that_would_take_unknown_keys_are_refused(tmp_path):
    path = tmp_path / "mine.py"
    method = METHOD.format(fit="pass", maps=MAPS, state="self.state_dict()")
    path.write_text(f"from pydantic import BaseModel\n{method}\n    class Options(BaseModel): ...")
    with pytest.raises(ConfigError, match="are not derived from"):
        check_method(Recipe.model_validate({"class": f"{path}:Mine", "options": {"b": 7}}), 32)
