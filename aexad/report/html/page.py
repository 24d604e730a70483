"""The report: one HTML file that needs no other file and no network."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from aexad.config.benchmark import Run
from aexad.evaluation.run_files import read_runs
from aexad.report.figures.write import CAPTIONS
from aexad.report.html.inline_images import embedded
from aexad.report.html.jinja import template
from aexad.report.inputs import Inputs
from aexad.report.labels import DAGGER, HEADLINE, counted, listed
from aexad.report.method_roles import not_pretrained, titles_of
from aexad.report.results import Results
from aexad.report.tables.methods import ABOUT, PARAMETERS
from aexad.report.tables.write import build_tables
from aexad.report.text.summary import summarise
from aexad.runtime.errors import DataError
from aexad.runtime.files import write_text

TEMPLATE = Path(__file__).parent / "templates/report.html.j2"
THUMBNAILS = 200
"""Panels in one report; every run shows at least one, even if there are more runs."""
PANEL_WIDTH, FIGURE_WIDTH = 1000, 1400  # pixels, in the file
ZOOM = 0.57  # from the 200 dots per inch of a figure to pixels on the screen


class Picture(NamedTuple):
    """A picture in the page."""

    uri: str
    width: int  # on the screen, in pixels
    title: str
    alt: str
    caption: str = ""


class RunPanels(NamedTuple):
    """The panels of one run, with the title of its method."""

    title: str
    folder: str
    panels: list[Picture]


def write_report(inputs: Inputs, results: Results, results_folder: Path, folder: Path) -> None:
    """Write ``<folder>/report.html``.

    Parameters
    ----------
    inputs : Inputs
        Benchmark, runs and data sets.
    results : Results
        The results that summary and tables show.
    results_folder : Path
        The results folder: each run has ``panels/`` and ``provenance.json``.
    folder : Path
        Folder of the benchmark, with ``figures/``.

    Raises
    ------
    DataError
        If a file is missing or damaged.
    """
    metrics, methods = results.metrics, results.methods
    benchmark, runs, catalogue = inputs.benchmark, inputs.runs, inputs.catalogue
    tables, summary = build_tables(results), summarise(results)
    records = read_runs(runs, results_folder, "provenance.json", _record)
    page = template(TEMPLATE).render(
        title=benchmark.title,
        description=benchmark.description,
        lead=_lead(runs, metrics, results.titles),
        answers=summary.findings,
        cautions=summary.cautions,
        # What they say is in the table of methods below.
        summary=replace(
            tables[0], columns=[c for c in tables[0].columns if c.header not in ABOUT.values()]
        ),
        tables=tables[1:],
        open_tables={
            "comparisons",
            *(f"{name}_{scenario}" for name in HEADLINE for scenario in metrics["scenario"]),
        },
        figures=_figures(folder / "figures"),
        panels=_panels(inputs.pictured, results_folder, results.titles, titles_of(methods)),
        methods=methods.assign(
            **{name: methods[name].map(parameters_range) for name in PARAMETERS}
        ).to_dict("records"),
        titles=titles_of(methods),
        dagger=DAGGER,
        random=not_pretrained(list(methods["method"]), methods),
        datasets=[catalogue[name] for name in metrics["dataset"].unique() if name in catalogue],
        seeds=sorted(set(metrics["seed"])),
        costs=_mean_costs(records),
        versions=_versions(records),
        citation=_citation(benchmark.title, records),
    )
    write_text(folder / "report.html", page)


def _lead(runs: Sequence[Run], metrics: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """One sentence: which methods were compared, on which data."""
    methods = counted(metrics["method"].nunique(), "method")
    seeds = counted(metrics["seed"].nunique(), "seed")
    trainings = f": {counted(len(runs), 'training run')}, judged" if runs else ", judged"
    datasets = []
    for dataset, part in metrics.groupby("dataset", sort=False):
        categories = list(part["category"].unique())
        number = counted(len(categories), "category", "categories")
        title = titles.get(str(dataset), str(dataset))
        datasets.append(f"{number} of {title} ({listed(categories, most=6)})")
    images = metrics.groupby(["dataset", "category"])["n"].max()
    return (
        f"{methods} on {listed(datasets)}, {seeds}{trainings} on "
        f"{counted(int(images.sum()), 'test image')}."
    )


def _figures(folder: Path) -> list[Picture]:
    path = folder / CAPTIONS
    try:
        captions = json.loads(path.read_text(encoding="utf-8"))
        return [_figure(folder, **caption) for caption in captions]
    except FileNotFoundError as error:
        raise DataError(f"{error.filename}: no such file; make it with 'aexad figures'") from None
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: {error}; make it again with 'aexad figures'") from None


def _figure(folder: Path, name: str, title: str, alt: str, caption: str) -> Picture:
    uri, width = embedded([folder / f"{name}.svg", folder / f"{name}.png"], FIGURE_WIDTH)
    return Picture(uri, round(width * ZOOM), title, alt, caption)


def _panels(
    runs: Sequence[Run], results: Path, datasets: Mapping[str, str], methods: Mapping[str, str]
) -> dict[str, list[RunPanels]]:
    """The panels of each run of its first seed, by data set, category and scenario."""
    # run[:3] is data set, category and scenario; the lowest seed of each is written last.
    lowest = {run[:3]: run.seed for run in sorted(runs, key=lambda run: run.seed, reverse=True)}
    first = [run for run in runs if run.seed == lowest[run[:3]]]
    shown: dict[str, list[RunPanels]] = {}
    for run in first:
        normal = ("good_", f"{run.category}_")  # in class folders, the category is the normal class
        paths = list((results / run.folder / "panels").glob("*.png"))
        # Good images last: a run that shows one panel shows a defect.
        paths.sort(key=lambda path: (path.name.startswith(normal), path.name))
        if not paths:
            raise DataError(f"{results / run.folder}: no panels; make them with 'aexad panels'")
        title = methods.get(run.method, run.method)
        panels = [
            Picture(
                *embedded([path], PANEL_WIDTH),
                title=path.stem,
                alt=f"{title} on {path.stem} of {run.category}: input, reconstruction, error, "
                "heat map, binary map, truth",
            )
            for path in paths[: max(1, THUMBNAILS // len(first))]
        ]
        group = f"{datasets.get(run.dataset, run.dataset)}, {run.category}, {run.scenario}"
        folder = (run.folder / "panels").as_posix()
        shown.setdefault(group, []).append(RunPanels(title, folder, panels))
    return shown


def _record(provenance: dict[str, Any], run: Run) -> dict[str, Any]:
    """The parts of the provenance of a run that the page shows."""
    return {
        "method": run.method,
        "machine": f"{provenance['device']}, {counted(provenance['threads'], 'thread')}",
        "features": float(provenance["seconds"]["features"]),
        "training": float(provenance["seconds"]["training"]),
        "peak": float(provenance["peak_mb"]),
        "versions": dict(provenance["versions"]),
        # Not recorded by old runs.
        "commit": str(provenance.get("commit", "")),
        "date": str(provenance.get("date", "")),
    }


def parameters_range(numbers: str) -> str:
    """The distinct numbers of a method's runs, in the form of the columns of methods.csv."""
    if not numbers:
        return ""
    each = sorted(map(int, numbers.split("; ")))
    return f"{each[0]:,}" if each[0] == each[-1] else f"{each[0]:,} to {each[-1]:,}"


