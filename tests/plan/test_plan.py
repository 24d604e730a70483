"""What the Snakefile asks the plan: downloads that need consent, weights, and stand-ins."""

import importlib
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from aexad.archive.importing import import_archive
from aexad.config.benchmark import Run
from aexad.config.catalogue import TITLE_KEYS, Dataset
from aexad.methods.model import method_digest
from aexad.plan.plan import RUN, RUN_DATA, _listed, _table, plan
from aexad.runtime.errors import ConfigError

ROOT = Path(__file__).parents[2]
NAME = "vit_tiny_patch16_224.augreg_in21k_ft_in1k"


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_large_download_is_named_until_it_is_there(checkout):
    bottle = {"benchmark": "report", "categories": "bottle", "methods": "aexad-resnet50"}
    assert "mvtec_ad (5.3 GB)" in plan(bottle).large_downloads()
    local = plan(bottle | {"sources": {"mvtec_ad": "somewhere"}})
    assert "mvtec_ad (5.3 GB)" not in local.large_downloads()
    (checkout / "data").mkdir()
    (checkout / "data/mvtec_ad.json").write_text("{}")
    assert "mvtec_ad (5.3 GB)" not in plan(bottle).large_downloads()


def test_a_narrowed_or_partial_call_needs_the_downloads_of_its_own_runs(checkout):
    assert plan({"benchmark": "report", "categories": ["3"]}).large_downloads() == []
    done = plan({"benchmark": "report"}).all_runs[0]
    (checkout / "results" / done.folder).mkdir(parents=True)
    (checkout / "results" / done.folder / "metrics.json").write_text("{}")
    assert plan({"benchmark": "report", "partial": True}).large_downloads() == []
    assert plan({"benchmark": "report"}).large_downloads() == ["mvtec_ad (5.3 GB)"]


def test_the_file_of_a_model_is_part_of_the_code_that_explains(checkout, monkeypatch):
    named = []
    monkeypatch.setattr("aexad.plan.plan.code_digest", lambda *modules: named.extend(modules) or "")
    plan({"benchmark": "demo"}).code("l2_cae", "heat_map")
    assert "aexad.training.model_store" in named


def test_a_new_version_of_an_installed_method_is_new_code(checkout, monkeypatch):
    """The method is one of a package with an entry point ``aexad.methods``."""
    monkeypatch.syspath_prepend(checkout / "packages")
    (checkout / "config/methods/own.yaml").write_text(
        "theirs: {model: their_method, encoder: resnet18.tv_in1k}\n"
    )

    def codes(version):
        shutil.rmtree(checkout / "packages", ignore_errors=True)
        folder = checkout / f"packages/theirs-{version}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Name: theirs\nVersion: {version}\n")
        (folder / "entry_points.txt").write_text("[aexad.methods]\ntheir_method = json:loads\n")
        importlib.invalidate_caches()
        made = plan({"benchmark": "demo"})
        steps = made.code("theirs", "train"), made.code("theirs", "heat_map")
        return [*steps, method_digest(made.recipe("theirs"))]

    before, same, after = codes("1.0"), codes("1.0"), codes("1.1")
    assert before == same
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_a_method_of_the_library_is_part_of_a_class_that_is_derived_from_it(checkout, monkeypatch):
    Path("mine.py").write_text("from helper import Base\nclass Mine(Base): pass\n")
    Path("helper.py").write_text("from aexad.methods.patchcore import PatchCore as Base\n")
    Path("config/methods/own.yaml").write_text("mine: {class: mine.py:Mine, encoder: pixels}\n")
    made, named = plan({"benchmark": "demo"}), []
    for place in ("aexad.plan.plan", "aexad.methods.model"):
        monkeypatch.setattr(f"{place}.code_digest", lambda *modules: named.append(modules) or "")
    made.code("mine", "train")
    made.code("mine", "heat_map")
    method_digest(made.recipe("mine"))
    assert len(named) == 3
    assert all("aexad.methods.patchcore" in modules for modules in named)


def test_the_demo_downloads_no_data(checkout):
    assert plan({"benchmark": "demo"}).large_downloads() == []


def test_a_control_stands_in_for_weights_that_were_not_fetched(checkout):
    methods = {run.method for run in plan({"benchmark": "demo"}).all_runs}
    assert "aexad-vit_tiny-random-e70" in methods
    assert "aexad-vit_tiny-e70" not in methods
    record = checkout / f"results/weights/{NAME}.json"
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"source": "hub", "sha256": "0"}))
    methods = {run.method for run in plan({"benchmark": "demo"}).all_runs}
    assert "aexad-vit_tiny-e70" in methods
    assert "aexad-vit_tiny-random-e70" not in methods


