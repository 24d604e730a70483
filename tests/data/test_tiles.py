"""Large images in tiles: geometry, seams, training, and the same model in ONNX."""

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

import aexad
from aexad.app.export import export
from aexad.app.fit import choose_images, fit
from aexad.app.model_file import load_model_file
from aexad.config.recipe import Recipe
from aexad.data.augment import augment
from aexad.data.masks import load_mask
from aexad.data.resize import resized
from aexad.data.tiles import OVERLAP, padded, positions, scaled, scaled_shape, stitched, tiles_of
from aexad.explain.heatmap import binarised
from aexad.explain.inference import infer
from aexad.runtime.errors import DataError

SIZE = 64
AE = Recipe(
    encoder="test_resnet.r160_in1k", weights="none", loss="mse", epochs=2, on_collapse="go_on"
)
PROBE = Recipe(model="pixel_probe", encoder="test_resnet.r160_in1k", weights="none", epochs=20)


@pytest.mark.parametrize("shape", [(64, 64), (64, 100), (150, 331), (80, 65)])
def test_tiles_cover_the_image_and_overlap(shape):
    covers = np.zeros(shape, int)
    corners = positions(shape, SIZE)
    for y, x in corners:
        assert covers[y : y + SIZE, x : x + SIZE].shape == (SIZE, SIZE)
        covers[y : y + SIZE, x : x + SIZE] += 1
    assert covers.min() == 1
    for axis in (0, 1):
        starts = sorted({corner[axis] for corner in corners})
        assert all(np.diff(starts) <= SIZE * (1 - OVERLAP) + 1)


def test_the_scale_keeps_proportions():
    assert scaled_shape((645, 256), 256, SIZE) == (161, SIZE)
    assert scaled_shape((4000, 6000), 1000, 224) == (896, 1344)
    assert scaled_shape((4000, 6000), "whole", 224) == (149, 224)
    assert scaled_shape((645, 256), "whole", SIZE) == (SIZE, 25)
    assert scaled_shape((40, 20), "whole", SIZE) == (SIZE, 32)
    assert scaled_shape((5000, 4), "whole", SIZE) == (SIZE, 1)
    photograph = np.random.default_rng(0).integers(0, 255, (96, 48, 3), dtype=np.uint8)
    assert scaled(photograph, 48, SIZE).shape == (128, SIZE, 3)
    assert scaled(photograph, 48, 48) is photograph
    with pytest.raises(DataError, match="an image of 48x96 pixels is smaller than a tile of 50"):
        scaled_shape((96, 48), 50, SIZE)


def test_what_a_network_leaves_unchanged_is_joined_without_a_seam():
    image = np.random.default_rng(0).integers(0, 255, (150, 331, 3), dtype=np.uint8)
    joined, highest = stitched(image, SIZE, lambda tiles: (tiles, None))
    assert joined == pytest.approx(image.transpose(2, 0, 1) / 255, abs=1e-6)
    assert highest is None
    _, highest = stitched(image, SIZE, lambda tiles: (tiles, tiles.mean(axis=(1, 2, 3))))
    means = [image[y : y + SIZE, x : x + SIZE].mean() / 255 for y, x in positions((150, 331), SIZE)]
    assert highest == pytest.approx(max(means), abs=1e-6)


@pytest.mark.parametrize("shape", [(64, 25), (10, 64), (64, 64)])
def test_a_photograph_in_one_tile_is_padded_by_its_mirror_image_and_cut_again(shape):
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    seen = []

    def run(tiles):
        seen.append(tiles)
        return tiles, None

    joined, _ = stitched(image, SIZE, run)
    assert [tiles.shape for tiles in seen] == [(1, 3, SIZE, SIZE)]
    square = np.rint(seen[0][0].transpose(1, 2, 0) * 255)
    rows, columns = (np.r_[:side, side - 1 : -1 : -1, :side][:SIZE] for side in shape)
    if shape != (10, 64):  # there the mirror image is repeated
        assert (square == image[np.ix_(rows, columns)]).all()
    assert joined == pytest.approx(image.transpose(2, 0, 1) / 255, abs=1e-6)


