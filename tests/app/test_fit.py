"""Which images are used for training, which are held out, and what the model file holds."""

import re
from functools import partial
from pathlib import Path

import app_parts as parts
import numpy as np
import pytest
import torch
from PIL import Image

from aexad.app.explainer import Explainer
from aexad.app.fit import choose_images, fit
from aexad.app.model_file import load_model_file
from aexad.app.threshold import threshold_of
from aexad.cli.parser import main
from aexad.config.recipe import Recipe
from aexad.runtime.errors import ConfigError, DataError, TrainingError
from aexad.training import loop
from aexad.training.checkpoint import Checkpoints
from aexad.training.health import Health
from aexad.training.loop import Training

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

    def test_more_labelled_anomalies_than_there_are_beside_one_to_test(self, category):
        reason = "defect type 'spot' has 4 images, and one is left to test; use --labelled 3, or"
        with pytest.raises(ConfigError, match=reason):
            choose_images(category, AEXAD, labelled=4)

    def test_defects_of_ones_own_replace_those_of_the_category(self, category, flat):
        images = choose_images(category, AEXAD, defects=flat / "bad", masks=flat / "marks")
        good = names(images, "normal") | set(images.held_out)
        assert good == {f"nuts/train/good/{i:02}.png" for i in range(12)}
        assert names(images, "labelled") == {"bad/0.png", "bad/1.png"}

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

    def test_defects_below_the_good_images_are_not_good(self, flat):
        for recipe in (AEXAD, PLAIN):
            images = choose_images(flat, recipe, defects=flat / "bad", masks=flat / "marks")
            good = names(images, "normal") | set(images.held_out)
            assert good == {f"fine/{i}.png" for i in range(7)}

    def test_an_image_that_is_good_and_a_defect_is_an_error(self, flat):
        (flat / "bad/0.png").unlink()
        (flat / "bad/0.png").symlink_to(flat / "fine/3.png")
        with pytest.raises(DataError, match=r"bad/0\.png: listed as a good image and as a defect"):
            choose_images(flat / "fine", AEXAD, defects=flat / "bad", masks=flat / "marks")

    def test_masks_without_defects(self, flat):
        with pytest.raises(ConfigError, match="marks: needs --defects"):
            choose_images(flat / "fine", PLAIN, masks=flat / "marks")

    def test_options_that_the_method_does_not_use(self, flat, caplog):
        choose_images(flat / "fine", PLAIN, defects=flat / "bad", labelled=2)
        assert "--defects, --labelled: not used, because the method trains on good" in caplog.text

    def test_an_empty_folder(self, flat):
        (flat / "none").mkdir()
        with pytest.raises(DataError, match="none: no images in it"):
            choose_images(flat / "none", AEXAD, defects=flat / "bad", masks=flat / "marks")


def test_the_file_holds_its_card_and_is_reproducible(category):
    images = choose_images(category, AEXAD, size=48)
    paths = [category / "first.safetensors", category / "second.safetensors"]
    for path in paths:
        card = fit(images, "tiny", path, torch.device("cpu"), false_alarms=0.25)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    _, read = load_model_file(paths[0])
    assert read == card
    assert (card.normals, len(card.labelled), card.size) == (8, 4, 48)
    assert (card.threshold.held_out_normals, card.threshold.false_alarms) == (4, 0.25)
    assert not list(category.glob("*checkpoint*"))


