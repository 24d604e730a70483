"""The verb explain on one image, on a folder, and on a folder with broken files."""

import json
import shutil
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from app_parts import run
from PIL import Image

import aexad
from aexad.app.explain_folder import explain_files, image_names, output_names
from aexad.app.onnx import OnnxNetwork
from aexad.data.layouts.folders import images_below


@pytest.fixture
def photos(workshop, tmp_path):
    """The test images of the parts, in their folders."""
    shutil.copytree(workshop / "parts/test", tmp_path / "photos")
    return tmp_path / "photos"


def explain(workshop, images, output, *options, model="model.onnx"):
    return run("explain", workshop / model, images, "-o", output, *options)


@pytest.mark.parametrize("model", ["model.onnx", "model.safetensors"])
def test_one_image(workshop, tmp_path, capsys, model):
    assert explain(workshop, workshop / "part.png", tmp_path / "out", model=model) == 0
    line = capsys.readouterr().out
    assert line.startswith("part.png: anomalous, score ")
    assert ", 1 region: " in line
    made = sorted(path.relative_to(tmp_path / "out").as_posix() for path in tmp_path.rglob("*.*"))
    assert made == [
        "explanations.csv",
        "heat_maps/part.npy",
        "masks/part.png",
        "overlays/part.png",
    ]
    with Image.open(tmp_path / "out/overlays/part.png") as image:
        assert image.size == (72, 60)


def test_a_folder(workshop, photos, tmp_path, capsys):
    assert explain(workshop, photos, tmp_path / "out", "--json", "--batch-size", 3) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["image"] for row in rows] == [
        *(f"good/{i}.png" for i in range(3)),
        *(f"spot/{i}.png" for i in range(4)),
    ]
    assert [row["verdict"] for row in rows] == ["normal"] * 3 + ["anomalous"] * 4
    keys = "image verdict score threshold regions k milliseconds width height"
    assert set(rows[0]) == set(keys.split())
    table = pd.read_csv(tmp_path / "out/explanations.csv")
    assert table["image"].tolist() == [row["image"] for row in rows]
    np.testing.assert_allclose(table["score"], [row["score"] for row in rows])
    left, top, right, bottom, area = map(int, table["regions"][4].split("; ")[0].split())
    assert [left, top, right, bottom] == rows[4]["regions"][0]["box"]
    assert area == rows[4]["regions"][0]["area"]


def test_a_broken_image_is_told_and_the_rest_goes_on(workshop, photos, tmp_path, capsys):
    (photos / "good/1.png").write_bytes((photos / "good/0.png").read_bytes()[:900])
    (photos / "notes.txt").write_text("no image")
    assert explain(workshop, photos, tmp_path / "out", "--json") == 1
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert ["error" in row for row in rows] == [False, True, *[False] * 5]
    assert "good/1.png: cannot be read: damaged or truncated" in err
    assert "1 of 7 files were not explained, see above; the others are in" in err
    assert "Traceback" not in err
    table = pd.read_csv(tmp_path / "out/explanations.csv")
    assert table["score"].isna().tolist() == ["error" in row for row in rows]
    assert len(list((tmp_path / "out/overlays").rglob("*.png"))) == 6


def test_a_file_that_is_not_read_is_told_and_is_no_success(workshop, photos, tmp_path, capsys):
    """A bad part must not be passed over in silence."""
    with Image.open(photos / "spot/0.png") as bad:
        bad.save(photos / "spot/webp.webp", lossless=True)
        bad.save(photos / "spot/jfif.jfif", "JPEG", quality=100)
    (photos / "spot/phone.heic").write_bytes(b"ftypheic")
    assert explain(workshop, photos, tmp_path / "out", "--json") == 1
    out, err = capsys.readouterr()
    verdicts = {row["image"]: row["verdict"] for row in map(json.loads, out.splitlines())}
    assert verdicts["spot/webp.webp"] == verdicts["spot/jfif.jfif"] == "anomalous"
    assert "endings are not known" in err
    assert "spot/phone.heic" in err
    assert "1 of 10 files were not explained" in err


def test_earlier_results_are_not_explained(workshop, photos):
    for _ in range(2):
        assert explain(workshop, photos, photos / "out") == 0
    assert len(image_names(photos, photos / "out")) == 7


def test_results_of_another_call_are_no_photographs(workshop, photos, tmp_path):
    """Neither for ``explain`` nor for ``fit``, whose good images they would become."""
    before = images_below(photos)
    assert explain(workshop, photos, photos) == 0
    assert explain(workshop, photos, photos / "run2") == 0
    assert images_below(photos) == before
    assert len(pd.read_csv(photos / "run2/explanations.csv")) == len(before)


def test_earlier_results_in_the_folder_of_the_images_are_not_explained(workshop, photos):
    for _ in range(2):
        assert explain(workshop, photos, photos) == 0
    assert len(image_names(photos, photos)) == 7


@pytest.mark.parametrize(
    ("source", "own"), [("bad", "masks/0.png"), ("bad", "masks/a/1.png"), ("overlays", "")]
)
def test_files_of_the_user_are_not_overwritten(workshop, photos, tmp_path, capsys, source, own):
    shutil.move(photos / "spot", photos / source)
    if own:
        (photos / own).parent.mkdir(parents=True)
        (photos / own).write_bytes(b"ground truth")
    before = {path: path.read_bytes() for path in photos.rglob("*.*")}
    assert explain(workshop, photos / source, photos) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"aexad: {photos / (own or source)}: ")
    assert err.count("\n") == 1
    assert {path: path.read_bytes() for path in photos.rglob("*.*")} == before


