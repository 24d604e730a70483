"""Tables 1 to 3 of the report on Vision Transformers, with the CNN, which the report lacks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from aexad.config.recipe import Recipe
from aexad.report.labels import METRIC, TRADED
from aexad.report.results import Results
from aexad.report.tables.categories import category_table
from aexad.report.tables.format import method_column, words
from aexad.report.tables.method_means import MethodMeans
from aexad.report.tables.published_columns import (
    VIT,
    published_cells,
    published_columns,
    rows_of,
)
from aexad.report.tables.table import Column, Table
from aexad.report.text.captions import data_phrase, reading_phrase
from aexad.report.text.numbers import number

SCENARIO = "standard"
NAMED = (
    'The source calls F1 and IoU "F1_max" and "IoU_max"; they are taken at mean + standard '
    "deviation."
)
FROZEN, TRAINED, CNN = "Transformer, frozen", "Transformer, trained", "CNN"


def vit_tables(results: Results) -> Iterator[Table]:
    """The report's tables, as far as the benchmark has runs for them."""
    roles = results.roles
    cnns = _same_encoder(results)
    for place, methods, kind in ((1, roles.frozen, "frozen"), (2, roles.trained, "trained")):
        rows = rows_of(results, SCENARIO, TRADED, [*methods, *cnns])
        if not methods or rows.empty:
            continue
        published = published_columns(results, VIT, f"table{place}", rows)
        yield category_table(
            f"vit_table{place}",
            f"Vision Transformers, {kind} (ViT report, table {place})",
            f"AE-XAD with Transformer encoders, {kind}, then with a convolutional one."
            + f" {NAMED}" * (published is not None),
            rows,
            results.methods,
            results.titles,
            published,
        )
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
    """Methods x metrics, macro means: ``kinds`` are the methods, each with its kind of encoder."""
    metrics = rows_of(results, SCENARIO, TRADED, list(kinds))
    if metrics.empty:
        return
    means = MethodMeans(metrics, TRADED)
    theirs = _published(results, set(metrics["dataset"]))
    data = means.rows[["dataset"]].assign(
        kind=means.rows["method"].map(kinds), method=means.rows["method"]
    )
    columns = [words("Encoder", data["kind"]), method_column(data["method"], results.methods)]
    if data["dataset"].nunique() > 1:
        titles = [results.titles.get(name, name) for name in data["dataset"]]
        columns.insert(0, words("Data set", titles))
    published = {}
    for metric in TRADED:
        values = means.of(metric)
        data[metric], data[f"{metric}_std"] = values["mean"], values["std"]
        columns.append(means.column(metric))
        if theirs:
            places = zip(data["dataset"], data["method"], strict=True)
            found = [theirs.get((dataset, metric, method), math.nan) for dataset, method in places]
            published[f"{metric}_published"] = found
            printed = ["" if math.isnan(value) else number(value) for value in found]
            columns.append(Column(f"{METRIC[metric].label} (published)", printed))
    yield Table(
        name="vit_table3",
        title="Transformers and CNN, means (ViT report, table 3)",
        caption="Means over the categories, each of which weighs the same."
        + f" {NAMED}" * bool(theirs)
        + f" {data_phrase(metrics, results.titles, results.method_titles)} "
        + reading_phrase(metrics, published=bool(theirs)),
        columns=columns,
        data=data.assign(**published),
        blocks_of=list(zip(data["dataset"], data["kind"], strict=True)),
    )


def _published(results: Results, datasets: set[str]) -> dict[tuple[str, str, str], float]:
    """The numbers of the report's table 3, by data set, metric and the method of ours."""
    cells = published_cells(results, VIT, "table3")
    return {
        (row["dataset"], row["metric"], ours): row["value"]
        for row in cells[cells["dataset"].isin(datasets)].to_dict("records")
        for ours in results.published.methods[row["method"]].ours
    }