def test_a_stand_in_must_be_a_method(checkout):
    path = checkout / "config/benchmarks/demo.yaml"
    path.write_text(path.read_text().replace("vit_tiny-random-e70}", "vit_tiny-rnd-e70}"))
    with pytest.raises(ConfigError, match="without_weights: no method 'aexad-vit_tiny-rnd-e70'"):
        plan({"benchmark": "demo"})


def test_which_methods_need_weights(checkout):
    made = plan({"benchmark": "demo"})
    assert made.weights_records("aexad-vit_tiny-e70") == [f"results/weights/{NAME}.json"]
    for name in ("aexad-vit_tiny-random-e70", "l2_cae"):
        assert made.weights_records(name) == []


def test_the_revision_of_a_recipe_is_passed_on(checkout):
    (checkout / "config/methods/own.yaml").write_text(
        f"own: {{base: aexad-vit_tiny, weights_revision: {'a' * 40}}}\n"
    )
    assert plan({"benchmark": "demo"}).weights_options(NAME) == f"--revision {'a' * 40}"
    with (checkout / "config/methods/own.yaml").open("a") as file:
        file.write(f"other: {{base: aexad-vit_tiny, weights_revision: {'b' * 40}}}\n")
    with pytest.raises(ConfigError, match="one file of weights serves all"):
        plan({"benchmark": "demo"}).weights_options(NAME)


def test_another_category_changes_nothing_of_a_run(checkout, tmp_path):
    source = tmp_path / "mine"
    for category in ("bottle", "cable"):
        (source / category / "train/good").mkdir(parents=True)
        (source / category / "train/good/0.png").write_bytes(b"0")

    def contents():
        _listed.cache_clear()
        settings = {"benchmark": "report", "sources": {"mvtec_ad": str(source)}}
        made = plan(settings)
        return [made.content("mvtec_ad", category) for category in ("bottle", "cable")]

    bottle, cable = contents()
    (source / "cable/train/good/1.png").write_bytes(b"1")
    assert contents()[0] == bottle
    assert contents()[1] != cable


def test_another_split_in_the_table_of_visa_is_other_data(checkout, tmp_path):
    (tmp_path / "mine/candle").mkdir(parents=True)
    (tmp_path / "mine/split_csv").mkdir()

    def content(split):
        for function in (_listed, _table):
            function.cache_clear()
        (tmp_path / "mine/split_csv/1cls.csv").write_text(split)
        made = plan({"benchmark": "demo", "sources": {"visa": str(tmp_path / "mine")}})
        return made.content("visa", "candle")

    assert content("train") == content("train") != content("test!")


def test_a_category_has_a_list_of_its_own_and_classes_share_one(checkout):
    made = plan({"benchmark": "report"})
    assert made.index_of("mvtec_ad", "bottle") == "results/index/mvtec_ad/bottle.csv"
    assert made.only_option("mvtec_ad", "bottle") == "--category bottle"
    digits = plan({"benchmark": "one_class", "imports": False})
    assert {digits.index_of("mnist", name) for name in "37"} == {"results/index/mnist/classes.csv"}
    assert digits.only_option("mnist", "3") == ""


def test_numbers_of_images_that_are_corrected_make_no_run_due(checkout):
    """A wrong number of one category is removed from them, as its message says."""
    made = plan({"benchmark": "report"})
    before = made.listed_as("mvtec_ad")
    made.catalogue["mvtec_ad"].counts.pop("toothbrush")
    assert made.listed_as("mvtec_ad") == before


@pytest.fixture
def archived(checkout):
    """A plan of a benchmark whose archive was imported, and one of its runs."""
    archive = Path("docs/results/tiles.runs.zip")
    archive.parent.mkdir(parents=True)
    shutil.copy(ROOT / archive, archive)
    made = plan({"benchmark": "tiles"})
    import_archive(archive, Path("results"), made.methods)
    return made, next(iter(made.archived))


def test_imported_files_are_no_outputs_of_the_workflow(archived):
    """Snakemake deletes outputs before a job: whose files they are, the verb decides."""
    made, _ = archived
    assert made.files(made.archived, "metrics.json", "counts.npz") == ["results/tiles/imported.txt"]
    assert made.import_holds


def test_an_imported_run_that_was_deleted_or_replaced_is_due_again(archived):
    _, run = archived
    metrics = Path("results", run.imported_folder, "metrics.json")
    metrics.write_text(metrics.read_text() + "\n")
    again = plan({"benchmark": "tiles"})
    assert (again.replaced, again.import_holds) == ([str(run.imported_folder)], False)
    metrics.unlink()
    again = plan({"benchmark": "tiles"})
    assert (again.replaced, again.import_holds) == ([], False)


def test_own_runs_take_the_place_of_archived_ones(archived):
    _, run = archived
    shutil.copytree(Path("results", run.imported_folder), Path("results", run.folder))
    again = plan({"benchmark": "tiles"})
    assert run not in again.imported
    assert again.files([run], "metrics.json") == [f"results/{run.folder}/metrics.json"]


