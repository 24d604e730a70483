"""The explorer's folder: one page with everything inside but the pictures, and these beside it.

A browser opens it as a file: there is no server, no network, and so no request for data.
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

from aexad.config.benchmark import Benchmark, Run
from aexad.config.catalogue import Dataset
from aexad.report.html.explorer.contents import Contents, described, read_contents
from aexad.report.html.jinja import template
from aexad.report.images.grid import COLOUR_MAP
from aexad.report.images.pictures import RULE, SCALE
from aexad.report.images.strips import ERRORS, draw_photograph, strip_names
from aexad.report.labels import DAGGER
from aexad.runtime.atomic_folder import replaced_folder
from aexad.runtime.errors import DataError
from aexad.runtime.files import write_text

BROWSER = Path(__file__).parent / "browser"
SCRIPTS = ("data.js", "choice.js", "order.js", "pictures.js", "grid.js", "viewer.js", "start.js")
"""In the order in which the page needs them."""
INDEX, PHOTOGRAPHS, STRIPS = "index.html", "photographs", "strips"


def write_explorer(
    benchmark: Benchmark,
    runs: Sequence[Run],
    catalogue: Mapping[str, Dataset],
    methods: pd.DataFrame,
    *,
    results: Path,
    data: Path,
    count: int,
    folder: Path,
) -> None:
    """Write the explorer of a benchmark: ``index.html``, ``photographs/`` and ``strips/``.

    Parameters
    ----------
    benchmark : Benchmark
        Its title.
    runs : sequence of Run
        The runs that trained a model; those of one split are compared.
    catalogue : mapping of str to Dataset
        Data set: its title and sizes.
    methods : DataFrame
        Rows of ``methods.csv``.
    results : Path
        The results folder: each run has ``per_image.csv`` and ``strips/``.
    data : Path
        The folder of the data sets.
    count : int
        Test images of a category that the runs' strips are of.
    folder : Path
        Of the explorer.

    Raises
    ------
    DataError
        If one of these is missing or damaged, or there is no run to show.
    ConfigError
        If ``folder`` holds anything but an explorer.
    """
    if not runs:
        raise DataError("no method of this benchmark has trained a model: nothing to explore")
    contents = read_contents(runs, results, count)
    told = {"title": benchmark.title, **described(contents, results, catalogue, methods)}
    ours = (INDEX, f"{PHOTOGRAPHS}/*/*/*.webp", f"{STRIPS}/*/*/*/*/*/*.webp")
    with replaced_folder(folder, *ours) as new:
        _draw_photographs(contents, catalogue, data, new / PHOTOGRAPHS)
        for group in contents.groups:
            for run in group.runs:
                _place_strips(run, strip_names(group.images), results, new / STRIPS)
        write_text(new / INDEX, page(told, count))


def page(data: Mapping[str, Any], count: int) -> str:
    """The HTML of the page, with styles, scripts and data inside."""
    script = "\n".join((BROWSER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    # In a script element of HTML, "<" alone could end it.
    values = json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return template(BROWSER / "index.html.j2").render(
        title=data["title"],
        style=(BROWSER / "explorer.css").read_text(encoding="utf-8"),
        script=script,
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        data=values,
        colours=", ".join(_colours(9)),
        texts=[SCALE, ERRORS],
        dagger=DAGGER,
        rule=f"Of a category with more than {count} test images, {count} are here. {RULE}",
    )


def _colours(count: int) -> list[str]:
    """The colours of the maps from one end of the scale to the other, for a style sheet."""
    return [mpl.colors.to_hex(mpl.colormaps[COLOUR_MAP](i / (count - 1))) for i in range(count)]


def _draw_photographs(
    contents: Contents, catalogue: Mapping[str, Dataset], data: Path, folder: Path
) -> None:
    for (dataset, category), photographs in contents.photographs.items():
        root, size = data / (catalogue[dataset].files or dataset), catalogue[dataset].stored
        for each in photographs:
            mask = root / each.mask if each.mask else None
            draw_photograph(root / each.image, mask, size, folder / dataset / category / each.name)


def _place_strips(run: Run, names: Sequence[str], results: Path, folder: Path) -> None:
    """Give the explorer the strips of a run: the same files by another name, where that works."""
    target = folder.joinpath(*run.folder.parts[1:])
    target.mkdir(parents=True)
    for name in names:
        strip = results / run.folder / "strips" / name
        try:
            os.link(strip, target / name)
        except FileNotFoundError:
            raise DataError(f"{strip}: no such file; make it with 'aexad strips'") from None
        except OSError:  # another disk, or one without links
            shutil.copyfile(strip, target / name)
