import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from aexad.data.resize import resized
from aexad.data.tables import SPLIT_COLUMNS
from aexad.evaluation import metrics
from aexad.evaluation.evaluate import evaluate_run
from aexad.runtime.errors import DataError
from aexad.runtime.files import write_csv, write_npz

SIZE, NATIVE = 8, (20, 30)  # of the maps; height and width of images and masks
ROWS = [  # role, defect, image, mask
    ("labelled", "dent", "cat/test/dent/0.png", "cat/ground_truth/dent/0_mask.png"),
    ("test", "dent", "cat/test/dent/1.png", "cat/ground_truth/dent/1_mask.png"),
    ("test", "good", "cat/test/good/0.png", ""),
    ("test", "good", "cat/test/good/1.png", ""),
    ("test", "speck", "cat/test/speck/0.png", "cat/ground_truth/speck/0_mask.png"),
]
NAMES = [
    *("xauc", "f1", "iou", "pixel_auroc", "pixel_ap", "pro", "f1_max", "iou_max"),
    *("image_auroc", "image_ap"),
    *(f"{name}@{a}" for name in ("f1", "iou") for a in (1.5, 2.0, 2.5, 3.0, 3.5)),
]


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def masks_of(size):
    """Masks of a dent, a quarter of the image, and of a speck that is lost at the small size."""
    dent, speck = np.zeros(NATIVE, dtype=bool), np.zeros(NATIVE, dtype=bool)
    dent[10:, 15:] = True
    speck[0, 0] = True
    if size == "model":
        dent, speck = np.zeros((SIZE, SIZE), dtype=bool), np.zeros((SIZE, SIZE), dtype=bool)
        dent[4:, 4:] = True
    none = np.zeros_like(dent)
    return [dent, none, none, speck]


@pytest.fixture
def run(tmp_path):
    """A run of four test images: its folder and the arrays of its maps."""
    root = tmp_path / "data"
    for row, mask in zip(ROWS[1:], masks_of("native"), strict=True):
        save(root / row[2], np.zeros((*NATIVE, 3), dtype=np.uint8))
        if row[3]:
            save(root / row[3], mask.astype(np.uint8) * 255)
    table = pd.DataFrame([(*row, "bright-nearest") for row in ROWS], columns=SPLIT_COLUMNS)
    write_csv(tmp_path / "split.csv", table)
    heat_maps = np.random.default_rng(0).random((4, SIZE, SIZE), dtype=np.float32)
    heat_maps[0, 3:, 5:] += 0.5
    arrays = {
        "image": np.array([row[2] for row in ROWS[1:]]),
        "heat_map": heat_maps,
        "score": np.array([3, 1, 2, 2], dtype=np.float32),
        "k": np.array([2, 1, 1, 5]),
    }
    write_npz(tmp_path / "maps.npz", arrays)
    return tmp_path, arrays


def evaluate(folder, size="model"):
    paths = (folder / "maps.npz", folder / "split.csv", folder / "data", folder / "out")
    content = evaluate_run(*paths, size)
    assert json.loads((folder / "out/metrics.json").read_text()) == content
    return content, pd.read_csv(folder / "out/per_image.csv")


def test_metrics_at_the_size_of_the_model(run):
    folder, arrays = run
    content, _ = evaluate(folder)
    maps, masks = arrays["heat_map"], np.stack(masks_of("model"))
    assert content["size"] == "model"
    assert content["images"] == {
        "test": 4,
        "good": 2,
        "anomalous": 2,
        "without_mask_pixels": ["cat/test/speck/0.png"],
    }
    values = content["metrics"]
    assert sorted(values) == sorted(NAMES)
    for name in ("xauc", "f1", "iou"):
        expected = getattr(metrics, name)(maps, masks)
        assert values[name] == {"value": pytest.approx(expected, abs=1e-12), "n": 1}
    for name in ("pixel_auroc", "pixel_ap", "f1_max", "iou_max"):
        expected = getattr(metrics, name)(maps, masks)
        assert values[name] == {"value": pytest.approx(expected, abs=1e-12), "n": 4}
    expected = pytest.approx(metrics.pro(maps, masks), abs=1e-12)
    assert values["pro"] == {"value": expected, "n": 4, "regions": 1}
    expected = pytest.approx(metrics.f1(maps, masks, 2.5), abs=1e-12)
    assert values["f1@2.5"] == {"value": expected, "n": 1}
    # The speck counts as anomalous although its small mask is empty: 3 and 2 against 1 and 2.
    assert values["image_auroc"] == {"value": 3.5 / 4, "n": 4}
    assert values["image_ap"] == {"value": pytest.approx((1 + 2 / 3) / 2), "n": 4}


