"""Tables 1 to 3 of the report on Vision Transformers, and the CNN beside them, which it lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from aexad.config.recipe import Recipe
from aexad.report.labels import METRIC, TRADED
from aexad.report.results import Results
from aexad.report.stats.aggregate import over_categories, same_categories
from aexad.report.tables.categories import category_table
from aexad.report.tables.format import (
    Notes,
    by_method,
    method_cells,
    number_cells,
    of_all_categories,
)
from aexad.report.tables.selection import VIT, published_beside, published_cells, rows_of
from aexad.report.tables.table import Cell, Table, plain_columns, plain_table
from aexad.report.text.captions import data_phrase, reading_phrase
from aexad.report.text.numbers import number

SCENARIO = "standard"
NAMED = (
    'The source calls F1 and IoU "F1_max" and "IoU_max"; they are taken at mean + standard '
    "deviation."
)
FROZEN, TRAINED, CNN = "Transformer, frozen", "Transformer, trained", "CNN"


def vit_tables(measured: Results) -> Iterator[Table]:
    """Those of the report's tables that the benchmark has runs for."""
    roles = measured.roles
    cnns = _same_encoder(measured)
    for place, methods, kind in ((1, roles.frozen, "frozen"), (2, roles.trained, "trained")):
        rows = rows_of(measured, SCENARIO, TRADED, [*methods, *cnns])
        if not methods or rows.empty:
            continue
        beside = published_beside(measured, VIT, f"table{place}", rows)
        yield category_table(
            f"vit_table{place}",
            f"Vision Transformers, {kind} (ViT report, table {place})",
            f"AE-XAD with Transformer encoders, {kind}, then with a convolutional one."
            + f" {NAMED}" * (beside is not None),
            rows,
            measured.methods,
            measured.titles,
            beside,
        )
    if roles.frozen or roles.trained:
        kinds = dict.fromkeys(roles.frozen, FROZEN) | dict.fromkeys(roles.trained, TRAINED)
        yield from _means(measured, kinds | dict.fromkeys(cnns, CNN))


def _same_encoder(measured: Results) -> list[str]:
    """The reference, and its encoder under other recipes."""
    encoders = {
        name: recipe.encoder
        for name in measured.roles.cnns
        if isinstance(recipe := measured.recipes[name], Recipe)
    }
    return [name for name in encoders if encoders[name] == next(iter(encoders.values()))]


def _means(measured: Results, kinds: Mapping[str, str]) -> Iterator[Table]:
    """Methods x metrics, macro means: ``kinds`` are the methods, each with its kind of encoder."""
    rows = rows_of(measured, SCENARIO, TRADED, list(kinds))
    if rows.empty:
        return
    means = over_categories(rows)
    theirs = _printed(measured, set(rows["dataset"]))
    notes = Notes()
    blocks, records = [], []
    several = rows["dataset"].nunique() > 1
    for name, part in means.groupby("dataset", sort=False):
        dataset = str(name)
        names = [method for method in kinds if method in set(part["method"])]
        columns = [[Cell(measured.titles.get(dataset, dataset))] * len(names)] * several
        columns.append([Cell(kinds[method]) for method in names])
        columns.append(method_cells(names, measured.methods, notes))
        for metric in TRADED:
            of_metric = part[part["metric"] == metric]
            values = by_method(of_metric, names, of_all_categories)
            columns.append(number_cells(values, notes, same_categories(of_metric)))
            if theirs:
                found = [theirs.get((dataset, metric, method)) for method in names]
                columns.append([Cell("" if value is None else number(value)) for value in found])
        lines = zip(names, zip(*columns, strict=True), strict=True)
        for _, block in groupby(lines, lambda line: kinds[line[0]]):
            blocks.append(tuple(row for _, row in block))
        for method in names:
            own = plain_columns(part[part["method"] == method], "metric", TRADED)
            beside = {
                f"{metric}_published": theirs.get((dataset, metric, method))
                for metric in TRADED
                if theirs
            }
            about = {"dataset": dataset, "kind": kinds[method], "method": method}
            records.append(about | own | beside)
    words = [*["Data set"] * several, "Encoder", "Method"]
    header = list(words)
    for label in (METRIC[metric].label for metric in TRADED):
        header += [label, f"{label} (published)"] if theirs else [label]
    about_names = f" {NAMED}" if theirs else ""
    yield Table(
        name="vit_table3",
        title="Transformers and CNN, means (ViT report, table 3)",
        caption=f"Means over the categories, each of which weighs the same.{about_names} "
        f"{data_phrase(rows, measured.titles)} {reading_phrase(rows, published=bool(theirs))}",
        header=tuple(Cell(text) for text in header),
        blocks=tuple(blocks),
        words=len(words),
        notes=notes.all(),
        numbers=plain_table(records),
    )


def _printed(measured: Results, datasets: set[str]) -> dict[tuple[str, str, str], float]:
    """What the report's table 3 prints, by data set, metric and the method of ours."""
    cells = published_cells(measured, VIT)
    cells = cells[(cells["table"] == "table3") & cells["dataset"].isin(datasets)]
    return {
        (row["dataset"], row["metric"], ours): row["value"]
        for row in cells.to_dict("records")
        for ours in measured.published.methods[row["method"]].ours
    }
