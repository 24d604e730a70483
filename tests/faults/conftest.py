"""One undisturbed run of the smoke benchmark, and copies of it."""

import pytest
from project import Project
from smoke_run import TARGET

ONE = "{title: One, datasets: {textures_tiny: [brick]}, methods: [ae-smoke]}\n"


@pytest.fixture(scope="session")
def one_run(tmp_path_factory):
    """A project with one complete run, from its data to its metrics; tests do not change it."""
    project = Project.copied(tmp_path_factory.mktemp("one") / "project")
    (project.folder / "config/benchmarks/one.yaml").write_text(ONE)
    # Long enough that a signal meets the training, also on a busy machine.
    project.edit(
        "config/methods/short.yaml",
        'title: "Autoencoder, tiny ResNet", loss: mse}',
        'title: "Autoencoder, tiny ResNet", loss: mse, epochs: 60}',
    )
    project.snakemake(TARGET)
    return project


@pytest.fixture
def copy_of_run(one_run, tmp_path):
    """A copy with results, data and the records of Snakemake, which tests may change."""
    return one_run.clone(tmp_path / "project", "results", "data", ".snakemake")
