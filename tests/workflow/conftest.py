"""A smoke benchmark that has run, and copies of the project."""

import pytest
from project import Project


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A copy in which the smoke benchmark has run; not to be changed."""
    project = Project.copied(tmp_path_factory.mktemp("finished") / "project")
    project.snakemake()
    return project


@pytest.fixture
def copy_of_finished(finished, tmp_path):
    """A copy with its results and what Snakemake knows of them; to be changed at will."""
    return finished.clone(tmp_path / "project", "results", "data", ".snakemake")


@pytest.fixture
def project(tmp_path):
    """A fresh copy without results."""
    return Project.copied(tmp_path / "project")
