"""How runs become jobs of a cluster: profiles/slurm, without a cluster."""

import re

import pytest

pytest.importorskip(
    "snakemake_executor_plugin_slurm",
    reason="no Slurm executor: pip install -e '.[slurm]', or make test-slurm",
)
pytestmark = pytest.mark.workflow

METHOD = r"\bae(?:xad)?-smoke[\w-]*"


def groups(output):
    """Of each group: its methods, and how many rules it has."""
    found = []
    for part in output.split("Group job run")[1:]:
        # Indented: what is outside of a group is not.
        messages = re.findall(r"^    Job \d+: (.*)$", part, flags=re.MULTILINE)
        found.append((sorted({re.search(METHOD, text)[0] for text in messages}), len(messages)))
    return sorted(found)


def test_a_run_is_one_group_and_shares_it_with_no_other(project):
    project.edit("config/benchmarks/smoke.yaml", "ae-smoke]", "ae-smoke, ae-smoke-unfiltered]")
    output = project.snakemake("--dry-run", "--profile", "profiles/slurm").stdout
    assert groups(output) == [
        (["ae-smoke"], 6),  # augment, train, infer, evaluate, panels, strips
        # Its model is another run's: a local rule copies it.
        (["ae-smoke-unfiltered"], 4),
        (["aexad-smoke_resnet"], 6),
        (["aexad-smoke_vit"], 6),
    ]


def test_a_training_set_on_the_disk_of_another_node_is_one_that_is_missing(project):
    run = project.folder / "results/runs/textures_tiny/brick/standard/seed0/ae-smoke"
    run.mkdir(parents=True)
    (run / "train.npz").symlink_to("/scratch/of/another/node.npz")
    output = project.snakemake("--dry-run", "--profile", "profiles/slurm").stdout
    assert (["ae-smoke"], 6) in groups(output)
