import json
from pathlib import Path

import numpy as np
import pytest
import timm

from aexad.config.benchmark import read_benchmark
from aexad.config.methods import ExternalMaps, read_methods, read_recipe, trained_as
from aexad.config.recipe import Recipe
from aexad.runtime.errors import ConfigError
from aexad.training.batches import epoch_batches

ROOT = Path(__file__).parents[2]


@pytest.fixture
def methods(tmp_path):
    def write(text):
        path = tmp_path / "methods.yaml"
        path.write_text(text)
        return [path]

    return write


def test_the_defaults_are_the_papers(methods):
    recipe = read_recipe(methods("a: {encoder: resnet50.tv_in1k}"), "a")
    assert (recipe.epochs, recipe.batch_size) == (200, 16)
    optimiser = recipe.optimiser
    assert (optimiser.name, optimiser.learning_rate, optimiser.weight_decay) == ("adam", 1e-3, 1e-4)
    assert (recipe.heat_map.normalise, recipe.heat_map.filter) == ("target", "adaptive")


def test_a_network_without_an_encoder_is_new_and_trained(methods):
    recipe = read_recipe(methods("a: {model: l2_cae, loss: mse}"), "a")
    assert (recipe.encoder, recipe.weights, recipe.tuning) == (None, "none", "full")
    path = methods("a: {encoder: e}\nb: {base: a, model: l2_cae, encoder: null, loss: mse}\n")
    assert read_recipe(path, "b").encoder is None


def test_pixels_have_no_weights_also_where_the_base_has(methods):
    path = methods("a: {encoder: e, epochs: 3}\nb: {base: a, encoder: pixels}\n")
    assert (read_recipe(path, "b").weights, read_recipe(path, "b").epochs) == ("none", 3)


@pytest.mark.parametrize(
    ("text", "frozen"),
    [
        ("encoder: e", True),
        ("encoder: e, tuning: layernorm", False),
        ("encoder: e, tuning: full", False),
        ("encoder: e, loss: mse, augmentation: affine", False),
        ("model: l2_cae, loss: mse", False),
    ],
)
def test_frozen_features_are_those_that_every_epoch_sees_again(methods, text, frozen):
    assert read_recipe(methods(f"a: {{{text}}}"), "a").frozen_features == frozen


def test_base_inherits_key_by_key(methods):
    path = methods(
        "a: {encoder: resnet50.tv_in1k, optimiser: {name: adamw, weight_decay: 0.5}}\n"
        "b: {base: a, epochs: 3, optimiser: {weight_decay: 0.1}}\n"
        "c: {base: b, encoder: resnet18.tv_in1k}\n"
    )
    recipe = read_recipe(path, "c")
    assert (recipe.encoder, recipe.epochs) == ("resnet18.tv_in1k", 3)
    assert (recipe.optimiser.name, recipe.optimiser.weight_decay) == ("adamw", 0.1)


def test_the_heat_map_is_no_part_of_training(methods):
    path = methods("a: {encoder: e}\nb: {encoder: e, heat_map: {filter: none}}\n")
    recipes = read_methods(*path)
    assert recipes["a"].training == recipes["b"].training


def test_a_key_at_its_default_trains_nothing_again():
    """A new key of the library must not make the trainings of all recipes due."""
    recipe = Recipe(encoder="resnet18.tv_in1k", reduction="sum", epochs=7)
    assert recipe.stated_training == {"encoder": "resnet18.tv_in1k", "epochs": 7}
    mean = Recipe(encoder="resnet18.tv_in1k", reduction="mean", epochs=7)
    assert mean.stated_training == recipe.stated_training | {"reduction": "mean"}


def test_loss_and_normalisation_share_f_unless_told_otherwise(methods):
    path = methods(
        "a: {encoder: e}\nb: {encoder: e, target: inverse, heat_map: {extent: runs}}\n"
        "c: {base: b, heat_map: {target: two}}\n"
    )
    found = {name: (r.target, r.heat_map.target) for name, r in read_methods(*path).items()}
    assert found == {
        "a": ("two", "two"),
        "b": ("inverse", "inverse"),
        "c": ("inverse", "two"),
    }


def test_external_maps_are_no_recipe(methods):
    path = methods('a: {maps: "/maps/{dataset}/{category}"}')
    assert read_methods(*path)["a"].folder(dataset="d", category="c") == "/maps/d/c"
    with pytest.raises(ConfigError, match="method 'a' has external maps"):
        read_recipe(path, "a")


