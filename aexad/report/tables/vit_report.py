"""Tables 1 to 3 of the report on Vision Transformers, with CNN columns that the report lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from aexad.config.recipe import Recipe
from aexad.report.labels import TRADED
from aexad.report.results import Results
from aexad.report.tables.categories import category_table
from aexad.report.tables.format import (
    blocks_of,
    group_columns,
    mean_cells,
    method_column,
    method_rows,
    metric_columns,
    words,
)
from aexad.report.tables.published_columns import VIT, Source, published_table, rows_of
from aexad.report.tables.table import Column, Table
from aexad.report.text.captions import caption
from aexad.report.text.numbers import number

SCENARIO = "standard"
METRIC_NAMES = (
    'The source calls F1 and IoU "F1_max" and "IoU_max"; they are taken at mean + standard '
    "deviation."
)
FROZEN, TRAINED, CNN = "Transformer, frozen", "Transformer, trained", "CNN"


def vit_tables(results: Results) -> Iterator[Table]:
    """Yield the tables of the report that the benchmark has runs for."""
    roles, cnns = results.roles, _same_encoder(results)
    for i, methods, kind in ((1, roles.frozen, "frozen"), (2, roles.trained, "trained")):
        rows = rows_of(results, SCENARIO, TRADED, [*methods, *cnns])
        if not methods or rows.empty:
            continue
        source = Source(VIT, f"table{i}")
        about = f"AE-XAD with Transformer encoders, {kind}, then with a convolutional one."
        if not published_table(results, source, rows).empty:
            about += f" {METRIC_NAMES}"
        title = f"Vision Transformers, {kind} (ViT report, table {i})"
        yield category_table(results, f"vit_table{i}", title, about, rows, source)
    if roles.frozen or roles.trained:
        kinds = dict.fromkeys(roles.frozen, FROZEN) | dict.fromkeys(roles.trained, TRAINED)
        yield from _means(results, kinds | dict.fromkeys(cnns, CNN))


def _same_encoder(results: Results) -> list[str]:
    """The reference, and its encoder under other recipes."""
    encoders = {
        name: recipe.encoder
        for name in results.roles.cnns
        if isinstance(recipe := results.recipes[name], Recipe)
    }
    return [name for name in encoders if encoders[name] == next(iter(encoders.values()))]


def _means(results: Results, kinds: Mapping[str, str]) -> Iterator[Table]:
    """Methods x metrics, macro means: ``kinds`` maps each method to its kind of encoder."""
    metrics = rows_of(results, SCENARIO, TRADED, list(kinds))
    if metrics.empty:
        return
    rows = method_rows(metrics)
    numbers, printed = metric_columns(rows, mean_cells(metrics), TRADED)
    data = rows.drop(columns="scenario").join(numbers)
    data.insert(1, "kind", data["method"].map(dict(kinds)))
    theirs = published_table(results, Source(VIT, "table3"), metrics)
    ours = pd.Series(
        [results.published.methods[name].ours for name in theirs["method"]], theirs.index
    )
    theirs = theirs.assign(method=ours).explode("method").dropna(subset="method")
    columns = [
        *group_columns(data, results.titles),
        words("Encoder", data["kind"]),
        method_column(data["method"], results.methods),
    ]
    for metric, column in zip(TRADED, printed, strict=True):
        columns.append(column)
        if not theirs.empty:
            values = theirs[theirs["metric"] == metric].set_index(["dataset", "method"])["value"]
            found = data[["dataset", "method"]].join(values, on=["dataset", "method"])["value"]
            data[f"{metric}_published"] = found
            texts = list(found.map(number).where(found.notna(), ""))
            columns.append(Column(f"{column.header} (published)", texts))
    about = "" if theirs.empty else METRIC_NAMES
    yield Table(
        name="vit_table3",
        title="Transformers and CNN, means (ViT report, table 3)",
        caption=caption("vit_means", results, metrics, published=not theirs.empty, about=about),
        columns=columns,
        data=data,
        blocks_of=blocks_of(data, "dataset", "kind"),
    )