class TestAModelThatMissesItsOwnDefects:
    @pytest.fixture
    def scores(self, monkeypatch):
        """Set the scores of the held-out and then of the labelled images."""

        def set_scores(held_out, labelled):
            scores = iter([np.array(held_out), np.array(labelled)])
            monkeypatch.setattr(Explainer, "scores", lambda self, images: next(scores))

        return set_scores

    def run(self, category, recipe=AEXAD, **options):
        images = choose_images(category, recipe, size=48)
        path = category / "m.safetensors"
        return path, fit(images, "tiny", path, torch.device("cpu"), **options)

    def test_no_file_is_written_and_the_image_behind_the_threshold_is_named(self, category, scores):
        scores([1.0, 9.0, 2.0, 3.0], [5.0, 5.0, 9.0, 9.5])
        with pytest.raises(TrainingError) as caught:
            self.run(category)
        assert not (category / "m.safetensors").exists()
        second = choose_images(category, AEXAD).held_out[1]
        assert "3 of the 4 labelled anomalies" in str(caught.value)
        assert f"{category.parent / second} has the highest score, 9, the next 3" in str(
            caught.value
        )
        assert "--false-alarms 0.4 takes the next score" in str(caught.value)

    def test_the_named_share_of_false_alarms_takes_the_next_score(self, category, scores):
        scores([1.0, 9.0, 2.0, 3.0], [5.0, 5.0, 9.0, 9.5])
        _, card = self.run(category, false_alarms=0.4)
        assert card.threshold.value == pytest.approx(3.0, rel=2e-4)
        assert card.found == 4

    @pytest.mark.parametrize("highest", [9.0, -1.0])
    def test_another_rounding_is_no_false_alarm(self, category, scores, highest):
        """The image of the highest score, in another batch or in ONNX."""
        scores([highest - 1, highest, highest - 2, highest - 3], [highest + 1] * 4)
        _, card = self.run(category)
        assert highest + 5e-5 * abs(highest) < card.threshold.value < highest + 1e-3 * abs(highest)

    @pytest.mark.parametrize("false_alarms", [0.01, 0.3])
    def test_the_advice_lowers_the_threshold_by_one_score(self, tmp_path, scores, false_alarms):
        """Of 13 held-out scores, also where the threshold is not the highest of them."""
        parts.write_category(tmp_path / "nuts", good=39)
        held_out = [float(score) for score in range(13)]
        scores(held_out, [-1.0] * 4)
        with pytest.raises(TrainingError) as caught:
            self.run(tmp_path / "nuts", false_alarms=false_alarms)
        (advice,) = re.findall(r"--false-alarms ([0-9.]+) takes", str(caught.value))
        before, _ = threshold_of(np.array(held_out), false_alarms)
        after, _ = threshold_of(np.array(held_out), float(advice))
        assert after == before - 1

    def test_a_share_of_one_is_no_advice(self, category, scores):
        scores([1.0, 1.0, 1.0, 1.0], [0.0] * 4)
        with pytest.raises(TrainingError) as caught:
            self.run(category)
        assert "add more like it" in str(caught.value)
        assert "--false-alarms" not in str(caught.value)

    def test_force_writes_it(self, category, scores):
        scores([1.0, 9.0, 2.0, 3.0], [5.0, 5.0, 9.0, 9.5])
        path, card = self.run(category, force=True)
        assert path.exists()
        assert card.found == 1

    def test_the_trained_part_is_kept_for_force(self, category, scores, monkeypatch):
        """The second call trains only the epochs after the last checkpoint."""
        monkeypatch.setattr("aexad.app.fit.Checkpoints", partial(every, 1))
        recipe = AEXAD.model_copy(update={"epochs": 3})
        images = choose_images(category, recipe, size=48)
        arguments = images, "tiny", category / "m.safetensors", torch.device("cpu")
        scores([1.0, 9.0, 2.0, 3.0], [5.0] * 4)
        with pytest.raises(TrainingError):
            fit(*arguments)
        epochs = []
        epoch_of = Training._epoch
        monkeypatch.setattr(
            Training,
            "_epoch",
            lambda self, number: (epochs.append(number), epoch_of(self, number))[1],
        )
        scores([1.0, 9.0, 2.0, 3.0], [5.0] * 4)
        fit(*arguments, force=True)
        assert epochs == [3]

    def test_half_of_them_is_enough(self, category, scores, caplog):
        scores([1.0, 9.0, 2.0, 3.0], [5.0, 9.0, 9.5, 9.5])
        path, card = self.run(category)
        assert path.exists()
        assert card.found == 2
        assert "2 of the 4 labelled anomalies, which were trained on, are below" in caplog.text

    @pytest.mark.parametrize(("weakest", "told"), [(30.0, True), (10.0, False)])
    def test_much_room_below_the_defects_is_told(self, category, scores, capsys, weakest, told):
        (category / "methods.yaml").write_text(parts.RECIPE)
        scores([1.0, 9.0, 2.0, 3.0], [weakest, 40.0, 41.0, 42.0])
        words = f"fit {category} --method tiny --methods {category}/methods.yaml --size 48"
        assert main([*words.split(), "-o", f"{category}/m.safetensors", "--threads", "1"]) == 0
        assert (
            f"the weakest of these defects scores {weakest:.4g}" in capsys.readouterr().out
        ) == told

    def test_a_collapsed_training_is_named_as_the_reason(self, category, scores, monkeypatch):
        white = Health(1.0, 1.0, 0.1, 0.1)
        monkeypatch.setattr(Training, "_examine", lambda self, examiner: white)
        monkeypatch.setattr(loop, "LEAST_UPDATES", 1)
        recipe = AEXAD.model_copy(update={"on_collapse": "go_on"})
        scores([1.0, 9.0, 2.0, 3.0], [5.0] * 4)
        with pytest.raises(TrainingError, match="collapsed: most values are rebuilt as black"):
            self.run(category, recipe)


