from pathlib import Path

import pytest

from aexad.archive.imported import recipe_differences
from aexad.config.benchmark import Benchmark, Run, Settings, read_benchmark
from aexad.config.builtin import method_paths
from aexad.config.catalogue import Dataset
from aexad.config.methods import read_methods
from aexad.config.recipe import Recipe
from aexad.plan.runs import runs_of
from aexad.runtime.errors import ConfigError
from studies.layers.recipes import chosen_from

CATALOGUE = {
    "one": Dataset(title="One", adaptor="mvtec_layout", categories=["bottle", "cable"]),
    "own": Dataset(title="Own", adaptor="mvtec_layout"),
}
CLASSES = Dataset(title="Pets", adaptor="class_folders", categories=["0", "1"])
CATALOGUE |= {"pets": CLASSES, "few": CLASSES.model_copy(update={"files": "pets"})}
RECIPES = {"a": Recipe(encoder="e"), "plain": Recipe(encoder="e", loss="mse")}
BENCHMARK = {"title": "T", "datasets": {"one": "all"}, "methods": ["a"]}


def runs(settings=None, **changes):
    benchmark = Benchmark(**BENCHMARK | changes)
    return runs_of(benchmark, CATALOGUE, RECIPES, Settings(**settings or {}), "file.yaml")


def test_runs_are_the_product_in_a_fixed_order():
    found = runs(seeds=[0, 1], methods=["plain", "a"])
    assert found[0] == Run("one", "bottle", "standard", 0, "plain")
    assert len(found) == 2 * 2 * 2
    assert found == sorted(found, key=lambda run: (run.category, run.seed, run.method != "plain"))


def test_recipes_are_chosen_by_the_seeds_that_all_of_them_have():
    recipes = RECIPES | {"b": Recipe(encoder="e", features=[1])}
    of_a = [Run("one", "bottle", "standard", seed, "a") for seed in (0, 1)]
    of_b = [Run("one", "bottle", "standard", seed, "b") for seed in (1, 2)]
    plain = [Run("one", "bottle", "standard", seed, "plain") for seed in (0, 1)]
    elsewhere = [Run("one", "bottle", "anomalies_only", 0, "a")]
    found = chosen_from([*of_a, *plain, *of_b, *elsewhere], recipes)
    assert found == [of_a[1], of_b[0], *elsewhere]
    assert chosen_from([of_a[0], *of_b], recipes) == []


def test_some_methods_may_have_other_data_scenarios_or_seeds():
    few = {"datasets": {"pets": ["1"]}, "scenarios": ["one_class"], "methods": ["plain"]}
    one_seed = {"datasets": {"one": "all"}, "methods": ["a", "plain"]}
    found = runs(seeds=[0, 1], also=[few, one_seed])
    assert len(found) == len(set(found)) == 4 + 1 + 2
    assert [run for run in found if run.dataset == "pets"] == [
        Run("pets", "1", "one_class", 0, "plain")
    ]
    assert {run.seed for run in found if run.method == "plain"} == {0}
    assert len(runs({"methods": "plain"}, also=[few, one_seed])) == 3


def test_a_run_lies_where_the_design_says():
    run = Run("one", "bottle", "standard", 2, "a")
    assert run.folder == Path("runs/one/bottle/standard/seed2/a")


def test_a_method_has_no_run_in_a_scenario_without_its_images():
    found = runs(scenarios=["standard", "anomalies_only"], methods=["a", "plain"])
    assert {(run.scenario, run.method) for run in found} == {
        ("standard", "a"),
        ("standard", "plain"),
        ("anomalies_only", "a"),
    }


def test_a_data_set_has_no_run_in_a_scenario_that_it_does_not_allow():
    found = runs(
        datasets={"one": ["cable"], "pets": [1]},
        scenarios=["standard", "one_class"],
        methods=["plain"],
    )
    assert [(run.category, run.scenario) for run in found] == [
        ("cable", "standard"),
        ("cable", "one_class"),
        ("1", "one_class"),
    ]


def test_a_category_that_is_a_number_is_a_name():
    """YAML, and so --config categories=0, takes it for a number."""
    changes = {"datasets": {"pets": "all"}, "scenarios": ["one_class"], "methods": ["plain"]}
    for given in (0, "0", [0], ["0"]):
        assert {run.category for run in runs({"categories": given}, **changes)} == {"0"}


