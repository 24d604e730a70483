"""The orientation of a file is one: of its pixels, its size and its mask."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin

from aexad.data.image_files import check_image, image_size, orientation_of
from aexad.data.images import load_image
from aexad.data.masks import load_mask

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
XMP = '<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'


def with_late_chunk(path, kind, data):
    """A PNG with a chunk between its pixels and its end."""
    Image.fromarray(PIXELS).save(path, "PNG")
    content = path.read_bytes()
    chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    path.write_bytes(content[:-12] + chunk + content[-12:])


def late_exif(path):
    exif = Image.Exif()
    exif[0x0112] = 6
    with_late_chunk(path, b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))


def late_xmp(path):
    with_late_chunk(path, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP.encode())


def early_xmp(path):
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP)
    Image.fromarray(PIXELS).save(path, "PNG", pnginfo=text)


def xmp_of_tiff(path, **options):
    tags = [(700, "B", len(XMP), XMP.encode(), True)]
    tifffile.imwrite(path, PIXELS, photometric="rgb", extratags=tags, **options)


def compressed_xmp_of_tiff(path):
    xmp_of_tiff(path, compression="zlib")


def tag_of_tiff(path):
    tags = [(274, "H", 1, 6, True)]
    tifffile.imwrite(path, PIXELS, photometric="rgb", extratags=tags, compression="zlib")


def tag_and_other_xmp_of_tiff(path):
    upright = XMP.replace("6", "1").encode()
    tags = [(274, "H", 1, 6, True), (700, "B", len(upright), upright, True)]
    tifffile.imwrite(path, PIXELS, photometric="rgb", extratags=tags)


@pytest.mark.parametrize(
    "write",
    [
        *(late_exif, late_xmp, early_xmp, xmp_of_tiff, compressed_xmp_of_tiff),
        *(tag_of_tiff, tag_and_other_xmp_of_tiff),
    ],
)
def test_pixels_size_and_mask_are_turned_alike(tmp_path, write):
    write(path := tmp_path / "a")
    assert orientation_of(path) == 6
    assert image_size(path) == check_image(path) == (50, 40)
    np.testing.assert_array_equal(load_image(path), np.rot90(PIXELS, -1))
    assert load_mask(path, shape=(50, 40), marks="any").shape == (50, 40)
