"""The study of layers on top of the benchmark, on the runs of the smoke benchmark."""

import pytest

pytestmark = pytest.mark.workflow

STUDY = ("-s", "studies/layers/Snakefile")
CONFIG = ("benchmark=smoke", "benchmarks=config/benchmarks")
REPORTS = ("collect", "tables", "figures", "report", "explorer")
RUN = "results/runs/textures_tiny/brick/standard/seed0"


def test_the_study_uses_the_runs_of_the_benchmark_and_adds_its_own_files(copy_of_finished):
    planned = copy_of_finished.planned(*STUDY, config=CONFIG)
    criteria = planned.pop("criteria")
    own = {"selection": 1, "study_tables": 1, "study_figures": 1}
    # The pages name the study's recipes, too. Nothing is trained or explained again.
    assert planned == own | dict.fromkeys(REPORTS, 1)
    copy_of_finished.snakemake(*STUDY, config=CONFIG)
    written = list(copy_of_finished.folder.glob(f"{RUN}/*/criteria.json"))
    assert len(written) == criteria > 0
    study = copy_of_finished.folder / "results/smoke/study"
    assert (study / "selection/choice.md").is_file()
    assert (study / "tables").is_dir()
    assert (study / "figures/captions.json").is_file()
    assert copy_of_finished.planned(*STUDY, config=CONFIG) == {}


def test_the_study_has_the_settings_of_the_benchmark(project):
    with (project.folder / "config/config.yaml").open("a") as file:
        file.write("threads: 2\n")
    told = project.snakemake("--dry-run", *STUDY, config=CONFIG).stdout
    assert told.count("--threads 2") > told.count("aexad train") > 0
    assert "--threads 1" not in told
    with (project.folder / "config/config.yaml").open("a") as file:
        file.write("thread: 2\n")
    told = project.snakemake("--dry-run", *STUDY, config=CONFIG, check=False).stdout
    assert "unknown key 'thread' (did you mean 'threads'?)" in told


def test_an_archived_study_trains_nothing(project):
    folder = project.folder / "six"
    for category in (
        "bottle",
        "commutator",
        "grid",
        "hazelnut_toy",
        "magnetic_tile",
        "metal_plate",
    ):
        (folder / category / "train/good").mkdir(parents=True)
    config = ("benchmark=second_look", f"sources={{six: {folder}}}")
    rules = ("import_runs", "collect", "tables", "figures", "report", "study_tables")
    planned = project.planned(*STUDY, config=config)
    assert planned == dict.fromkeys((*rules, "study_figures"), 1)
