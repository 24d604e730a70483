"""Cluster jobs that do a whole run: files on the node's own disk, and results that outlive the job.

Snakemake submits the verbs of a run as one group, which is one job. Outside of cluster jobs the
functions of this module do nothing.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

MODEL_FILES = ("model.safetensors", "training.csv", "provenance.json")
"""Files of a trained run; ``provenance.json`` is the last one that is written."""
KEPT = ".trained"


def scratch_folder() -> str | None:
    """The node's own folder for temporary files in a cluster job; None outside of cluster jobs.

    ``AEXAD_SCRATCH`` if it is set; otherwise, in a Slurm job, ``TMPDIR``. An empty string means
    that the node has no such folder.
    """
    job = "SLURM_JOB_ID" in os.environ
    return os.environ.get("AEXAD_SCRATCH", os.environ.get("TMPDIR", "") if job else None)


@contextmanager
def on_scratch(path: Path) -> Iterator[Path]:
    """Yield the path to write a file to that only this job reads: on the node's own disk.

    ``path`` becomes a link to it when the block ends without an exception. Without a scratch
    folder, ``path`` itself is yielded.
    """
    folder = scratch_folder()
    if not folder or not Path(folder).is_dir():
        yield path
        return
    # Named by the run, not by the job, so that the next job replaces the file of a killed one.
    name = hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]
    target = Path(folder) / f"aexad-{name}{path.suffix}"
    yield target
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def free_scratch(path: Path) -> None:
    """Remove the target of a link of :func:`on_scratch`; Snakemake removes the link itself."""
    if path.is_symlink() and scratch_folder() is not None:
        path.resolve().unlink(missing_ok=True)


def keep_trained(folder: Path) -> None:
    """Keep the results of a finished training until its run is evaluated.

    When a later verb of the group fails, or the job is preempted, Snakemake removes the outputs of
    all verbs of the group. The kept files are hard links, which use no extra space.
    """
    if scratch_folder() is None:
        return
    forget_trained(folder)
    (folder / KEPT).mkdir()
    for name in MODEL_FILES:  # provenance.json is the last: it shows that all files are kept
        _link(folder / name, folder / KEPT / name)


def restore_trained(folder: Path, belongs_to: Mapping[str, Any]) -> bool:
    """Restore what :func:`keep_trained` kept, if its provenance has the values ``belongs_to``.

    Returns
    -------
    bool
        Whether the training was restored.
    """
    if scratch_folder() is None:
        return False
    try:
        provenance = json.loads((folder / KEPT / "provenance.json").read_text())
    except (OSError, ValueError):
        return False
    wanted = json.loads(json.dumps(belongs_to))
    if any(provenance.get(key) != value for key, value in wanted.items()):
        return False
    for name in MODEL_FILES:
        _link(folder / KEPT / name, folder / name)
    logger.info("%s: trained by an earlier job that did not finish the run", folder)
    return True


def forget_trained(folder: Path) -> None:
    """Remove what :func:`keep_trained` kept."""
    shutil.rmtree(folder / KEPT, ignore_errors=True)


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:  # a file system without hard links
        shutil.copy2(source, target)
