"""Tables 1, 2 and 4 to 9 of the AE-XAD paper: ablation, quality, CO2, trade-off, image AUROC."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from aexad.report.labels import TRADED, TRADEOFFS, listed
from aexad.report.results import Results
from aexad.report.tables.categories import category_table
from aexad.report.tables.published_columns import AEXAD, published_columns, rows_of
from aexad.report.tables.table import Table

OTHER_MACHINE = "The published numbers are of the paper's machine."
ODD_CO2 = (
    "The published CO2 of leather and zipper is about a hundredth of that of the other categories; "
    "do not use it as a reference."
)


class Layout(NamedTuple):
    """One table of the paper."""

    number: int
    title: str
    scenario: str
    metrics: tuple[str, ...]
    about: str


QUALITY = (
    "Pixel AUROC, F1 and IoU within one anomalous test image, averaged over them; F1 and IoU at "
    "mean + standard deviation."
)
EMISSIONS = ("training_co2_g", "inference_co2_g")
EMITTED = "CO2 equivalents in grams, of the machine that made the runs."
TRADED_OFF = (
    "T(m) = E / (m / (1 - m)) of each run, E the grams of CO2 of its training, m its X-AUC, F1 or "
    "IoU (equation 5)."
)
TRADES = tuple(metric.name for metric in TRADEOFFS)
COMPARED = (
    Layout(2, "Explanation, standard", "standard", TRADED, QUALITY),
    Layout(4, "Explanation, anomalies only", "anomalies_only", TRADED, QUALITY),
    Layout(9, "Detection", "standard", ("image_auroc",), "Image AUROC of the score ||e G(e)||."),
)
COSTLY = (
    Layout(5, "CO2, standard", "standard", EMISSIONS, EMITTED),
    Layout(6, "CO2, anomalies only", "anomalies_only", EMISSIONS, EMITTED),
    Layout(7, "Trade-off, standard", "standard", TRADES, TRADED_OFF),
    Layout(8, "Trade-off, anomalies only", "anomalies_only", TRADES, TRADED_OFF),
)


def aexad_tables(results: Results) -> Iterator[Table]:
    """The paper's tables 1, 2 and 4 to 9, as far as the benchmark has runs for them."""
    yield from _ablation(results)
    every = list(results.metrics["method"].unique())
    repeating = [name for name in every if results.published.theirs(name)]
    roles = results.roles
    other = {*roles.ablation.values(), *roles.frozen, *roles.trained, *roles.l2_cae, *roles.anovit}
    compared = [*roles.cnns, *(name for name in repeating if name not in other | {*roles.cnns})]
    for layout in COMPARED:
        text = f"{layout.about} AE-XAD with convolutional encoders and the paper's methods."
        yield from _table(results, layout._replace(about=text), compared)
    for layout in COSTLY:
        yield from _table(results, layout, every)


def _ablation(results: Results) -> Iterator[Table]:
    variants = results.roles.ablation
    titles = results.method_titles
    meant = listed([f"{variant} is {titles[name]}" for variant, name in variants.items()])
    text = (
        "X-AUC without the supervised loss (AE), without the adaptive filter, and with both. "
        f"Columns: {meant}."
    )
    layout = Layout(1, "Ablation", "standard", ("xauc",), text)
    yield from _table(results, layout, list(variants.values()))


def _table(results: Results, layout: Layout, methods: Sequence[str]) -> Iterator[Table]:
    rows = rows_of(results, layout.scenario, layout.metrics, methods)
    if rows.empty:
        return
    name = f"table{layout.number}"
    published = published_columns(results, AEXAD, name, rows)
    about = [layout.about]
    if published is not None and layout in COSTLY:
        about.append(OTHER_MACHINE)
        about += [ODD_CO2] * ("mvtec_ad" in set(rows["dataset"]))
    yield category_table(
        f"aexad_{name}",
        f"{layout.title} (AE-XAD, table {layout.number})",
        " ".join(about),
        rows,
        results.methods,
        results.titles,
        published,
    )
