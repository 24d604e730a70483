"""Write the tables and figures of a benchmark, from its archive, into ``docs/results``.

``docs/results/<benchmark>_tables.md`` gets all of them. The written pages (:data:`PAGES`) get the
tables between their marks ``<!-- <benchmark>: NAME -->`` and ``<!-- end -->``. In the checkout:

    python docs/appendix.py six
    python docs/appendix.py labels     # no appendix: a table and a figure in the written pages
    python docs/appendix.py parts      # no appendix: tables and a figure in the written pages
    python docs/appendix.py layers     # no appendix: tables in the written pages, as for the next
    python docs/appendix.py tiles
    python docs/appendix.py one_class
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
from croissant import write as write_croissant
from PIL import Image
from tabulate import tabulate

from aexad.archive.manifest import read_manifest
from aexad.cli.parser import main as aexad
from aexad.config.builtin import catalogue_paths
from aexad.config.catalogue import read_catalogue
from aexad.report.collect import read_collection
from aexad.report.labels import COLLAPSED, METRIC
from aexad.report.method_roles import titles_of
from aexad.report.published import read_published

DOCS = Path(__file__).parent
OUT = DOCS / "results"
STUDY = DOCS.parent / "studies/layers"
PAGES = (
    *(DOCS / "results.md", OUT / "six.md", OUT / "parts.md", OUT / "one_class.md"),
    STUDY / "depth.md",
)
"""The written pages that have tables between marks."""
FIRST = ("methods", "significance")
WIDTH = 1400
HEADING = """# Appendix: all tables and figures of the benchmark `{name}`

[results.md](../results.md) has the answer, [six.md](six.md) the details. `docs/appendix.py` made
this page from [{archive}]({archive}), the archive of {runs} runs trained at {commits}. Figures that
show photographs are not in it, because an archive holds numbers alone.
"""
COLUMNS = ("xauc", "pro", "pixel_ap", "f1", "iou", "image_auroc")
"""Columns of the short table: means over the categories."""
BESIDE = {
    "aexad": "aexad-resnet18-e60",
    "aexad-filter": "aexad-resnet18-unfiltered-e60",
    "aexad_vit_b16_frozen": "aexad-vit_tiny-e60",
    "fcdd": "fcdd-resnet18-e60",
    "bgad": "bgad-resnet18-e10",
}
"""Method of the sources: the method of ours that is most like it."""
BESIDE_METRICS = ("xauc", "f1", "iou")
PUBLISHED_CATEGORIES = ("bottle", "grid")
RECONSTRUCTION = ("l2_cae-e60", "anovit-vit_tiny-e60")
"""Methods of the paper on AnoViT."""
EVERYWHERE = (", 100 epochs", ", 60 epochs", ", 15 epochs")
"""Ends of titles that are said once, above the tables."""
COMPARED = ("xauc", "iou")
SHOWN = ("xauc", "pro", "f1", "iou")
"""Metrics in a cell of the tables by category and by number of labelled defects."""


def archive_of(name: str) -> Path:
    """The archive of a benchmark in the documentation."""
    return OUT / f"{name}.runs.zip"


def recipes_of(name: str) -> list[str]:
    """Options that name the recipes of the study, for its benchmark; none for other benchmarks."""
    return ["--methods", str(STUDY / "recipes.yaml")] * (name == "layers")


def options_of(name: str, results: Path) -> list[str]:
    """The options of the verbs that report a benchmark from the runs below ``results``."""
    where = ["--benchmarks", str(STUDY / "benchmarks")] * (name == "layers")
    report = ["--benchmark", name, "--results", str(results), "--partial"]
    return [*report, *where, *recipes_of(name)]


def render(name: str, results: Path, figures: bool = True) -> Path:
    """Import the archive into ``results``, and render the benchmark; returns its folder."""
    calls = [["import", str(archive_of(name)), "--results", str(results), *recipes_of(name)]]
    options = options_of(name, results)
    calls += [[verb, *options] for verb in ("collect", "tables")]
    calls += [["figures", *options, "--data", "data"]] * figures
    for call in calls:
        if aexad(call):
            raise SystemExit(f"{call[0]}: see above")
    return results / name


def page_tables(name: str, folder: Path) -> dict[str, str]:
    """The tables of the written pages, as Markdown, by the name of their mark."""
    if name in SMALL:
        return SMALL[name](folder)
    return short_tables(folder) | {
        "answers": table_of_answers(folder),
        "reconstruction": table_of_reconstruction(folder),
        "seeds": table_of_seeds(folder),
        "published": table_beside_published(folder),
    }


def short_tables(folder: Path, every_seed: bool = False) -> dict[str, str]:
    """Short tables of a benchmark, as Markdown, by the name of their mark; of its first seed."""
    metrics, methods = read_collection(folder)
    if not every_seed:
        metrics = metrics[metrics["seed"] == metrics["seed"].min()]
    titles = short_titles(methods)
    labels = dict(zip(methods["method"], methods["labels"], strict=True))
    measured = metrics.dropna(subset="value").groupby(["method", "metric", "category"], sort=False)
    values = measured["value"].mean()
    number = metrics["category"].nunique()
    whole = [
        name
        for name in methods["method"]
        if values.get(name, pd.Series()).loc[["xauc"]].size == number
    ]
    rows = []
    for name in sorted(whole, key=lambda name: labels[name] != "yes"):
        means = values[name].groupby("metric").mean()
        cells = [f"{means[metric]:.3f}" for metric in COLUMNS]
        # The median, as in the figure of costs: a run that was paused would decide a mean.
        cells.append(f"{values[name]['training_seconds'].median():.0f}")
        rows.append([titles[name], labels[name], *cells])
    heads = ["method", "labelled defects", *[METRIC[each].label for each in COLUMNS]]
    categories = list(metrics["category"].unique())
    by_category = [
        [
            titles[name],
            *[
                " / ".join(f"{values[name, metric, each]:.3f}"[1:] for metric in SHOWN)
                if (name, "xauc", each) in values
                else ""
                for each in categories
            ],
        ]
        for name in methods["method"]
    ]
    return {
        "methods": _markdown(rows, [*heads, "training, s (median)"]),
        "categories": _markdown(by_category, ["method", *categories]),
    }


def table_of_answers(folder: Path) -> str:
    """The benchmark's comparisons, as in its report but for shorter titles."""
    _, methods = read_collection(folder)
    titles, rows = short_titles(methods), []
    for row in pd.read_csv(folder / "tables/comparisons.csv").to_dict("records"):
        cells = [
            f"{row[f'{name}_difference']:+.3f} ({row[f'{name}_low']:+.3f} to "
            f"{row[f'{name}_high']:+.3f}), {row[f'{name}_higher']} of {row[f'{name}_categories']}"
            for name in SHOWN
        ]
        pair = f"{titles[row['method']]} − {titles[row['less']]}"
        rows.append([row["question"], pair, str(row["seeds"]), *cells])
    heads = ["question", "difference", "seeds", *[METRIC[each].label for each in SHOWN]]
    return _markdown(rows, heads)


