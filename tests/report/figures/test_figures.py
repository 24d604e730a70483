"""All figures of a benchmark: their names, captions and reproducible bytes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_results import Tree, make_tree
from PIL import Image

from aexad.report.collect import read_methods_table, read_metrics
from aexad.report.figures.write import write_figures
from aexad.report.style import method_styles
from aexad.runtime.errors import DataError

ROOT = Path(__file__).parents[3]


def draw(tree: Tree, folder: Path, gallery: int = 3) -> None:
    write_figures(
        tree.runs,
        read_metrics(tree.benchmark / "metrics.csv"),
        read_methods_table(tree.benchmark / "methods.csv"),
        tree.catalogue,
        results=tree.results,
        data=tree.data,
        gallery=gallery,
        folder=folder,
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    root = tmp_path_factory.mktemp("small")
    methods = ("aexad-resnet18", "aexad-vit_tiny", "ae")
    return make_tree(root, categories=("a$b$c",), methods=methods, seeds=(0, 1))


def test_figures_with_captions_and_the_same_bytes_twice(small: Tree, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "gallery_old.png").touch()
    for name in ("one", "two"):
        draw(small, tmp_path / name)
    kinds = ["metrics", "accuracy_cost", "per_defect", "gallery"]
    kinds += [f"aexad_figure{number}" for number in (1, 2, 3)]
    kinds += ["aexad_figure4", "aexad_figure5"]
    names = [f"{kind}_textures_standard" for kind in (*kinds, "training")]
    names.append("gallery_textures_standard_a$b$c")
    one = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    two = {path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()}
    assert sorted(one) == sorted(
        ["captions.json", *(f"{name}.{end}" for name in names for end in ("png", "svg"))]
    )
    assert one == two
    captions = json.loads(one["captions.json"])
    assert [caption["name"] for caption in captions] == names
    for caption in captions:
        assert "† Encoder not pre-trained" in caption["caption"]
        assert len(caption["alt"]) > 80
    assert "Textures (1 category, 10 test images)" in captions[0]["caption"]
    assert "2 seeds (0 and 1)" in captions[0]["caption"]
    assert "without a look at the scores" in captions[-1]["caption"]
    assert "mean + std, is at 1" in captions[-1]["caption"]
    described = (ROOT / "workflow/report/figures.rst").read_text(encoding="utf-8")
    assert all(f'"{kind}":' in described for kind in [*kinds, "training", "labels"])
    svg = one["metrics_textures_standard.svg"].decode()
    assert "<dc:date>" not in svg
    assert "Matplotlib v" not in svg


def test_one_method_one_category_one_epoch(tmp_path: Path) -> None:
    tree = make_tree(tmp_path, categories=("brick",), methods=("ae",), epochs=1)
    draw(tree, tmp_path / "figures", gallery=1)
    for path in (tmp_path / "figures").glob("*.png"):
        with Image.open(path) as image:
            assert min(image.size) > 200


def test_errors_name_the_file_and_keep_the_old_figures(small: Tree, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "kept.png").touch()
    path = small.results / small.runs[0].folder / "training.csv"
    content = path.read_bytes()
    try:
        path.unlink()
        with pytest.raises(DataError, match=r"1 of 6 runs have no training\.csv yet"):
            draw(small, tmp_path / "old")
        path.write_text("epoch,loss\n1,2\n")
        with pytest.raises(DataError, match=r"training\.csv: .*loss_normal"):
            draw(small, tmp_path / "old")
    finally:
        path.write_bytes(content)
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["kept.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_methods_look_different() -> None:
    styles = method_styles([f"m{i}" for i in range(42)])
    assert len({(style.colour, style.marker) for style in styles.values()}) == 42
    assert method_styles(["m0", "m1"])["m1"] == styles["m1"]