def test_scenarios_are_those_that_have_the_images(methods):
    recipes = read_methods(*methods("a: {encoder: e}\nb: {encoder: e, loss: mse}\n"))
    assert recipes["a"].scenarios == ("standard", "anomalies_only")
    assert recipes["b"].scenarios == ("standard", "one_class")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: {encodr: e}", r"method 'a'.*unknown key 'encodr' \(did you mean 'encoder'\?\)"),
        ("a: {encoder: e, epochs: 0}", r"'epochs': input should be greater.*\(got 0\)"),
        ("a: {encoder: e, optimiser: {rate: 1}}", r"key 'optimiser.rate' \(did you mean"),
        ("a: {encoder: e, heat_map: {filter: 0}}", "greater than or equal to 1"),
        ("a: {encoder: e, weights: none, tuning: layernorm}", "layernorm"),
        ("a: {encoder: e, epochs: 0, batch_size: -1}", "'epochs'.*;.*'batch_size'"),
        ("a: {base: b}\nb: {base: a}", "'base' runs in a circle: a -> b -> a"),
        ("alpha: {encoder: e}\nb: {base: alpa}", "no base 'alpa'; did you mean 'alpha'"),
        ("a: text", "method 'a' must be a mapping"),
        ("1: {encoder: e}", "the name 1 is a int; put it in quotes"),
        ('a: {maps: "{model}"}', "maps may hold {dataset}, {category}.*no other braces"),
        ("a: {encoder: e, optimiser: {encoder_learning_rate: 0.1}}", "the encoder is frozen"),
        ("a: {epochs: 3}", "model 'aexad' needs an 'encoder'"),
        ("a: {model: anovit, loss: mse}", "model 'anovit' needs an 'encoder'"),
        ("a: {model: anovit, encoder: e}", "model 'anovit' rebuilds normal.*set loss: mse"),
        ("a: {model: l2_cae}", "model 'l2_cae' rebuilds normal images alone; set loss: mse"),
        (
            "a: {model: l2_cae, loss: mse, encoder: e, tuning: frozen}",
            "model 'l2_cae' has no encoder; remove 'encoder', 'tuning'",
        ),
        ("a: {model: l2_cae, loss: mse, weights: pretrained}", "remove 'weights'"),
        ("a: {model: l2_cae, loss: mse, input_size: 64, features: [1]}", "'features', 'input_"),
        ("a: {encoder: e, augmentation: affine}", "'affine' moves images without their masks"),
        ("a: {model: l2_cae, loss: mse, token_shifts: 2, facet: key}", "'facet', 'token_shifts'"),
        ("a: {encoder: pixels, weights: pretrained}", "'pixels' has no weights to load"),
        ("a: {encoder: pixels, tuning: full}", "remove 'weights', 'tuning'"),
        ("a: {model: anovit, loss: mse, encoder: e, projection: convolution}", "no projection"),
        ("a: {model: bgad, encoder: e, feature_channels: 4}", "remove 'feature_channels'"),
        ("a: {model: patchcore, encoder: e, feature_channels: 4}", "remove 'feature_channels'"),
        ("a: {encoder: e, token_norm: maybe}", "'token_norm': input should be a valid boolean"),
        ("a: {encoder: e, token_shifts: 0}", "greater than or equal to 1"),
        ("a: {model: aexad_probe, encoder: e, tuning: full}", "frozen features; remove 'tuning'"),
        (
            "a: {model: aexad_probe, encoder: e, heat_map: {normalise: standard}}",
            "model 'aexad_probe' weighs .*set heat_map.normalise to target or mean",
        ),
        ("a: {model: two_bank, encoder: e, heat_map: {score: norm}}", "below 0.*to max or mean"),
        ("a: {model: bgad, encoder: e, heat_map: {score: norm}}", "below 0.*to max or mean"),
        ("a: {model: supersimplenet, encoder: e, heat_map: {score: norm}}", "to max or mean"),
        ("a: {encoder: e, features: [2, 2]}", r"features \[2, 2\] repeat one; name each of them"),
        (
            "a: {encoder: e, optimiser: {schedule: cosine, learning_rate: 1.0e-7}}",
            "'cosine' would rise from learning_rate 1e-07 to final_learning_rate 1e-06; lower fin",
        ),
        (
            "a: {encoder: e, optimiser: {schedule: exponential, final_learning_rate: 0}}",
            "'exponential' never reaches 0; set final_learning_rate above 0",
        ),
        ("a: {model: patchcore, encoder: e, augmentation: affine}", "remove 'augmentation'"),
        ("a: {encoder: e, model: vae}", "no method 'vae'; did you mean"),
        ("- a", "the top level is a list"),
        ("a: {maps: 'm/{dataset.name}'}", "maps may hold {dataset}, .* and no other braces"),
        ("a: {command: 'a {split[a]}'}", "command may hold {split}, .* and no other braces"),
        ('a: {command: "a \'b"}', "command: no closing quotation; close the quotation"),
        ("a: {", "not valid YAML"),
        ("a:\n  maps: {{category}}", "line 2 has a list or mapping for a name; put text"),
        ("[a]: {encoder: e}", "line 1 has a list or mapping for a name; put text"),
    ],
)
def test_a_mistake_is_one_clear_line(methods, text, message):
    path = methods(text)
    with pytest.raises(ConfigError, match=message) as caught:
        read_methods(*path)
    assert str(path[0]) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_method_names_its_nearest_neighbour(methods):
    path = methods("aexad-vit_b16: {encoder: e}")
    with pytest.raises(ConfigError, match="no method 'aexad-vitb16'; did you mean 'aexad-vit_b16'"):
        read_recipe(path, "aexad-vitb16")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        read_methods(tmp_path / "methods.yaml")


