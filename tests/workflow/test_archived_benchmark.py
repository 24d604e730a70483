"""The archive of a benchmark: everything is rendered from it without training."""

import shutil

import pytest
from project import ROOT

pytestmark = pytest.mark.workflow

ARCHIVE = "smoke.runs.zip"
TOLD = "All 3 runs were made elsewhere and imported from an archive."


@pytest.fixture(scope="module")
def archive(finished, tmp_path_factory):
    """The archive of the smoke benchmark."""
    project = finished.clone(
        tmp_path_factory.mktemp("archive") / "project", "results", "data", ".snakemake"
    )
    project.snakemake(f"results/smoke/{ARCHIVE}")
    return project.folder / "results/smoke" / ARCHIVE


@pytest.fixture
def project_with_archive(project, archive):
    """A fresh copy whose smoke benchmark names the archive."""
    shutil.copy(archive, project.folder / ARCHIVE)
    with (project.folder / "config/benchmarks/smoke.yaml").open("a") as file:
        file.write(f"\narchive: {ARCHIVE}\n")
    return project


def test_a_fresh_copy_renders_everything_without_training(finished, project_with_archive):
    project = project_with_archive
    rendered = dict.fromkeys(("import_runs", "collect", "tables", "figures", "report"), 1)
    assert project.planned() == rendered
    output = project.snakemake().stdout
    assert "smoke: 3 of 3 runs were made elsewhere and are imported" in output
    folder = project.folder / "results/smoke"
    page = (folder / "report.html").read_text()
    assert TOLD in page
    assert not (folder / "explorer").exists()
    own = finished.results("smoke/tables/*.md")
    imported = project.results("smoke/tables/*.md")
    assert imported.keys() == own.keys()
    for name, text in imported.items():
        assert text.decode().replace(f" {TOLD}", "") == own[name].decode(), name
    # Figures of numbers are drawn, figures of photographs are not.
    figures = {path.name for path in (folder / "figures").glob("*.svg")}
    assert "accuracy_cost_textures_tiny_standard.svg" in figures
    assert not [name for name in figures if "gallery" in name or "figure_1" in name]
    assert project.planned() == {}


def test_a_new_row_is_trained_beside_the_imported_ones(project_with_archive):
    project = project_with_archive
    project.snakemake()
    project.edit("config/benchmarks/smoke.yaml", "methods: [", "methods: [ae-smoke-unfiltered, ")
    planned = project.planned()
    # The same model as ae-smoke, which was imported without its model.
    assert planned["train"] == planned["infer"] == 1
    project.snakemake()
    page = (project.folder / "results/smoke/report.html").read_text()
    assert "3 of the 4 runs were made elsewhere" in page
    assert project.planned() == {}
    folder = project.folder / "results/runs"
    made = sorted(path.parent.name for path in folder.rglob("metrics.json"))
    assert made == ["ae-smoke-unfiltered"]


def test_imported_runs_are_trained_on_request_or_when_their_recipe_changes(project_with_archive):
    project = project_with_archive
    aside = ("benchmark=smoke", "imports=false")
    assert project.planned(config=aside)["train"] == 3
    assert "import_runs" not in project.planned(config=aside)
    project.snakemake()
    project.edit(
        "config/methods/short.yaml", "tuning: full\n  epochs: 2", "tuning: full\n  epochs: 3"
    )
    assert project.planned()["train"] == 1
    refused = project.run("aexad", "collect", "--benchmark", "smoke", check=False)
    assert refused.returncode == 1
    assert "aexad-smoke_vit: made with another recipe (epochs): train it here" in refused.stdout


def test_runs_of_a_colleague_are_imported_by_hand(project, archive):
    output = project.run("aexad", "import", archive).stdout
    assert f"{archive}: 3 runs" in output
    assert "train" not in project.planned()
    project.snakemake()
    assert TOLD in (project.folder / "results/smoke/report.html").read_text()


@pytest.fixture
def project_with_tiles(project):
    """A fresh copy with an archive of this project, and the call that imports it."""
    archive = project.folder / "docs/results/tiles.runs.zip"
    archive.parent.mkdir(parents=True)
    shutil.copy(ROOT / "docs/results" / archive.name, archive)
    return project, ("--until", "import_runs"), ("benchmark=tiles",)


def test_an_archive_is_imported_once(project_with_tiles):
    project, call, config = project_with_tiles
    project.snakemake(*call, config=config)
    runs = project.results("imported.json")
    assert len(runs) == 9
    record = project.results("imported.txt")["tiles/imported.txt"].decode()
    assert record.splitlines()[0].endswith("  docs/results/tiles.runs.zip")
    assert {f"{line}/imported.json" for line in record.splitlines()[1:]} == runs.keys()
    assert project.planned(*call, config=config) == {}
    shutil.rmtree((project.folder / "results" / next(iter(runs))).parent)
    assert project.planned(*call, config=config) == {"import_runs": 1}


def test_imported_runs_of_a_colleague_stay(project_with_tiles):
    """Snakemake deletes the outputs of a rule before the job, and again when it fails."""
    project, call, config = project_with_tiles
    project.run("aexad", "import", "docs/results/tiles.runs.zip")
    split = next((project.folder / "results/imported").rglob("split.csv"))
    with split.open("a") as file:
        file.write("\n")
    before = project.results("metrics.json", "split.csv")
    result = project.snakemake(*call, config=config, check=False)
    assert result.returncode != 0
    assert "was made with another split than" in result.stdout
    assert project.results("metrics.json", "split.csv") == before


def test_a_benchmark_that_names_no_archive_is_one_line(project):
    with (project.folder / "config/benchmarks/smoke.yaml").open("a") as file:
        file.write("\narchive: nowhere.zip\n")
    result = project.snakemake("--dry-run", check=False)
    assert result.returncode == 1
    assert "smoke.yaml: archive: nowhere.zip: no such archive of runs" in result.stdout
