"""Images of 16 bits: the levels that become black and white."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from aexad.app.fit import choose_images
from aexad.app.photographs import as_photograph
from aexad.config.catalogue import Dataset
from aexad.config.recipe import Recipe
from aexad.data.augment import augment
from aexad.data.images import level_range, load_image, lost_levels
from aexad.data.index import build_index
from aexad.data.split import split
from aexad.data.validate import range_warnings
from aexad.runtime.errors import DataError

AE = Recipe(encoder="test_resnet.r160_in1k", weights="none", loss="mse")


def write(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(values, np.uint16)).save(path)
    return path


@pytest.fixture
def thermal(tmp_path):
    """Eight good images between the levels 51,000 and 52,000."""
    rng = np.random.default_rng(0)
    for i in range(8):
        values = rng.integers(51_000, 52_000, (64, 64))
        values[0, :2] = 51_000, 52_000
        write(tmp_path / f"good/{i}.png", values)
    return tmp_path / "good"


def test_levels_become_black_and_white_and_others_are_clipped(tmp_path):
    path = write(tmp_path / "a.png", [[100, 200, 300], [150, 50, 400]])
    assert load_image(path)[..., 0].tolist() == [[0, 1, 1], [1, 0, 2]]
    read = load_image(path, levels=(100, 300))
    assert read[..., 0].tolist() == [[0, 128, 255], [64, 0, 255]]
    assert (read == as_photograph(np.asarray(Image.open(path)), (100, 300))).all()
    assert level_range([path]) == (50, 400)
    assert (lost_levels(path), lost_levels(path, (50, 400))) == ((6, 3), (6, 6))


def test_white_that_is_stored_as_zero_is_turned_before_the_levels(tmp_path):
    values = np.array([[100, 200], [300, 400]], np.uint16)
    Image.fromarray(65535 - values).save(tmp_path / "a.tif", tiffinfo={262: 0})
    assert level_range([tmp_path / "a.tif"]) == (100, 400)
    assert load_image(tmp_path / "a.tif", levels=(100, 400))[..., 0].tolist() == [
        [0, 85],
        [170, 255],
    ]


def png(path, values):
    """Write uint16 [H, W, C]: grey and transparency, RGB, or RGBA; Pillow cannot."""

    def chunk(kind, data):
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    height, width, channels = values.shape
    colour = {2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.tobytes() for row in values.astype(">u2"))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    return path


COLOURS = np.random.default_rng(0).integers(0, 4096, (24, 30, 3)).astype(np.uint16)
OPAQUE = np.full((24, 30, 1), 65535, np.uint16)


@pytest.mark.parametrize(
    "options",
    [{}, {"byteorder": ">"}, {"compression": "zlib", "predictor": True}, {"tile": (16, 16)}],
    ids=["plain", "big endian", "zlib", "tiles"],
)
@pytest.mark.parametrize("alpha", [False, True])
def test_colours_of_16_bits_have_levels_too(tmp_path, options, alpha):
    values = np.concatenate([COLOURS, OPAQUE], axis=2) if alpha else COLOURS
    more = {"extrasamples": ["unassalpha"]} if alpha else {}
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", **options, **more)
    for path in (tmp_path / "a.tif", png(tmp_path / "a.png", values)):
        assert (load_image(path) == COLOURS >> 8).all()
        read = load_image(path, levels=(0, 4095))
        assert (read == as_photograph(COLOURS, (0, 4095))).all()
        assert level_range([path]) == (COLOURS.min(), COLOURS.max())
        (text,) = range_warnings(path)
        assert "17 are left at 8 bits, so nearly all contrast is lost; set 'levels'" in text
        assert range_warnings(path, (0, 4095)) == []


def test_grey_of_16_bits_with_transparency_has_levels_too(tmp_path):
    values = np.concatenate([COLOURS[..., :1], OPAQUE], axis=2)
    values[0, 0, 1] = 0
    read = load_image(png(tmp_path / "a.png", values), levels=(0, 4095))
    assert read[0, 0].tolist() == [255, 255, 255]
    assert (read[1:] == as_photograph(COLOURS[1:, :, 0], (0, 4095))).all()


def test_signed_bytes_which_pillow_reads_wrong_are_refused(tmp_path):
    path = tmp_path / "signed.tif"
    tifffile.imwrite(path, np.arange(-8, 8, dtype=np.int8).reshape(4, 4))
    with pytest.raises(DataError, match=r"signed\.tif: its numbers of 8 bits have a sign"):
        load_image(path, 4)


def test_planes_of_16_bits_which_pillow_reads_wrong_are_refused(tmp_path):
    path, planes = tmp_path / "a.tif", np.ascontiguousarray(COLOURS.transpose(2, 0, 1))
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate")
    with pytest.raises(DataError, match=r"a\.tif: stores each colour of 16 bits as a plane"):
        load_image(path)


def test_an_image_of_8_bits_under_levels_is_refused(tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    with pytest.raises(
        DataError, match="is read with 8 bits, and the levels 1 to 2 are of 16 bits"
    ):
        load_image(tmp_path / "a.png", levels=(1, 2))
    assert level_range([tmp_path / "a.png"]) is None


def test_fit_finds_the_levels_of_good_images_that_would_be_flat(thermal, caplog):
    images = choose_images(thermal, AE)
    assert images.levels == (50_500, 52_500)
    assert "contrast is lost" not in caplog.text
    assert choose_images(thermal, AE, levels=(0, 60_000)).levels == (0, 60_000)
    assert "contrast is lost" in caplog.text


def test_fit_leaves_images_alone_that_keep_their_contrast(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(8):
        write(tmp_path / f"good/{i}.png", rng.integers(0, 65_536, (64, 64)))
    assert choose_images(tmp_path / "good", AE).levels is None


def test_the_catalogues_levels_are_those_of_index_and_training(thermal, tmp_path):
    for i in range(3):
        write(tmp_path / f"data/x/test/hot/{i}.png", np.full((64, 64), 51_500 + i))
        mask = np.zeros((64, 64), np.uint8)
        mask[10:20, 10:20] = 255
        (tmp_path / "data/x/ground_truth/hot").mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(tmp_path / f"data/x/ground_truth/hot/{i}.png")
    (tmp_path / "data/x/train").mkdir(parents=True)
    thermal.rename(tmp_path / "data/x/train/good")
    write(tmp_path / "data/x/test/good/0.png", np.full((64, 64), 51_500))
    settings = {"title": "T", "adaptor": "mvtec_layout", "size": 64, "labelled": 1}
    plain = Dataset.model_validate(settings)
    index = build_index(tmp_path / "data", "t", plain)
    assert any("of 16 bits (51" in text for text in index.attrs["warnings"])
    dataset = Dataset.model_validate(settings | {"levels": [51_000, 52_000]})
    index = build_index(tmp_path / "data", "t", dataset)
    assert index.attrs["warnings"] == []
    table = split(index, dataset, "x", "standard", 0)
    made = augment(table, tmp_path / "data", 64, "standard", 0, levels=dataset.levels)
    normals = made["images"][made["weight"] == 1][:8]
    assert (normals.min(), normals.max()) == (0, 255)
    assert set(np.unique(made["images"][made["weight"] == 5])) <= {127, 128}


def test_levels_that_do_not_ascend_are_refused():
    with pytest.raises(ValueError, match="300 is not below 100"):
        Dataset(title="T", adaptor="mvtec_layout", levels=(300, 100))
