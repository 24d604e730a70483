"""Which files of a folder are photographs, masks, or left out; and what is told about them."""

import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aexad.config.catalogue import Dataset
from aexad.data.check import check
from aexad.data.index import build_index, flat_index
from aexad.data.masks import load_mask
from aexad.data.validate import WARNING, validate
from aexad.runtime.errors import DataError

MINE = Dataset(title="Mine", adaptor="mvtec_layout", size=64)


def photograph(path, seed=0, side=64, **options):
    pixels = np.random.default_rng(seed).integers(90, 160, (side, side), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def mask(path, side=64, box=(10, 10, 20, 20)):
    pixels = np.zeros((side, side), np.uint8)
    top, left, bottom, right = box
    pixels[top:bottom, left:right] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def marked(root, index):
    """Number of pixels that the only mask of an index marks."""
    (name,) = index.loc[index["mask"] != "", "mask"]
    return load_mask(root / name).sum()


@pytest.fixture
def part(tmp_path):
    """A category: three good images, one of them in a sub-folder, and a scratch."""
    folder = tmp_path / "set/part"
    for i, name in enumerate(("0.png", "1.png", "monday/2.png")):
        photograph(folder / "train/good" / name, i)
    photograph(folder / "test/good/0.png", 8)
    photograph(folder / "test/scratch/0.png", 9)
    mask(folder / "ground_truth/scratch/0_mask.png")
    return folder


def warnings(part, dataset=MINE):
    _, findings = validate(part.parent, "set", dataset)
    return [finding.text for finding in findings if finding.kind == WARNING]


def images(index, split):
    return sorted(index.loc[index["split"] == split, "image"])


def test_sub_folders_are_read(part):
    index = build_index(part.parent, "set", MINE)
    assert images(index, "train") == [
        "part/train/good/0.png", "part/train/good/1.png", "part/train/good/monday/2.png",
    ]  # fmt: skip
    _, flat = flat_index(part / "train/good", None)
    assert len(flat) == 3
    assert warnings(part) == []


def test_files_that_are_not_read_are_counted_by_ending(part, capsys):
    for name in ("a.heic", "b.heic", "c.psd", "notes.txt", ".hidden.heic"):
        (part / "train/good" / name).write_bytes(b"x")
    found = warnings(part)
    assert [text.split(" left out")[0] for text in found] == [
        "2 files with the ending .heic", "1 file with the ending .psd",
    ]  # fmt: skip
    check(part.parent, "set", MINE)
    printed = capsys.readouterr().out
    assert "files read: 6 .png" in printed
    assert ".heic left out" in printed


def test_check_tells_what_a_benchmark_does_not_take(part, capsys):
    check(part.parent, "set", MINE)
    assert "warning " not in capsys.readouterr().out
    shutil.copytree(part, part.with_name("Blech Ü"))
    shutil.copytree(part, part.with_name("other"))
    (part.with_name("other") / "train/good").rename(part.with_name("other") / "train/gut")
    part.with_name("notes").mkdir()
    check(part.parent, "set", MINE)
    printed = capsys.readouterr().out
    assert "name of the category: a benchmark accepts only letters" in printed
    assert f"{part.with_name('other')}: left out, because it has no folder train/good" in printed
    assert "notes" not in printed


@pytest.mark.parametrize("name", ["a\r.png", "a\n.png", "a\x85/0.png"])
def test_a_control_character_in_the_name_of_an_image(part, name):
    photograph(part / "train/good" / name)
    with pytest.raises(
        DataError, match=r"good/a\\\S+: its name has a control character; rename it"
    ):
        build_index(part.parent, "set", MINE)


def test_a_control_character_in_another_name(part):
    (part / "train/good/Icon\r").write_bytes(b"")  # as macOS calls the icon of a folder
    assert len(build_index(part.parent, "set", MINE)) == 5


def test_masks_beside_photographs_are_no_photographs(part):
    photograph(part / "train/good/3.jpg", 3, quality=95)
    mask(part / "train/good/3.png", box=(0, 0, 0, 0))
    mask(part / "train/good/0_label.png")
    index = build_index(part.parent, "set", MINE)
    assert "part/train/good/3.jpg" in images(index, "train")
    assert not {"part/train/good/3.png", "part/train/good/0_label.png"} & set(index["image"])
    (text,) = warnings(part)
    assert text.startswith("2 files among the good images are masks of others and are left out")


def test_the_suffix_of_a_mask_in_any_case(part):
    mask(part / "train/good/0_MASK.png")
    assert "part/train/good/0_MASK.png" not in images(
        build_index(part.parent, "set", MINE), "train"
    )
    (part / "train/good/0_MASK.png").unlink()
    truth = part / "ground_truth/scratch"
    (truth / "0_mask.png").rename(truth / "0_Mask.PNG")
    assert build_index(part.parent, "set", MINE)["mask"].max().endswith("scratch/0_Mask.PNG")


def test_a_mask_that_is_called_as_a_photograph_is_of_this_one(part):
    photograph(part / "test/scratch/0_GT.png", 5)
    mask(part / "ground_truth/scratch/0_GT.png")
    index = build_index(part.parent, "set", MINE)
    pairs = index.loc[index["mask"] != "", ["image", "mask"]].to_numpy().tolist()
    assert [[Path(name).stem for name in pair] for pair in pairs] == [
        ["0", "0_mask"], ["0_GT", "0_GT"],
    ]  # fmt: skip


@pytest.mark.parametrize("names", [["mask_1", "2_seg"], ["000-mask"]])
def test_good_images_with_two_levels_beside_others_are_a_warning(part, names):
    for name in names:
        mask(part / f"train/good/{name}.png")
    (text,) = warnings(part)
    assert text.startswith(f"{len(names)} of {4 + len(names)} good images look like masks")


def test_masks_in_a_folder_below_good_images_are_a_warning(tmp_path):
    for i in range(6):
        photograph(tmp_path / f"gm/images/{i}.png", i)
        mask(tmp_path / f"gm/masks/{i}.png", box=(0, 0, 0, 0))
    _, index = flat_index(tmp_path / "gm", None)
    (text,) = index.attrs["warnings"]
    assert text.startswith("6 of 12 good images look like masks")
    assert "gm/masks/0.png" in text


def test_good_images_that_all_have_two_levels_are_no_warning(tmp_path):
    for i in range(4):
        mask(tmp_path / f"labels/{i}.png", box=(i, i, 20, 30))
    photograph(tmp_path / "bad/0.png")
    mask(tmp_path / "bad/0_mask.png")
    _, index = flat_index(tmp_path / "labels", tmp_path / "bad")
    assert index.attrs["warnings"] == []


def test_a_mask_of_16_bits_beside_a_photograph_of_16_bits_is_no_photograph(part):
    pixels = np.random.default_rng(0).integers(20_000, 40_000, (64, 64)).astype(np.uint16)
    Image.fromarray(pixels).save(part / "train/good/3.png")
    mask(part / "train/good/3_mask.png")
    index = build_index(part.parent, "set", MINE)
    assert "part/train/good/3.png" in images(index, "train")
    assert "part/train/good/3_mask.png" not in images(index, "train")


def test_masks_of_good_images_do_not_make_them_labelled(part):
    for name in ("0.png", "1.png"):
        mask(part / "ground_truth/good" / name, box=(0, 0, 0, 0))
    index = build_index(part.parent, "set", MINE)
    assert len(images(index, "train")) == 3
    assert set(index.loc[index["split"] == "train", "defect"]) == {"good"}


def test_photographs_of_one_stem_stay_photographs(part):
    photograph(part / "train/good/0.jpg", 5, quality=95)
    assert len(images(build_index(part.parent, "set", MINE), "train")) == 4


def test_a_mask_beside_its_photograph_belongs_to_it(tmp_path):
    for i in range(3):
        photograph(tmp_path / f"good/{i}.png", i)
    photograph(tmp_path / "bad/0.jpg", 7, quality=95)
    mask(tmp_path / "bad/0.png")
    root, index = flat_index(tmp_path / "good", tmp_path / "bad")
    (row,) = index[index["defect"] != "good"].to_dict("records")
    assert (row["image"], row["mask"]) == ("bad/0.jpg", "bad/0.png")
    assert root == tmp_path


@pytest.mark.parametrize("place", ["bad", "masks", "bad/masks"])
def test_several_masks_beside_their_photograph_or_in_a_folder(tmp_path, place):
    photograph(tmp_path / "good/0.png")
    photograph(tmp_path / "bad/x.png", 1)
    for number, top in ((1, 2), (2, 40)):
        mask(tmp_path / f"{place}/x_mask{number}.png", box=(top, 0, top + 2, 64))
    masks = None if place == "bad" else tmp_path / place
    root, index = flat_index(tmp_path / "good", tmp_path / "bad", masks)
    assert marked(root, index) == 4 * 64


def test_a_photograph_named_like_one_of_several_masks_stays_a_photograph(tmp_path):
    photograph(tmp_path / "good/0.png")
    for name in ("x", "x_mask1"):
        photograph(tmp_path / f"bad/{name}.png")
        mask(tmp_path / f"masks/{name}.png")
    folders = tmp_path / "good", tmp_path / "bad", tmp_path / "masks"
    _, index = flat_index(*folders)
    assert images(index, "test") == ["bad/x.png", "bad/x_mask1.png"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_several_masks_of_an_image_with_an_accent(part, form):
    stem = unicodedata.normalize(form, "kä")
    (part / "test/scratch/0.png").rename(part / f"test/scratch/{stem}.png")
    truth = part / "ground_truth/scratch"
    (truth / "0_mask.png").unlink()
    for number, top in ((1, 2), (2, 40)):
        mask(truth / f"{stem}_mask{number}.png", box=(top, 0, top + 2, 64))
    assert marked(part.parent, build_index(part.parent, "set", MINE)) == 4 * 64


def test_a_folder_of_several_masks_may_hold_other_files(part):
    truth = part / "ground_truth/scratch"
    (truth / "0_mask.png").unlink()
    for name, top in (("a", 2), ("b", 40)):
        mask(truth / f"0/{name}.png", box=(top, 0, top + 2, 64))
    for name in ("Thumbs.db", "notes.txt"):
        (truth / "0" / name).write_bytes(b"x")
    (truth / "0/old.png").mkdir()
    assert marked(part.parent, build_index(part.parent, "set", MINE)) == 4 * 64


def test_a_mask_serves_one_photograph(tmp_path):
    photograph(tmp_path / "good/0.png")
    for i, camera in enumerate(("cam1", "cam2")):
        photograph(tmp_path / "bad" / camera / "1.png", i)
    mask(tmp_path / "masks/cam1/1.png")
    folders = tmp_path / "good", tmp_path / "bad", tmp_path / "masks"
    with pytest.raises(DataError, match=r"cam2/1\.png: has the same mask as \S*cam1/1\.png"):
        flat_index(*folders)
    mask(tmp_path / "masks/cam2/1.png")
    mask(tmp_path / "masks/cam2/9_mask.png")
    _, index = flat_index(*folders)
    assert sorted(index["mask"])[1:] == ["masks/cam1/1.png", "masks/cam2/1.png"]
    (text,) = index.attrs["warnings"]
    assert text.startswith("1 mask without a photograph left out")
    assert "cam2/9_mask.png" in text


def test_a_photograph_named_like_a_mask_keeps_its_mask(tmp_path):
    photograph(tmp_path / "good/0.png")
    photograph(tmp_path / "bad/1.png", 1)
    mask(tmp_path / "bad/1_mask.png")
    photograph(tmp_path / "bad/1_label.png", 2)
    mask(tmp_path / "bad/1_label_mask.png")
    _, index = flat_index(tmp_path / "good", tmp_path / "bad")
    pairs = index.loc[index["mask"] != "", ["image", "mask"]].to_numpy().tolist()
    assert sorted(pairs) == [
        ["bad/1.png", "bad/1_mask.png"], ["bad/1_label.png", "bad/1_label_mask.png"],
    ]  # fmt: skip


def test_equal_names_in_nested_folders(tmp_path):
    photograph(tmp_path / "good/0.png")
    names = ["cam1/day/1.png", "cam2/day/1.png"]
    for i, name in enumerate(names):
        photograph(tmp_path / "bad" / name, i)
        mask(tmp_path / "masks" / name)
    folders = tmp_path / "good", tmp_path / "bad", tmp_path / "masks"
    _, index = flat_index(*folders)
    assert sorted(index["mask"])[1:] == [f"masks/{name}" for name in names]
    (tmp_path / "masks/cam1/day/1.png").rename(tmp_path / "masks/cam1/day/1_mask.png")
    _, index = flat_index(*folders)
    assert sorted(index["mask"])[1:] == ["masks/cam1/day/1_mask.png", "masks/cam2/day/1.png"]
    mask(tmp_path / "masks/cam1/day/1_gt.png")
    with pytest.raises(DataError, match=r"2 masks \(cam1/day/1_gt\.png, cam1/day/1_mask\.png\)"):
        flat_index(*folders)


def test_defects_and_masks_below_good_images_are_no_good_images(tmp_path):
    for i in range(3):
        photograph(tmp_path / f"{i}.png", i)
    photograph(tmp_path / "bad/0.png", 7)
    mask(tmp_path / "bad/masks/0.png")
    bad = tmp_path / "bad"
    _, index = flat_index(tmp_path, bad, bad / "masks")
    assert images(index, "train") == ["0.png", "1.png", "2.png"]
    assert images(index, "test") == ["bad/0.png"]
    _, good = flat_index(tmp_path, None, skipped=[bad])
    assert images(good, "train") == ["0.png", "1.png", "2.png"]


def test_an_inverted_mask_is_a_warning(part):
    mask(part / "ground_truth/scratch/0_mask.png", box=(0, 0, 60, 60))
    (text,) = warnings(part)
    assert "marks 88 % of its image; is it inverted?" in text


def test_a_line_names_the_folder_of_flat_folders_once(part, caplog):
    marks, none = part / "ground_truth/scratch", part / "none"
    mask(marks / "0_mask.png", box=(0, 0, 60, 60))
    flat_index(part / "train/good", part / "test/scratch", marks)
    (line,) = caplog.messages
    assert line.startswith(f"{marks / '0_mask.png'}: marks 88 %")
    with pytest.raises(DataError) as caught:
        flat_index(none, None)
    assert str(caught.value).startswith(f"{none}: no such folder")


@pytest.mark.parametrize(("masks", "told"), [("covered", "thicker"), ("nearest", "is lost")])
def test_a_defect_thinner_than_a_pixel_is_told_with_the_size_that_keeps_it(part, masks, told):
    photograph(part / "test/scratch/0.png", 9, side=640)
    mask(part / "ground_truth/scratch/0_mask.png", side=640, box=(300, 100, 302, 400))
    (text,) = warnings(part, MINE.model_copy(update={"masks": masks}))
    assert told in text
    size = int(text.split("; size ")[1].split()[0])
    assert warnings(part, MINE.model_copy(update={"masks": masks, "size": size})) == []
    assert size < 640


def test_a_photograph_that_exif_turns(part):
    exif = Image.Exif()
    exif[274] = 6
    photograph(part / "test/scratch/0.jpg", 9, quality=95, exif=exif)
    (part / "test/scratch/0.png").unlink()
    (text,) = warnings(part)
    assert "EXIF orientation turns the photograph" in text


def test_an_oblong_photograph_that_exif_turns_away_from_its_mask(part):
    exif = Image.Exif()
    exif[274] = 6
    (part / "test/scratch/0.png").unlink()
    Image.fromarray(np.full((40, 60), 120, np.uint8)).save(part / "test/scratch/0.jpg", exif=exif)
    pixels = np.zeros((40, 60), np.uint8)
    pixels[5:9, 5:9] = 255
    Image.fromarray(pixels).save(part / "ground_truth/scratch/0_mask.png")
    with pytest.raises(DataError, match="EXIF orientation turns the photograph"):
        build_index(part.parent, "set", MINE)


@pytest.mark.parametrize(("orientation", "told"), [(6, 0), (3, 1)])
def test_a_mask_of_the_size_of_the_turned_photograph_was_drawn_on_it(part, orientation, told):
    exif = Image.Exif()
    exif[274] = orientation
    (part / "test/scratch/0.png").unlink()
    stored = np.full((40, 50) if orientation == 6 else (50, 40), 120, np.uint8)
    Image.fromarray(stored).save(part / "test/scratch/0.jpg", exif=exif)
    pixels = np.zeros((50, 40), np.uint8)
    pixels[5:9, 5:9] = 255
    Image.fromarray(pixels).save(part / "ground_truth/scratch/0_mask.png")
    assert sum("EXIF orientation" in text for text in warnings(part)) == told


@pytest.mark.parametrize("shape", [(64, 97), (97, 64)])
def test_oblong_photographs_that_are_squashed(part, shape):
    for path in (part / "train/good").rglob("*.png"):
        Image.new("L", shape, 120).save(path)
    Image.new("L", (64, 96), 120).save(part / "test/good/0.png")  # long, but not too long
    (text,) = warnings(part)
    assert text.startswith("3 images are more than 1.5 times as long as wide, for example ")
    assert warnings(part, MINE.model_copy(update={"tile": 64})) == []


def test_16_bits_whose_contrast_is_lost(part):
    levels = (51000 + np.arange(64 * 64).reshape(64, 64) % 1400).astype(np.uint16)
    Image.fromarray(levels).save(part / "train/good/0.png")
    (text,) = warnings(part)
    assert "of 1400 levels of 16 bits (51000 to 52399), 7 are left" in text


def test_class_numbers_are_read_where_the_catalogue_says_so(part):
    pixels = np.zeros((64, 64), np.uint8)
    pixels[4:8, 4:8], pixels[40:44, 40:44] = 1, 255
    Image.fromarray(pixels).save(part / "ground_truth/scratch/0_mask.png")
    with pytest.raises(DataError, match="marks: any"):
        build_index(part.parent, "set", MINE)
    index = build_index(part.parent, "set", MINE.model_copy(update={"marks": "any"}))
    assert index.loc[index["mask"] != "", "marks"].tolist() == ["any"]