def table_of_reconstruction(folder: Path) -> str:
    """The l2-CAE beside AnoViT, in the categories that they were trained on."""
    metrics, methods = read_collection(folder)
    titles = short_titles(methods)
    measured = metrics[metrics["method"].isin(RECONSTRUCTION)].dropna(subset="value")
    values = measured.set_index(["metric", "method", "category"])["value"]
    shown = ("image_auroc", "pixel_auroc", "xauc", "iou")
    rows = [
        [
            category,
            *[
                " / ".join(f"{values[metric, method, category]:.3f}" for method in RECONSTRUCTION)
                for metric in shown
            ],
        ]
        for category in measured["category"].unique()
    ]
    heads = [METRIC[each].label for each in shown]
    names = " / ".join(titles[method] for method in RECONSTRUCTION)
    return _markdown(rows, [f"category ({names})", *heads])


def table_of_seeds(folder: Path) -> str:
    """The methods that have several seeds in every category: each seed, and the differences."""
    metrics, methods = read_collection(folder)
    titles, number = short_titles(methods), metrics["category"].nunique()
    measured = metrics.dropna(subset="value").groupby(["method", "metric", "seed"])["value"]
    complete = measured.count()[lambda count: count == number].index
    means = measured.mean()[complete]
    compared = pd.read_csv(folder / "tables/significance.csv").set_index(["method", "metric"])
    order, rows = sorted(metrics["seed"].unique()), []
    for name in methods["method"]:
        if (name, "iou") not in means or means[name, "iou"].size < 2:
            continue
        each = [
            " / ".join(f"{means[name, m, seed]:.3f}"[1:] for m in SHOWN)
            if (name, "iou", seed) in means
            else "–"
            for seed in order
        ]
        differences = [
            f"{row['difference']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"
            for m in COMPARED
            if (name, m) in compared.index
            for row in [compared.loc[(name, m)]]
        ] or ["" for _ in COMPARED]
        rows.append([titles[name], *each, *differences])
    seeds = [f"seed {seed}" for seed in order]
    heads = [f"{METRIC[each].label}, less the first row" for each in COMPARED]
    return _markdown(rows, ["method", *seeds, *heads])