def every(epochs, path, _, belongs_to):
    """Checkpoints after every so many epochs."""
    return Checkpoints(path, epochs, belongs_to)


def test_plain_reconstruction_from_the_command_line(flat, capsys):
    (flat / "methods.yaml").write_text(parts.RECIPE)
    words = f"fit {flat}/fine --method plain --methods {flat}/methods.yaml --size 64"
    assert main([*words.split(), "-o", f"{flat}/m.safetensors", "--threads", "1"]) == 0
    printed = capsys.readouterr().out
    assert "trained on 4 good images; threshold" in printed


def test_an_image_of_8_bits_among_those_of_16_is_named(tmp_path, caplog):
    """Because of it, the others keep no contrast."""
    rng = np.random.default_rng(0)
    for i in range(7):
        thermal = rng.integers(51_000, 51_400, (48, 48)).astype(np.uint16)
        Image.fromarray(thermal).save(tmp_path / f"{i}.png")
    assert choose_images(tmp_path, PLAIN).levels is not None
    parts.save(tmp_path / "3a.png", parts.photo(0))
    caplog.clear()
    images = choose_images(tmp_path, PLAIN)
    assert images.levels is None
    assert f"{tmp_path}/3a.png: has 8 bits, so no levels are chosen for the 7 good" in caplog.text
    assert any("3a.png: has 8 bits" in text for text in images.warnings)


def test_the_default_method_is_for_few_photographs(flat, monkeypatch):
    """Only the choice is tested here: its pre-trained encoder comes from a package."""
    chosen = []
    monkeypatch.setattr("aexad.app.fit.fit", lambda *given, **_: chosen.append(given) or None)
    words = f"fit {flat}/fine --defects {flat}/bad --masks {flat}/marks -o {flat}/m.safetensors"
    main([*words.split(), "--threads", "1"])  # without a card to print
    ((images, method, *_),) = chosen
    recipe = images.recipe
    assert (method, recipe.model) == ("aexad_probe-photographs", "aexad_probe")
    assert (recipe.least_updates, recipe.gentle_start, recipe.on_collapse) == (600, 300, "restart")


@pytest.mark.parametrize("option", ["defects", "masks"])
def test_a_folder_that_does_not_exist_is_an_error_for_every_method(flat, capsys, option):
    (flat / "methods.yaml").write_text(parts.RECIPE)
    words = f"fit {flat}/fine --method plain --methods {flat}/methods.yaml -o {flat}/m.safetensors"
    assert main([*words.split(), f"--{option}", f"{flat}/nowhere"]) == 1
    assert "nowhere: no such file or folder; name the folder of" in capsys.readouterr().err


def test_a_wrong_ending_is_an_error_before_files_are_read(tmp_path, capsys):
    (tmp_path / "methods.yaml").write_text(parts.RECIPE)
    words = f"fit nowhere --method tiny --methods {tmp_path}/methods.yaml -o {tmp_path}/model.pt"
    assert main(words.split()) == 1
    assert "a model file ends in .safetensors; name it so" in capsys.readouterr().err
