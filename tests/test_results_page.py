"""The tables of the pages of results and of the appendix are those of the archives of runs."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))

import appendix  # noqa: E402
import croissant  # noqa: E402


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """The benchmark `six`, rendered from its archive without any run or image."""
    return appendix.render("six", tmp_path_factory.mktemp("six"), figures=False)


def has_tables(name, tables):
    """Whether each table stands once in the written pages, as it is rendered now."""
    pages = [path.read_text(encoding="utf-8") for path in appendix.PAGES]
    for key in tables:
        assert sum(page.count(f"<!-- {name}: {key} -->") for page in pages) == 1, key
    for path, page in zip(appendix.PAGES, pages, strict=True):
        remedy = f"{path.name}: run: python docs/appendix.py {name}"
        assert appendix.with_tables(page, name, tables) == page, remedy


def test_the_pages_have_the_tables_of_the_archive(rendered):
    has_tables("six", appendix.page_tables("six", rendered))


@pytest.mark.parametrize(
    ("name", "mark", "row"),
    [
        ("labels", "numbers", "AE-XAD, ResNet-18 "),
        ("parts", "answers", "| Is a Transformer better in AE-XAD? "),
        ("layers", "layers", "| blocks 0, 1, 2; normed "),
        ("tiles", "means", "AE-XAD, ResNet-18 "),
        ("one_class", "cifar10", "| airplane "),
    ],
)
def test_the_pages_have_the_table_of_a_small_benchmark(tmp_path, name, mark, row):
    tables = appendix.page_tables(name, appendix.render(name, tmp_path, figures=False))
    assert row in tables[mark]
    has_tables(name, tables)


def test_a_seed_that_a_method_lacks_leaves_its_cell_empty(tmp_path, monkeypatch):
    runs = [("first", 0), ("first", 1), ("first", 2), ("second", 0), ("second", 2)]
    metrics = pd.DataFrame(
        [
            {"method": name, "seed": seed, "category": "a", "metric": metric, "value": seed / 10}
            for name, seed in runs
            for metric in appendix.SHOWN
        ]
    )
    methods = pd.DataFrame({"method": ["first", "second"]})
    differences = {"method": "second", "difference": 0.1, "low": 0.0, "high": 0.2}
    (tmp_path / "tables").mkdir()
    pd.DataFrame([differences | {"metric": name} for name in appendix.COMPARED]).to_csv(
        tmp_path / "tables/significance.csv"
    )
    monkeypatch.setattr(appendix, "read_collection", lambda _: (metrics, methods))
    monkeypatch.setattr(appendix, "short_titles", lambda _: {"first": "First", "second": "Second"})
    row = appendix.table_of_seeds(tmp_path).splitlines()[-1]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert [cell[:4] for cell in cells[:4]] == ["Seco", ".000", "–", ".200"]
    assert cells[4:] == ["+0.100 (+0.000 to +0.200)"] * 2


def test_the_appendix_has_every_table_of_the_archive(rendered):
    page = (ROOT / "docs/results/six_tables.md").read_text(encoding="utf-8")
    tables = sorted(rendered.glob("tables/*.md"))
    assert len(tables) > 10
    for path in tables:
        text = path.read_text(encoding="utf-8").strip()
        assert text in page, f"{path.name}: run: python docs/appendix.py six"


def test_the_archive_is_the_whole_benchmark_and_small(rendered):
    text = (rendered / "tables/methods.md").read_text(encoding="utf-8")
    assert "Partial" not in text
    assert "were made elsewhere and imported from an archive" in text
    assert appendix.archive_of("six").stat().st_size < 8e6


def test_the_description_is_that_of_the_archives():
    folder = ROOT / "docs/results"
    kept = json.loads((folder / "croissant.json").read_text(encoding="utf-8"))
    made = croissant.croissant(sorted(folder.glob("*.runs.zip")))
    assert kept == json.loads(json.dumps(made)), "run: python docs/appendix.py six"


def test_the_description_is_valid_croissant(caplog):
    mlcroissant = pytest.importorskip("mlcroissant", reason="pip install mlcroissant")
    dataset = mlcroissant.Dataset(jsonld=str(ROOT / "docs/results/croissant.json"))
    assert {record.name for record in dataset.metadata.record_sets} >= {"six-images", "six-runs"}
