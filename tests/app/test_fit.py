"""Which images are used for training, which are held out, and what the model file holds."""

from pathlib import Path

import app_parts as parts
import pytest
import torch

from aexad.app.fit import choose_images, fit
from aexad.app.model_file import load_model_file
from aexad.cli.parser import main
from aexad.config.recipe import Recipe
from aexad.runtime.errors import ConfigError, DataError

AEXAD = Recipe(encoder="test_resnet.r160_in1k", weights="none", epochs=1, batch_size=6)
PLAIN = Recipe(model="l2_cae", loss="mse", epochs=1)


@pytest.fixture
def category(tmp_path):
    parts.write_category(tmp_path / "nuts")
    return tmp_path / "nuts"


@pytest.fixture
def flat(tmp_path):
    """Folders of good images, of defects, of masks."""
    for i in range(7):
        parts.save(tmp_path / f"fine/{i}.png", parts.photo(i))
    for i in range(2):
        parts.save(tmp_path / f"bad/{i}.png", parts.photo(50 + i, defect=True))
        parts.save(tmp_path / f"marks/{i}_mask.png", parts.mask())
    return tmp_path


def names(images, role):
    return set(images.trained.loc[images.trained["role"] == role, "image"])


class TestCategory:
    def test_all_labelled_anomalies_are_used(self, category):
        images = choose_images(category, AEXAD)
        assert names(images, "labelled") == {f"nuts/test/spot/{i}.png" for i in range(4)}

    def test_held_out_images_are_not_trained_on(self, category):
        images = choose_images(category, AEXAD)
        assert len(images.held_out) == 4
        everything = {f"nuts/train/good/{i:02}.png" for i in range(12)}
        assert names(images, "normal") == everything - set(images.held_out)

    def test_good_test_images_are_not_used(self, category):
        images = choose_images(category, AEXAD)
        used = [*images.trained["image"], *images.held_out]
        assert not [name for name in used if "test/good" in name]

    def test_the_seed_chooses_the_held_out_images(self, category):
        first, same, other = (choose_images(category, AEXAD, seed=s).held_out for s in (0, 0, 1))
        assert first == same
        assert first != other

    def test_some_of_the_labelled_anomalies(self, category):
        images = choose_images(category, AEXAD, labelled=2)
        assert len(names(images, "labelled")) == 2

    def test_plain_reconstruction_uses_no_anomalies(self, category):
        images = choose_images(category, PLAIN)
        assert set(images.trained["role"]) == {"normal"}

    def test_the_current_folder(self, category, monkeypatch):
        monkeypatch.chdir(category)
        assert choose_images(Path(), AEXAD).root == category.parent

    def test_too_few_good_images(self, tmp_path):
        parts.write_category(tmp_path / "nuts", good=5)
        with pytest.raises(DataError, match="5 good images, and 6 are needed"):
            choose_images(tmp_path / "nuts", AEXAD)

    def test_a_missing_mask(self, category):
        (category / "ground_truth/spot/2_mask.png").unlink()
        with pytest.raises(DataError, match=r"spot/2\.png: has no mask; add"):
            choose_images(category, AEXAD)

    def test_a_size_that_is_not_a_multiple_of_16(self, category):
        with pytest.raises(ConfigError, match="multiple of 16"):
            choose_images(category, AEXAD, size=50)


class TestFlatFolders:
    def test_flat_folders_form_a_category(self, flat):
        images = choose_images(flat / "fine", AEXAD, defects=flat / "bad", masks=flat / "marks")
        assert images.root == flat
        assert names(images, "labelled") == {"bad/0.png", "bad/1.png"}
        assert set(images.trained["mask"]) == {"", "marks/0_mask.png", "marks/1_mask.png"}
        assert names(images, "normal") | set(images.held_out) == {f"fine/{i}.png" for i in range(7)}

    def test_masks_in_the_folder_of_the_defects(self, flat):
        for path in (flat / "marks").iterdir():
            path.rename(flat / "bad" / path.name)
        images = choose_images(flat / "fine", AEXAD, defects=flat / "bad")
        assert names(images, "labelled") == {"bad/0.png", "bad/1.png"}

    def test_masks_of_the_same_name(self, flat):
        for path in (flat / "marks").iterdir():
            path.rename(path.with_name(path.name.replace("_mask", "")))
        images = choose_images(flat / "fine", AEXAD, defects=flat / "bad", masks=flat / "marks")
        assert set(images.trained["mask"]) == {"", "marks/0.png", "marks/1.png"}

    def test_all_problems_are_listed_at_once(self, flat):
        (flat / "marks/0_mask.png").unlink()
        (flat / "fine/3.png").write_bytes(b"")
        with pytest.raises(DataError) as caught:
            choose_images(flat / "fine", AEXAD, defects=flat / "bad", masks=flat / "marks")
        assert "0.png: has no mask; add" in str(caught.value)
        assert "3.png: the file is empty" in str(caught.value)

    def test_without_defects(self, flat):
        with pytest.raises(ConfigError, match="has images and no train/good; name a category"):
            choose_images(flat / "fine", AEXAD)

    def test_plain_reconstruction_needs_none(self, flat):
        assert len(choose_images(flat / "fine", PLAIN).trained) == 4

    def test_an_empty_folder(self, flat):
        (flat / "none").mkdir()
        with pytest.raises(DataError, match="none: no images in it"):
            choose_images(flat / "none", AEXAD, defects=flat / "bad", masks=flat / "marks")


def test_the_file_holds_its_card_and_is_reproducible(category):
    images = choose_images(category, AEXAD)
    paths = [category / "first.safetensors", category / "second.safetensors"]
    for path in paths:
        card = fit(images, AEXAD, "tiny", path, torch.device("cpu"), size=48, false_alarms=0.25)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    _, read = load_model_file(paths[0])
    assert read == card
    assert (card.normals, len(card.labelled)) == (8, 4)
    assert (card.threshold.held_out_normals, card.threshold.false_alarms) == (4, 0.25)
    assert not list(category.glob("*checkpoint*"))


def test_labelled_anomalies_below_the_threshold_are_logged(category, caplog):
    for i in range(4):  # invisible defects
        parts.save(category / f"test/spot/{i}.png", parts.photo(i))
    images = choose_images(category, AEXAD)
    fit(images, AEXAD, "tiny", category / "m.safetensors", torch.device("cpu"), size=48)
    assert "of the 4 labelled anomalies, which were trained on, are below" in caplog.text


def test_plain_reconstruction_from_the_command_line(flat, capsys):
    (flat / "methods.yaml").write_text(parts.RECIPE)
    words = f"fit {flat}/fine --method plain --methods {flat}/methods.yaml --size 64"
    assert main([*words.split(), "-o", f"{flat}/m.safetensors", "--threads", "1"]) == 0
    assert "trained on 4 good images and 0 defects; threshold" in capsys.readouterr().out


def test_a_wrong_ending_is_an_error_before_files_are_read(tmp_path, capsys):
    (tmp_path / "methods.yaml").write_text(parts.RECIPE)
    words = f"fit nowhere --method tiny --methods {tmp_path}/methods.yaml -o {tmp_path}/model.pt"
    assert main(words.split()) == 1
    assert "a model file ends in .safetensors; name it so" in capsys.readouterr().err