def table_beside_published(folder: Path) -> str:
    """The published values of the categories that the sources have too, each beside ours."""
    metrics, methods = read_collection(folder)
    titles, published = short_titles(methods), read_published(DOCS.parent / "config/published")
    metrics = metrics[metrics["seed"] == metrics["seed"].min()]
    source_cells = published.cells.query("dataset == 'mvtec_ad' and scenario == 'standard'")
    key = ["method", "category", "metric"]
    theirs = source_cells[[*key, "value"]].drop_duplicates()
    theirs = theirs.set_index(key)["value"]
    if not theirs.index.is_unique:
        raise SystemExit("config/published: two values of one cell")
    ours = metrics.dropna(subset="value").set_index(key)["value"]
    rows = []
    for source, measured in BESIDE.items():
        for kind, title, values, name in (
            ("published", published.label(source), theirs, source),
            ("measured", titles[measured], ours, measured),
        ):
            cells = [
                " / ".join(
                    f"{values[name, each, m]:.3f}"[1:] if (name, each, m) in values else "–"
                    for m in BESIDE_METRICS
                )
                for each in PUBLISHED_CATEGORIES
            ]
            rows.append([kind, title, *cells])
    return _markdown(rows, ["", "method", *PUBLISHED_CATEGORIES])


def short_titles(methods: pd.DataFrame) -> dict[str, str]:
    """Titles of methods, without their number of epochs and the mark of a collapsed run."""
    titles = {name: title.removesuffix(COLLAPSED) for name, title in titles_of(methods).items()}
    for end in EVERYWHERE:
        titles = {name: title.removesuffix(end) for name, title in titles.items()}
    return titles


def table_by_number(folder: Path) -> dict[str, str]:
    """Methods by number of labelled defects of each type."""
    metrics, methods = read_collection(folder)
    catalogue = read_catalogue(*catalogue_paths())
    number = {name: catalogue[name].labelled for name in metrics["dataset"].unique()}
    numbers = sorted(number.values())
    titles = short_titles(methods)
    means = metrics.groupby(["method", metrics["dataset"].map(number), "metric"])["value"].mean()
    rows = [
        [
            titles[method],
            labels,
            *[
                " / ".join(f"{means[method, each, metric]:.3f}"[1:] for metric in SHOWN)
                for each in numbers
            ],
        ]
        for method, labels in zip(methods["method"], methods["labels"], strict=True)
    ]
    heads = ["method", "labelled defects", *[str(each) for each in numbers]]
    return {"numbers": _markdown(rows, heads)}


def table_by_data_set(folder: Path) -> dict[str, str]:
    """One row per rendering of the category and method."""
    metrics, methods = read_collection(folder)
    titles, catalogue = short_titles(methods), read_catalogue(*catalogue_paths())
    means = metrics.groupby(["dataset", "method", "metric"], sort=False)["value"].mean()
    rendered = metrics[["dataset", "category", "method"]].drop_duplicates()
    rows = [
        [entry.full_title.replace(entry.title, category.capitalize()), titles[method]]
        + [f"{means[data, method, metric]:.3f}" for metric in COLUMNS]
        for data, category, method in rendered.itertuples(index=False)
        for entry in [catalogue[data]]
    ]
    heads = ["data", "method", *[METRIC[each].label for each in COLUMNS]]
    return {"means": _markdown(rows, heads)}


def table_of_classes(folder: Path) -> dict[str, str]:
    """Image AUROC with each class of CIFAR-10 as the normal one, beside the published values."""
    metrics, methods = read_collection(folder)
    metrics = metrics[metrics["dataset"] == "cifar10_small"]
    ours = metrics[metrics["metric"] == "image_auroc"].pivot_table(
        index="category", columns="method", values="value"
    )
    ours = ours[[name for name in methods["method"] if name in ours]]
    cells = read_published(DOCS.parent / "config/published").cells
    theirs = cells.query(
        "dataset == 'cifar10' and scenario == 'one_class' and metric == 'image_auroc'"
    ).pivot_table(index="category", columns="method", values="value")[["l2_cae", "anovit"]]
    rows = [
        [each, *(f"{value:.3f}" for value in (*ours.loc[each], *theirs.loc[each]))]
        for each in ours.index
    ]
    spread = [f"{values.mean():.3f} ± {values.std():.3f}" for _, values in ours.items()]
    printed = [f"{theirs.loc['mean', each]:.3f} ± {theirs.loc['std', each]:.3f}" for each in theirs]
    rows.append(["mean ± SD", *spread, *printed])
    heads = ["l2-CAE", "AnoViT", "l2-CAE (published)", "AnoViT (published)"]
    return {"cifar10": _markdown(rows, ["normal class", *heads])}


