"""Mistakes in configuration files and calls: each is told, all together, with what was meant."""

from pathlib import Path

import pytest

from aexad.cli.parser import main
from aexad.config.benchmark import Benchmark, Settings, read_benchmark
from aexad.config.catalogue import read_catalogue
from aexad.config.methods import read_methods
from aexad.config.reference import FILES
from aexad.config.schema import read_yaml, validate
from aexad.runtime.errors import ConfigError

ROOT = Path(__file__).parents[2]
# Of these there may be as many as somebody has.
COUNTS = "datasets"


def leaves(rules, path, definitions):
    """Every key of a JSON schema with its rules, through references, lists and mappings."""
    if "$ref" in rules:
        rules = definitions[rules["$ref"].rpartition("/")[2]]
    for choice in (*rules.get("anyOf", []), *rules.get("allOf", [])):
        yield from leaves(choice, path, definitions)
    for key, inner in rules.get("properties", {}).items():
        yield from leaves(inner, (*path, key), definitions)
    if isinstance(rules.get("additionalProperties"), dict):
        yield from leaves(rules["additionalProperties"], (*path, "*"), definitions)
    if "items" in rules:
        yield from leaves(rules["items"], (*path, "[]"), definitions)
    yield path, rules


def keys(name):
    schema = FILES[name][1].model_json_schema()
    found = list(leaves(schema, (name,), schema.get("$defs", {})))
    assert len(found) >= 4
    return found


@pytest.mark.parametrize("name", FILES)
def test_every_key_is_typed(name):
    for path, rules in keys(name):
        assert {"type", "anyOf", "allOf", "enum", "const"} & set(rules), path


@pytest.mark.parametrize("name", FILES)
def test_every_number_is_bounded(name):
    for path, rules in keys(name):
        if rules.get("type") not in ("integer", "number"):
            continue
        if "const" in rules:
            continue
        assert {"minimum", "exclusiveMinimum"} & set(rules), path
        assert name == COUNTS or {"maximum", "exclusiveMaximum"} & set(rules), path


@pytest.mark.parametrize("name", FILES)
def test_no_mapping_takes_keys_that_nobody_reads(name):
    for path, rules in keys(name):
        # Each method checks its own options (aexad/config/kinds.py), and a recipe of an archive is
        # compared with the one here (aexad/archive/imported.py).
        if rules.get("type") == "object" and path[-1] not in ("options", "recipe"):
            assert rules.get("additionalProperties") is not True, path
            assert {"additionalProperties", "patternProperties"} & set(rules), path


def told(read):
    """The one line of the error."""
    with pytest.raises(ConfigError) as error:
        read()
    text = str(error.value)
    assert "\n" not in text
    return text


def methods(tmp_path, text):
    path = tmp_path / "methods.yaml"
    path.write_text(text)
    return told(lambda: read_methods(path))


@pytest.mark.parametrize(
    ("model", "content", "message"),
    [
        (Settings, {"benchmrk": "demo"}, "unknown key 'benchmrk' (did you mean 'benchmark'?)"),
        (Settings, {"treads": 2}, "unknown key 'treads' (did you mean 'threads'?)"),
        (Benchmark, {"sedes": [0]}, "unknown key 'sedes' (did you mean 'seeds'?)"),
    ],
)
def test_an_unknown_key_names_its_nearest_neighbour(model, content, message):
    assert message in told(lambda: validate(model, content, "here"))


def test_an_unknown_key_inside_a_key_names_its_nearest_neighbour(tmp_path):
    text = methods(tmp_path, "a: {encoder: e, optimiser: {learning_rat: 0.1}}")
    assert "unknown key 'optimiser.learning_rat' (did you mean 'learning_rate'?)" in text


def test_two_problems_are_told_together(tmp_path):
    text = methods(tmp_path, "a: {encoder: e, epochs: 0, batch_sise: 8, tuning: frosen}")
    assert text.startswith(f"{tmp_path / 'methods.yaml'}: method 'a': ")
    for part in ("'epochs': ", "(did you mean 'batch_size'?)", "'tuning': ", "(got 'frosen')"):
        assert part in text
    settings = told(lambda: validate(Settings, {"threads": 0, "panels": 101}, "here"))
    assert "'threads': " in settings
    assert "'panels': " in settings


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ({"threads": 257}, "threads"),
        ({"threads": "two"}, "threads"),
        ({"threads": 1.5}, "threads"),
        ({"threads": True}, "threads"),
        ({"feature_memory_mb": float("inf")}, "feature_memory_mb"),
        ({"checkpoint_epochs": 10**9}, "checkpoint_epochs"),
        ({"device": "gpu"}, "device"),
        ({"country": "Germany"}, "country"),
        ({"sources": ["a"]}, "sources"),
        ({"partial": "perhaps"}, "partial"),
        ({"categories": []}, "categories"),
        ({"categories": [True]}, "categories"),
    ],
)
def test_a_value_of_another_type_or_out_of_bounds_is_told(content, key):
    assert f"'{key}': " in told(lambda: validate(Settings, content, "here"))


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ("{encoder: e, epochs: 1e9}", "epochs"),
        ("{encoder: e, epochs: yes}", "epochs"),
        ("{encoder: e, optimiser: {learning_rate: .nan}}", "optimiser.learning_rate"),
        ("{encoder: e, optimiser: {gradient_clip: .inf}}", "optimiser.gradient_clip"),
        ("{encoder: e, features: [-1]}", "features.0"),
        ("{encoder: e, features: []}", "features"),
        ("{encoder: e, features: [yes, no]}", "features"),
        ("{encoder: e, epochs: 1:30}", "epochs"),
        ("{encoder: e, heat_map: {filter: 5000}}", "heat_map.filter."),
        ("{encoder: e, weights_sha256: abc}", "weights_sha256"),
        ("{encoder: e, weights_revision: main}", "weights_revision"),
        ("{encoder: e, model: patchcore, options: {neighbors: 3}}", "neighbors' (did you mean"),
        ("{encoder: e, options: {coreset: 2}}", "coreset' (there are none)"),
    ],
)
def test_a_recipe_out_of_bounds_is_told(tmp_path, entry, key):
    assert f"'{key}" in methods(tmp_path, f"a: {entry}")


