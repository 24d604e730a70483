"""Photographs and masks of every kind are read correctly or refused in one line."""

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aexad.data.image_files import check_image, image_size, is_image
from aexad.data.images import load_image
from aexad.data.masks import load_mask
from aexad.runtime.errors import DataError

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (6, 9, 3), np.uint8)
GREYS = RNG.integers(0, 256, (6, 9), np.uint8)


def saved(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.mark.parametrize("ending", ["png", "PNG", "bmp", "tif", "TIFF"])
def test_colours_come_back_unchanged(tmp_path: Path, ending: str) -> None:
    image = load_image(saved(tmp_path / f"a.{ending}", COLOURS))
    assert image.dtype == np.uint8
    assert image.flags.writeable
    np.testing.assert_array_equal(image, COLOURS)


@pytest.mark.parametrize("ending", ["jpg", "JPEG"])
def test_jpeg_is_read_within_its_loss(tmp_path: Path, ending: str) -> None:
    smooth = np.repeat(np.arange(0, 240, 10, dtype=np.uint8)[:, None], 24, axis=1)
    image = load_image(saved(tmp_path / f"a.{ending}", smooth, quality=95))
    assert np.abs(image.astype(int) - smooth[..., None]).max() <= 4


def test_greyscale_becomes_three_equal_channels(tmp_path: Path) -> None:
    image = load_image(saved(tmp_path / "a.png", GREYS))
    np.testing.assert_array_equal(image, np.repeat(GREYS[..., None], 3, axis=2))


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_16_bits_are_scaled_by_the_range_of_their_type(tmp_path: Path, ending: str) -> None:
    levels = np.array([[0, 128, 129, 257, 12_850, 65_278, 65_535]], np.uint16)
    image = load_image(saved(tmp_path / f"a.{ending}", levels))
    assert image[0, :, 0].tolist() == [0, 0, 1, 1, 50, 254, 255]


def test_16_bits_big_endian(tmp_path: Path) -> None:
    levels = np.array([[0, 257, 65_535]], ">u2")
    header = b"MM\x00*\x00\x00\x00\x08"
    tags = [(256, 3), (257, 1), (258, 16), (262, 1), (273, 8 + 2 + 12 * 8 + 4), (277, 1)]
    tags += [(278, 1), (279, 6)]
    entries = b"".join(struct.pack(">HHII", tag, 4, 1, value) for tag, value in tags)
    directory = struct.pack(">H", len(tags)) + entries + bytes(4)
    path = tmp_path / "a.tif"
    path.write_bytes(header + directory + levels.tobytes())
    assert load_image(path)[0, :, 0].tolist() == [0, 1, 255]


def test_16_bits_per_channel(tmp_path: Path) -> None:
    """Pillow cannot write such a PNG; this one is made by hand."""
    row = np.array([[0, 257, 65_535], [32_896, 12_850, 0]], ">u2")

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    path = tmp_path / "a.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"\0" + row.tobytes()))
        + chunk(b"IEND", b"")
    )
    assert load_image(path).tolist() == [[[0, 1, 255], [128, 50, 0]]]


def test_transparency_shows_a_white_background(tmp_path: Path) -> None:
    pixels = np.array([[[200, 0, 0, 255], [200, 0, 0, 0], [0, 0, 0, 51]]], np.uint8)
    image = load_image(saved(tmp_path / "a.png", pixels))
    assert image.tolist() == [[[200, 0, 0], [255, 255, 255], [204, 204, 204]]]
    grey = load_image(saved(tmp_path / "b.png", np.array([[[7, 255], [7, 0]]], np.uint8)))
    assert grey[0, :, 0].tolist() == [7, 255]


def test_a_palette(tmp_path: Path) -> None:
    palette = Image.fromarray(np.array([[0, 1]], np.uint8), mode="P")
    palette.putpalette([10, 20, 30, 200, 100, 0])
    palette.save(tmp_path / "p.png")
    assert load_image(tmp_path / "p.png").tolist() == [[[10, 20, 30], [200, 100, 0]]]


