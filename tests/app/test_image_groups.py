"""Good images that belong together: found by their paths, held out whole, told if they are not."""

import app_parts as parts
import numpy as np
import pytest
from PIL import Image

from aexad.app.fit import choose_images
from aexad.app.groups import groups_of, near_copies
from aexad.config.recipe import Recipe
from aexad.runtime.errors import ConfigError, DataError

AE = Recipe(encoder="test_resnet.r160_in1k", weights="none", loss="mse")


@pytest.fixture
def clips(tmp_path):
    """Eight videos of six frames each."""
    rng = np.random.default_rng(5)
    (tmp_path / "good").mkdir()
    for clip in range(8):
        base = rng.normal(0, 10, (64, 64)) + rng.uniform(90, 165)
        for frame in range(6):
            pixels = (base + rng.normal(0, 1.5, (64, 64))).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"good/clip{clip:02}_f{frame}.png")
    return tmp_path / "good"


def test_groups_are_what_the_pattern_finds():
    paths = ["good/clip01_f1.png", "good/clip01_f2.png", "good/clip12_f1.png"]
    assert groups_of(paths, "clip[0-9]+") == ["clip01", "clip01", "clip12"]
    assert groups_of(paths, r"_(f\d)") == ["f1", "f2", "f1"]
    with pytest.raises(ConfigError, match=r"found in 1 of 3 paths, and not in good/clip01_f1\.png"):
        groups_of(paths, "clip12")
    with pytest.raises(ConfigError, match="not a valid regular expression"):
        groups_of(paths, "(clip")
    for empty in ("", "x*"):
        with pytest.raises(ConfigError, match="found in 0 of 3 paths"):
            groups_of(paths, empty)
    with pytest.raises(ConfigError, match="found in 2 of 3 paths"):
        groups_of(paths, r"(clip0\d)|clip")  # the last path without the part in parentheses


def test_frames_are_near_copies_and_other_clips_are_not(clips):
    frames = sorted(clips.iterdir())
    held_out, others = frames[::6], [path for path in frames if path not in frames[::6]]
    found = near_copies(held_out, others)
    assert [held for held, _ in found] == held_out
    assert all(held.name[:6] == other.name[:6] for held, other in found)
    assert near_copies(frames[:6], frames[6:]) == []


def test_a_copy_of_a_file_is_found(clips):
    frames = sorted(clips.iterdir())
    assert near_copies([frames[0]], [*frames[6:], frames[0]]) == [(frames[0], frames[0])]


def test_equal_images_are_near_copies(tmp_path):
    """Their distances are 0 in spite of rounding; so is the median."""
    paths = [tmp_path / f"{i}.png" for i in range(9)]
    for path in paths:
        parts.save(path, parts.photo(0))
    assert [held for held, _ in near_copies(paths[:3], paths[3:])] == paths[:3]


def test_near_copies_are_told_and_groups_end_them(clips, caplog):
    images = choose_images(clips, AE)
    assert images.groups is None
    assert "held-out good images are near duplicates of images for training" in caplog.text
    assert "--groups" in images.warnings[-1]
    caplog.clear()
    images = choose_images(clips, AE, groups="clip[0-9]+")
    assert "near duplicates" not in caplog.text
    assert images.warnings == []
    assert len(images.held_out) == len(images.groups) == 18
    assert len(set(images.groups)) == 3
    trained = set(images.trained["image"])
    assert not {name.split("_")[0] for name in images.held_out} & {
        name.split("_")[0] for name in trained
    }


def test_too_few_groups_are_an_error(clips):
    with pytest.raises(DataError, match=r"1 groups of good images \(clip\), and 6 are needed"):
        choose_images(clips, AE, groups="clip")