def _mean_costs(records: Sequence[dict[str, Any]]) -> list[dict[Hashable, Any]]:
    """The mean costs of the runs of each method and machine."""
    if not records:
        return []
    runs = pd.DataFrame(records).groupby(["method", "machine"], sort=False)
    means = runs[["features", "training", "peak"]].mean()
    return means.assign(runs=runs.size()).reset_index().to_dict("records")


def _citation(title: str, records: Sequence[dict[str, Any]]) -> str:
    """A line to copy: title, version, commits, dates and recorded runs of the benchmark."""
    versions = _versions(records).get("aexad", "")
    commits, dates = (
        sorted({record[key] for record in records} - {""}) for key in ("commit", "date")
    )
    when = "" if not dates else dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    parts = [
        "The aexad authors",
        f"{title} [computed results]",
        f"aexad {versions}" + (f", commit {listed(commits, most=3)}" if commits else ""),
        counted(len(records), "run") + (f", trained {when}" if when else ""),
    ]
    return ". ".join(parts) + "."


def _versions(records: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Every version that a run recorded, by package; versions that differ are all named."""
    versions = [record["versions"] for record in records]
    return {
        name: ", ".join(dict.fromkeys(str(own[name]) for own in versions if name in own))
        for name in sorted(set().union(*versions))
    }