def test_one_bit(tmp_path: Path) -> None:
    saved(tmp_path / "b.png", np.array([[True, False]]))
    assert load_image(tmp_path / "b.png")[0, :, 0].tolist() == [255, 0]


@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_cmyk(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"c.{ending}"
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(path, quality=100)
    check_image(path)
    assert np.abs(load_image(path)[4, 4] - np.array([255, 0, 0])).max() <= 2


def test_a_single_pixel(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", np.array([[[10, 20, 30]]], np.uint8))
    assert check_image(path) == (1, 1)
    image = load_image(path, 32)
    assert image.shape == (32, 32, 3)
    assert (image == [10, 20, 30]).all()
    assert load_mask(saved(tmp_path / "m.png", np.array([[255]], np.uint8)), 32).all()


def test_an_image_of_400_million_pixels_is_refused(tmp_path: Path) -> None:
    """50 KB on the disk, 1.2 GB when decoded: refused by its header."""
    path = tmp_path / "bomb.png"
    Image.new("1", (20_000, 20_000)).save(path, compress_level=1)
    for load in (load_image, load_mask, check_image, image_size):
        with pytest.raises(DataError, match=r"bomb\.png: more than 89 million pixels; scale it"):
            load(path)


def test_resize_is_antialiased_and_square(tmp_path: Path) -> None:
    stripes = np.zeros((64, 128), np.uint8)
    stripes[:, ::2] = 255
    image = load_image(saved(tmp_path / "a.png", stripes), size=16)
    assert image.shape == (16, 16, 3)
    assert np.abs(image.astype(int) - 127).max() <= 6  # without antialias: 0 and 255


@pytest.mark.parametrize("options", [{}, {"compression": "tiff_lzw"}], ids=["plain", "lzw"])
@pytest.mark.parametrize("ending", ["jpg", "png", "tif"])
def test_exif_orientation_rotates_image_mask_and_size(
    tmp_path: Path, ending: str, options: dict[str, str]
) -> None:
    pixels = np.zeros((16, 32), np.uint8)
    pixels[:, :16] = 255  # the left half is bright
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise: the bright half comes to the top
    path = saved(tmp_path / f"a.{ending}", pixels, exif=exif, **options)
    assert image_size(path) == check_image(path) == (32, 16)
    image = load_image(path)
    assert image.shape == (32, 16, 3)
    assert image[:14].min() > 240
    assert image[18:].max() < 15
    mask = load_mask(path, shape=(32, 16))
    assert mask[:14].all()
    assert not mask[18:].any()


def test_image_size_reads_only_the_header(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", np.zeros((300, 400), np.uint8))
    path.write_bytes(path.read_bytes()[:60])
    assert image_size(path) == (300, 400)


def test_mask_is_thresholded_after_a_nearest_resize(tmp_path: Path) -> None:
    levels = np.array([[0, 1, 127, 128, 254, 255]], np.uint8)
    path = saved(tmp_path / "m.png", levels)
    mask = load_mask(path)
    assert mask.dtype == bool
    assert mask[0].tolist() == [False, False, False, True, True, True]
    blocks = np.kron(np.array([[255, 0], [0, 255]]), np.ones((4, 4))).astype(np.uint8)
    small = load_mask(saved(tmp_path / "n.png", blocks), size=4)
    expected = np.kron(np.eye(2), np.ones((2, 2))).astype(bool)
    np.testing.assert_array_equal(small, expected)


@pytest.mark.parametrize(
    ("pixels", "mode"),
    [
        (np.array([[0, 65_535]], np.uint16), None),
        (np.array([[False, True]]), None),
        (np.array([[[0, 0, 0], [255, 0, 0]]], np.uint8), None),
        (np.array([[[0, 0, 0], [0, 0, 255]]], np.uint8), None),
        (np.array([[[255, 255, 255, 0], [255, 255, 255, 255]]], np.uint8), None),
        (np.array([[0, 1]], np.uint8), "P"),
    ],
    ids=["16 bits", "boolean", "red", "blue", "transparent", "palette"],
)
def test_masks_of_all_kinds(tmp_path: Path, pixels: np.ndarray, mode: str | None) -> None:
    image = Image.fromarray(pixels, mode=mode)
    if mode == "P":
        image.putpalette([0, 0, 0, 128, 0, 0])  # the first colour of PASCAL VOC
    image.save(tmp_path / "m.png")
    assert load_mask(tmp_path / "m.png").tolist() == [[False, True]]


def test_a_mask_with_only_dark_labels_is_refused(tmp_path: Path) -> None:
    labels = saved(tmp_path / "m.png", np.array([[0, 1]], np.uint8))
    with pytest.raises(DataError, match=r"m\.png: the brightest pixel of this mask is 1 of 255"):
        load_mask(labels)
    black = saved(tmp_path / "n.png", np.zeros((2, 2), np.uint8))
    assert not load_mask(black).any()


def test_a_mask_of_another_shape_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.png", np.zeros((4, 6), np.uint8))
    assert load_mask(path, shape=(4, 6)).shape == (4, 6)
    with pytest.raises(DataError, match=r"m\.png: the mask is 6x4 pixels and its image 4x6"):
        load_mask(path, shape=(6, 4))


def test_a_normal_image_has_an_empty_mask() -> None:
    assert load_mask(None, size=3).tolist() == np.zeros((3, 3), bool).tolist()
    assert load_mask(None, shape=(2, 5)).shape == (2, 5)
    with pytest.raises(TypeError, match="size"):
        load_mask(None)


def truncated() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (64, 64), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()[:2000]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (truncated(), "damaged or truncated"),
        (b"", "the file is empty"),
        (b"no image, but a text\n", "no image that can be read"),
        (b"GIF89a", "no image that can be read"),
        (b"%!PS-Adobe-3.0 EPSF", "no image that can be read"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "damaged"),
    ],
    ids=["truncated", "empty", "text", "gif", "eps", "zeros"],
)
@pytest.mark.parametrize("load", [load_image, load_mask, check_image])
def test_damaged_files_are_named(tmp_path: Path, load: Any, content: bytes, message: str) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        load(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_missing_folder_and_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="no such file"):
        load_image(tmp_path / "none.png")
    with pytest.raises(DataError, match="cannot be read"):
        load_image(tmp_path)
    path = saved(tmp_path / "big.png", np.zeros((100, 100), np.uint8))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 9_000)  # a warning of Pillow, up to twice that
    with pytest.raises(DataError, match="scale it down"):
        load_image(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4_000)
    with pytest.raises(DataError, match="scale it down"):
        image_size(path)


def test_32_bits_have_no_range(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.tif", np.zeros((2, 2), np.float32))
    for load in (load_image, check_image):
        with pytest.raises(DataError, match="32 bits"):
            load(path)


@pytest.mark.parametrize("most", [65535, 4095])
def test_a_pgm_of_16_bits(tmp_path: Path, most: int) -> None:
    values = np.array([[0, most // 3, most]], ">u2")
    path = tmp_path / "a.pgm"
    path.write_bytes(f"P5\n3 1\n{most}\n".encode() + values.tobytes())
    assert check_image(path) == (1, 3)
    assert load_image(path)[0, :, 0].tolist() == [0, 85, 255]
    assert load_image(path, levels=(0, 65535))[0, :, 0].tolist() == [0, 85, 255]
    assert load_mask(path, marks="any").tolist() == [[False, True, True]]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(path := tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png: cannot be read: it is no regular file"):
        load_image(path)


def test_names_of_images() -> None:
    assert is_image("a/000.PNG")
    assert is_image(Path("b.Tiff"))
    assert not is_image("Thumbs.db")
    assert not is_image(".hidden.png")
    assert not is_image("readme.txt")
