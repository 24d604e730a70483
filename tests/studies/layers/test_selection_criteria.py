"""Criteria that need no test image: the spectrum by hand, and copies that nobody trained on."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from aexad.config.recipe import HeatMap, Recipe
from aexad.data.augment import augment
from aexad.methods.model import build_model
from studies.layers.selection_criteria import COPIES, HELD_OUT, criteria, high_frequency_share

CPU = torch.device("cpu")
SIZE = 32


def wave(down, across, side=32):
    """A cosine of so many cycles per cell down and across."""
    y, x = np.mgrid[:side, :side]
    return torch.from_numpy(np.cos(2 * np.pi * (down * y + across * x)))[None, None]


@pytest.mark.parametrize(
    ("down", "across", "share"),
    [(1 / 8, 0, 0), (3 / 8, 0, 1), (0.25, 0.25, 1), (0.1, 0.1, 0), (0, 0.5, 1)],
)
def test_the_share_is_that_of_radial_frequencies_above_a_quarter(down, across, share):
    assert float(high_frequency_share(wave(down, across) + 7)) == pytest.approx(share, abs=0.01)


def test_shares_add_by_energy_and_constant_maps_have_none():
    both = wave(1 / 8, 0) + 2 * wave(3 / 8, 0)
    maps = torch.cat([both, torch.ones(1, 1, 32, 32)], dim=1)
    shares = high_frequency_share(maps)
    assert shares.shape == (1, 2)
    assert float(shares[0, 0]) == pytest.approx(4 / 5, abs=0.01)
    assert math.isnan(shares[0, 1])


@pytest.fixture
def split(tmp_path):
    """Three normals, one labelled anomaly; its test images are not there."""
    rng = np.random.default_rng(0)
    rows = [{"role": "test", "defect": "bent", "image": "gone.png", "mask": "gone_mask.png"}]
    for name in ("a", "b", "c", "bent"):
        pixels = rng.integers(60, 120, (SIZE, SIZE, 3), dtype=np.uint8)
        mask = ""
        if name == "bent":
            pixels[8:16, 8:20] = 240
            marked = np.zeros((SIZE, SIZE), np.uint8)
            marked[8:16, 8:20] = 255
            mask = "bent_mask.png"
            Image.fromarray(marked).save(tmp_path / mask)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        role = "labelled" if mask else "normal"
        rows.append({"role": role, "defect": name, "image": f"{name}.png", "mask": mask})
    return pd.DataFrame(rows).assign(marks="bright")


def found(split, root, scenario="standard", levels=None, tile=None, **recipe):
    options = {"encoder": "test_resnet.r160_in1k", "weights": "none"} | recipe
    model = build_model(Recipe(**options), SIZE, 0)
    return criteria(model, split, root, scenario, SIZE, HeatMap(), CPU, levels, tile)


def test_criteria_are_of_held_out_copies_and_of_normals(split, tmp_path):
    one = found(split, tmp_path)
    assert one == found(split, tmp_path)
    assert {name: entry["n"] for name, entry in one.items()} == {
        "held_out_loss": COPIES,
        "held_out_xauc": COPIES,
        "held_out_iou": COPIES,
        "high_frequency": 3,
    }
    assert 0 <= one["held_out_iou"]["value"] <= 1
    assert 0 < one["high_frequency"]["value"] < 1
    assert one["held_out_loss"]["value"] > 0


def held_out_loss(split, root, model, **recipe):
    """The criterion of a network whose parameters are 0: so are all of its logits."""
    recipe = Recipe(model=model, encoder="test_resnet.r160_in1k", weights="none", **recipe)
    built = build_model(recipe, SIZE, 0)
    for parameter in built.network.parameters():
        parameter.data.zero_()
    made = criteria(built, split, root, "standard", SIZE, recipe.heat_map, CPU)
    return made["held_out_loss"]["value"]


def test_the_loss_of_a_probe_is_that_of_its_logits(split, tmp_path):
    copies = augment(split, tmp_path, SIZE, "standard", HELD_OUT, copies=1, pasted=COPIES)
    masks = copies["masks"][np.char.find(copies["source"], " -> ") >= 0]
    # The anomalous pixels weigh as much as all pixels would, each of the others has weight 1 / D.
    expected = math.log(2) * (1 + (1 - masks.mean(axis=(1, 2)))).mean()
    assert held_out_loss(split, tmp_path, "pixel_probe") == pytest.approx(expected, rel=1e-5)
    both, rebuilding = (held_out_loss(split, tmp_path, m) for m in ("aexad_probe", "aexad"))
    assert both - rebuilding == pytest.approx(expected, rel=1e-2)


def test_a_mean_loss_is_the_sum_over_the_number_of_terms(split, tmp_path):
    total, mean = (
        held_out_loss(split, tmp_path, "aexad", reduction=reduction)
        for reduction in ("sum", "mean")
    )
    assert mean == pytest.approx(total / (3 * SIZE**2))


def test_no_training_has_seen_a_held_out_copy(split, tmp_path):
    def copies(seed):
        made = augment(split, tmp_path, SIZE, "standard", seed, pasted=COPIES)
        return {image.tobytes() for image in made["images"][-COPIES:]}

    assert len(copies(0)) == COPIES
    assert not copies(0) & copies(HELD_OUT)


def test_images_are_read_as_the_run_read_them(split, tmp_path):
    one = found(split, tmp_path)
    # Of each normal image, nine tiles are trained on.
    assert found(split, tmp_path, tile=SIZE // 2)["high_frequency"]["n"] > 3
    for name in split["image"][1:]:
        path = tmp_path / name
        grey = np.asarray(Image.open(path))[..., 0].astype(np.uint16)
        Image.fromarray(grey + np.uint16(1000)).save(path)
    wide, narrow = found(split, tmp_path), found(split, tmp_path, levels=(1000, 1255))
    assert narrow["held_out_loss"] != wide["held_out_loss"]
    assert narrow["held_out_loss"]["n"] == one["held_out_loss"]["n"]


def test_what_there_is_nothing_to_tell_of_says_why(split, tmp_path):
    normals = split[split["role"] != "labelled"]
    plain = {"loss": "mse"}
    one_class = found(normals, tmp_path, "one_class", **plain)
    assert one_class["held_out_iou"] == {"value": None, "n": 0, "reason": "no labelled anomalies"}
    assert one_class["high_frequency"]["n"] == 3
    without = {"model": "l2_cae", "encoder": None, "weights": "none", "tuning": "full", **plain}
    assert found(normals, tmp_path, "one_class", **without)["high_frequency"]["reason"] == (
        "no encoder"
    )
