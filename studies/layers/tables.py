"""The tables of the study, and the sentences about depth."""

from __future__ import annotations

from pathlib import Path

from aexad.report.labels import METRIC
from aexad.report.results import Results
from aexad.report.stats.aggregate import GROUP, on_common_seeds, whole_means
from aexad.report.tables.table import write_table
from aexad.report.tables.write import with_limits
from aexad.runtime.atomic_folder import replaced_folder
from aexad.runtime.files import write_text
from studies.layers.depth import depth_sentence, sweeps
from studies.layers.features_table import layers_table
from studies.layers.leave_one_category_out import confirmation_table


def write_study_tables(results: Results, folder: Path) -> None:
    """Write ``layers`` and ``confirmation`` (.csv, .md, .tex) and ``depth.md`` into ``folder``.

    The folder holds nothing else afterwards.
    """
    tables = [*layers_table(results), *confirmation_table(results)]
    with replaced_folder(folder, "*.csv", "*.md", "*.tex") as new:
        for table in with_limits(tables, results):
            write_table(table, new)
        sentences = "\n".join(f"- {sentence}" for sentence in depth_sentences(results))
        write_text(new / "depth.md", f"# By depth\n\n{sentences or 'No sweep over depth.'}\n")


def depth_sentences(results: Results) -> list[str]:
    """Which block of a Transformer is best, for each data set, scenario, sweep and metric."""
    sentences = []
    for (dataset, scenario), rows in results.metrics.groupby(GROUP, sort=False):
        where = f"{results.titles.get(dataset, dataset)}, {scenario}"
        for sweep in sweeps(results.recipes, list(rows["method"].unique()), results.families):
            for metric in ("xauc", "iou"):
                of_metric = rows[rows["metric"] == metric]
                means = whole_means(on_common_seeds(of_metric, sweep.methods))
                values = dict(zip(means["method"], means["mean"], strict=True))
                sentence = depth_sentence(sweep, values, METRIC[metric].label)
                sentences += [f"{where}: {sentence}"] * bool(sentence)
    return sentences