def test_a_mask_is_padded_as_its_image():
    mask = np.random.default_rng(0).random((64, 25)) > 0.5
    image = np.repeat(mask[..., None], 3, axis=2)
    assert (padded(image, SIZE) == padded(mask, SIZE)[..., None]).all()
    assert (padded(mask, 16) == mask).all()


def test_away_from_seams_the_joined_output_is_that_of_the_whole_image():
    torch.manual_seed(0)
    layers = [
        torch.nn.Conv2d(3, 8, 5, padding=2),
        torch.nn.ReLU(),
        torch.nn.Conv2d(8, 3, 5, padding=2),
    ]
    network = torch.nn.Sequential(*layers)
    reach = 4  # pixels that the output depends on, to each side
    image = np.random.default_rng(1).integers(0, 255, (150, 211, 3), dtype=np.uint8)

    def run(tiles):
        with torch.inference_mode():
            return network(torch.from_numpy(tiles)).numpy(), None

    whole = run(image.transpose(2, 0, 1)[None].astype(np.float32) / 255)[0][0]
    joined, _ = stitched(image, SIZE, run)
    near_seam = np.zeros(image.shape[:2], bool)
    for y, x in positions(image.shape[:2], SIZE):
        edge = np.ones((SIZE, SIZE), bool)
        edge[reach:-reach, reach:-reach] = False
        near_seam[y : y + SIZE, x : x + SIZE] |= edge
    inside = ndimage.binary_erosion(np.ones_like(near_seam), iterations=reach)
    away = inside & ~near_seam
    assert away.mean() > 0.3
    assert np.abs(joined - whole)[:, away].max() < 1e-4
    # At a seam the tile that ends there counts little.
    assert np.abs(joined - whole).max() < 0.5 * np.abs(whole).max()


@pytest.fixture
def wide(tmp_path):
    """Photographs of 96 x 160 pixels; the defect is at the right."""
    rng = np.random.default_rng(0)
    for kind, count in (("good", 8), ("bad", 3)):
        (tmp_path / kind).mkdir()
        for i in range(count):
            pixels = rng.normal(150, 5, (96, 160, 3)).clip(0, 255).astype(np.uint8)
            mask = np.zeros((96, 160), bool)
            if kind == "bad":
                mask[30 + i : 42 + i, 120:140] = True
                pixels[mask] = [20, 30, 40]
                Image.fromarray(mask).save(tmp_path / f"bad/{i}_mask.png")
            Image.fromarray(pixels).save(tmp_path / f"{kind}/{i}.png")
    return tmp_path


def test_tiles_for_training_show_the_defect(wide):
    images = choose_images(wide / "good", PROBE, defects=wide / "bad", size=SIZE, tile=48)
    made = augment(images.trained, images.root, SIZE, "standard", 0, tile=48)
    assert scaled_shape((96, 160), 48, SIZE) == (128, 213)
    assert made["images"].shape[1:] == (SIZE, SIZE, 3)
    anomalous = made["masks"].any(axis=(1, 2))
    assert (~anomalous).sum() == 5 * 15  # three rows of five tiles, of five images
    labelled = made["weight"] == 5
    assert 3 <= labelled.sum() <= 12
    assert anomalous[labelled].all()
    # The defect is dark, the rest bright: masks and pixels of a tile belong together.
    for pixels, mask in zip(made["images"][labelled], made["masks"][labelled], strict=True):
        assert pixels[ndimage.binary_erosion(mask, iterations=2)].mean() < 60
        assert pixels[~ndimage.binary_dilation(mask, iterations=2)].mean() > 130


