"""Import archives of runs, which are checked as wholes before anything is written.

From imported runs all tables, statistics and pages are made that need no heat maps; runs that are
missing are trained as usual. Two people who share the work import each other's archives.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import zipfile
from collections.abc import Callable, Mapping
from operator import itemgetter
from pathlib import Path

import numpy as np

from aexad.archive.imported import (
    IMPORTED,
    command_differences,
    other_code,
    other_splits,
    recipe_differences,
)
from aexad.archive.manifest import (
    DAMAGED,
    LARGEST,
    MANIFEST,
    MEASURED,
    RECORDS,
    SPLIT,
    ArchivedRun,
    digest_of,
    read_manifest,
    read_record,
)
from aexad.config.benchmark import METRICS_FILE, Run
from aexad.config.methods import Command, Method
from aexad.config.recipe import Recipe
from aexad.evaluation.evaluate import COUNTS
from aexad.evaluation.metrics.image_counts import ImageCounts
from aexad.evaluation.run_files import IMAGE_VALUES, read_per_image
from aexad.runtime.atomic_folder import replaced_folder
from aexad.runtime.errors import DataError
from aexad.runtime.files import written_whole

logger = logging.getLogger(__name__)

_REPLACED = (*MEASURED, *RECORDS, IMPORTED)
"""The files in the folder of an imported run."""


def import_archive(path: Path, results: Path, methods: Mapping[str, Method]) -> list[Run]:
    """Write the runs of an archive into ``<results>/imported``; return them.

    A run that is there already, with the same values, is left alone. Runs whose recipe, command or
    split is another one here are left out with a warning. Other code of aexad, or in a Python file
    of one's own, does not matter; the second is told.

    Parameters
    ----------
    path : Path
        The archive.
    results : Path
        The results folder.
    methods : mapping of str to Method
        The recipes of this machine.

    Raises
    ------
    DataError
        The archive is damaged, a file does not have the digest of the manifest or is no result, a
        run or its split was imported with other values, its folder holds other files, or no run
        is left. Nothing is written then.
    """
    manifest = read_manifest(path)
    unknown = sorted({each.method for each in manifest.runs} - methods.keys())
    if unknown:
        logger.warning("%s: no recipe here has the name %s", path, ", ".join(unknown))
    others = other_splits(manifest.splits, results)
    for folder in others:
        logger.warning(
            "%s: its runs of %s left out: made with another split than %s; the data sets differ, "
            "or one of them is not whole",
            *(path, folder, results / folder / SPLIT),
        )
    chosen = []
    for archived in manifest.runs:
        method = methods.get(archived.method)
        changed = recipe_differences(archived.recipe, method)
        own = method.own_code["train"] if isinstance(method, Recipe) else []
        record = read_record(path, archived) if own or isinstance(method, Command) else {}
        if changed := changed + command_differences(record, method):
            logger.warning(
                "%s: run %s left out: its recipe is another one here (%s)",
                *(path, archived.run.folder, ", ".join(changed)),
            )
        elif archived.run.data_folder not in others:
            chosen.append(archived)
            if files := other_code(record, method):
                logger.warning(
                    "%s: run %s was made with other code in %s than is here; to make it here, "
                    "delete %s and set imports=false",
                    *(path, archived.run.folder, ", ".join(files)),
                    results / archived.run.imported_folder,
                )
    if not chosen:
        raise DataError(
            f"{path}: no run is imported: each was made with another recipe or split than "
            "here; see the warnings above"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            contents = [
                _checked_content(archive, each, manifest.splits, methods.get(each.method), path)
                for each in chosen
            ]
    except DAMAGED as error:
        raise DataError(f"{path}: damaged ({error}); get it again") from None
    for archived, content in zip(chosen, contents, strict=True):
        _check_against_results(archived, content, results, path)
    for archived, content in zip(chosen, contents, strict=True):
        _write(archived, content, results)
    return [archived.run for archived in chosen]


def _checked_content(
    archive: zipfile.ZipFile,
    archived: ArchivedRun,
    splits: Mapping[str, str],
    method: Method | None,
    path: Path,
) -> dict[str, bytes]:
    """The files of a run and its split, with the digests that the manifest gives."""
    run = archived.run
    places = {name: f"{run.folder.as_posix()}/{name}" for name in archived.files}
    data_folder = run.data_folder.as_posix()
    if data_folder not in splits:
        raise DataError(f"{path}: {MANIFEST} has no split of {data_folder}; get it again")
    wanted = archived.files | {SPLIT: splits[data_folder]}
    places[SPLIT] = f"{data_folder}/{SPLIT}"
    content = {}
    for name, place in places.items():
        if archive.getinfo(place).file_size > LARGEST:
            raise DataError(f"{path}: {place} is larger than any result; get the archive again")
        content[name] = archive.read(place)
        if digest_of(content[name]) != wanted[name]:
            raise DataError(f"{path}: {place} has another digest than in {MANIFEST}; get it again")
    recorded = archived.recipe is not None or isinstance(method, Command)
    missing = [name for name in (*MEASURED, *RECORDS * recorded) if name not in content]
    if missing:
        raise DataError(f"{path}: run {run.folder} has no {missing[0]}; make the archive again")
    test = _column(content[SPLIT], "image", role="test")
    if _column(content["per_image.csv"], "image") != test:
        raise DataError(
            f"{path}: per_image.csv of {run.folder} does not have the test images of its split; "
            "make the archive again"
        )
    for name, read in READABLE.items():
        try:
            if name in content:
                read(content[name])
        except (*DAMAGED, AttributeError, DataError, IndexError, TypeError, OSError):
            raise DataError(
                f"{path}: {name} of {run.folder} cannot be read; make the archive again"
            ) from None
    counted = {len(array) for array in _counts(content[COUNTS])}
    if counted not in ({len(test)}, {0}):  # without masks there are no counts
        raise DataError(
            f"{path}: {COUNTS} of {run.folder} does not have the {len(test)} test images of its "
            "split; make the archive again"
        )
    return content


def _metrics(metrics: bytes) -> dict[str, float]:
    found = {
        name: float("nan" if entry["value"] is None else entry["value"])
        for name, entry in json.loads(metrics)["metrics"].items()
    }
    if not found:
        raise ValueError("there is no metric")
    return found


def _record(*keys: str) -> Callable[[bytes], object]:
    """Reads a record, which must have the keys that tables are made from."""
    return lambda record: itemgetter(*keys)(json.loads(record))


def _counts(counts: bytes) -> ImageCounts:
    with np.load(io.BytesIO(counts), allow_pickle=False) as arrays:
        return ImageCounts.from_arrays(arrays)


READABLE: dict[str, Callable[[bytes], object]] = {
    METRICS_FILE: _metrics,
    COUNTS: _counts,
    "per_image.csv": lambda table: read_per_image(io.BytesIO(table), IMAGE_VALUES)["defect"],
    "provenance.json": _record("recipe", "encoder", "parameters", "seconds", "peak_mb"),
    "inference.json": _record("seconds", "peak_mb"),
    "training.csv": lambda table: list(csv.DictReader(io.StringIO(table.decode()))),
}
"""How to read each file of a run: one that cannot be read is refused."""


def _check_against_results(
    archived: ArchivedRun, content: Mapping[str, bytes], results: Path, path: Path
) -> None:
    """Refuse a run that was imported before with another split or other values.

    Records of time and machine may differ: it is the same result, and the one that is there stays.
    """
    run = archived.run
    here = results / run.imported_folder
    remedy = "and import again (no imports at all: snakemake --config imports=false)"
    split = here.parent / SPLIT
    if split.is_file() and split.read_bytes() != content[SPLIT]:
        raise DataError(
            f"{path}: run {run.folder} was made with another split than {split}, so it cannot be "
            f"compared with the runs there; keep those, or delete {here.parent} {remedy}"
        )
    for name in MEASURED:
        if (here / name).is_file() and digest_of((here / name).read_bytes()) != archived.files[
            name
        ]:
            raise DataError(
                f"{path}: run {run.folder} was imported before with another {name}; keep that, or "
                f"delete {here} {remedy}"
            )
    if not _is_complete(archived, here):
        for other in [here] if here.is_file() else sorted(here.glob("*")):
            if other.name not in _REPLACED:
                raise DataError(f"{other}: not made by aexad; move it away and import again")


def _is_complete(archived: ArchivedRun, folder: Path) -> bool:
    """Whether the folder of an imported run holds all its files."""
    return all((folder / name).is_file() for name in (*archived.files, IMPORTED))


def _write(archived: ArchivedRun, content: Mapping[str, bytes], results: Path) -> None:
    """Write the files of a run; the mark of an import has the recipe."""
    folder = results / archived.run.imported_folder
    mark = json.dumps({"recipe": archived.recipe}, indent=2, sort_keys=True) + "\n"
    files = {name: content[name] for name in archived.files} | {IMPORTED: mark.encode()}
    if not (folder.parent / SPLIT).is_file():
        with written_whole(folder.parent / SPLIT) as temporary:
            temporary.write_bytes(content[SPLIT])
    if _is_complete(archived, folder):
        return
    with replaced_folder(folder, *_REPLACED) as new:
        for name, data in files.items():
            (new / name).write_bytes(data)


def _column(table: bytes, column: str, **wanted: str) -> list[str]:
    """A column of a CSV table, of the rows that have the wanted values."""
    rows = csv.DictReader(io.StringIO(table.decode()))
    return [row[column] for row in rows if wanted.items() <= row.items()]
