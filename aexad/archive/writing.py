"""Write the small files of a benchmark's runs into one archive."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from aexad.archive.imported import IMPORTED
from aexad.archive.manifest import (
    MANIFEST,
    MEASURED,
    RECORDS,
    SPLIT,
    ArchivedRun,
    Manifest,
    digest_of,
)
from aexad.config.benchmark import Run
from aexad.config.methods import Method
from aexad.config.recipe import Recipe
from aexad.evaluation.evaluate import COUNTS
from aexad.evaluation.run_files import read_json, require
from aexad.explain.run_maps import MAPS, read_settings
from aexad.runtime.errors import DataError
from aexad.runtime.files import written_whole

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the archive, so that equal runs give equal bytes."""
COMPRESSION = {COUNTS: zipfile.ZIP_LZMA}
"""Counts are two thirds of an archive, and a quarter smaller so. All other files are deflated,
which every program can unpack."""


def write_archive(
    path: Path,
    runs: Sequence[Run],
    external: Sequence[Run],
    methods: Mapping[str, Method],
    results: Path,
    benchmark: str,
    title: str,
) -> Manifest:
    """Write an archive of runs; equal runs give equal bytes.

    Parameters
    ----------
    path : Path
        The zip to write.
    runs, external : sequence of Run
        Runs that trained a model or ran a command, and runs with external maps.
    methods : mapping of str to Method
        The recipes: which runs have a heat map of ours.
    results : Path
        The results folder. Imported runs are archived like own ones.
    benchmark, title : str
        Name and title of the benchmark, for the manifest.

    Raises
    ------
    DataError
        If a file of a run is missing; the message counts them.
    """
    every = sorted([*runs, *external])
    for name in MEASURED:
        require([run.folder_in(results) / name for run in every])
    for name in RECORDS:
        require([run.folder_in(results) / name for run in runs])
    contents: dict[str, bytes] = {}
    archived = []
    for run in every:
        folder = run.folder_in(results)
        names = (*MEASURED, *RECORDS) if run in runs else MEASURED
        files = {name: (folder / name).read_bytes() for name in names}
        recipe = _recipe(folder) if isinstance(methods.get(run.method), Recipe) else None
        digests = {name: digest_of(content) for name, content in files.items()}
        archived.append(ArchivedRun(**run._asdict(), recipe=recipe, files=digests))
        contents |= {f"{run.folder.as_posix()}/{name}": files[name] for name in names}
        split = f"{run.data_folder.as_posix()}/{SPLIT}"
        if contents.setdefault(split, content := (folder.parent / SPLIT).read_bytes()) != content:
            raise DataError(
                f"{folder.parent / SPLIT}: differs from the split of the runs made here; remove "
                "one of the two"
            )
    splits = {
        name.removesuffix(f"/{SPLIT}"): digest_of(content)
        for name, content in contents.items()
        if name.endswith(f"/{SPLIT}")
    }
    manifest = Manifest(benchmark=benchmark, title=title, splits=splits, runs=archived)
    with written_whole(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        text = json.dumps(manifest.model_dump(), indent=1, sort_keys=True).encode()
        for name, content in [(MANIFEST, text), *sorted(contents.items())]:
            info = zipfile.ZipInfo(name, EARLIEST)
            info.external_attr = 0o644 << 16
            method = COMPRESSION.get(Path(name).name, zipfile.ZIP_DEFLATED)
            archive.writestr(info, content, method, compresslevel=9)
    return manifest


def _recipe(folder: Path) -> dict[str, object]:
    """The recipe that a run was really made with, by its own records."""
    if (imported := folder / IMPORTED).is_file():
        return read_json(imported, lambda content: dict(content["recipe"]))
    training = read_json(folder / "provenance.json", lambda content: dict(content["recipe"]))
    return training | {"heat_map": read_settings(folder / MAPS).heat_map.model_dump()}
