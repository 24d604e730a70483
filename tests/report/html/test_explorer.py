"""The folder of the explorer: its files, its data and its errors."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from fake_results import DEFECTS, Tree, make_tree
from PIL import Image

from aexad.config.benchmark import Run
from aexad.report.collect import read_methods_table, write_collection
from aexad.report.html.explorer.page import write_explorer
from aexad.report.images.grid import COLOUR_MAP
from aexad.report.images.strips import CELL, coloured_error, draw_strips, small
from aexad.runtime.errors import ConfigError, DataError

METHODS = ("aexad-resnet18", "aexad-vit_tiny")
SIZE = 32
IMAGES = sum(DEFECTS.values())


def strips(tree: Tree, run: Run, count: int = 200) -> list[Path]:
    folder = tree.results / run.folder
    split = tree.results / run.data_folder / "split.csv"
    return draw_strips(folder, split, tree.data / run.dataset, SIZE, count, folder / "strips")


def explore(tree: Tree, runs: list[Run] | None = None, count: int = 200) -> Path:
    folder = tree.benchmark / "explorer"
    shown = tree.runs if runs is None else runs
    write_explorer(
        tree.inputs("Who <sees> it?")._replace(runs=shown),
        read_methods_table(tree.benchmark / "methods.csv"),
        results=tree.results,
        data=tree.data,
        count=count,
        folder=folder,
    )
    return folder


def data_of(folder: Path) -> dict:
    text = (folder / "index.html").read_text()
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    root = tmp_path_factory.mktemp("drawn") / "tree"
    tree = make_tree(root, categories=("brick",), methods=METHODS, size=SIZE)
    for run in tree.runs:
        strips(tree, run)
    return tree


@pytest.fixture
def tree(drawn: Tree, tmp_path: Path) -> Tree:
    """A copy, with the strips of all runs, that a test may change."""
    root = shutil.copytree(drawn.data.parent, tmp_path / "tree")
    results = root / "results"
    return drawn._replace(results=results, data=root / "data", benchmark=results / "demo")


def cells(path: Path) -> np.ndarray:
    """[number of cells, C, C, 3]."""
    with Image.open(path) as image:
        assert image.format == "WEBP"
        pixels = np.asarray(image.convert("RGB")).astype(float)
    return np.stack(np.split(pixels, pixels.shape[1] // pixels.shape[0], axis=1))


def test_a_strip_shows_the_steps_of_its_image(tree: Tree) -> None:
    run = tree.runs[0]
    with np.load(tree.results / run.folder / "maps.npz") as archive:
        maps = {name: archive[name] for name in archive.files}
    paths = strips(tree, run)
    assert len(paths) == IMAGES
    assert paths[-1].name == "0009_stain_002.webp"
    i = list(maps["image"]).index("brick/test/stain/002.png")
    reconstruction, error, heat_map, binary = cells(paths[-1])
    assert reconstruction.shape == (SIZE, SIZE, 3)

    def alike(shown: np.ndarray, meant: np.ndarray) -> float:
        return float(np.corrcoef(shown.mean(axis=2).ravel(), meant.ravel())[0, 1])

    photo = np.asarray(Image.open(tree.data / "textures" / maps["image"][i])).astype(float)
    rebuilt = maps["reconstruction"][i].astype(float)
    assert alike(reconstruction, rebuilt.mean(axis=2)) > 0.95
    assert alike(error, np.sqrt(((photo - rebuilt) ** 2).mean(axis=2))) > 0.9
    assert alike(heat_map, maps["heat_map"][i]) > 0.9
    assert alike(binary, maps["binary"][i]) > 0.95


def test_errors_of_all_methods_have_one_scale() -> None:
    for rebuilt, share in ((0, 1.0), (191, 0.5), (255, 0.0)):
        image = np.full((SIZE, SIZE, 3), 255, np.uint8)
        colour = coloured_error(image, np.full_like(image, rebuilt))[0, 0]
        expected = mpl.colormaps[COLOUR_MAP](min(1.0, share), bytes=True)[:3]
        np.testing.assert_allclose(colour.astype(int), np.array(expected, int), atol=3)


def test_large_images_are_reduced_and_small_ones_kept() -> None:
    assert small(np.zeros((224, 224, 3), np.uint8)).shape == (CELL, CELL, 3)
    assert small(np.zeros((28, 28))).shape == (28, 28)


def test_the_folder_needs_no_other_files(tree: Tree, tmp_path: Path) -> None:
    folder = explore(tree)
    moved = tmp_path / "elsewhere"
    shutil.copytree(folder, moved)
    shutil.rmtree(tree.results)
    shutil.rmtree(tree.data)
    data = data_of(moved)
    group = data["groups"][0]
    for method in METHODS:
        place = moved / "strips/textures/brick/standard/seed0" / method
        assert sorted(path.name for path in place.iterdir()) == group["strips"]
    names = [each["name"] for each in data["photographs"]["textures/brick"]]
    assert sorted(p.name for p in (moved / "photographs/textures/brick").iterdir()) == names
    assert all(path.stat().st_size for path in moved.rglob("*.webp"))
    html = (moved / "index.html").read_text()
    assert "default-src 'none'" in html
    assert not re.search(r"https?://", html)
    assert "<h1>Who &lt;sees&gt; it?</h1>" in html
    assert data["title"] == "Who <sees> it?"


def test_its_numbers_equal_per_image_csv(tree: Tree) -> None:
    data = data_of(explore(tree))
    assert data["methods"] == {
        "aexad-resnet18": "aexad-resnet18",
        "aexad-vit_tiny": "aexad-vit_tiny†",
    }
    group, photographs = data["groups"][0], data["photographs"]["textures/brick"]
    table = pd.read_csv(tree.results / tree.runs[1].folder / "per_image.csv", index_col="image")
    for i, place in enumerate(group["photographs"]):
        row, photo = table.loc[photographs[place]["image"]], photographs[place]
        values = group["runs"]["aexad-vit_tiny"]
        assert values["score"][i] == pytest.approx(row["score"], rel=1e-3)
        assert photo["defect"] == row["defect"]
        assert photo["mask"] == (row["defect"] != "good")
        if row["defect"] == "good":
            assert values["iou"][i] is None
            assert values["xauc"][i] is None
        else:
            assert values["iou"][i] == pytest.approx(row["iou"], rel=1e-3)


def test_the_page_shows_titles_and_paths_keep_names(tree: Tree) -> None:
    titles = dict(zip(METHODS, ("AE-XAD, ResNet-18", "AE-XAD, <ViT>"), strict=True))
    write_collection(tree.runs, tree.results, tree.benchmark, titles=titles)
    folder = explore(tree)
    data = data_of(folder)
    assert list(data["methods"].values()) == ["AE-XAD, ResNet-18", "AE-XAD, <ViT>†"]
    assert tuple(data["groups"][0]["runs"]) == METHODS
    assert (folder / "strips/textures/brick/standard/seed0" / METHODS[0]).is_dir()


def test_photographs_of_images_without_a_mask_stand_alone(tree: Tree) -> None:
    folder = explore(tree) / "photographs/textures/brick"
    assert len(cells(folder / "0000_good_000.webp")) == 1
    photo, truth = cells(folder / "0007_stain_000.webp")
    assert photo.std() > 5
    mask = np.asarray(Image.open(tree.data / "textures/brick/ground_truth/stain/000_mask.png"))
    assert np.corrcoef(truth[..., 0].ravel(), mask.ravel())[0, 1] > 0.95


def test_a_limited_number_of_images_is_the_same_for_all_methods(tree: Tree) -> None:
    for run in tree.runs:
        assert [path.name for path in strips(tree, run, 3)] == [
            "0000_good_002.webp", "0001_scratch_001.webp", "0002_stain_001.webp",
        ]  # fmt: skip
    folder = explore(tree, count=3)
    assert len(data_of(folder)["photographs"]["textures/brick"]) == 3
    assert len(list(folder.rglob("*.webp"))) == 3 * (1 + len(METHODS))
    assert "more than 3 test images" in (folder / "index.html").read_text()


def test_files_of_an_older_explorer_are_removed(tree: Tree) -> None:
    folder = explore(tree)
    (folder / "strips/.snakemake_timestamp").touch()
    assert explore(tree, tree.runs[:1]) == folder
    assert {path.name for path in (folder / "strips/textures/brick/standard/seed0").iterdir()} == {
        METHODS[0]
    }
    assert list(data_of(folder)["groups"][0]["runs"]) == [METHODS[0]]


@pytest.mark.parametrize("name", ["notes.txt", "strips/notes.webp", "strips/textures/brick/x.webp"])
def test_a_folder_with_other_files_is_not_replaced(tree: Tree, name: str) -> None:
    precious = tree.benchmark / "explorer" / name
    precious.parent.mkdir(parents=True)
    precious.write_text("years of work")
    with pytest.raises(ConfigError, match=f"explorer: holds {name.split('/')[0]}, which was not"):
        explore(tree)
    assert precious.read_text() == "years of work"


def test_errors_name_what_is_missing(tree: Tree) -> None:
    with pytest.raises(DataError, match="no run of this benchmark was made here"):
        explore(tree, [])
    run = tree.results / tree.runs[0].folder
    (run / "strips/0003_good_003.webp").unlink()
    with pytest.raises(
        DataError, match=r"0003_good_003\.webp: no such file; make it with 'aexad str"
    ):
        explore(tree)
    assert not (tree.benchmark / "explorer").exists()
    table = pd.read_csv(run / "per_image.csv")
    table[1:].to_csv(run / "per_image.csv", index=False)
    with pytest.raises(
        DataError, match=r"per_image\.csv: no row for brick/.*, a test image of split"
    ):
        explore(tree)


def test_maps_of_other_images_are_an_error(tree: Tree) -> None:
    run = tree.runs[0]
    path = tree.results / run.folder / "maps.npz"
    with np.load(path) as archive:
        maps = {name: archive[name] for name in archive.files}
    np.savez(path, **maps | {"image": np.array([f"x{image}" for image in maps["image"]])})
    with pytest.raises(DataError, match=r"maps\.npz: no map of brick/test/good/000\.png"):
        strips(tree, run)
    np.savez(path, **maps | {"reconstruction": maps["reconstruction"][:, :16, :16]})
    with pytest.raises(DataError, match=r"maps\.npz: its maps are not 32x32"):
        strips(tree, run)


def test_a_disk_without_links_gets_copies(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    copies = list((explore(tree) / "strips").rglob("*.webp"))
    assert len(copies) == IMAGES * len(METHODS)
    assert {path.stat().st_nlink for path in copies} == {1}