def test_rows_of_the_images(run):
    folder, arrays = run
    _, table = evaluate(folder)
    steps = ["1.5", "2.0", "2.5", "3.0", "3.5"]
    assert list(table.columns) == [
        *("image", "defect", "score", "k", "anomalous_pixels", "xauc", "f1", "iou"),
        *(f"f1@{a}" for a in steps),
        *(f"iou@{a}" for a in steps),
    ]
    assert table["image"].tolist() == arrays["image"].tolist()
    assert table["defect"].tolist() == ["dent", "good", "good", "speck"]
    assert table["score"].tolist() == [3, 1, 2, 2]
    assert table["k"].tolist() == [2, 1, 1, 5]
    assert table["anomalous_pixels"].tolist() == [16, 0, 0, 0]
    assert table.loc[0].notna().all()
    assert table.loc[1:, "xauc":].isna().all(axis=None)
    expected = metrics.xauc(arrays["heat_map"][:1], masks_of("model")[:1])
    assert table.loc[0, "xauc"] == pytest.approx(expected, abs=1e-12)


def test_native_size_resizes_the_maps_and_no_mask(run):
    folder, arrays = run
    content, table = evaluate(folder, "native")
    maps = [resized(m, NATIVE) for m in arrays["heat_map"]]
    masks = masks_of("native")
    assert content["size"] == "native"
    assert content["images"]["without_mask_pixels"] == []
    assert table["anomalous_pixels"].tolist() == [150, 0, 0, 1]
    for name in ("xauc", "f1", "iou", "pixel_auroc", "pro"):
        expected = getattr(metrics, name)(maps, masks)
        assert content["metrics"][name]["value"] == pytest.approx(expected, abs=1e-12)
    assert content["metrics"]["xauc"]["n"] == 2
    assert content["metrics"]["pro"]["regions"] == 2


def test_equal_input_gives_equal_bytes(run):
    folder, _ = run
    evaluate(folder)
    first = [path.read_bytes() for path in sorted((folder / "out").iterdir())]
    evaluate(folder)
    assert [path.read_bytes() for path in sorted((folder / "out").iterdir())] == first


def select(run, *indices):
    """Keep some test images of the run."""
    folder, arrays = run
    kept = [ROWS[0], *(ROWS[1 + i] for i in indices)]
    table = pd.DataFrame([(*row, "bright-nearest") for row in kept], columns=SPLIT_COLUMNS)
    write_csv(folder / "split.csv", table)
    write_npz(folder / "maps.npz", {name: v[list(indices)] for name, v in arrays.items()})
    return folder


def test_without_masks_only_image_scores_are_evaluated(run):
    folder, arrays = run
    table = pd.DataFrame([(*row, "bright-nearest") for row in ROWS], columns=SPLIT_COLUMNS).assign(
        mask=""
    )
    write_csv(folder / "split.csv", table)
    content, rows = evaluate(folder)
    assert content["images"]["without_mask_pixels"] == []
    assert set(content["metrics"]) == set(NAMES)
    for name, entry in content["metrics"].items():
        if name.startswith("image_"):
            assert entry["n"] == 4
        else:
            assert (entry["value"], entry["reason"]) == (None, "the data set has no masks")
    anomalous = np.array([True, False, False, True])
    expected = metrics.image_auroc(arrays["score"], anomalous)
    assert content["metrics"]["image_auroc"]["value"] == expected
    assert rows.loc[:, "anomalous_pixels":].isna().all(axis=None)


