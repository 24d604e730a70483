"""The trials of the second attempt: closed form, clipped loss, filter sizes, products."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from aexad.config.recipe import HeatMap, Recipe
from aexad.data.training_set import TrainingSet
from aexad.evaluation.evaluate import evaluate_run
from aexad.explain.heatmap import heat_maps
from aexad.explain.inference import infer
from aexad.methods.aexad import AEXAD
from aexad.methods.model import build_model
from aexad.runtime.errors import DataError
from aexad.runtime.files import write_csv, write_npz
from aexad.training.model_store import save_model
from aexad.training.train import train
from studies.layers.false_marks import (
    MAPS,
    RECALLS,
    _shares,
    false_marks,
    false_marks_figure,
)
from studies.layers.fixed_projection import (
    area_filter_size,
    clipped_lambda,
    discriminant_map,
    median_5,
    median_filter_size,
)
from studies.layers.heat_map_trials import SETTINGS, trials

CPU = torch.device("cpu")
SIZE = 32
OWN = "studies/layers/fixed_projection.py:FixedProjection"


def training_set():
    rng = np.random.default_rng(0)
    images = rng.integers(90, 110, (8, SIZE, SIZE, 3), dtype=np.uint8)
    masks = np.zeros((8, SIZE, SIZE), bool)
    masks[5:, 8:24, 8:24] = True
    images[masks] = 250
    weight = np.ones(8, int)
    return TrainingSet(images, masks, weight, np.arange(8).astype(str), np.zeros(8, bool), SIZE)


def trained_with_inverse(run, data, **settings):
    """A model that drives anomalous pixels to 1 - x, stored in the folder of a run."""
    recipe = Recipe(
        encoder="test_resnet.r160_in1k",
        weights="none",
        epochs=2,
        on_collapse="go_on",
        target="inverse",
        **settings,
    )
    model = build_model(recipe, SIZE, 0)
    train(model, data, CPU)
    save_model(model, run / "model.safetensors")
    return model


def test_the_first_direction_is_fishers_discriminant():
    normal = np.array([[2.0, 0.9], [0.9, 1.0]])
    difference = np.array([1.0, -2.0])
    anomalous = 0.01 * normal + 100 * np.outer(difference, difference)
    found = discriminant_map(normal, anomalous, 2)
    expected = np.linalg.solve(normal, difference)
    cosine = found[0] @ expected / np.linalg.norm(found[0]) / np.linalg.norm(expected)
    assert abs(cosine) == pytest.approx(1, abs=1e-4)
    # The other half: the normal cells' largest principal component, of variance 1 in the mixture.
    component = np.linalg.eigh(normal)[1][:, -1]
    assert abs(found[1] @ component) == pytest.approx(np.linalg.norm(found[1]))
    mixed = (2 * normal + anomalous) / 3
    assert np.einsum("rc,cd,rd->r", found, mixed, found) == pytest.approx(1)


def test_lambda_is_clipped_for_small_defects_alone():
    torch.manual_seed(0)
    method = AEXAD(Recipe(encoder="test_resnet.r160_in1k", weights="none"), SIZE)
    x, rebuilt = torch.rand(2, 3, SIZE, SIZE), torch.rand(2, 3, SIZE, SIZE)
    mask = torch.zeros(2, 1, SIZE, SIZE, dtype=torch.bool)
    mask[0, :, :16, :16] = True  # a quarter of the image: lambda 4
    mask[1, :, :2, :2] = True  # lambda would be 256
    own, paper = clipped_lambda(rebuilt, x, mask), method.loss(x, rebuilt, mask)
    assert torch.allclose(own[0], paper[0])
    assert torch.allclose(own[1][:, 2:], paper[1][:, 2:])
    assert torch.allclose(own[1][:, :2, :2], paper[1][:, :2, :2] * 20 / 256)


def test_filters_follow_the_extent_they_are_named_after():
    m = np.zeros((1, 64, 64), np.float32)
    m[0, 20:40, 20:40] = 1  # one piece of 20 pixels and three specks
    m[0, 2, 2] = m[0, 2, 60] = m[0, 60, 2] = 1
    # Median of (20, 1, 1, 1) is 1: k = 1 leaves the middle as it is; by area k is nearly 10.
    assert median_filter_size(m)[0, 25, 25] == pytest.approx(1)
    assert area_filter_size(m)[0, 25, 25] < 0.99
    assert median_5(m)[0, 30, 30] == 1
    assert not median_5(m)[0, 2, 2]


@pytest.mark.parametrize(
    "options",
    [{}, {"trained": True}, {"fixed": False, "by_position": True}],
    ids=["fixed", "trained", "centred"],
)
def test_a_fixed_projection_trains_and_loads(options):
    recipe = Recipe(
        model=OWN,
        encoder="test_resnet.r160_in1k",
        weights="none",
        options=options,
        epochs=2,
        on_collapse="go_on",
        heat_map=HeatMap(),
    )
    model = build_model(recipe, SIZE, 0)
    history = train(model, training_set(), CPU).history
    assert np.isfinite(history["loss"]).all()
    assert model.network.centre.shape[-1] == (4 if options.get("by_position") else 1)
    images = torch.rand(2, 3, SIZE, SIZE)
    again = build_model(recipe, SIZE, 1)
    again.network.load_trained_state(model.network.trained_state())
    with torch.no_grad():
        expected = model.network.eval()(images)
        assert torch.allclose(again.network.eval()(images), expected, atol=1e-3)
    assert expected.shape == images.shape


def test_shares_of_marked_normal_pixels_by_hand():
    truth = np.array([[[True, True, False, False, False, False]]])
    error = np.array([[[0.9, 0.5, 0.6, 0.5, 0.1, 0.0]]])
    probability = np.array([[[0.8, 0.4, 0.1, 0.7, 0.65, 0.3]]])
    maps = {"error": error, "probability": probability}
    # All of the defect: thresholds of 0.5 and 0.4. Half of it: 0.7 and 0.6.
    assert _shares(maps, truth, 1) == {"error": 0.5, "probability": 0.5, "both": 0.25}
    assert _shares(maps, truth, 0.5) == {"error": 0, "probability": 0.5, "both": 0}


def test_normal_pixels_that_a_run_marks(tmp_path):
    data = training_set()
    table = write_test_images(tmp_path, data)
    recipe = Recipe(model="aexad_probe", encoder="test_resnet.r160_in1k", weights="none", epochs=20)
    model = build_model(recipe, SIZE, 0)
    train(model, data, CPU)
    save_model(model, tmp_path / "run/model.safetensors")
    shares = false_marks(tmp_path / "run", table, tmp_path, None, SIZE)
    assert list(shares["recall"]) == list(RECALLS)
    assert (shares["both"] <= shares[["error", "probability"]].min(axis=1)).all()
    assert (shares["probability"] < 0.2).all()
    figure = false_marks_figure(shares.assign(category="spots"), RECALLS[0])
    points = [line.get_ydata()[0] for line in figure.axes[0].lines]
    assert points == (100 * shares.loc[0, list(MAPS)]).to_list()


def write_test_images(tmp_path, data):
    rows = []
    for i, (pixels, mask) in enumerate(zip(data.images, data.masks, strict=True)):
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
        Image.fromarray(mask).save(tmp_path / f"{i}_mask.png")
        defect = "spot" if mask.any() else "good"
        rows.append(
            {
                "role": "test",
                "defect": defect,
                "image": f"{i}.png",
                "mask": f"{i}_mask.png" if mask.any() else "",
                "marks": "bright",
            }
        )
    return pd.DataFrame(rows)


def test_images_are_read_at_the_levels_of_the_data_set(tmp_path):
    table = write_test_images(tmp_path, training_set())
    write_csv(tmp_path / "split.csv", table)
    places = (tmp_path / "run", tmp_path / "probe", tmp_path / "split.csv", tmp_path)
    with pytest.raises(DataError, match="levels 1 to 2"):  # which 8 bits do not have
        trials(*places, None, SIZE, (1, 2))
    with pytest.raises(DataError, match="levels 1 to 2"):
        false_marks(tmp_path / "run", table, tmp_path, None, SIZE, (1, 2))


def test_trials_of_heat_maps_and_their_products(tmp_path):
    data = training_set()
    write_csv(tmp_path / "split.csv", write_test_images(tmp_path, data))
    encoder = {"encoder": "test_resnet.r160_in1k", "weights": "none", "epochs": 20}
    for name, more in (("run", {"on_collapse": "go_on"}), ("probe", {"model": "pixel_probe"})):
        model = build_model(Recipe(**encoder, **more), SIZE, 0)
        train(model, data, CPU)
        save_model(model, tmp_path / name / "model.safetensors")
    places = (tmp_path / "run", tmp_path / "probe", tmp_path / "split.csv", tmp_path)
    means, images = trials(*places, None, SIZE)
    table = means.set_index("heat map")
    by_image = images.groupby("heat map")["xauc"].mean()
    assert by_image[table.index].to_numpy() == pytest.approx(table["xauc"].to_numpy())
    assert len(table) == len(SETTINGS) + 3
    assert table["xauc"].between(0, 1).all()
    assert table.loc["the probe's map", "xauc"] > 0.9
    assert table["image_auroc"].between(0, 1).all()


def test_the_error_is_normalised_by_the_target_of_the_run(tmp_path):
    data = training_set()
    split = write_test_images(tmp_path, data)
    write_csv(tmp_path / "split.csv", split)
    model = trained_with_inverse(tmp_path / "run", data)
    places = (tmp_path / "run", tmp_path / "run", tmp_path / "split.csv", tmp_path)
    table = trials(*places, None, SIZE)[0].set_index("heat map")
    maps = infer(model, split, tmp_path, model.recipe.heat_map, CPU)
    write_npz(tmp_path / "maps.npz", maps)
    places = tmp_path / "maps.npz", tmp_path / "split.csv", tmp_path, tmp_path
    expected = evaluate_run(*places, "model")["metrics"]["pixel_ap"]["value"]
    assert table.loc["mean extent (the paper's)", "pixel_ap"] == pytest.approx(expected, abs=1e-6)


def test_false_marks_are_counted_with_the_target_of_the_run(tmp_path):
    data = training_set()
    table = write_test_images(tmp_path, data)
    model = trained_with_inverse(tmp_path / "run", data, model="aexad_probe")
    shares = false_marks(tmp_path / "run", table, tmp_path, None, SIZE)
    seen = torch.from_numpy(data.images).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        output = model.network.eval()(seen)
    settings = HeatMap(filter="none", score="max", target="inverse")
    error = heat_maps(seen, output[:, :3], settings).heat_map
    for recall, share in zip(shares["recall"], shares["error"], strict=True):
        level = np.quantile(error[data.masks], 1 - recall)
        assert share == pytest.approx((error[~data.masks] >= level).mean())
