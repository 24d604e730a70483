import json
import sys

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from aexad.data.masks import covered
from aexad.data.resize import resized
from aexad.evaluation import metrics
from aexad.evaluation.external_maps import evaluate_maps, evaluate_split_maps
from aexad.explain.map_files import read_map
from aexad.runtime.errors import DataError

SHAPE = (12, 16)
IMAGES = {"broken": ["000", "001"], "good": ["000", "a.b"]}
KINDS = {
    "npy": lambda path, values: np.save(path, values),
    "tiff": lambda path, values: tifffile.imwrite(path, values.astype(np.float32)),
    "tif": lambda path, values: tifffile.imwrite(path, values.astype(np.float16)),
    "png": lambda path, values: Image.fromarray(values.astype(np.uint16)).save(path),
    "PNG": lambda path, values: Image.fromarray(values.astype(np.uint8)).save(path),
}


def values_of(defect, stem, shape=SHAPE):
    """Integers below 256, which every file format stores exactly."""
    seed = sum(map(ord, defect + stem))
    return np.random.default_rng(seed).integers(0, 200, shape).astype(np.float64)


def mask_of(defect):
    mask = np.zeros(SHAPE, dtype=bool)
    mask[4:9, 5:11] = defect != "good"
    return mask


@pytest.fixture
def category(tmp_path):
    """A category ``bolt`` with four test images; the broken ones have masks."""
    folder = tmp_path / "bolt"
    for defect, stems in IMAGES.items():
        for stem in stems:
            image = folder / "test" / defect / f"{stem}.png"
            image.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", SHAPE[::-1]).save(image)
            if defect != "good":
                mask = folder / "ground_truth" / defect / f"{stem}_mask.png"
                mask.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(mask_of(defect).astype(np.uint8) * 255).save(mask)
    return folder


def write_maps(folder, ending="npy", shape=SHAPE):
    for defect, stems in IMAGES.items():
        for stem in stems:
            path = folder / defect / f"{stem}.{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            KINDS[ending](path, values_of(defect, stem, shape))
    return folder


def expected_arrays(shape=SHAPE):
    keys = [(defect, stem) for defect, stems in IMAGES.items() for stem in stems]
    return [values_of(*key, shape) for key in keys], [mask_of(key[0]) for key in keys]


@pytest.mark.parametrize("ending", KINDS)
@pytest.mark.parametrize("inside", ["", "test", "bolt", "bolt/test"])
def test_file_formats_and_layouts(category, tmp_path, ending, inside):
    write_maps(tmp_path / "maps" / inside, ending)
    content = evaluate_maps(tmp_path / "maps", category, tmp_path / "out")
    scores, masks = expected_arrays()
    for name in ("xauc", "f1", "pixel_ap", "pro", "iou_max"):
        expected = getattr(metrics, name)(scores, masks)
        assert content["metrics"][name]["value"] == pytest.approx(expected, abs=1e-12)
    highest = [score.max() for score in scores]
    expected = metrics.image_auroc(highest, [1, 1, 0, 0])
    assert content["metrics"]["image_auroc"] == {"value": expected, "n": 4}
    assert json.loads((tmp_path / "out/metrics.json").read_text()) == content
    table = pd.read_csv(tmp_path / "out/per_image.csv")
    assert table["image"].tolist() == [
        *("test/broken/000.png", "test/broken/001.png"),
        *("test/good/000.png", "test/good/a.b.png"),
    ]
    assert table["score"].tolist() == highest
    assert table["k"].isna().all()
    assert table["anomalous_pixels"].tolist() == [30, 30, 0, 0]


def test_masks_are_resized_to_square_maps(category, tmp_path):
    maps = write_maps(tmp_path / "maps", shape=(8, 8))
    evaluate_maps(maps, category, tmp_path / "out")
    pixels = pd.read_csv(tmp_path / "out/per_image.csv")["anomalous_pixels"]
    small, _ = covered(mask_of("broken"), 8)
    assert pixels.tolist() == [small.sum(), small.sum(), 0, 0]


@pytest.mark.parametrize("shape", [(8, 8), (6, 8)])
def test_native_size(category, tmp_path, shape):
    maps = write_maps(tmp_path / "maps", shape=shape)
    content = evaluate_maps(maps, category, tmp_path / "out", "native")
    scores, masks = expected_arrays(shape)
    expected = metrics.pro([resized(score, SHAPE) for score in scores], masks)
    assert content["size"] == "native"
    assert content["metrics"]["pro"]["value"] == pytest.approx(expected, abs=1e-12)
    # The score is the highest value of the map before upsampling.
    table = pd.read_csv(tmp_path / "out/per_image.csv")
    assert table["score"].tolist() == [score.max() for score in scores]