def test_runs_of_another_split_than_here_are_made_here(archived):
    made, run = archived
    split = Path("results", run.data_folder, "split.csv")
    split.parent.mkdir(parents=True)
    split.write_text("another\n")
    again = plan({"benchmark": "tiles"})
    here = {each for each in made.archived if each.data_folder == run.data_folder}
    assert set(made.archived) - set(again.archived) == here
    assert f"made with another split than {split}" in again.unfit_reasons[0]


def test_every_rule_that_writes_the_title_of_a_benchmark_depends_on_it():
    text = (ROOT / "workflow/rules/report.smk").read_text()
    rules = re.split(r"^rule ", text, flags=re.MULTILINE)
    with_title = {rule.split(":")[0] for rule in rules if 'include={"title"' in rule}
    assert with_title == {"tables", "report", "explorer", "archive"}


def test_a_source_of_no_data_set_is_told():
    with pytest.raises(ConfigError, match="sources: no data set 'mvtec_da'; did you mean 'mvtec_"):
        plan({"benchmark": "report", "sources": {"mvtec_da": "somewhere"}})


@pytest.mark.parametrize(
    "changed",
    [{"title": "Y"}, {"tile": 64}, {"filled_boxes": True}, {"limit": {"train": 5, "test": 5}}],
)
def test_described_data_sets_change_with_what_their_titles_show(checkout, changed):
    """Rules take them as parameters, so that no table keeps an old title."""
    made = plan({"benchmark": "demo"})
    name = made.all_runs[0].dataset
    keys = made.catalogue[name].model_dump(exclude_defaults=True)
    before = made.described("files")[name], made.catalogue[name].full_title
    made.catalogue[name] = Dataset.model_validate(keys | changed)
    after = made.described("files")[name], made.catalogue[name].full_title
    assert after[0] != before[0]
    assert after[1] != before[1]


def test_a_title_shows_no_other_keys():
    keys = {"title": "X", "tile": 64, "filled_boxes": True, "limit": None}
    assert keys.keys() == set(TITLE_KEYS)
    title = Dataset.full_title.fget(SimpleNamespace(**keys))
    assert title == "X (tiles of 64 pixels, masks are filled boxes)"


@pytest.mark.parametrize(
    ("device", "driver", "gpus", "of_a_job", "of_a_job_without"),
    [
        ("auto", None, 0, "cuda", "cpu"),
        ("auto", "/usr/bin/nvidia-smi", 1, "cuda", "cpu"),
        ("cuda", None, 1, "cuda", "cuda"),
        ("cpu", "/usr/bin/nvidia-smi", 0, "cpu", "cpu"),
    ],
)
def test_jobs_take_a_gpu_if_there_is_one_or_the_settings_ask_for_it(
    checkout, monkeypatch, device, driver, gpus, of_a_job, of_a_job_without
):
    monkeypatch.setattr("shutil.which", lambda program: driver)
    made = plan({"benchmark": "demo", "device": device})
    assert made.gpus == gpus
    assert (made.device(1), made.device(0)) == (of_a_job, of_a_job_without)


def test_the_job_of_a_command_lasts_longer_than_its_recipe_allows_the_command(checkout):
    """Else the cluster ends the job before the error that names the key, at every attempt."""
    (checkout / "config/methods/own.yaml").write_text("own: {command: program, minutes: 999.5}\n")
    made = plan({"benchmark": "demo"})
    assert [made.command_minutes("own", attempt) for attempt in (1, 2)] == [1030, 1060]
    rule = (ROOT / "workflow/rules/explain.smk").read_text().split("rule infer:")[0]
    assert "PLAN.command_minutes(" in rule


@pytest.mark.parametrize("snakefile", ["Snakefile", "studies/layers/Snakefile"])
def test_no_rule_works_out_the_device_by_itself(snakefile):
    files = [ROOT / snakefile, *(ROOT / "workflow/rules").glob("*.smk")]
    text = "".join(path.read_text() for path in files)
    assert "settings.device" not in text.lower()


def test_no_rule_lists_the_files_of_all_runs_before_it_is_needed():
    """Each job of a cluster reads the rules: the lists took a third of its start."""
    text = (ROOT / "workflow/rules/report.smk").read_text()
    assert "PLAN.files(" in text
    assert "PLAN.files(" not in text.replace("lambda wildcards: PLAN.files(", "")


def test_the_folders_of_the_rules_are_those_of_the_runs():
    run = Run("parts", "nut", "standard", 3, "aexad")
    assert RUN.format(**run._asdict()) == f"results/{run.folder}"
    assert RUN_DATA.format(**run._asdict()) == f"results/{run.data_folder}"
