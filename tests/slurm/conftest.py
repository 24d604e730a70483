"""One cluster for all tests of this folder, and the same benchmark without one."""

import pytest
from cluster import Cluster, missing
from project import Project

# Long enough to stop it while it trains; with a checkpoint every few epochs.
EPOCHS = 20
CONFIG = ("benchmark=smoke", "device=cpu", "checkpoint_epochs=2")


def _copy(folder):
    project = Project.copied(folder)
    project.edit(
        "config/methods/short.yaml",
        "tuning: full\n  epochs: 2",
        f"tuning: full\n  epochs: {EPOCHS}",
    )
    return project


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    if missing():
        pytest.skip(f"no Slurm here ({missing()}): make test-slurm, as root, installs it")
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    with cluster:
        yield cluster
    assert cluster.left() == []


@pytest.fixture(scope="session")
def local(tmp_path_factory):
    """A copy in which the benchmark has run on this machine, without a cluster."""
    project = _copy(tmp_path_factory.mktemp("local") / "project")
    project.snakemake("tables", config=CONFIG)
    return project


@pytest.fixture
def project(tmp_path):
    """A fresh copy of the same benchmark, without results."""
    return _copy(tmp_path / "project")
