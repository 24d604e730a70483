"""The folder of the explorer: one page that contains everything except the pictures next to it.

A browser opens the page as a file, without a server or a network.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd

from aexad.config.benchmark import Run
from aexad.report.html.explorer.contents import page_data, photographs_of, read_splits
from aexad.report.html.jinja import template
from aexad.report.images.grid import COLOUR_MAP
from aexad.report.images.pictures import RULE, SCALE
from aexad.report.images.strips import ERRORS, draw_photograph
from aexad.report.inputs import Inputs
from aexad.report.labels import DAGGER
from aexad.runtime.atomic_folder import replaced_folder
from aexad.runtime.errors import DataError
from aexad.runtime.files import write_text

BROWSER = Path(__file__).parent / "browser"
SCRIPTS = (
    "data.js",
    "choice.js",
    "order.js",
    "verdicts.js",
    "pictures.js",
    "grid.js",
    "viewer.js",
    "start.js",
)
"""The scripts of the page, in the order in which it needs them."""
INDEX, PHOTOGRAPHS, STRIPS = "index.html", "photographs", "strips"


def write_explorer(
    inputs: Inputs, methods: pd.DataFrame, *, results: Path, data: Path, count: int, folder: Path
) -> None:
    """Write the explorer of a benchmark: ``index.html``, ``photographs/`` and ``strips/``.

    Parameters
    ----------
    inputs : Inputs
        Benchmark, runs and data sets; runs on the same split are compared.
    methods : DataFrame
        Rows of ``methods.csv``.
    results : Path
        The results folder: each run has ``per_image.csv`` and ``strips/``.
    data : Path
        The folder of the data sets.
    count : int
        Largest number of test images of a category, as for the strips of the runs.
    folder : Path
        Folder of the explorer.

    Raises
    ------
    DataError
        If a file is missing or damaged, or there is no run to show.
    ConfigError
        If ``folder`` holds other files than an explorer.
    """
    catalogue = inputs.catalogue
    if not inputs.pictured:
        raise DataError("no run of this benchmark was made here: nothing to explore")
    splits = read_splits(inputs.pictured, results, count)
    photographs = photographs_of(splits)
    values = page_data(splits, photographs, results, catalogue, methods)
    own_files = (INDEX, f"{PHOTOGRAPHS}/*/*/*.webp", f"{STRIPS}/*/*/*/*/*/*.webp")
    with replaced_folder(folder, *own_files) as new:
        for split in splits:
            for run in split.runs:
                _add_strips(run, split.strips, results, new / STRIPS)
        for name, table in photographs.items():
            dataset = catalogue[name.split("/")[0]]
            root = data / (dataset.files or name.split("/")[0])
            for row in table.to_dict("records"):
                mask = root / row["mask"] if row["mask"] else None
                target = new / PHOTOGRAPHS / name / row["name"]
                draw_photograph(
                    root / row["image"], mask, row["marks"], dataset.stored, target, dataset.levels
                )
        write_text(new / INDEX, _page(inputs.benchmark.title, values, count))


def _page(title: str, data: Mapping[str, Any], count: int) -> str:
    """The HTML of the page, with styles, scripts and data inside."""
    script = "\n".join((BROWSER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    colours = mpl.colormaps[COLOUR_MAP]
    values = json.dumps({"title": title, **data}, allow_nan=False, separators=(",", ":"))
    return template(BROWSER / "index.html.j2").render(
        title=title,
        style=(BROWSER / "explorer.css").read_text(encoding="utf-8"),
        script=script,
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        data=values.replace("<", "\\u003c"),  # "<" could end the script element
        colours=", ".join(mpl.colors.to_hex(colours(i / 8)) for i in range(9)),
        texts=[SCALE, ERRORS],
        dagger=DAGGER,
        rule=f"Of a category with more than {count} test images, {count} are shown. {RULE}",
    )


def _add_strips(run: Run, names: Sequence[str], results: Path, folder: Path) -> None:
    """Add the strips of a run as hard links, which use no extra space, or else as copies."""
    target = folder.joinpath(*run.folder.parts[1:])
    target.mkdir(parents=True)
    for name in names:
        strip = results / run.folder / "strips" / name
        try:
            os.link(strip, target / name)
        except FileNotFoundError:
            raise DataError(f"{strip}: no such file; make it with 'aexad strips'") from None
        except OSError:  # another disk, or a disk without links
            shutil.copyfile(strip, target / name)
