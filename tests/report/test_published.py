"""The published numbers: their values, and the errors of the loader."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from aexad.config.methods import read_methods
from aexad.report.published import Published, read_published
from aexad.runtime.errors import AexadError, DataError

ROOT = Path(__file__).parents[2]
HEADER = "source,table,scenario,dataset,category,method,metric,value\n"
WINS = "source,table,dataset,row_method,column_method,metric,value\n"


@pytest.fixture(scope="module")
def published() -> Published:
    return read_published(ROOT / "config" / "published")


def mean(published: Published, table: str, method: str, metric: str) -> float:
    cells = published.cells
    cells = cells[(cells["dataset"] == "mvtec_ad") & (cells["table"] == table)]
    cells = cells[(cells["method"] == method) & (cells["metric"] == metric)]
    return float(cells["value"].mean())


def test_the_means_that_the_sources_print(published: Published) -> None:
    # The facts that the protocol names, and table 3 of the report.
    for metric, value in (("xauc", 0.977), ("f1", 0.531), ("iou", 0.397)):
        assert mean(published, "table2", "aexad", metric) == pytest.approx(value, abs=6e-4)
    frozen = published.cells[published.cells["method"] == "aexad_vit_b16_frozen"]
    printed = frozen[frozen["category"] == "mean"].set_index("metric")["value"]
    for metric, value in printed.items():
        assert mean(published, "table1", "aexad_vit_b16_frozen", str(metric)) == pytest.approx(
            value, abs=6e-4
        )


def test_all_numbers_are_read(published: Published) -> None:
    assert published.cells.groupby("source").size().to_dict() == {
        "angiulli2025aexad": 1185,
        "lee2022anovit": 124,
        "presta2025vitaexad": 96,
    }
    assert len(published.wins) == 108
    assert math.isinf(published.cells["value"].max())
    assert published.label("ae+filter") == "AE + filter"
    assert published.theirs("aexad-vit_b16-r") == ["aexad_vit_b16_frozen"]


def test_methods_that_repeat_published_methods_exist(published: Published) -> None:
    known = read_methods(ROOT / "config/methods")
    named = {name for method in published.methods.values() for name in method.ours}
    assert named <= set(known)


def folder(tmp_path: Path, text: str) -> Path:
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "methods.yaml").write_text("one: {label: One, ours: [mine]}\ntwo: {label: Two}\n")
    return tmp_path


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("s,t,standard,d,c,one,xauc,1.01", "a.csv:2: xauc is '1.01', outside its range 0 to 1"),
        ("s,t,standard,d,c,one,iou,-0.1", "a.csv:2: iou is '-0.1', outside its range 0 to 1"),
        ("s,t,standard,d,c,one,co2_g,inf", "a.csv:2: co2_g is 'inf', outside its range"),
        ("s,t,standard,d,c,one,tradeoff_f1,nan", "a.csv:2: tradeoff_f1 is 'nan'"),
        ("s,t,standard,d,c,one,f1,", "a.csv:2: f1 is ''"),
        ("s,t,standard,d,c,oen,f1,0.5", "a.csv:2: no method 'oen' in methods.yaml; did you mean"),
        ("s,t,standard,d,c,one,x_auc,0.5", "a.csv:2: no metric 'x_auc'; did you mean 'xauc'?"),
        (
            "s,t,standard,d,c,one,f1,0.5\ns,t,standard,d,c,one,f1,0.6",
            "two values of one cell (s, t, standard, d, c, one, f1); remove one of them",
        ),
    ],
)
def test_wrong_rows_are_errors(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read_published(folder(tmp_path, f"{HEADER}{row}\n"))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_win_probability_is_a_share(tmp_path: Path) -> None:
    good = read_published(folder(tmp_path, f"{WINS}s,t,d,one,two,f1,0.5\n"))
    assert good.wins["value"].tolist() == [0.5]
    with pytest.raises(DataError, match=r"a.csv:2: f1 is '1.5', outside its range 0 to 1"):
        read_published(folder(tmp_path, f"{WINS}s,t,d,one,two,f1,1.5\n"))


def test_wrong_columns_and_keys_are_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the columns are a, b; they must be source"):
        read_published(folder(tmp_path, "a,b\n1,2\n"))
    (tmp_path / "methods.yaml").write_text("one: {name: One}\n")
    with pytest.raises(AexadError, match=r"methods.yaml: method 'one': .*unknown key 'name'"):
        read_published(tmp_path)


def test_an_own_data_set_has_the_published_numbers_of_its_categories(published: Published) -> None:
    cells = published.shown_for({"mine": "mvtec_ad"}).cells
    own, theirs = (cells[cells["dataset"] == name] for name in ("mine", "mvtec_ad"))
    single = theirs[~theirs["category"].isin(["mean", "std"])]
    columns = [name for name in cells if name != "dataset"]
    assert len(own) > 100
    assert own[columns].to_dict("list") == single[columns].to_dict("list")
    assert published.shown_for({}).cells.equals(published.cells)


def test_a_data_set_that_no_source_has(published: Published) -> None:
    with pytest.raises(DataError, match=r"'mine': published_as names 'mvtec'.*did you mean 'mvtec"):
        published.shown_for({"mine": "mvtec"})


def test_a_data_set_may_name_itself(published: Published) -> None:
    assert published.shown_for({"mvtec_ad": "mvtec_ad"}).cells.equals(published.cells)