def tables_of_parts(folder: Path) -> dict[str, str]:
    """The comparisons, and the means of each method; here each has all seeds."""
    methods = short_tables(folder, every_seed=True)["methods"]
    return {"answers": table_of_answers(folder), "methods": methods}


def tables_of_layers(folder: Path) -> dict[str, str]:
    """The comparisons, and the study's own tables, which it writes into the benchmark's folder."""
    verb = [sys.executable, "-m", "studies.layers", "tables"]
    subprocess.run([*verb, *options_of("layers", folder.parent)], check=True)  # noqa: S603
    own = {
        name: (folder / f"study/tables/{name}.md").read_text(encoding="utf-8").strip()
        for name in ("layers", "confirmation")
    }
    return {"answers": table_of_answers(folder)} | own


SMALL = {
    "labels": table_by_number,
    "parts": tables_of_parts,
    "layers": tables_of_layers,
    "tiles": table_by_data_set,
    "one_class": table_of_classes,
}
"""Benchmarks without an appendix: their tables, and the figures below, say all."""
SMALL_FIGURES = {"labels": "labels_*.png", "parts": "per_defect_*.png"}
"""Names of the figures in the pages of these benchmarks."""


def with_tables(page: str, name: str, tables: dict[str, str]) -> str:
    """The page, with the tables between their marks."""
    for key, table in tables.items():
        pattern = rf"(<!-- {name}: {key} -->\n).*?(<!-- end -->)"
        page = re.sub(
            pattern, lambda m, table=table: f"{m[1]}\n{table}\n\n{m[2]}", page, flags=re.DOTALL
        )
    return page


def appendix(name: str, folder: Path) -> str:
    """The page of all tables and figures."""
    manifest = read_manifest(archive_of(name))
    tables = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("tables/*.md")}
    commits = {
        json.loads(path.read_text(encoding="utf-8")).get("commit", "")
        for path in folder.parent.glob("imported/**/provenance.json")
    } - {""}
    page = [
        HEADING.format(
            name=name,
            archive=archive_of(name).name,
            runs=len(manifest.runs),
            commits=", ".join(sorted(commits)),
        )
    ]
    page += [
        f"## {key.replace('_', ' ').capitalize()}\n\n{tables[key].strip()}\n"
        for key in sorted(tables, key=lambda key: (key not in FIRST, key))
    ]
    page.append("## Figures\n")
    page += [
        f"![{each['alt']}]({_picture(each['name'])})\n\n*{each['title']}. {each['caption']}*\n"
        for each in json.loads((folder / "figures/captions.json").read_text(encoding="utf-8"))
    ]
    return "\n".join(page)


def write_pictures(folder: Path, pattern: str = "*.png") -> None:
    """Write one small picture per figure whose name fits the pattern."""
    for path in (folder / "figures").glob(pattern):
        with Image.open(path) as picture:
            shown = picture.convert("RGB")
            shown.thumbnail((WIDTH, 4 * WIDTH), Image.Resampling.LANCZOS)
            shown.save(OUT / _picture(path.stem), quality=82, method=6)


def _picture(figure: str) -> str:
    return f"{figure.removesuffix('_standard')}.webp"


def _markdown(rows: list[list[str]], heads: list[str]) -> str:
    return tabulate(rows, headers=heads, tablefmt="github", disable_numparse=True)


def main(name: str) -> None:
    """Write the appendix and the tables of the page of results."""
    with tempfile.TemporaryDirectory() as results:
        folder = render(name, Path(results))
        tables = page_tables(name, folder)
        for page in PAGES:
            text = with_tables(page.read_text(encoding="utf-8"), name, tables)
            page.write_text(text, encoding="utf-8")
        if name in SMALL_FIGURES:
            write_pictures(folder, SMALL_FIGURES[name])
        elif name not in SMALL:
            (OUT / f"{name}_tables.md").write_text(appendix(name, folder), encoding="utf-8")
            write_pictures(folder)
    write_croissant(OUT)


if __name__ == "__main__":
    main(*sys.argv[1:])
