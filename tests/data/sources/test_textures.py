"""The embedded data set: its pixels are pinned, its regions disjoint, its masks exact."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from aexad.config.catalogue import Dataset
from aexad.data.index import build_index
from aexad.data.rng import generator
from aexad.data.sources import textures
from aexad.data.sources.texture_defects import FULL, VISIBLE, applied
from aexad.data.sources.textures import (
    BORDER,
    PIXELS_SHA256,
    SIZE,
    SURFACES,
    draw_textures,
    drawings,
)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("textures")
    return folder, draw_textures(folder)


@pytest.fixture(scope="module")
def pixels() -> dict[str, np.ndarray]:
    return dict(drawings())


def test_the_pixels_are_the_same_on_every_machine(drawn: tuple[Path, str]) -> None:
    assert drawn[1] == PIXELS_SHA256


def test_the_files_hold_the_drawn_pixels(
    drawn: tuple[Path, str], pixels: dict[str, np.ndarray]
) -> None:
    on_disk = {path.relative_to(drawn[0]).as_posix(): path for path in drawn[0].rglob("*.png")}
    assert on_disk.keys() == pixels.keys()
    for name in list(pixels)[::17]:
        np.testing.assert_array_equal(np.asarray(Image.open(on_disk[name])), pixels[name])


def test_textures_have_the_layout_of_mvtec_ad(drawn: tuple[Path, str]) -> None:
    index = build_index(drawn[0], "textures", Dataset(title="Textures", adaptor="textures"))
    counts = index.groupby(["split", "defect"]).size().to_dict()
    assert counts == {
        ("train", "good"): 120,
        ("test", "good"): 36,
        ("test", "foreign_body"): 24,
        ("test", "scratch"): 24,
        ("test", "stain"): 24,
    }
    assert index["category"].unique().tolist() == ["brick", "grass", "gravel"]


def test_training_and_test_crops_come_from_disjoint_regions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The two regions of the photographs get different grey levels, which all crops must keep."""
    train, test = 20, 200
    photograph = np.full((512, 512), test, np.int64)
    photograph[:, :BORDER] = train
    monkeypatch.setattr(textures, "_photograph", lambda _: photograph)
    monkeypatch.setattr(textures, "scratch", lambda _, clean, *__: (clean, clean * 0))
    monkeypatch.setattr(textures, "stain", lambda _, clean, *__: (clean, clean * 0))
    monkeypatch.setattr(
        textures, "foreign_body", lambda _, clean, __, material: (material, clean * 0 + FULL)
    )
    for name, drawing in drawings():
        if "/train/" in name:
            assert drawing.max() < 30
        elif "/test/" in name:
            assert drawing.min() > 180


def test_masks_are_one_piece_and_differ_in_size(pixels: dict[str, np.ndarray]) -> None:
    areas: dict[str, list[int]] = {"scratch": [], "stain": [], "foreign_body": []}
    for name, mask in pixels.items():
        if "ground_truth" in name:
            assert set(np.unique(mask)) == {0, 255}
            assert ndimage.label(mask, np.ones((3, 3)))[1] == 1, name
            areas[name.split("/")[2]].append(int((mask > 0).sum()))
    means = {defect: np.mean(values) for defect, values in areas.items()}
    assert means["scratch"] < means["foreign_body"] < means["stain"]
    assert min(map(min, areas.values())) >= 50
    assert max(map(max, areas.values())) < 0.1 * SIZE**2


def test_the_mask_is_the_visible_change() -> None:
    clean = np.full((3, 3), 100, np.int64)
    opacity = np.array([[0, VISIBLE - 1, VISIBLE], [0, 128, FULL], [0, 0, 0]])
    pixels, mask = applied(clean, (np.full_like(clean, 200), opacity))
    assert pixels.tolist() == [[100, 109, 109], [100, 150, 200], [100, 100, 100]]
    assert mask.tolist() == [[False, False, True], [False, True, True], [False, False, False]]


def test_small_pieces_apart_from_the_defect_are_removed() -> None:
    clean = np.full((5, 7), 100, np.int64)
    opacity = np.zeros_like(clean)
    opacity[1:4, 1:4] = FULL
    opacity[2, 6] = FULL
    pixels, mask = applied(clean, (np.zeros_like(clean), opacity))
    assert mask.sum() == 9
    assert pixels[2, 6] == 100


@pytest.mark.parametrize("category", list(SURFACES))
def test_defects_are_visible_only_inside_the_mask(
    category: str, pixels: dict[str, np.ndarray]
) -> None:
    """Compared with the same crop without defect, no image differs outside the mask."""
    region = textures._photograph(category)[:, BORDER:]
    contrasts = []
    for name in [name for name in pixels if name.startswith(category) and "mask" in name]:
        defect, stem = name.split("/")[2], Path(name).stem.removesuffix("_mask")
        image = pixels[f"{category}/test/{defect}/{stem}.png"].astype(int)
        mask = pixels[name] > 0
        rng = generator(textures.SEED, f"{category}/test/{defect}/{stem}.png")
        clean = textures._crop(rng, region)
        gain = np.median(image[~mask] / np.maximum(clean[~mask], 1))
        difference = np.abs(image - clean * gain)
        assert difference[~mask].max() < 30, name
        contrasts.append(difference[mask].mean())
    assert min(contrasts) > 6
    assert max(contrasts) > 40
