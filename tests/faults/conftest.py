"""One run of the smoke benchmark that nobody disturbed, and copies of it."""

import pytest
from project import Project
from smoke_run import TARGET

ONE = "{title: One, datasets: {textures_tiny: [brick]}, methods: [ae-smoke]}\n"


@pytest.fixture(scope="session")
def one_run(tmp_path_factory):
    """A project in which one run was made, from its data to its metrics; not to be changed."""
    project = Project.copied(tmp_path_factory.mktemp("one") / "project")
    (project.folder / "config/benchmarks/one.yaml").write_text(ONE)
    project.snakemake(TARGET)
    return project


@pytest.fixture
def copy_of_run(one_run, tmp_path):
    """A copy with results, data and what Snakemake knows of them; to be changed at will."""
    return one_run.clone(tmp_path / "project", "results", "data", ".snakemake")