def test_images_of_different_sizes(category, tmp_path):
    maps = write_maps(tmp_path / "maps")
    Image.new("RGB", (9, 5)).save(category / "test/good/000.png")
    np.save(maps / "good/000.npy", np.ones((5, 9)))
    content = evaluate_maps(maps, category, tmp_path / "out")
    assert content["images"]["test"] == 4


def test_masks_may_have_the_name_of_the_image(category, tmp_path):
    maps = write_maps(tmp_path / "maps")
    (category / "ground_truth/broken/000_mask.png").rename(category / "ground_truth/broken/000.png")
    assert evaluate_maps(maps, category, tmp_path / "out")["metrics"]["pro"]["regions"] == 2


@pytest.mark.parametrize(
    ("image", "mask", "map_name"),
    [
        ("night/001.png", "night/001_mask.png", "night/001.npy"),  # of a camera or a day
        ("night/001.png", "001_mask.png", "001.npy"),
        ("001.png", "001_label.png", "001.npy"),
        ("001.png", "001_mask1.png", "001.npy"),
        ("é.png", "e\u0301_mask.png", "e\u0301.npy"),  # macOS decomposes accents
    ],
)
def test_images_and_masks_are_those_of_the_index(category, tmp_path, image, mask, map_name):
    maps = write_maps(tmp_path / "maps")
    for folder, old, new in (
        (category / "test/broken", "001.png", image),
        (category / "ground_truth/broken", "001_mask.png", mask),
        (maps / "broken", "001.npy", map_name),
    ):
        (folder / new).parent.mkdir(exist_ok=True)
        (folder / old).rename(folder / new)
    content = evaluate_maps(maps, category, tmp_path / "out")
    assert (content["images"]["test"], content["metrics"]["pro"]["regions"]) == (4, 2)


def test_two_masks_of_one_image_are_refused(refused, category):
    _, message = refused
    Image.new("L", SHAPE[::-1], 255).save(category / "ground_truth/broken/001.png")
    assert "test/broken/001.png: has 2 masks (001.png, 001_mask.png); keep one" in message()


@pytest.fixture
def refused(category, tmp_path):
    """Complete maps, and a function that evaluates them and returns the error message."""
    maps = write_maps(tmp_path / "maps")

    def message(size="model"):
        with pytest.raises(DataError) as caught:
            evaluate_maps(maps, category, tmp_path / "out", size)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "out").exists()
        return str(caught.value)

    return maps, message


def test_missing_maps(refused):
    maps, message = refused
    (maps / "good/000.npy").unlink()
    assert "no map for good/000.png; each test image needs exactly one map" in message()
    for path in maps.glob("*/*.npy"):
        path.unlink()
    assert "no map for broken/000.png, broken/001.png, good/000.png and 1 more" in message()


def test_surplus_maps(refused):
    maps, message = refused
    np.save(maps / "good/099.npy", np.ones(SHAPE))
    (maps / "scratch").mkdir()
    np.save(maps / "scratch/000.npy", np.ones(SHAPE))
    assert "no test image for good/099.npy, scratch/000.npy" in message()


def test_two_maps_of_an_image(refused):
    maps, message = refused
    KINDS["tiff"](maps / "good/000.tiff", np.ones(SHAPE))
    assert "no test image for good/000.tiff, or another map of it" in message()


def test_other_files_are_ignored(category, tmp_path):
    maps = write_maps(tmp_path / "maps")
    (maps / "good/notes.txt").write_text("")
    (maps / "good/.000.npy").write_text("")
    (category / "test/good/Thumbs.db").write_text("")
    evaluate_maps(maps, category, tmp_path / "out")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.ones((*SHAPE, 3)), r"float64 [12, 16, 3] is no map; it must be [H, W]"),
        (np.ones(SHAPE, dtype=complex), "complex128 [12, 16] is no map"),
        (np.full(SHAPE, np.nan), "holds NaN or infinite values"),
        (np.full(SHAPE, np.inf), "holds NaN or infinite values"),
        (np.full(SHAPE, -1e39), "holds NaN or infinite values, or some beyond 3e38"),
        (np.ones((11, 16)), "16x11 pixels, its image has 16x12; give all maps"),
    ],
)
def test_maps_of_the_wrong_form(refused, values, reason):
    maps, message = refused
    np.save(maps / "broken/000.npy", values)
    assert str(maps / "broken/000.npy") in message()
    assert reason in message()