def test_one_missing_mask_is_an_error(run):
    folder, _ = run
    table = pd.DataFrame([(*row, "bright-nearest") for row in ROWS], columns=SPLIT_COLUMNS)
    write_csv(folder / "split.csv", table.assign(mask=[*table["mask"][:4], ""]))
    with pytest.raises(DataError, match=r"speck/0\.png is anomalous and has no mask"):
        evaluate(folder)


def test_good_images_alone_give_no_values_but_reasons(run):
    content, table = evaluate(select(run, 1, 2))
    for name, entry in content["metrics"].items():
        assert entry["value"] is None
        assert entry["n"] == 0
        assert entry["reason"], name
    reasons = {name: entry["reason"] for name, entry in content["metrics"].items()}
    assert reasons["xauc"] == "no image has both anomalous and normal pixels"
    assert reasons["iou@3.5"] == "no image has anomalous pixels"
    assert reasons["pro"] == reasons["f1_max"] == "no anomalous pixels in the test set"
    assert reasons["image_auroc"] == "no anomalous images"
    assert content["metrics"]["pro"]["regions"] == 0
    assert table["xauc"].isna().all()


def test_anomalous_images_alone(run):
    content, _ = evaluate(select(run, 0))
    assert content["metrics"]["pixel_auroc"]["n"] == 1
    assert content["metrics"]["image_ap"] == {
        "value": None,
        "n": 0,
        "reason": "no good images in the test set",
    }


def test_only_anomalous_pixels(run):
    folder = select(run, 0)
    save(folder / "data" / ROWS[1][3], np.full(NATIVE, 255, dtype=np.uint8))
    content, table = evaluate(folder)
    assert content["metrics"]["pro"] == {
        "value": None,
        "n": 0,
        "reason": "no normal pixels in the test set",
        "regions": 1,
    }
    assert content["metrics"]["xauc"]["value"] is None
    assert content["metrics"]["iou"]["n"] == 1
    assert table["xauc"].isna().all()


def test_damaged_maps(run):
    folder, arrays = run
    (folder / "maps.npz").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(DataError, match=r"maps.npz: damaged, or .*; make it with 'aexad infer'"):
        evaluate(folder)
    write_npz(folder / "maps.npz", arrays | {"heat_map": arrays["heat_map"][:, 0]})
    with pytest.raises(DataError, match=r"maps.npz: heat_map is \[4, 8\], not \[n, S, S\]; make"):
        evaluate(folder)


def test_missing_or_mismatched_maps(run):
    folder, arrays = run
    arrays["image"] = arrays["image"][::-1]
    write_npz(folder / "maps.npz", arrays)
    with pytest.raises(
        DataError, match=r"maps.npz: not the maps of the test images of .*split.csv"
    ):
        evaluate(folder)
    write_npz(folder / "maps.npz", arrays | {"k": arrays["k"][1:]})
    with pytest.raises(DataError, match="its arrays differ in length"):
        evaluate(folder)
    write_npz(folder / "maps.npz", {"image": arrays["image"]})
    with pytest.raises(DataError, match="without one of the arrays image, heat_map"):
        evaluate(folder)
    (folder / "maps.npz").unlink()
    with pytest.raises(DataError, match=r"maps.npz: no such file; make it with 'aexad infer'"):
        evaluate(folder)


@pytest.mark.parametrize("name", ["heat_map", "score"])
def test_nan_in_heat_maps_or_scores(run, name):
    folder, arrays = run
    arrays[name][2] = np.nan
    write_npz(folder / "maps.npz", arrays)
    message = f"{name} of cat/test/good/1.png is NaN or infinite"
    with pytest.raises(DataError, match=message):
        evaluate(folder)


def test_an_anomalous_image_without_a_mask(run):
    folder, _ = run
    table = pd.read_csv(folder / "split.csv", keep_default_na=False)
    table.loc[4, "mask"] = ""
    write_csv(folder / "split.csv", table)
    with pytest.raises(DataError, match=r"speck/0.png is anomalous and has no mask"):
        evaluate(folder)