@pytest.mark.parametrize("given", [1, "1", "01", [1]])
def test_a_category_with_a_zero_in_front_can_be_chosen(given, monkeypatch):
    """Snakemake hands on ``categories=01`` as 1; BTAD's categories are 01, 02 and 03."""
    folders = Dataset(title="Folders", adaptor="mvtec_layout", categories=["01", "02"])
    monkeypatch.setitem(CATALOGUE, "folders", folders)
    found = runs({"categories": given}, datasets={"folders": "all"})
    assert {run.category for run in found} == {"01"}


def test_a_call_can_be_narrowed():
    assert {run.category for run in runs({"categories": "cable"})} == {"cable"}
    assert len(runs({"categories": "bottle,cable", "methods": ["a"]})) == 2


@pytest.mark.parametrize(
    ("settings", "changes", "message"),
    [
        ({"categories": "botle"}, {}, "categories=botle: not in file.yaml; did you mean 'bottle'"),
        ({"methods": "b"}, {}, "methods=b: not in file.yaml"),
        ({}, {"methods": ["aa"]}, "no method 'aa'; did you mean 'a'"),
        ({}, {"datasets": {"onne": "all"}}, "no data set 'onne'; did you mean 'one'"),
        ({}, {"datasets": {"one": ["botle"]}}, "no category 'botle'; did you mean 'bottle'"),
        ({}, {"datasets": {"own": "all"}}, "neither 'categories' nor a local folder"),
        ({}, {"scenarios": ["anomalies_only"], "methods": ["plain"]}, "no run is left"),
        (
            {},
            {"datasets": {"pets": "all"}, "methods": ["plain"]},
            "class_folders have one_class alone",
        ),
        ({}, {"datasets": {"pets": [7]}}, "data set 'pets' has no category '7'; known: 0, 1"),
        (
            {"sources": {"few": "/x"}},
            {"datasets": {"few": "all"}},
            "'few' uses the files of 'pets'",
        ),
    ],
)
def test_a_name_that_does_not_exist_is_an_error(settings, changes, message):
    with pytest.raises(ConfigError, match=message):
        runs(settings, **changes)


def test_categories_of_a_folder_of_ones_own_are_found(tmp_path):
    for category in ("nuts", "bolts"):
        (tmp_path / category / "train" / "good").mkdir(parents=True)
    found = runs({"sources": {"own": str(tmp_path)}}, datasets={"own": "all"})
    assert [run.category for run in found] == ["bolts", "nuts"]


def test_a_name_that_cannot_be_a_wildcard_is_refused(tmp_path):
    (tmp_path / "metal nut" / "train" / "good").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"category 'metal nut' names a folder too.*rename"):
        runs({"sources": {"own": str(tmp_path)}}, datasets={"own": "all"})


@pytest.mark.parametrize("end", ["_std", "_published", "_improvement"])
def test_a_method_whose_name_is_a_column_of_another_one_is_refused(monkeypatch, end):
    monkeypatch.setitem(RECIPES, f"a{end}", RECIPES["a"])
    assert runs(methods=["plain", f"a{end}"])
    with pytest.raises(ConfigError, match=f"'a{end}' would share a column .* of 'a'; rename it"):
        runs(methods=["a", f"a{end}"])


def test_an_empty_list_of_recipes_is_a_list():
    assert Settings(recipes=[]).recipes == []


def test_the_home_folder_may_be_abbreviated(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    settings = Settings(sources={"own": "~/parts"}, weights_dir="~/weights")
    assert (settings.sources["own"], settings.weights_dir) == ("/home/me/parts", "/home/me/weights")


def test_an_unknown_benchmark_names_its_nearest_neighbour(tmp_path):
    (tmp_path / "demo.yaml").write_text("title: T")
    with pytest.raises(ConfigError, match="no benchmark 'dmo'; did you mean 'demo'"):
        read_benchmark(tmp_path, "dmo")
    with pytest.raises(ConfigError, match="'datasets': field required"):
        read_benchmark(tmp_path, "demo")


def test_an_archived_recipe_that_is_invalid_here_differs() -> None:
    """Not "no difference": its other keys were not compared."""
    here = read_methods(*method_paths())["patchcore-resnet18"]
    stored = here.model_dump(exclude={"title"})
    assert recipe_differences(stored, here) == []
    foreign = stored | {"feature_channels": 64, "epochs": 7}
    assert recipe_differences(foreign, here) == ["keys that do not go together here"]
    assert recipe_differences({"model": "foo"}, here) != []
