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
from aexad.data.sources.texture_defects import FULL, VISIBLE, Change, applied
from aexad.data.sources.textures import (
    PIXELS_SHA256,
    REGIONS,
    SIZE,
    SURFACES,
    draw_textures,
    drawings,
)
from aexad.data.split import split


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
        ("train", "foreign_body"): 18,
        ("train", "scratch"): 18,
        ("train", "stain"): 18,
        ("test", "good"): 36,
        ("test", "foreign_body"): 24,
        ("test", "scratch"): 24,
        ("test", "stain"): 24,
    }
    assert index["category"].unique().tolist() == ["brick", "grass", "gravel"]


def test_no_two_regions_of_a_photograph_overlap() -> None:
    times = np.zeros((512, 512), int)
    for region in REGIONS.values():
        times[region] += 1
        assert min(times[region].shape) > SIZE
    assert times.max() == 1


def test_each_image_shows_its_own_region_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The regions get different grey levels, which normals, labelled and test images must keep."""
    levels = {"train": 20, "labelled": 100, "test": 200}
    photograph = np.zeros((512, 512), np.int64)
    for name, region in REGIONS.items():
        photograph[region] = levels[name]
    monkeypatch.setattr(textures, "_photograph", lambda _: photograph)
    monkeypatch.setattr(textures, "scratch", lambda _, clean, *__: Change(clean, clean * 0))
    monkeypatch.setattr(textures, "stain", lambda _, clean, *__: Change(clean, clean * 0))
    monkeypatch.setattr(
        textures, "foreign_body", lambda _, clean, __, material: Change(material, clean * 0 + FULL)
    )
    shown = {name: drawing for name, drawing in drawings() if "/ground_truth/" not in name}
    assert len(shown) == 3 * (40 + 12 + 3 * (6 + 8))
    for name, drawing in shown.items():
        region = "test" if "/test/" in name else "train" if "/good/" in name else "labelled"
        exposure = drawing / levels[region]
        assert exposure.min() > 0.9, name
        assert exposure.max() < 1.1, name


def test_labelled_anomalies_are_drawn_from_their_own_region(drawn: tuple[Path, str]) -> None:
    """Every tested image shows pixels that no trained image shows, and the test set is whole."""
    dataset = Dataset(title="Textures", adaptor="textures")
    table = split(build_index(drawn[0], "textures", dataset), dataset, "brick", "standard", seed=1)
    assert table["role"].value_counts().to_dict() == {"normal": 40, "test": 36, "labelled": 9}
    assert set(table.loc[table["role"] == "labelled", "image"].str.split("/").str[1]) == {"train"}
    assert set(table.loc[table["role"] == "test", "image"].str.split("/").str[1]) == {"test"}


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
    assert max(map(max, areas.values())) < 0.13 * SIZE**2


def test_the_mask_is_the_visible_change() -> None:
    clean = np.full((3, 3), 100, np.int64)
    opacity = np.array([[0, VISIBLE - 1, VISIBLE], [0, 128, FULL], [0, 0, 0]])
    pixels, mask = applied(clean, Change(np.full_like(clean, 200), opacity))
    assert (pixels == pixels[..., :1]).all()
    assert pixels[..., 0].tolist() == [[100, 109, 109], [100, 150, 200], [100, 100, 100]]
    assert mask.tolist() == [[False, False, True], [False, True, True], [False, False, False]]


def test_a_tint_scales_the_channels_of_the_defect_alone() -> None:
    clean = np.full((1, 2), 100, np.int64)
    change = Change(np.full_like(clean, 200), np.array([[0, FULL]]), (FULL, FULL // 2, FULL // 4))
    assert applied(clean, change)[0].tolist() == [[[100, 100, 100], [200, 100, 50]]]


def test_small_pieces_apart_from_the_defect_are_removed() -> None:
    clean = np.full((5, 7), 100, np.int64)
    opacity = np.zeros_like(clean)
    opacity[1:4, 1:4] = FULL
    opacity[2, 6] = FULL
    pixels, mask = applied(clean, Change(np.zeros_like(clean), opacity))
    assert mask.sum() == 9
    assert pixels[2, 6].tolist() == [100, 100, 100]


@pytest.mark.parametrize("category", list(SURFACES))
def test_defects_are_visible_only_inside_the_mask(
    category: str, pixels: dict[str, np.ndarray]
) -> None:
    """Compared with the same crop without defect, no image differs outside the mask."""
    photograph = textures._photograph(category)
    contrasts = []
    for mask_name in [name for name in pixels if name.startswith(category) and "mask" in name]:
        defect, stem = mask_name.split("/")[2], Path(mask_name).stem.removesuffix("_mask")
        where, region = ("test", "test") if int(stem) < 8 else ("train", "labelled")
        name = f"{category}/{where}/{defect}/{stem}.png"
        image = pixels[name].astype(int)
        mask = pixels[mask_name] > 0
        clean = textures._crop(generator(textures.SEED, name), photograph[REGIONS[region]])
        clean = clean[..., None]
        gain = np.median(image[~mask] / np.maximum(clean[~mask], 1))
        difference = np.abs(image - clean * gain)
        assert difference[~mask].max() < 30, name
        contrasts.append(difference[mask].mean())
    assert min(contrasts) > 6
    assert max(contrasts) > 40