def test_a_mask_of_a_broken_image_is_no_earlier_result(workshop, photos, tmp_path):
    (photos / "good/1.png").write_bytes(b"broken")
    output = tmp_path / "out"
    assert explain(workshop, photos, output) == 1
    (output / "masks/good/1.png").write_bytes(b"ground truth")
    assert explain(workshop, photos, output) == 1
    assert (output / "masks/good/1.png").read_bytes() == b"ground truth"
    assert (output / "masks/good/0.png").exists()


def test_results_of_two_calls_are_not_mixed(workshop, photos, tmp_path):
    output = tmp_path / "out"
    assert explain(workshop, photos / "spot", output, "--report") == 0
    (output / "notes.txt").touch()
    (output / "masks/.DS_Store").touch()
    assert explain(workshop, photos / "good", output) == 0
    stems = {path.stem for path in output.glob("*/[!.]*")}
    assert stems == {"0", "1", "2"}
    assert sorted(path.name for path in output.glob("*.*")) == ["explanations.csv", "notes.txt"]


def test_names_of_results_are_distinct():
    images = ["a.jpg", "a.png", "a.png.png"]
    assert output_names(images) == {image: image for image in images}


def test_an_interrupted_call_leaves_the_table_of_what_it_explained(workshop, photos, tmp_path):
    output = tmp_path / "out"
    assert explain(workshop, photos, output) == 0
    explainer = aexad.load(workshop / "model.onnx")

    def stop(row):
        if row["image"] == "good/1.png":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        explain_files(explainer, photos, image_names(photos, output), output, stop)
    assert pd.read_csv(output / "explanations.csv")["image"].tolist() == [
        "good/0.png",
        "good/1.png",
    ]


def test_an_interrupted_call_with_two_images_of_one_stem_can_be_repeated(
    workshop, photos, tmp_path
):
    with Image.open(photos / "good/0.png") as image:
        image.save(photos / "good/0.tif")  # read after 0.png
    output = tmp_path / "out"
    explainer = aexad.load(workshop / "model.onnx", batch_size=1)
    images = image_names(photos, output)
    assert images[:2] == ["good/0.png", "good/0.tif"]
    with pytest.raises(KeyboardInterrupt):
        explain_files(explainer, photos, images, output, Mock(side_effect=KeyboardInterrupt))
    assert [path.name for path in output.rglob("*.png.png")] == ["0.png.png"] * 2
    assert explain(workshop, photos, output) == 0


def test_a_call_interrupted_while_it_writes_can_be_repeated(
    workshop, photos, tmp_path, monkeypatch
):
    output = tmp_path / "out"
    explainer = aexad.load(workshop / "model.onnx")
    images = image_names(photos, output)
    with monkeypatch.context() as patch:
        patch.setattr("numpy.save", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            explain_files(explainer, photos, images, output, print)
    assert [path.name for path in output.rglob("*.png")] == ["0.png"]
    assert explain(workshop, photos, output) == 0


def test_the_network_takes_as_many_images_as_the_option_says(workshop, tmp_path, monkeypatch):
    sizes = []
    run_network = OnnxNetwork.run
    monkeypatch.setattr(
        OnnxNetwork, "run", lambda self, x: (sizes.append(len(x)), run_network(self, x))[1]
    )
    for i in range(20):
        shutil.copy(workshop / "part.png", tmp_path / f"{i}.png")
    assert explain(workshop, tmp_path, tmp_path / "out", "--batch-size", 18) == 0
    assert sizes == [18, 2]


def test_images_that_differ_only_in_the_ending(workshop, photos, tmp_path):
    with Image.open(photos / "spot/0.png") as image:
        image.save(photos / "spot/0.bmp")
    assert explain(workshop, photos / "spot", tmp_path / "out") == 0
    made = {path.name for path in (tmp_path / "out/overlays").iterdir()}
    assert made == {"0.png.png", "0.bmp.png", "1.png", "2.png", "3.png"}


def test_heat_maps_can_be_evaluated(workshop, tmp_path):
    """They lie in the layout that 'evaluate' reads."""
    assert explain(workshop, workshop / "parts/test", tmp_path / "out") == 0
    maps, masks = tmp_path / "out/heat_maps", workshop / "parts"
    scored = ("evaluate", "--maps", maps, "--masks", masks, "--output", tmp_path, "--native")
    assert run(*scored) == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text())["metrics"]
    assert metrics["xauc"]["value"] > 0.9


@pytest.mark.parametrize("name", ["nothing", "nowhere"])
def test_no_images(workshop, tmp_path, capsys, name):
    (tmp_path / "nothing").mkdir()
    assert explain(workshop, tmp_path / name, tmp_path / "out") == 1
    err = capsys.readouterr().err
    assert "name" in err
    assert err.startswith(f"aexad: {tmp_path / name}: no ")
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_threshold_option(workshop, tmp_path, capsys):
    part = workshop / "part.png"
    assert explain(workshop, part, tmp_path / "out", "--threshold", "1e9") == 0
    assert "part.png: normal, score " in capsys.readouterr().out
    assert explain(workshop, part, tmp_path / "out", "--threshold", "-1.5") == 0
    assert "(threshold -1.5)" in capsys.readouterr().out


@pytest.mark.parametrize("value", ["nan", "inf", "x"])
def test_an_invalid_threshold_is_an_error(workshop, tmp_path, capsys, value):
    with pytest.raises(SystemExit):
        explain(workshop, workshop / "part.png", tmp_path, "--threshold", value)
    assert f"'{value}' is not a finite number" in capsys.readouterr().err