@pytest.mark.parametrize("marks", ["bright", "bright-nearest"])
def test_masks_for_training_are_those_of_evaluation(tmp_path, marks):
    mask = np.zeros((128, 128), bool)
    mask[20:100, 40] = mask[60:70, 60:80] = True
    Image.fromarray(mask).save(tmp_path / "m.png")
    Image.new("RGB", (128, 128)).save(tmp_path / "a.png")
    row = {"image": "a.png", "mask": "m.png", "role": "labelled", "marks": marks}
    (tile,) = tiles_of(row, tmp_path, "whole", SIZE, 0, None)
    assert (tile.mask == load_mask(tmp_path / "m.png", SIZE, marks=marks)).all()


def test_a_defect_that_no_tile_shows_is_an_error(wide):
    images = choose_images(wide / "good", PROBE, defects=wide / "bad", size=SIZE, tile=48)
    for path in (wide / "bad").glob("*_mask.png"):
        Image.new("1", (160, 96)).save(path)
    with pytest.raises(DataError, match=r"no anomalous pixel is left \(tile 48, size 64\)"):
        augment(images.trained, images.root, SIZE, "standard", 0, tile=48)


@pytest.mark.parametrize("tile", [48, "whole"])
@pytest.mark.parametrize("kind", ["pixel_probe", "aexad_probe"])
def test_the_benchmark_stores_the_maps_of_tiles_at_the_working_size(wide, kind, tile):
    recipe = PROBE.model_copy(update={"model": kind})
    images = choose_images(wide / "good", recipe, defects=wide / "bad", size=SIZE, tile=tile)
    output = wide / "model.safetensors"
    fit(images, "probe", output, torch.device("cpu"), force=True)
    table = images.trained.assign(role="test")
    model, _ = load_model_file(output)
    maps = infer(model, table, images.root, recipe.heat_map, torch.device("cpu"), tile=tile)
    assert ("reconstruction" in maps) == (kind == "aexad_probe")
    assert maps["heat_map"].shape == (len(table), SIZE, SIZE)
    explainer = aexad.load(output)
    for name, heat_map, score in zip(maps["image"], maps["heat_map"], maps["score"], strict=True):
        explained = explainer(images.root / name)
        assert heat_map == pytest.approx(resized(explained.heat_map, (SIZE, SIZE)), abs=1e-5)
        assert score == pytest.approx(explained.score, rel=1e-5)
    assert (maps["binary"] == binarised(maps["heat_map"])).all()


@pytest.mark.parametrize(("tile", "shape"), [(48, (128, 213)), ("whole", (38, 64))])
def test_a_model_of_tiles_finds_the_defect_where_it_is_and_so_does_onnx(wide, tile, shape):
    images = choose_images(wide / "good", PROBE, defects=wide / "bad", size=SIZE, tile=tile)
    output = wide / "model.safetensors"
    card = fit(images, "probe", output, torch.device("cpu"), force=True)
    assert card.tile == tile
    explainer = aexad.load(output)
    explanation = explainer(wide / "bad/1.png")
    assert explanation.heat_map.shape == shape
    assert explanation.mask.shape == (96, 160)
    truth = np.asarray(Image.open(wide / "bad/1_mask.png"))
    heat = np.asarray(Image.fromarray(explanation.heat_map).resize((160, 96)))
    assert heat[truth].mean() > heat[~truth].mean() + 1.5 * heat[~truth].std()
    export(output, wide / "model.onnx")
    other = aexad.load(wide / "model.onnx")(wide / "bad/1.png")
    assert other.heat_map == pytest.approx(explanation.heat_map, abs=1e-4)
    assert other.score == pytest.approx(explanation.score, rel=1e-3)
    if tile != "whole":
        with pytest.raises(DataError, match=r"smaller than a tile of 48; .* with --tile whole"):
            explainer(np.zeros((40, 100, 3), np.uint8))


def test_a_reconstruction_is_joined_too(wide):
    images = choose_images(wide / "good", AE, size=SIZE, tile=80)
    output = wide / "model.safetensors"
    fit(images, "ae", output, torch.device("cpu"))
    explanation = aexad.load(output)(wide / "good/0.png")
    assert explanation.reconstruction.shape == (77, 128, 3)
    assert explanation.heat_map.shape == (77, 128)
    assert np.isfinite(explanation.score)