def test_square_maps_of_two_sizes(refused):
    maps, message = refused
    for path in maps.glob("*/*.npy"):
        np.save(path, np.ones((8, 8)))
    np.save(maps / "good/000.npy", np.ones((9, 9)))
    expected = "good/000.npy: 9x9 pixels, its image has 16x12 and broken/000.npy 8x8; give all maps"
    assert expected in message()


def test_square_maps_among_maps_of_the_images_size(refused):
    maps, message = refused
    np.save(maps / "good/000.npy", np.ones((8, 8)))
    expected = "good/000.npy: 8x8 pixels, its image has 16x12 and broken/000.npy 16x12; give all"
    assert expected in message()


def test_a_map_beside_the_folders_of_defect_types(refused):
    maps, message = refused
    np.save(maps / "000.npy", np.ones(SHAPE))
    assert "no test image for 000.npy, or another map of it" in message()


@pytest.mark.parametrize(
    ("pages", "options", "reason"),
    [
        (2, {}, "it has 2 pages; write one"),
        (1, {"photometric": "miniswhite"}, "it stores white as 0; save it as plain grey"),
        (1, {"extratags": [(274, "H", 1, 3, True)]}, "its orientation is 3; write it upright"),
    ],
)
def test_tiff_files_whose_numbers_are_not_those_of_the_map(refused, pages, options, reason):
    maps, message = refused
    (maps / "good/000.npy").unlink()
    with tifffile.TiffWriter(maps / "good/000.tiff") as file:
        for _ in range(pages):
            file.write(np.ones(SHAPE, np.uint8), **options)
    assert f"good/000.tiff: cannot be read as a map ({reason}" in message()


@pytest.mark.parametrize("ending", ["npy", "tiff", "png"])
def test_damaged_maps(refused, ending):
    maps, message = refused
    (maps / "broken/000.npy").unlink()
    (maps / f"broken/000.{ending}").write_bytes(b"no map")
    assert f"broken/000.{ending}: cannot be read as a map" in message()


def test_a_png_with_a_palette_is_no_map(refused):
    maps, message = refused
    (maps / "good/000.npy").unlink()
    Image.new("P", SHAPE[::-1]).save(maps / "good/000.png")
    assert "good/000.png: cannot be read as a map (it has a palette; save it as grey)" in message()


def test_pickles_are_not_opened(refused):
    maps, message = refused
    np.save(maps / "good/000.npy", np.array([[{}]]), allow_pickle=True)
    assert "good/000.npy: cannot be read as a map" in message()


def test_other_folders(category, tmp_path):
    maps = write_maps(tmp_path / "maps")
    with pytest.raises(DataError, match="none of the folders broken, good in it; maps lie at"):
        evaluate_maps(tmp_path / "nowhere", category, tmp_path / "out")
    with pytest.raises(DataError, match=r"name the folder of a category, with 'test' and"):
        evaluate_maps(maps, tmp_path, tmp_path / "out")
    Image.new("RGB", SHAPE[::-1]).save(category / "test/good/000.jpg")
    with pytest.raises(DataError, match=r"000.png: the same defect type and stem as .*000.jpg;"):
        evaluate_maps(maps, category, tmp_path / "out")


def test_missing_masks(refused, category):
    _, message = refused
    (category / "ground_truth/broken/001_mask.png").unlink()
    assert "test/broken/001.png: has no mask; add" in message()


def test_masks_of_another_size(refused, category):
    _, message = refused
    Image.new("L", (5, 5), 255).save(category / "ground_truth/broken/001_mask.png")
    assert "001_mask.png: the mask is 5x5 pixels and its image 16x12" in message()


def test_masks_of_another_size_with_square_maps(category, tmp_path):
    maps = write_maps(tmp_path / "maps", shape=(8, 8))
    Image.new("L", (5, 5), 255).save(category / "ground_truth/broken/001_mask.png")
    with pytest.raises(DataError, match=r"001_mask.png: the mask is 5x5 pixels and its image 16x"):
        evaluate_maps(maps, category, tmp_path / "out")


