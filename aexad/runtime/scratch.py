"""One job of a cluster that does a whole run: what its verbs share, and what outlives the job.

Snakemake gives the verbs of a run to a cluster as one group. Inside such a job, ``AEXAD_SCRATCH``
is set: to a folder of the node alone, or to nothing where the node has none. Elsewhere it is not
set, and nothing here does anything.
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

TRAINED = ("model.safetensors", "training.csv", "provenance.json")
KEPT = ".trained"


@contextmanager
def on_scratch(path: Path) -> Iterator[Path]:
    """Yield where a file is to be written that only this job reads: on the node's own disk.

    ``path`` becomes a link to it when the block ends without an exception. Without a scratch
    folder, ``path`` itself is yielded.
    """
    scratch = os.environ.get("AEXAD_SCRATCH")
    if not scratch or not Path(scratch).is_dir():
        yield path
        return
    # Of the run, not of the job: one that was killed here leaves a file that the next one replaces.
    name = hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]
    target = Path(scratch) / f"aexad-{name}{path.suffix}"
    yield target
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def free_scratch(path: Path) -> None:
    """Remove what a link of :func:`on_scratch` leads to; the link itself is Snakemake's."""
    if path.is_symlink() and "AEXAD_SCRATCH" in os.environ:
        path.resolve().unlink(missing_ok=True)


def keep_trained(folder: Path) -> None:
    """Keep a finished training until its run is evaluated.

    When a later verb of the group fails, or the job is preempted, Snakemake removes the outputs of
    all of them. Second names cost no space.
    """
    if "AEXAD_SCRATCH" not in os.environ:
        return
    forget_trained(folder)
    (folder / KEPT).mkdir()
    for name in TRAINED:  # the provenance last: it says that all are there
        _link(folder / name, folder / KEPT / name)


def restore_trained(folder: Path, belongs_to: Mapping[str, Any]) -> bool:
    """Take back a training that :func:`keep_trained` kept, if it is of the same things."""
    try:
        provenance = json.loads((folder / KEPT / "provenance.json").read_text())
    except (OSError, ValueError):
        return False
    wanted = json.loads(json.dumps(belongs_to))
    same = all(provenance.get(key) == value for key, value in wanted.items())
    if "AEXAD_SCRATCH" not in os.environ or not same:
        return False
    for name in TRAINED:
        _link(folder / KEPT / name, folder / name)
    logger.info("%s: trained already, by a job that did not come to its end", folder)
    return True


def forget_trained(folder: Path) -> None:
    """Remove what :func:`keep_trained` kept."""
    shutil.rmtree(folder / KEPT, ignore_errors=True)


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:  # a file system without second names
        shutil.copy2(source, target)