def test_a_pin_of_weights_that_are_not_there_is_told(tmp_path):
    entry = f"{{encoder: e, weights: none, weights_sha256: {'a' * 64}}}"
    assert "choose pre-trained weights, but weights are 'none'" in methods(tmp_path, f"a: {entry}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [1", "not valid YAML"),
        (b"\xff\xfe\x00", "not valid YAML"),
        (b"a: \x00", "not valid YAML"),
        (b"- a\n- b\n", "the top level is a list; it must be a mapping"),
        (b"1: {encoder: e}", "the name 1 is a int; put it in quotes"),
        (b"a: &x [*x]", "method 'a' must be a mapping"),
        (b"a: !!python/object/apply:os.system [ls]", "not valid YAML"),
        (b"a: {base: [1]}", "no base '[1]'"),
        (b"a: 2024-99-99", "not valid YAML"),
        (b"a: " + b"[" * 3000, "not valid YAML"),
    ],
)
def test_a_file_that_is_no_mapping_is_told(tmp_path, content, message):
    path = tmp_path / "methods.yaml"
    path.write_bytes(content)
    text = told(lambda: read_methods(path))
    assert text.startswith(f"{path}: ")
    assert message in text


def test_numbers_are_decimal_or_hexadecimal(tmp_path):
    """For PyYAML, 010 is 8 and 1:30 is 90: other categories, other epochs."""
    path = tmp_path / "numbers.yaml"
    path.write_text("a: [010, 01, 08, 0, -3, 1_000, 0x10, 1:30, 1.5, 1e-4, 12]")
    texts = ["010", "01", "08", 0, -3, 1000, 16, "1:30", 1.5, "1e-4", 12]
    assert read_yaml(path) == {"a": texts}


def test_an_empty_list_of_categories_is_told():
    content = {"title": "t", "datasets": {"d": [], "e": "all"}, "methods": ["m"]}
    assert "data set 'd' has no categories; name some" in told(
        lambda: validate(Benchmark, content, "here")
    )


def test_truth_values_in_a_list_are_no_seeds():
    content = {"title": "t", "datasets": {"d": "all"}, "methods": ["m"], "seeds": [True]}
    assert "'seeds': true, false, yes and no are truth values" in told(
        lambda: validate(Benchmark, content, "here")
    )


@pytest.mark.parametrize("name", ["a b", "../smoke", "-b", "runs", "imported"])
def test_a_benchmark_that_cannot_be_a_folder_of_results_is_told(name):
    assert f"benchmark '{name}': its results are in results/{name}" in told(
        lambda: read_benchmark(ROOT / "config/benchmarks", name)
    )


def test_a_key_that_is_there_twice_is_told(tmp_path):
    text = methods(tmp_path, "a: {encoder: e}\nb: {encoder: e}\na: {encoder: f}\n")
    assert "the key 'a' occurs twice, again in line 3; remove one" in text


def test_a_missing_file_names_what_to_do(tmp_path):
    assert "no such file; write it or name another one" in told(
        lambda: read_yaml(tmp_path / "none.yaml")
    )
    with pytest.raises(ConfigError, match="no benchmark 'dmo'; did you mean 'demo'"):
        read_benchmark(ROOT / "config/benchmarks", "dmo")


def test_the_command_line_tells_it_in_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "datasets.yaml").write_text("mine: {titel: Mine, adaptor: mvtec_layuot}")
    status = main(
        ["index", "--dataset", "mine", "--datasets", "datasets.yaml", "--output", "i.csv"]
    )
    text = capsys.readouterr().err
    assert (status, len(text.splitlines())) == (1, 1)
    assert text.startswith("aexad: datasets.yaml: data set 'mine': ")
    for part in ("'title': field required", "'adaptor': ", "did you mean 'title'?"):
        assert part in text
    assert list(tmp_path.iterdir()) == [tmp_path / "datasets.yaml"]


def test_the_projects_own_configuration_is_whole():
    assert read_catalogue(ROOT / "config/datasets.yaml")
    assert read_methods(ROOT / "config/methods")
    for path in (ROOT / "config/benchmarks").glob("*.yaml"):
        assert read_benchmark(path.parent, path.stem).title