def test_anovit_and_l2_cae_differ_in_the_network_alone():
    methods = read_methods(ROOT / "config/methods")
    common = {"loss", "augmentation", "select", "heat_map", "epochs", "batch_size"}
    for name, recipe in methods.items():
        if name.startswith("anovit") and name.replace("anovit", "l2_cae") in methods:
            other = methods[name.replace("anovit", "l2_cae")]
            assert recipe.model_dump(include=common) == other.model_dump(include=common)
    heat_map = methods["anovit"].heat_map
    assert (heat_map.normalise, heat_map.filter, heat_map.sigma) == ("mean", "sigma", 4)
    assert (heat_map.score, methods["anovit"].augmentation) == ("max", "affine")
    assert (methods["anovit"].input_size, methods["anovit-224"].input_size) == (384, 224)


def test_fcdd_sees_as_many_samples_as_in_the_paper():
    recipe = read_recipe([ROOT / "config/methods"], "fcdd")
    normal, anomalous = np.arange(256), np.arange(256, 286)
    batches = epoch_batches(
        normal, anomalous, recipe.batch_size, 0, 1, share=recipe.anomalous_share
    )
    samples = recipe.epochs * sum(map(len, batches))
    assert samples == 200 * 10 * len(normal)


def test_recipes_that_differ_in_the_heat_map_alone_share_a_model(tmp_path):
    methods = {
        "maps": ExternalMaps(maps="folder"),
        "a": Recipe(encoder="x"),
        "a-unfiltered": Recipe(encoder="x", heat_map={"filter": "none"}),
        "b": Recipe(encoder="x", epochs=3),
    }
    assert trained_as(methods) == {"a": "a", "a-unfiltered": "a", "b": "b"}


def test_a_recipe_in_an_earlier_file_does_not_take_over_the_training(tmp_path):
    recipe = {"base": "aexad", "heat_map": {"filter": "none"}}
    for name, content in {"a": {"mine": recipe}, "b": {"aexad": {"encoder": "x"}}}.items():
        (tmp_path / f"{name}.yaml").write_text(json.dumps(content))
    assert trained_as(read_methods(tmp_path)) == {"aexad": "aexad", "mine": "aexad"}


def test_encoders_of_the_configuration_are_names_that_timm_has_weights_for():
    names = {r.encoder for r in read_methods(ROOT / "config/methods").values()}
    assert names - {None, "pixels"} <= set(timm.list_pretrained())


def test_the_layers_study_varies_features_and_heat_maps_alone():
    methods = read_methods(ROOT / "config/methods", ROOT / "studies/layers/recipes.yaml")
    study = read_benchmark(ROOT / "studies/layers/benchmarks", "layers_all")
    names = [*study.methods, *(name for more in study.also for name in more.methods)]
    about_features = {
        "encoder", "weights", "features", "input_size", "facet", "token_norm", "token_shifts",
        "feature_channels", "projection",
    }  # fmt: skip
    models = trained_as({name: methods[name] for name in names})
    recipes = [methods[name].model_dump() for name in names]
    for name, recipe in zip(names, recipes, strict=True):
        differs = {key for key in recipe if recipe[key] != recipes[0][key]} - {"title"}
        # Another heat map is never compared but on a model that has that of the study too.
        assert differs <= about_features | ({"heat_map"} if models[name] != name else set()), name
    assert len({str(recipe) for recipe in recipes}) == len(recipes)
    matched = [methods[name] for name in names if name.endswith("-matched")]
    assert {(r.feature_channels, r.projection) for r in matched} == {(128, "convolution")}
