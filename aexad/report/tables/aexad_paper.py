"""Tables 1, 2 and 4 to 9 of the AE-XAD paper: ablation, quality, CO2, trade-off, image AUROC."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from aexad.report.labels import TRADED, TRADEOFFS, listed
from aexad.report.results import Results
from aexad.report.tables.categories import category_table
from aexad.report.tables.published_columns import AEXAD, Source, published_table, rows_of
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
ABLATION = "X-AUC without the supervised loss (AE), without the adaptive filter, and with both."
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
    roles, titles = results.roles, results.method_titles
    meant = listed([f"{variant} is {titles[name]}" for variant, name in roles.ablation.items()])
    about = f"{ABLATION} Columns: {meant}."
    ablation = Layout(1, "Ablation", "standard", ("xauc",), about)
    yield from _table(results, ablation, list(roles.ablation.values()))
    every = list(results.metrics["method"].unique())
    other = {*roles.ablation.values(), *roles.frozen, *roles.trained, *roles.l2_cae, *roles.anovit}
    other |= {*roles.cnns}
    repeating = [name for name in every if results.published.theirs(name) and name not in other]
    for layout in COMPARED:
        yield from _table(results, layout, [*roles.cnns, *repeating])
    for layout in COSTLY:
        yield from _table(results, layout, every)


def _table(results: Results, layout: Layout, methods: Sequence[str]) -> Iterator[Table]:
    rows = rows_of(results, layout.scenario, layout.metrics, methods)
    if rows.empty:
        return
    source, about = Source(AEXAD, f"table{layout.number}"), [layout.about]
    if layout in COMPARED:
        about.append("AE-XAD with convolutional encoders and the paper's methods.")
    elif layout in COSTLY and not published_table(results, source, rows).empty:
        about.append(OTHER_MACHINE)
        about += [ODD_CO2] * ("mvtec_ad" in set(rows["dataset"]))
    name, title = f"aexad_{source.table}", f"{layout.title} (AE-XAD, table {layout.number})"
    yield category_table(results, name, title, " ".join(about), rows, source)