def test_only_tiff_files_need_tifffile(category, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tifffile", None)  # importing it is an ImportError
    assert read_map(write_maps(tmp_path / "maps") / "good/000.npy").ndim == 2
    with pytest.raises(DataError, match=r"a.tif: maps in TIFF files need .*pip install tifffile"):
        read_map(tmp_path / "a.tif")


def test_each_map_is_read_once(category, tmp_path, monkeypatch):
    maps = write_maps(tmp_path / "maps")
    read = []
    monkeypatch.setattr(
        "aexad.evaluation.external_maps.read_map",
        lambda path: read.append(path.stem) or np.load(path),
    )
    evaluate_maps(maps, category, tmp_path / "out")
    assert read == ["000", "001", "000", "a.b"]


@pytest.fixture
def split(category, tmp_path):
    """A split in which one broken image is labelled, so that it is not tested."""
    rows = [
        ("labelled", "broken", "000"),
        ("test", "broken", "001"),
        ("test", "good", "000"),
        ("test", "good", "a.b"),
    ]
    table = pd.DataFrame(
        [
            {
                "role": role,
                "defect": defect,
                "image": f"bolt/test/{defect}/{stem}.png",
                "mask": "" if defect == "good" else f"bolt/ground_truth/{defect}/{stem}_mask.png",
                "marks": "bright",
            }
            for role, defect, stem in rows
        ]
    )
    table.to_csv(tmp_path / "split.csv", index=False)
    return tmp_path / "split.csv"


def test_only_test_images_of_the_split_are_evaluated(category, split, tmp_path):
    maps = write_maps(tmp_path / "maps")
    content = evaluate_split_maps(maps, split, tmp_path, tmp_path / "out")
    scores, masks = expected_arrays()
    expected = metrics.pixel_auroc(scores[1:], masks[1:])
    assert content["metrics"]["pixel_auroc"]["value"] == pytest.approx(expected, abs=1e-12)
    assert content["images"]["test"] == 3
    names = pd.read_csv(tmp_path / "out" / "per_image.csv")["image"].tolist()
    assert names == [f"bolt/test/{name}.png" for name in ("broken/001", "good/000", "good/a.b")]


def test_the_maps_of_a_split_are_stored_for_pictures(category, split, tmp_path):
    maps = write_maps(tmp_path / "maps")
    evaluate_split_maps(maps, split, tmp_path, tmp_path / "out", stored=8)
    arrays = np.load(tmp_path / "out/maps.npz")
    table = pd.read_csv(tmp_path / "out/per_image.csv")
    assert arrays["image"].tolist() == table["image"].tolist()
    assert arrays["score"].tolist() == table["score"].tolist()
    for heat_map, binary, values in zip(
        arrays["heat_map"], arrays["binary"], expected_arrays()[0][1:], strict=True
    ):
        np.testing.assert_allclose(heat_map, resized(values, (8, 8)), rtol=1e-6)
        np.testing.assert_array_equal(binary, heat_map > heat_map.mean() + heat_map.std())


def test_two_test_images_of_one_stem_are_both_named(category, split, tmp_path):
    table = pd.read_csv(split, keep_default_na=False)
    table["image"] = table["image"].replace("bolt/test/good/a.b.png", "bolt/test/good/cam2/000.png")
    table.to_csv(split, index=False)
    message = r"good/cam2/000.png: the same defect type and stem as .*good/000.png; rename one"
    with pytest.raises(DataError, match=message):
        evaluate_split_maps(write_maps(tmp_path / "maps"), split, tmp_path, tmp_path / "out")


def test_maps_of_a_data_set_without_masks_give_image_metrics(category, split, tmp_path):
    table = pd.read_csv(split, keep_default_na=False)
    table.assign(mask="").to_csv(split, index=False)
    maps = write_maps(tmp_path / "maps")
    values = evaluate_split_maps(maps, split, tmp_path, tmp_path / "out")["metrics"]
    assert values["xauc"]["reason"] == values["pro"]["reason"] == "the data set has no masks"
    assert values["image_auroc"]["n"] == 3


def test_two_maps_of_an_image_that_is_not_tested_are_ignored(category, split, tmp_path):
    maps = write_maps(tmp_path / "maps")
    expected = evaluate_split_maps(maps, split, tmp_path, tmp_path / "one")
    np.save(maps / "broken/900.npy", np.zeros(SHAPE))
    for stem in ("000", "900"):  # the first is labelled, the other is not of the split
        KINDS["png"](maps / f"broken/{stem}.png", values_of("broken", stem))
    assert evaluate_split_maps(maps, split, tmp_path, tmp_path / "two") == expected


def test_a_missing_map_of_a_split_is_named(category, split, tmp_path):
    maps = write_maps(tmp_path / "maps")
    (maps / "broken/000.npy").unlink()  # labelled: not needed
    (maps / "good/000.npy").unlink()
    with pytest.raises(DataError, match=r"no map for good/000.png; each"):
        evaluate_split_maps(maps, split, tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
