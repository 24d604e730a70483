"""Weights and models: nothing is unpickled, and nothing that does not fit is taken."""

import ast
import json
import re
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from aexad.config.recipe import Recipe
from aexad.encoders.weights import find_weights
from aexad.methods.model import build_model
from aexad.runtime.errors import WeightsError
from aexad.runtime.files import sha256_of
from aexad.training.model_store import load_model, save_model

ROOT = Path(__file__).parents[2]
NAME = "test_vit.r160_in1k"
RECIPE = Recipe(encoder="test_resnet.r160_in1k", weights="none")
SOURCES = sorted([*(ROOT / "aexad").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")])
# Readers and writers that open pickles, or may; and where one is used after all, and why.
PICKLING = {"pickle", "cPickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"}
KNOWN_FILE = "aexad/encoders/weights.py"  # one file of a package, of a known sha256, tensors alone


def calls(path):
    """Names and keyword arguments of all calls in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {each.arg: each.value for each in node.keywords}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_pickled(path):
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.partition(".")[0])
    assert not imported & PICKLING
    for name, options in calls(path):
        assert not re.search(r"torch\.(save|load)$|read_pickle|to_pickle", name) or (
            str(path.relative_to(ROOT)) == KNOWN_FILE
            and name == "torch.load"
            and ast.unparse(options["weights_only"]) == "True"
        ), name
        if re.fullmatch(r"(np|numpy)\.load", name):
            assert ast.unparse(options["allow_pickle"]) == "False"


def test_the_one_pickle_of_a_package_is_opened_only_if_it_is_the_known_file(tmp_path, monkeypatch):
    class Spec:
        submodule_search_locations = (str(tmp_path),)

    (tmp_path / "models").mkdir()
    torch.save({"a": torch.ones(1)}, tmp_path / "models/efficientnet-lite0-57934424.pth")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: Spec)
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(WeightsError, match="pickles are opened for no other; reinstall"):
        find_weights("tf_efficientnet_lite0.in1k", tmp_path)


@pytest.fixture
def model_file(tmp_path):
    """A model that was never trained, and the tensors and header of its file."""
    save_model(build_model(RECIPE, 32, 0), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def header_of(path):
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["aexad"])


def rewritten(path, tensors=None, header=None):
    """Replace tensors or header of a model file."""
    tensors = load_file(path) if tensors is None else tensors
    header = header_of(path) if header is None else header
    save_file(tensors, path, {"aexad": json.dumps(header)})


def refused(path):
    with pytest.raises(WeightsError) as error:
        load_model(path)
    text = str(error.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text


def test_a_model_that_is_whole_is_loaded(model_file):
    assert load_model(model_file).recipe == RECIPE


def test_a_model_without_one_of_its_tensors_names_it(model_file):
    tensors = load_file(model_file)
    lost = sorted(tensors)[3]
    del tensors[lost]
    rewritten(model_file, tensors)
    assert f"1 tensors do not match the recipe, the first is '{lost}'; train" in refused(model_file)


def test_a_model_with_a_tensor_too_many_names_it(model_file):
    rewritten(model_file, load_file(model_file) | {"stowaway": torch.ones(1)})
    assert "the first is 'stowaway'" in refused(model_file)


def test_a_tensor_of_another_shape_is_named(model_file):
    tensors = load_file(model_file)
    name = next(name for name, tensor in sorted(tensors.items()) if tensor.ndim == 4)
    rewritten(model_file, tensors | {name: tensors[name][:1].contiguous()})
    assert f"size mismatch for {name}" in refused(model_file)


def test_a_model_of_another_architecture_is_refused(model_file):
    header = header_of(model_file)
    header["recipe"]["encoder"] = NAME
    rewritten(model_file, header=header)
    assert "do not match the recipe, the first is 'encoder." in refused(model_file)


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.pop("recipe"),
        lambda header: header.pop("size"),
        lambda header: header.pop("encoder"),
        lambda header: header["encoder"].pop("sha256"),
        lambda header: header["recipe"].update(tempo=1),
        lambda header: header["recipe"].update(epochs="many"),
        lambda header: header.update(size="big"),
        lambda header: header.update(encoder=None),
    ],
    ids=["recipe", "size", "encoder", "sha256", "unknown key", "epochs", "no size", "no encoder"],
)
def test_a_model_of_another_version_is_told(model_file, change):
    header = header_of(model_file)
    change(header)
    rewritten(model_file, header=header)
    assert "written by another version of aexad" in refused(model_file)


@pytest.mark.parametrize("metadata", [None, {"other": "x"}], ids=["none", "another's"])
def test_a_safetensors_file_of_something_else_is_told(model_file, metadata):
    save_file(load_file(model_file), model_file, metadata)
    assert "not a model of aexad (its header is missing)" in refused(model_file)


def test_a_header_that_is_no_json_is_told(model_file):
    save_file(load_file(model_file), model_file, {"aexad": "{"})
    assert "its header is damaged; train again" in refused(model_file)


@pytest.mark.parametrize("header", ["[]", "null", '"x"', "1"])
def test_a_header_that_is_no_mapping_is_told(model_file, header):
    save_file(load_file(model_file), model_file, {"aexad": header})
    assert "another version of aexad" in refused(model_file)


def test_every_cut_of_a_model_is_told(model_file):
    whole = model_file.read_bytes()
    for end in range(0, len(whole), len(whole) // 25):
        model_file.write_bytes(whole[:end])
        assert "not a readable safetensors file" in refused(model_file)


def test_a_pickle_in_the_place_of_a_model_is_not_opened(model_file):
    torch.save({"a": torch.ones(1)}, model_file)
    assert "not a readable safetensors file" in refused(model_file)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Weights in the hub's own cache, of two commits; nothing is fetched."""
    commits = {"a" * 40: 1.0, "b" * 40: 2.0}
    folder = tmp_path / "hub/models--timm--test_vit.r160_in1k"
    for commit, value in commits.items():
        (folder / "snapshots" / commit).mkdir(parents=True)
        path = folder / "snapshots" / commit / "model.safetensors"
        save_file({"a": torch.tensor([value])}, path)
    (folder / "refs").mkdir()
    (folder / "refs/main").write_text("b" * 40)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("AEXAD_WEIGHTS", raising=False)
    return folder / "snapshots"


def test_the_commit_that_weights_came_from_is_recorded(hub):
    found = find_weights(NAME)
    assert found.source == f"hub: timm/{NAME}@{'b' * 40}"
    assert found.sha256 == sha256_of(hub / ("b" * 40) / "model.safetensors")


def test_a_pinned_commit_is_taken_though_the_hub_has_a_newer_one(hub):
    found = find_weights(NAME, revision="a" * 40)
    assert found.tensors["a"].item() == 1.0
    assert found.source == f"hub: timm/{NAME}@{'a' * 40}"


def test_a_pinned_commit_that_cannot_be_had_is_told(hub):
    with pytest.raises(WeightsError, match=f"hub: timm/{NAME}@{'c' * 40} cannot be reached"):
        find_weights(NAME, revision="c" * 40)


@pytest.mark.parametrize("place", ["hub", "folder"])
def test_weights_of_another_sha256_than_the_recipes_are_refused(hub, tmp_path, place):
    wanted = sha256_of(hub / ("a" * 40) / "model.safetensors")
    folder = None
    if place == "folder":
        folder = tmp_path
        save_file({"a": torch.zeros(3)}, tmp_path / f"{NAME}.safetensors")
    with pytest.raises(WeightsError, match=f"the recipe asks for {wanted}; provide that file"):
        find_weights(NAME, folder, sha256=wanted)
    assert find_weights(NAME, revision="a" * 40, sha256=wanted).sha256 == wanted


def test_a_model_whose_encoder_has_other_weights_now_is_refused(tmp_path):
    recipe = Recipe(encoder="test_resnet.r160_in1k", tuning="frozen")
    path = tmp_path / f"{recipe.encoder}.safetensors"
    random = build_model(RECIPE, 32, 0).network.encoder.backbone.state_dict()
    save_file(random, path)
    save_model(build_model(recipe, 32, 0, tmp_path), tmp_path / "model.safetensors")
    assert load_model(tmp_path / "model.safetensors", tmp_path).recipe == recipe
    save_file({name: tensor + 1 for name, tensor in random.items()}, path)
    with pytest.raises(WeightsError, match=r"trained on other weights of 'test_resnet.r160_in1k'"):
        load_model(tmp_path / "model.safetensors", tmp_path)
