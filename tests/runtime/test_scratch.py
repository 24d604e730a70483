"""Files of a cluster job on its node, and results that outlive the job."""

import json

import pytest

from aexad.runtime.scratch import (
    MODEL_FILES,
    forget_trained,
    free_scratch,
    keep_trained,
    on_scratch,
    restore_trained,
    scratch_folder,
)

ORIGIN = {"recipe": {"epochs": 2}, "seed": 0}


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("AEXAD_SCRATCH", str(folder))
    return folder


@pytest.fixture
def run(tmp_path):
    """A run's folder with a trained model."""
    folder = tmp_path / "run"
    folder.mkdir()
    for name in MODEL_FILES:
        (folder / name).write_text(json.dumps(ORIGIN | {"file": name}))
    return folder


def outside_of_jobs(monkeypatch):
    for name in ("AEXAD_SCRATCH", "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)


def written(path):
    with on_scratch(path) as target:
        target.write_text("arrays")
    return path


def remove_outputs(run):
    """Remove what Snakemake removes when a job fails."""
    for name in MODEL_FILES:
        (run / name).unlink()


def test_a_training_set_is_on_the_node_until_the_training_ends(scratch, tmp_path):
    path = written(tmp_path / "run" / "train.npz")
    assert path.resolve().parent == scratch
    assert path.read_text() == "arrays"
    free_scratch(path)
    assert list(scratch.iterdir()) == []


def test_a_link_to_another_node_is_replaced(scratch, tmp_path):
    path = tmp_path / "train.npz"
    path.symlink_to("/scratch/of/another/node.npz")
    assert written(path).read_text() == "arrays"


def test_a_write_that_fails_leaves_no_link(scratch, tmp_path):
    path = tmp_path / "train.npz"
    with pytest.raises(OSError, match="full"), on_scratch(path):
        raise OSError("full")
    assert not path.is_symlink()


def test_a_slurm_job_uses_the_tmpdir_of_its_node(tmp_path, monkeypatch):
    outside_of_jobs(monkeypatch)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert scratch_folder() is None
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    assert scratch_folder() == str(tmp_path)
    monkeypatch.setenv("AEXAD_SCRATCH", "/scratch")
    assert scratch_folder() == "/scratch"
    monkeypatch.delenv("AEXAD_SCRATCH")
    monkeypatch.delenv("TMPDIR")
    assert scratch_folder() == ""


@pytest.mark.parametrize("value", [None, "", "/no/such/folder"])
def test_without_scratch_it_is_an_ordinary_file(value, tmp_path, monkeypatch):
    outside_of_jobs(monkeypatch)
    if value is not None:
        monkeypatch.setenv("AEXAD_SCRATCH", value)
    path = written(tmp_path / "train.npz")
    assert not path.is_symlink()
    free_scratch(path)
    assert path.read_text() == "arrays"


def test_a_trained_model_outlives_the_job_until_its_run_is_evaluated(scratch, run):
    before = {name: (run / name).read_bytes() for name in MODEL_FILES}
    keep_trained(run)
    remove_outputs(run)
    assert restore_trained(run, ORIGIN)
    assert {name: (run / name).read_bytes() for name in MODEL_FILES} == before
    forget_trained(run)
    assert sorted(path.name for path in run.iterdir()) == sorted(MODEL_FILES)
    remove_outputs(run)
    assert not restore_trained(run, ORIGIN)


def test_the_model_of_another_recipe_is_not_restored(scratch, run):
    keep_trained(run)
    remove_outputs(run)
    assert not restore_trained(run, ORIGIN | {"recipe": {"epochs": 3}})
    assert not (run / "model.safetensors").exists()


def test_a_model_that_was_kept_in_part_is_not_restored(scratch, run):
    keep_trained(run)
    remove_outputs(run)
    (run / ".trained" / "provenance.json").unlink()
    assert not restore_trained(run, ORIGIN)


def test_outside_of_cluster_jobs_nothing_is_kept(run, monkeypatch):
    outside_of_jobs(monkeypatch)
    keep_trained(run)
    assert not (run / ".trained").exists()
