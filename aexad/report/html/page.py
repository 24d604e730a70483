"""The report: one HTML file that needs nothing but itself, not even a network."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from aexad.config.benchmark import Benchmark, Run
from aexad.config.catalogue import Dataset
from aexad.report.figures.write import CAPTIONS
from aexad.report.html.inline_images import embedded
from aexad.report.html.jinja import template
from aexad.report.labels import DAGGER, HEADLINE, counted, listed
from aexad.report.method_roles import not_pretrained
from aexad.report.results import Results
from aexad.report.run_files import read_runs
from aexad.report.tables.write import build_tables
from aexad.report.text.summary import summarise
from aexad.runtime.errors import DataError
from aexad.runtime.files import write_text

TEMPLATE = Path(__file__).parent / "templates/report.html.j2"
THUMBNAILS = 200
"""Panels in one report; with more runs than that, each still shows one."""
PANEL_WIDTH, FIGURE_WIDTH = 1000, 1400  # pixels, in the file
ZOOM = 0.57  # of a figure's 200 dots an inch to pixels on the screen


class Shown(NamedTuple):
    """A picture in the page."""

    uri: str
    width: int  # on the screen, in pixels
    title: str
    alt: str
    caption: str


class RunPanels(NamedTuple):
    """The panels of one run."""

    method: str
    folder: str
    panels: list[Shown]


def write_report(
    benchmark: Benchmark,
    runs: Sequence[Run],
    catalogue: Mapping[str, Dataset],
    measured: Results,
    *,
    results: Path,
    folder: Path,
) -> None:
    """Write ``<folder>/report.html``.

    Parameters
    ----------
    benchmark : Benchmark
        Title and description.
    runs : sequence of Run
        The runs of the benchmark that trained a model.
    catalogue : mapping of str to Dataset
        Data set: title, licence, citation.
    measured : Results
        Of the benchmark: what summary and tables say.
    results : Path
        The results folder: each run has ``panels/`` and ``provenance.json``.
    folder : Path
        Of the benchmark: ``figures/`` is read from it.

    Raises
    ------
    DataError
        If one of these is missing or damaged.
    """
    metrics, methods, titles = measured.metrics, measured.methods, measured.titles
    tables = build_tables(measured)
    summary = summarise(measured)
    page = template(TEMPLATE).render(
        title=benchmark.title,
        description=benchmark.description,
        lead=_lead(runs, metrics, titles),
        answers=summary.findings,
        cautions=summary.cautions,
        summary=tables[0],
        tables=tables[1:],
        headline={"layers"}
        | {f"{name}_{scenario}" for name in HEADLINE for scenario in metrics["scenario"]},
        figures=_figures(folder / "figures"),
        panels=_panels(runs, results, titles),
        methods=methods.to_dict("records"),
        dagger=DAGGER,
        random=not_pretrained(list(methods["method"]), methods),
        datasets=[catalogue[name] for name in metrics["dataset"].unique() if name in catalogue],
        seeds=sorted(set(metrics["seed"])),
        costs=_costs(runs, results),
        versions=_versions(runs, results),
    )
    write_text(folder / "report.html", page)


def _lead(runs: Sequence[Run], metrics: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """One sentence: what was compared with what, on what."""
    methods = counted(metrics["method"].nunique(), "method")
    seeds = counted(metrics["seed"].nunique(), "seed")
    trainings = f": {counted(len(runs), 'training run')}, judged" if runs else ", judged"
    places = []
    for dataset, part in metrics.groupby("dataset", sort=False):
        categories = list(part["category"].unique())
        number = counted(len(categories), "category", "categories")
        named = f"{number} of {titles.get(str(dataset), dataset)}"
        places.append(f"{named} ({listed(categories, most=6)})")
    images = metrics.groupby(["dataset", "category"])["n"].max()
    return (
        f"{methods} on {listed(places)}, {seeds}{trainings} on "
        f"{counted(int(images.sum()), 'test image')}."
    )


def _figures(folder: Path) -> list[Shown]:
    path = folder / CAPTIONS
    try:
        captions = json.loads(path.read_text(encoding="utf-8"))
        return [_figure(folder, **each) for each in captions]
    except FileNotFoundError as error:
        raise DataError(f"{error.filename}: no such file; make it with 'aexad figures'") from None
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: {error}; make it anew with 'aexad figures'") from None


def _figure(folder: Path, name: str, title: str, alt: str, caption: str) -> Shown:
    uri, width = embedded([folder / f"{name}.svg", folder / f"{name}.png"], FIGURE_WIDTH)
    return Shown(uri, round(width * ZOOM), title, alt, caption)


def _panels(
    runs: Sequence[Run], results: Path, titles: Mapping[str, str]
) -> dict[str, list[RunPanels]]:
    """The panels of each run of the first seed, by data set, category and scenario."""
    if not runs:
        return {}
    first = [run for run in runs if run.seed == min(run.seed for run in runs)]
    most = max(1, THUMBNAILS // len(first))
    shown: dict[str, list[RunPanels]] = {}
    for run in first:
        where = f"{titles.get(run.dataset, run.dataset)}, {run.category}, {run.scenario}"
        normal = ("good_", f"{run.category}_")  # of classes, the category is the normal one
        paths = list((results / run.folder / "panels").glob("*.png"))
        # Good ones last: a run that shows one panel shows a defect.
        paths.sort(key=lambda path: (path.name.startswith(normal), path.name))
        if not paths:
            raise DataError(f"{results / run.folder}: no panels; make them with 'aexad panels'")
        panels = [
            Shown(
                *embedded([path], PANEL_WIDTH),
                title=path.stem,
                alt=f"{run.method} on {path.stem} of {run.category}: input, reconstruction, error, "
                "heat map, binary map, truth",
                caption="",
            )
            for path in paths[:most]
        ]
        folder = (run.folder / "panels").as_posix()
        shown.setdefault(where, []).append(RunPanels(run.method, folder, panels))
    return shown


def _costs(runs: Sequence[Run], results: Path) -> list[dict[Hashable, Any]]:
    """What the runs of each method took on the machine that made them, on average."""
    if not runs:
        return []

    def cost(content: dict[str, Any], run: Run) -> dict[str, Any]:
        return {
            "method": run.method,
            "machine": f"{content['device']}, {counted(content['threads'], 'thread')}",
            "features": float(content["seconds"]["features"]),
            "training": float(content["seconds"]["training"]),
            "peak": float(content["peak_mb"]),
        }

    rows = pd.DataFrame(read_runs(runs, results, "provenance.json", cost))
    means = rows.groupby(["method", "machine"], sort=False).agg(
        runs=("training", "size"),
        features=("features", "mean"),
        training=("training", "mean"),
        peak=("peak", "mean"),
    )
    return means.reset_index().to_dict("records")


def _versions(runs: Sequence[Run], results: Path) -> dict[str, str]:
    """Every version that a run recorded; runs that differ are all named."""
    found: dict[str, dict[str, None]] = {}
    for versions in read_runs(
        runs, results, "provenance.json", lambda content, _: content["versions"]
    ):
        for name, version in versions.items():
            found.setdefault(name, {})[str(version)] = None
    return {name: ", ".join(found[name]) for name in sorted(found)}
