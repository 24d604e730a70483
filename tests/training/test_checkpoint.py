import logging

import numpy as np
import pytest
import torch

from aexad.config.recipe import Recipe
from aexad.methods.model import build_model
from aexad.training.checkpoint import Checkpoints
from aexad.training.loop import Training
from aexad.training.model_store import save_model
from aexad.training.train import train

CPU = torch.device("cpu")
CNN = {"encoder": "test_resnet.r160_in1k", "weights": "none", "batch_size": 6, "epochs": 5}
VIT = {"encoder": "test_vit.r160_in1k", "weights": "none", "tuning": "full"} | {
    "batch_size": 6,
    "epochs": 5,
}
RECIPES = {
    "frozen": CNN,
    "trained, clipped, cosine": VIT
    | {"optimiser": {"name": "adamw", "schedule": "cosine", "gradient_clip": 1.0}},
    "batch norms": CNN | {"tuning": "full"},
    "moved at random, best epoch": VIT
    | {"loss": "mse", "augmentation": "affine", "select": "validation"},
}


class KilledError(Exception):
    pass


def checkpoints(folder, recipe=None, every=1, **changed):
    belongs_to = {"recipe": recipe, "data_sha256": "d", "library": "l"} | changed
    return Checkpoints(folder / "checkpoint.safetensors", every, belongs_to)


def trained(recipe, data, path, where=None):
    """The bytes of a trained model, and its course without the seconds."""
    model = build_model(Recipe(**recipe), 32, 0)
    history = train(model, data, CPU, checkpoints=where).history
    save_model(model, path)
    return path.read_bytes(), history.drop(columns="seconds").to_csv()


def killed_in(epoch, monkeypatch, recipe, data, where):
    """Train until something happens in an epoch."""
    whole = Training._epoch

    def until(self, number):
        if number == epoch:
            raise KilledError
        return whole(self, number)

    with monkeypatch.context() as patch:
        patch.setattr(Training, "_epoch", until)
        with pytest.raises(KilledError):
            train(build_model(Recipe(**recipe), 32, 0), data, CPU, checkpoints=where)


@pytest.fixture
def validated(data):
    return data._replace(validation=np.isin(np.arange(12), [0, 3]))


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_training_that_was_killed_ends_with_the_same_bytes(
    tmp_path, monkeypatch, validated, recipe
):
    whole = trained(recipe, validated, tmp_path / "whole")
    where = checkpoints(tmp_path, recipe, every=2)
    for epoch in (2, 4, 5):
        killed_in(epoch, monkeypatch, recipe, validated, where)
    assert where.path.is_file()
    assert trained(recipe, validated, tmp_path / "resumed", where) == whole


def test_only_the_epochs_that_are_left_are_trained(tmp_path, monkeypatch, data, caplog):
    where = checkpoints(tmp_path)
    killed_in(4, monkeypatch, CNN, data, where)
    killed_in(4, monkeypatch, CNN, data, where)  # at once: epoch 4 is the first
    with caplog.at_level(logging.INFO):
        trained(CNN, data, tmp_path / "model", where)
    assert "resumed after epoch 3" in caplog.text


@pytest.mark.parametrize("damage", ["torn", "flipped", "emptied", "foreign"])
def test_a_damaged_checkpoint_is_told_and_not_used(tmp_path, monkeypatch, data, caplog, damage):
    whole = trained(CNN, data, tmp_path / "whole")
    where = checkpoints(tmp_path)
    killed_in(4, monkeypatch, CNN, data, where)
    content = bytearray(where.path.read_bytes())
    content[-1] ^= 1
    damaged = {
        "torn": content[:-100],
        "flipped": content,
        "emptied": b"",
        "foreign": (tmp_path / "whole").read_bytes(),
    }
    where.path.write_bytes(damaged[damage])
    assert trained(CNN, data, tmp_path / "again", where) == whole
    assert "the checkpoint is damaged" in caplog.text
    assert "training starts again" in caplog.text


@pytest.mark.parametrize("key", ["recipe", "data_sha256", "library"])
def test_a_checkpoint_of_something_else_is_told_and_not_used(
    tmp_path, monkeypatch, data, caplog, key
):
    whole = trained(CNN, data, tmp_path / "whole")
    killed_in(4, monkeypatch, CNN, data, checkpoints(tmp_path, **{key: "another"}))
    assert trained(CNN, data, tmp_path / "again", checkpoints(tmp_path)) == whole
    assert f"the checkpoint is of another {key}; training starts again" in caplog.text


def test_a_checkpoint_in_another_precision_is_not_continued(tmp_path, monkeypatch, data, caplog):
    killed_in(4, monkeypatch, CNN | {"precision": "fp32"}, data, checkpoints(tmp_path))
    trained(CNN | {"precision": "bf16"}, data, tmp_path / "model", checkpoints(tmp_path))
    assert "the checkpoint is of another precision" in caplog.text
