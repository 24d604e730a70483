"""The choice of images, their scale, and the panels of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_results import Tree, make_tree
from PIL import Image

from aexad.report.images.panels import draw_panels, panel_names
from aexad.report.images.pictures import choose_images, image_label, in_deviations, read_pictures
from aexad.runtime.errors import ConfigError, DataError


def split(**counts: int) -> pd.DataFrame:
    rows = [
        ("test", kind, f"c/test/{kind}/{i}.png") for kind, n in counts.items() for i in range(n)
    ]
    rows += [("labelled", kind, f"c/test/{kind}/x.png") for kind in counts]
    return pd.DataFrame(rows, columns=["role", "defect", "image"])


@pytest.mark.parametrize(
    ("counts", "count", "chosen"),
    [
        ({"good": 4, "b": 4, "a": 3}, 3, ["a/1", "b/2", "good/2"]),
        ({"good": 4, "b": 4, "a": 3}, 5, ["a/0", "a/2", "b/1", "b/3", "good/2"]),
        ({"good": 4, "b": 4, "a": 3}, 1, ["a/1"]),
        ({"good": 1, "a": 1}, 9, ["a/0", "good/0"]),
        ({"a": 5}, 2, ["a/1", "a/3"]),
        ({"good": 2}, 1, ["good/1"]),
    ],
)
def test_images_are_spread_over_the_defect_types(
    counts: dict[str, int], count: int, chosen: list[str]
) -> None:
    rows = split(**counts)
    shuffled = rows.sample(frac=1, random_state=0)
    for each in (rows, shuffled):
        assert [image_label(image) for image in choose_images(each, count)["image"]] == chosen


def test_heat_maps_are_in_standard_deviations() -> None:
    values = np.float32([[0, 0], [0, 4]])
    np.testing.assert_allclose(in_deviations(values), (values - 1) / np.sqrt(3), rtol=1e-12)
    np.testing.assert_allclose(in_deviations(7 * values - 3), in_deviations(values), rtol=1e-6)
    assert not in_deviations(np.full((3, 3), np.float32(0.1))).any()


def test_panel_names_are_distinct() -> None:
    assert panel_names(["c/test/crack/003.png", "c/test/good/003.JPG", "x.png"]) == [
        "crack_003.png", "good_003.png", "x.png",
    ]  # fmt: skip
    assert panel_names(["c/test/a/1.png", "c/test/a/1.jpg"]) == ["a_1.png.png", "a_1.jpg.png"]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    root = tmp_path_factory.mktemp("small")
    return make_tree(root, categories=("brick",), methods=("aexad-resnet18",))


def panels(tree: Tree, count: int, folder: Path) -> list[str]:
    run = tree.runs[0]
    paths = draw_panels(
        tree.results / run.folder,
        tree.results / run.data_folder / "split.csv",
        tree.data / run.dataset,
        32,
        count,
        folder,
    )
    return [path.name for path in paths]


def test_panels_of_an_earlier_call_are_removed(small: Tree, tmp_path: Path) -> None:
    folder = tmp_path / "panels"
    names = panels(small, 3, folder)
    assert names == ["scratch_001.png", "stain_001.png", "good_002.png"]
    first = (folder / "stain_001.png").read_bytes()
    assert panels(small, 2, folder) == names[::2]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names[::2])
    assert panels(small, 3, folder) == names
    assert (folder / "stain_001.png").read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == ["panels"]
    with Image.open(folder / "stain_001.png") as image:
        assert image.width > 5 * image.height / 2


@pytest.mark.parametrize("name", ["thesis.tex", "IMG_1.png", "stain_001.jpg", "scratch_1.png/x"])
def test_a_folder_with_other_files_is_not_replaced(small: Tree, tmp_path: Path, name: str) -> None:
    precious = tmp_path / "precious" / name
    precious.parent.mkdir(parents=True)
    precious.write_text("years of work")
    with pytest.raises(ConfigError, match=f"precious: holds {name.split('/')[0]}, which was not"):
        panels(small, 1, tmp_path / "precious")
    assert precious.read_text() == "years of work"
    with pytest.raises(ConfigError, match="a file, not a folder"):
        panels(small, 1, precious)


def test_a_folder_made_by_snakemake_is_replaced(small: Tree, tmp_path: Path) -> None:
    (tmp_path / ".snakemake_timestamp").touch()
    (tmp_path / "stain_old.png").touch()
    assert panels(small, 1, tmp_path / ".") == [path.name for path in tmp_path.iterdir()]


def test_maps_of_other_images_are_refused(small: Tree, tmp_path: Path) -> None:
    folder = small.results / small.runs[0].folder
    with pytest.raises(DataError, match=r"maps\.npz: cannot be used with per_image\.csv"):
        read_pictures(folder, ["brick/test/good/999.png"])
    with pytest.raises(DataError, match=r"per_image\.csv: no such file"):
        read_pictures(tmp_path, ["x"])
    (tmp_path / "per_image.csv").write_text("image,xauc,iou\n")
    with pytest.raises(DataError, match=r"maps\.npz: no such file"):
        read_pictures(tmp_path, ["x"])
    (tmp_path / "maps.npz").write_bytes(b"PK\x03\x04 not an archive")
    with pytest.raises(DataError, match=r"maps\.npz: damaged"):
        read_pictures(tmp_path, ["x"])
