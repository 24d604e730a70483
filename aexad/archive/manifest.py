"""What an archive holds: the small files of runs, and ``manifest.json``, which lists them.

The files are numbers and their origin; no images and no weights.
"""

from __future__ import annotations

import csv
import hashlib
import json
import lzma
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError

from aexad.config.benchmark import METRICS_FILE, NAMES, Run
from aexad.config.scenarios import Scenario
from aexad.config.schema import Strict
from aexad.runtime.errors import DataError

MANIFEST, SPLIT = "manifest.json", "split.csv"
MEASURED = (METRICS_FILE, "per_image.csv", "counts.npz")
RECORDS = ("provenance.json", "training.csv", "inference.json")
"""Further files of a run that has a model or ran a command."""
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, csv.Error),
    *(EOFError, KeyError, ValueError, RuntimeError),
)
"""What reading a zip may raise; RuntimeError: it is encrypted, or its compression is unknown."""

LARGEST = 2**26
"""Bytes of one file of an archive; the largest real ones have a hundredth."""
_ENCRYPTED = 1
"""Bit of a file in a zip that is encrypted."""

FileName = Annotated[str, StringConstraints(pattern=f"^({'|'.join((*MEASURED, *RECORDS))})$")]
Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class ArchivedRun(Strict):
    """One run of an archive; its files lie in ``runs/<dataset>/<category>/…/<method>/``."""

    dataset: Annotated[str, StringConstraints(pattern=f"^({NAMES['dataset']})$")]
    category: Annotated[str, StringConstraints(pattern=f"^({NAMES['category']})$")]
    scenario: Scenario
    seed: int = Field(ge=0, lt=2**32)
    method: Annotated[str, StringConstraints(pattern=f"^({NAMES['method']})$")]
    recipe: dict[str, Any] | None = Field(
        description="the recipe that the run was made with; null for external maps and commands"
    )
    files: dict[FileName, Digest] = Field(description="the sha256 of each of its files")

    @property
    def run(self) -> Run:
        """Its place in a benchmark."""
        return Run(self.dataset, self.category, self.scenario, self.seed, self.method)


class Manifest(Strict):
    """The list of contents of an archive of runs ('aexad archive')."""

    format: Literal[1] = Field(1, description="version of this layout")
    benchmark: str = Field(description="name of the benchmark that the runs were made for")
    title: str = Field(description="its title")
    splits: dict[str, Digest] = Field(
        description="folder of the split that all methods share: the sha256 of its split.csv"
    )
    runs: list[ArchivedRun] = Field(min_length=1, description="what each run is, and its files")


def digest_of(content: bytes) -> str:
    """The sha256 of a file's content, as a manifest has it."""
    return hashlib.sha256(content).hexdigest()


def read_manifest(path: Path) -> Manifest:
    """Read the manifest of an archive.

    Raises
    ------
    DataError
        The file is missing, is encrypted, is not an archive of runs, or is of another version.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_names(archive.namelist(), path)
            manifest = archive.getinfo(MANIFEST)
            if manifest.flag_bits & _ENCRYPTED:
                raise DataError(f"{path}: encrypted; unpack it, and zip it without a password")
            if manifest.file_size > LARGEST:
                raise DataError(f"{path}: its {MANIFEST} is larger than any real one; get it again")
            return Manifest.model_validate_json(archive.read(MANIFEST))
    except FileNotFoundError:
        raise DataError(f"{path}: no such archive of runs") from None
    except (*DAMAGED, OSError) as error:
        detail = "no archive of runs, or of another version"
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            detail += f" ({'.'.join(map(str, first['loc']))}: {first['msg']})"
        raise DataError(f"{path}: {detail}; make it with 'aexad archive'") from None


def read_record(path: Path, archived: ArchivedRun) -> dict[str, Any]:
    """The ``provenance.json`` of a run of an archive; empty if the run has none that is readable.

    Damage is reported where the whole run is read (:func:`aexad.archive.importing.import_archive`).
    """
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(f"{archived.run.folder.as_posix()}/{RECORDS[0]}")
            if info.file_size > LARGEST:
                return {}
            return dict(json.loads(archive.read(info)))
    except (*DAMAGED, OSError, TypeError):
        return {}


def _check_names(names: Sequence[str], path: Path) -> None:
    """Refuse a zip that was unpacked, and packed again in another form."""
    if any("\\" in name for name in names):
        raise DataError(
            f"{path}: its names have backslashes for folders, which zip does not allow; pack it "
            "again with another program"
        )
    inner = [name for name in names if name.endswith(f"/{MANIFEST}")]
    if inner and MANIFEST not in names:
        raise DataError(
            f"{path}: {MANIFEST} is in a sub-folder ({inner[0]}); zip the contents of that folder, "
            "not the folder"
        )
